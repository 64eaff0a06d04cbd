#include "base/environment.h"

struct str environment_get(const struct environment *env, const char *name)
{
	struct str v = str_c(env->get(env->ctx, name));
	return v.n ? str_trim_text(v) : v;
}

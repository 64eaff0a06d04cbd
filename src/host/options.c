#include "host/options.h"

#include "base/buf.h"

#include <string.h>

static const char *get(void *ctx, const char *name)
{
	const struct options *o = ctx;
	for (size_t i = o->count; i-- > 0;)
		if (strcmp(o->names[i], name) == 0)
			return o->values[i];
	return o->below.get(o->below.ctx, name);
}

struct environment options_environment(struct options *o)
{
	return (struct environment){ get, o };
}

static enum err unknown(struct str argument, const char *const *known, struct fault *f)
{
	char text[400];
	struct buf b = BUF(text);
	for (; *known; known++)
		buf_format(&b, " --%", str_c(*known));
	return fault_set(f, E_CONFIG, 0, "%? There are%", argument, buf_str(&b));
}

/* foo-bar is GATEWAY_FOO_BAR. */
static void put_variable(char out[static OPTION_NAME_MAX], struct str name)
{
	struct buf b = { out, 0, OPTION_NAME_MAX - 1, false };
	buf_put(&b, S("GATEWAY_"));
	for (size_t i = 0; i < name.n; i++)
		buf_put_char(&b, (char)(name.p[i] == '-' ? '_' : name.p[i] - ('a' - 'A')));
	out[b.n] = 0;
}

enum err options_read(struct options *o, char **arguments, const char *const *known, const struct environment *below, struct fault *f)
{
	*o = (struct options){ .below = *below };
	for (; *arguments; arguments++) {
		struct str argument = str_c(*arguments), name, value;
		bool has_value = str_cut(&name, &value, argument, '=');
		size_t i = 0;
		while (known[i] && !(str_starts(name, S("--")) && str_eq(str_skip(name, 2), str_c(known[i]))))
			i++;
		if (!known[i])
			return unknown(name, known, f);
		if (o->count == OPTIONS_MAX)
			return fault_set(f, E_CONFIG, 0, "more than % options", NUM(OPTIONS_MAX));
		if (!has_value && !arguments[1])
			return fault_set(f, E_CONFIG, 0, "% needs a value", name);
		put_variable(o->names[o->count], str_c(known[i]));
		o->values[o->count++] = has_value ? value.p : *++arguments;
	}
	return OK;
}

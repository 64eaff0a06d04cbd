#include "cli/options.h"

#include "aws/names.h"
#include "base/buf.h"
#include "gateway/config.h"

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

static enum err unknown(struct str argument, struct fault *f)
{
	char text[600];
	struct buf b = BUF(text);
	buf_put(&b, S(" --"));
	for (size_t i = 0; i < config_names.n; i++) {
		char c = config_names.p[i];
		if (c == ',')
			buf_put(&b, S(" --"));
		else
			buf_put_char(&b, c == '_' ? '-' : (char)lower((unsigned char)c));
	}
	return fault_set(f, E_CONFIG, 0, "%s? There are%s", argument, buf_str(&b));
}

/* foo-bar is GATEWAY_FOO_BAR. False if there is no such variable. */
static bool put_variable(char out[static OPTION_NAME_MAX], struct str option)
{
	struct buf b = { out, 0, OPTION_NAME_MAX, false };
	buf_put(&b, S("GATEWAY_"));
	for (size_t i = 2; i < option.n; i++) {
		unsigned char c = (unsigned char)option.p[i];
		buf_put_char(&b, (char)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - ('a' - 'A') : '?'));
	}
	bool known = str_starts(option, S("--")) && aws_name_listed(config_names, str_skip(buf_str(&b), 8));
	buf_put_char(&b, 0);
	return known && !b.full;
}

enum err options_read(struct options *o, char **arguments, const struct environment *below, struct fault *f)
{
	*o = (struct options){ .below = *below };
	for (; *arguments; arguments++) {
		struct str name, value;
		bool has_value = str_cut(&name, &value, str_c(*arguments), '=');
		if (o->count == OPTIONS_MAX)
			return fault_set(f, E_CONFIG, 0, "more than %d options", NUM(OPTIONS_MAX));
		if (!put_variable(o->names[o->count], name))
			return unknown(name, f);
		if (!has_value && !arguments[1])
			return fault_set(f, E_CONFIG, 0, "%s needs a value", name);
		o->values[o->count++] = has_value ? value.p : *++arguments;
	}
	return OK;
}

#include "cli/options.h"

#include "aws/names.h"
#include "base/buf.h"
#include "cli/help.h"
#include "codec/nearest.h"
#include "gateway/config.h"

#include <string.h>

static const char *get_option(void *ctx, const char *name)
{
	const struct options *o = ctx;
	for (size_t i = o->count; i-- > 0;)
		if (strcmp(o->names[i], name) == 0)
			return o->values[i];
	return o->below.get(o->below.ctx, name);
}

struct environment options_environment(struct options *o)
{
	return (struct environment){ get_option, o };
}

/* GATEWAY_FOO_BAR, or a part of it, as an option is written: foo-bar. */
static void put_option(struct buf *b, struct str variable)
{
	buf_put(b, S("--"));
	for (size_t i = 0; i < variable.n; i++)
		buf_put_char(b, variable.p[i] == '_' ? '-' : (char)lower((unsigned char)variable.p[i]));
}

static enum err unknown(struct str argument, struct fault *f)
{
	char memory[OPTION_NAME_MAX];
	struct buf option = BUF(memory);
	struct str shown = str_sub(argument, 0, 60);
	if (!str_starts(argument, S("--")))
		return fault_set(f, E_CONFIG, 0,
			"unexpected argument %s; options begin with -- (serve --help lists them)", shown);
	struct str meant = nearest_word(config_names, str_skip(argument, 2));
	if (!meant.n)
		return fault_set(f, E_CONFIG, 0, "unknown option %s (serve --help lists all)", shown);
	put_option(&option, meant);
	return fault_set(f, E_CONFIG, 0, "unknown option %s; did you mean %s? (serve --help lists all)",
		shown, buf_str(&option));
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
	bool known =
		str_starts(option, S("--")) && aws_name_listed(config_names, str_skip(buf_str(&b), 8));
	buf_put_char(&b, 0);
	return known && !b.full;
}

enum err options_read(
	struct options *o, char **arguments, const struct environment *below, struct fault *f)
{
	*o = (struct options){ .below = *below };
	for (; *arguments; arguments++) {
		struct str name, value;
		bool has_value = str_cut(&name, &value, str_c(*arguments), '=');
		if (help_wanted(name)) {
			o->help = true;
			return OK;
		}
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

/* Appends `text` with `name`, where it stands whole, as the option that it came from. */
static void put_with_option(struct buf *out, struct str text, struct str name)
{
	for (;;) {
		size_t at = str_find_str(text, name);
		buf_put(out, str_sub(text, 0, at));
		if (at == text.n)
			return;
		unsigned char next = at + name.n < text.n ? (unsigned char)text.p[at + name.n] : 0;
		if (is_alnum(next) || next == '_')
			buf_put(out, name);
		else
			put_option(out, str_skip(name, 8));
		text = str_skip(text, at + name.n);
	}
}

void options_name(const struct options *o, struct fault *f)
{
	/* That one speaks of variables whatever options there were. */
	if (str_starts(fault_text(f), S("unknown variable ")))
		return;
	for (size_t i = 0; i < o->count; i++) {
		struct fault named = *f;
		struct buf b = BUF(named.text);
		put_with_option(&b, fault_text(f), str_c(o->names[i]));
		named.n = b.n;
		*f = named;
	}
}

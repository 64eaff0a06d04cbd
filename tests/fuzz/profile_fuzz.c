/* A setting put behind a text that passes the check is found, and what was found before still is; what is found are views into
 * the text. Look-ups in a text that does not pass come to an end, too. */
#include "aws/profile.h"

#include <string.h>

enum { MOST = 1 << 12 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_up(struct str text, struct str name, struct str key)
{
	const struct profile_files both = { text, text }, config = { .config = text }, credentials = { .credentials = text };
	struct str first = profile_get(&credentials, name, key), second = profile_get(&config, name, key), any = profile_get(&both, name, key);
	check(any.n == 0 || (any.p >= text.p && any.p + any.n <= text.p + text.n));
	check(str_eq(any, first.n ? first : second));
	check(str_eq(str_trim(any), any));
	check(any.n == 0 || profile_exists(&both, name));
	check(profile_exists(&both, name) == (profile_exists(&config, name) || profile_exists(&credentials, name)));
	struct str inner = profile_service_get(&both, name, key, S("endpoint_url"));
	check(inner.n == 0 || (inner.p >= text.p && inner.p + inner.n <= text.p + text.n));
}

/* A setting put behind everything else is what is found, and everything else stays. */
static void append(struct str text, struct str name, struct str key)
{
	static char memory[2 * MOST];
	struct buf b = BUF(memory);
	const struct profile_files old = { .credentials = text };
	struct str other = profile_get(&old, name, key);
	struct fault f;
	buf_format(&b, "[%s]", name);
	if (profile_check(buf_str(&b), S("it"), &f) != OK)
		return;
	buf_reset(&b);
	buf_format(&b, "%s\n[%s]\nfuzz = value # more\n", text, name);
	const struct profile_files files = { .credentials = buf_str(&b) };
	check(profile_check(files.credentials, S("it"), &f) == OK);
	check(str_eq(profile_get(&files, name, S("fuzz")), S("value")));
	check(str_eq_nocase(key, S("fuzz")) || str_eq(profile_get(&files, name, key), other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data, n < MOST ? n : MOST }, name, key, line;
	struct fault f;
	bool ok = profile_check(text, S("it"), &f) == OK;
	check(ok || f.code == E_CONFIG);
	/* The first two lines lend a section and a key. */
	str_cut(&name, &line, text, '\n');
	str_cut(&key, &line, line, '=');
	name = str_trim_lines(str_sub(name, 1, str_find(name, ']')));
	key = str_trim_lines(key);
	look_up(text, name, key);
	look_up(text, S("default"), S("region"));
	if (ok && name.n && name.p[0] != '"' && name.p[0] != '\'')
		append(text, name, key);
	return 0;
}

/* A section put behind a text whose lines can all be read is what counts, and everything else
 * stays; what is found are views into the text. Look-ups in any text come to an end. */
#include "aws/profile.h"

#include <string.h>

enum { MOST = 1 << 12 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool within(struct str outer, struct str inner)
{
	return inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n);
}

static void look_up(struct str text, struct str name, struct str key)
{
	const struct profile_files both = { .config = text, .credentials = text };
	struct profile p;
	struct fault f;
	size_t first, bad = profile_bad_lines(&first, text);
	profile_find(&p, &both, name);
	struct str any = profile_get(&p, key);
	struct str own = profile_section_get(&p.credentials, key),
			   other = profile_section_get(&p.config, key);
	check(within(text, p.config.body) && within(text, p.credentials.body) && within(text, any));
	check(str_eq(any, own.n ? own : other) && str_eq(str_trim(any), any));
	check(any.n == 0 || profile_exists(&p));
	check(within(text, profile_service_get(&p, key, S("endpoint_url"))));
	check((bad == 0) == (first == 0));
	if (profile_check(&p, &f) != OK)
		check(bad > 0 && f.code == E_FILE);
}

static void append(struct str text, struct str name, struct str key)
{
	static char memory[2 * MOST];
	struct buf b = BUF(memory);
	struct profile p;
	size_t first;
	buf_format(&b, "[%s]\n", name);
	if (profile_bad_lines(&first, buf_str(&b)))
		return;
	buf_reset(&b);
	buf_format(&b, "%s\n[%s]\nfuzz = value # more\n", text, name);
	const struct profile_files files = { .credentials = buf_str(&b) };
	profile_find(&p, &files, name);
	check(profile_check(&p, &(struct fault){ 0 }) == OK);
	check(str_eq(profile_get(&p, S("fuzz")), S("value")));
	check(str_eq_nocase(key, S("fuzz")) || profile_get(&p, key).n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data, n < MOST ? n : MOST }, name, key, line;
	size_t first;
	/* The first two lines lend a section and a key. */
	str_cut(&name, &line, text, '\n');
	str_cut(&key, &line, line, '=');
	name = str_trim_lines(str_sub(name, 1, str_find(name, ']')));
	key = str_trim_lines(key);
	look_up(text, name, key);
	look_up(text, S("default"), S("region"));
	if (profile_bad_lines(&first, text) == 0 && name.n && name.p[0] != '"' && name.p[0] != '\'')
		append(text, name, key);
	return 0;
}

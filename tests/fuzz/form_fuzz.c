/* Any body: what decodes, encoded anew, decodes to the same; every name in it is found; form_check knows beforehand
 * whether all of it decodes. */
#include "codec/form.h"

enum { MOST = 1 << 14 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void round_trip(struct str name, struct str value)
{
	static char memory[4 * MOST], decoded[2 * MOST];
	struct buf b = BUF(memory);
	struct arena a = { decoded, 0, sizeof(decoded) };
	struct str back;
	form_put(&b, name, value);
	check(!b.full && form_check(buf_str(&b)));
	check(form_get(&back, buf_str(&b), name, &a) == OK && back.p && str_eq(back, value));
	buf_reset(&b);
	percent_encode(&b, value, true);
	check(percent_decode(&back, buf_str(&b), &a) == OK && str_eq(back, value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char memory[4 * MOST];
	struct str body = { (const char *)data, n }, name, value, first;
	bool all = true;
	if (n > MOST)
		return 0;
	for (struct str coded, coded_value, rest = body; form_next(&coded, &coded_value, &rest);) {
		struct arena a = { memory, 0, sizeof(memory) };
		enum err e = form_decode(&name, coded, &a), f = form_decode(&value, coded_value, &a);
		check((e == OK || e == E_SYNTAX) && (f == OK || f == E_SYNTAX));
		all = all && e == OK && f == OK;
		if (e != OK)
			continue;
		enum err g = form_get(&first, body, name, &a);
		check((g == OK && first.p) || g == E_SYNTAX);
		if (f == OK)
			round_trip(name, value);
	}
	check(form_check(body) == all);
	return 0;
}

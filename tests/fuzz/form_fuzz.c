/* Any body: what decodes, encoded anew, decodes to the same; form_check knows beforehand
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
	struct str coded_name, coded_value, rest = buf_str(&b);
	check(form_next(&coded_name, &coded_value, &rest));
	check(form_decode(&back, coded_name, &a) == OK && str_eq(back, name));
	check(form_decode(&back, coded_value, &a) == OK && str_eq(back, value));
	buf_reset(&b);
	percent_encode(&b, value, true);
	check(percent_decode(&back, buf_str(&b), &a) == OK && str_eq(back, value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char memory[4 * MOST];
	struct str body = { (const char *)data, n }, name, value;
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
		if (f == OK)
			round_trip(name, value);
	}
	check(form_check(body) == all);
	return 0;
}

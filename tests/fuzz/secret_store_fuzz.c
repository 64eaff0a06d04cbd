/* A key, a NUL, and an answer of GetParameter or GetSecretValue. What is read of it stands in the
 * answer or in the memory given; what is not says why, in words that hold nothing of it. */
#include "aws/secret_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char memory[1 << 15];

static bool within(struct str outer, struct str inner)
{
	return inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct fault f = { 0 };
	struct str key, answer, out;
	if (n > 1 << 14)
		return 0;
	str_cut(&key, &answer, (struct str){ (const char *)data, n }, '\0');
	enum err e = secret_store_read(&out, answer, key, &a, &f);
	check(e == OK || (f.code == e && f.n));
	if (e == OK)
		check(within(answer, out) || within((struct str){ memory, sizeof(memory) }, out));
	else
		check(str_starts(fault_text(&f), S("the answer ")) ||
			str_starts(fault_text(&f), S("it is ")));
	return 0;
}

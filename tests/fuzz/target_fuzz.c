/* Three lines: stage, base path, path. A path that names a function is made of nothing but what may stand in a
 * host name and in a segment, and means the same when it is written in any other way. */
#include "codec/form.h"
#include "gateway/pattern.h"
#include "gateway/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_bytes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		check(is_alnum((unsigned char)s.p[i]) || str_find(S("-_.:$"), s.p[i]) < 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char memory[1 << 18];
	struct arena a = { memory, 0, sizeof(memory) };
	struct str stage, base_path, path = { (const char *)data, n }, shown = { 0 }, shown_again = { 0 };
	struct target t, again;
	if (n > sizeof(memory) / 8)
		return 0;
	str_cut(&stage, &path, path, '\n');
	str_cut(&base_path, &path, path, '\n');
	if (target_from_path(&t, &shown, path, stage, base_path, &a) != OK) {
		check(shown.n <= path.n);
		return 0;
	}
	check(target_ok(&t));
	check_bytes(t.region);
	check_bytes(t.function);
	check(str_find(t.region, '.') == t.region.n && str_find(t.region, ':') == t.region.n);
	check(str_eq(shown, t.name) && allow_matches(S("*/*"), t.name) && allow_matches(t.name, t.name));

	struct buf b = arena_rest(&a);
	buf_put(&b, S("/"));
	percent_encode(&b, t.region, false);
	buf_put(&b, S("/"));
	percent_encode(&b, t.function, false);
	check(target_from_path(&again, &shown_again, arena_keep(&a, &b), S(""), S(""), &a) == OK);
	check(str_eq(again.region, t.region) && str_eq(again.function, t.function) && str_eq(again.name, t.name));
	return 0;
}

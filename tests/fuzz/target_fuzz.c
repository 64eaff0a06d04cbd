/* Three lines: stage, base path, path. A path that names a function is made of nothing but what may
 * stand in a host name and in a segment, and means the same when it is written in any other way. */
#include "aws/names.h"
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
	struct str stage, base_path, path = { (const char *)data, n };
	struct target t, again;
	struct request_path readings;
	if (n > sizeof(memory) / 8)
		return 0;
	str_cut(&stage, &path, path, '\n');
	str_cut(&base_path, &path, path, '\n');
	request_path_read(&readings, path, stage, base_path, &a);
	check(readings.count > 0 && readings.count <= PATH_READINGS_MAX);
	check(request_path_shown(&readings).n <= path.n);
	if (target_from_path(&t, &readings, &a) != OK)
		return 0;
	check(target_ok(&t));
	check_bytes(t.region);
	check_bytes(t.function);
	check(str_find(t.region, '.') == t.region.n && str_find(t.region, ':') == t.region.n);
	check(str_eq(readings.decoded[0], t.name) || str_eq(request_path_shown(&readings), t.name));
	check(allow_matches(S("*/*"), t.name) == (aws_account(t.function).n == 0) &&
		allow_matches(t.name, t.name));

	struct buf b = arena_rest(&a);
	buf_put(&b, S("/"));
	percent_encode(&b, t.region, false);
	buf_put(&b, S("/"));
	percent_encode(&b, t.function, false);
	request_path_read(&readings, arena_keep(&a, &b), S(""), S(""), &a);
	check(target_from_path(&again, &readings, &a) == OK);
	check(str_eq(again.region, t.region) && str_eq(again.function, t.function) &&
		str_eq(again.name, t.name));
	return 0;
}

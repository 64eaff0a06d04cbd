/* An endpoint that was read from a URL makes a URL again, which reads the same; nothing in it can
 * break out of a request line or a Host field. */
#include "aws/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_visible(struct str s, struct str forbidden)
{
	for (size_t i = 0; i < s.n; i++) {
		check(s.p[i] > ' ' && s.p[i] < 0x7f);
		check(str_find(forbidden, s.p[i]) == forbidden.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct endpoint e, again;
	struct fault f;
	if (endpoint_from_url(&e, (struct str){ (const char *)data, size }, &f) != OK) {
		check(f.code == E_CONFIG && f.n > 0);
		return 0;
	}
	check(e.host.n > 0 && e.port > 0);
	check_visible(e.host, S("/@?#%[]\\\"<>"));
	check_visible(e.authority, S("/@?#%\\\"<>"));
	check_visible(e.base_path, S("?#\\\"<>"));
	check(e.base_path.n == 0 || (e.base_path.p[0] == '/' && !str_ends(e.base_path, S("/"))));

	char memory[ENDPOINT_URL_MAX + 8];
	struct buf url = BUF(memory);
	buf_format(&url, "%s%s%s", e.secure ? S("https://") : S("http://"), e.authority, e.base_path);
	check(endpoint_from_url(&again, buf_str(&url), &f) == OK);
	check(again.secure == e.secure && again.port == e.port);
	check(str_eq(again.host, e.host) && str_eq(again.authority, e.authority) &&
		str_eq(again.base_path, e.base_path));
	return 0;
}

/* The canonical request keeps its form, whatever path, query and header value it is made of: six
 * lines and the headers, a path without empty and dot segments, pairs in order. Input: path, query
 * and value, a line each. */
#include "aws/sigv4.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path)
{
	struct str segment;
	check(str_starts(path, S("/")));
	path = str_skip(path, 1);
	while (str_cut(&segment, &path, path, '/'))
		check(segment.n > 0 && !str_eq(segment, S(".")) && !str_eq(segment, S("..")));
	check(!str_eq(segment, S(".")) && !str_eq(segment, S("..")));
	for (size_t i = 0; i < segment.n; i++)
		check(is_alnum((unsigned char)segment.p[i]) || strchr("-_.~%", segment.p[i]));
}

static void check_query(struct str query)
{
	struct str pair, name, value, last = S("");
	while (query.n) {
		str_cut(&pair, &query, query, '&');
		check(str_cut(&name, &value, pair, '='));
		size_t n = last.n < name.n ? last.n : name.n;
		int order = n ? memcmp(last.p, name.p, n) : 0;
		check(order < 0 || (order == 0 && last.n <= name.n));
		last = name;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path, query, value, rest = { (const char *)data, size };
	str_cut(&path, &rest, rest, '\n');
	str_cut(&query, &rest, rest, '\n');
	str_cut(&value, &rest, rest, '\n');
	struct http_field headers[] = { { S("x-b"), value }, { S("host"), S("h") },
		{ S("x-a"), S("a") }, { S("x-b"), S("b") } };
	struct sigv4_request req = { S("POST"), path, query, headers, 4, { 0 } };
	char memory[4096];
	struct buf out = BUF(memory);
	sigv4_canonical(&out, &req);
	if (out.full)
		return 0;
	struct str lines[9];
	rest = buf_str(&out);
	for (size_t i = 0; i < countof(lines); i++)
		check(str_cut(&lines[i], &rest, rest, '\n') == (i < 8));
	check(str_eq(lines[0], S("POST")));
	check_path(lines[1]);
	check_query(lines[2]);
	check(str_eq(lines[3], S("host:h")) && str_eq(lines[4], S("x-a:a")));
	check(str_starts(lines[5], S("x-b:")) && str_ends(lines[5], S(",b")) &&
		str_find_str(lines[5], S("  ")) == lines[5].n);
	check(lines[6].n == 0 && str_eq(lines[7], S("host;x-a;x-b")) && lines[8].n == 64);
	return 0;
}

/* Any text: a wrong byte is wrong whatever follows it. A right text, walked and written anew, is
 * right again, and written once more stays as it is; names are found under which they stand. */
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

enum { MOST = 1 << 16 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char memory[MOST];

static struct str content(struct json v)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct str s;
	check(json_string(&s, v, &a) == OK && utf8_check(s) == s.n && json_is(v, s));
	return s;
}

static void rewrite(struct json_writer *w, struct json v)
{
	enum json_type type = json_type(v);
	int64_t number;
	if (type == JSON_STRING) {
		json_put_string(w, content(v));
	} else if (json_int(&number, v) && !str_eq(v.text, S("-0"))) {
		json_put_int(w, number);
	} else if (type != JSON_ARRAY && type != JSON_OBJECT) {
		json_put_raw(w, v.text);
	} else {
		json_open(w, v.text.p[0]);
		for (struct json_walk walk = json_walk(v); json_next(&walk);) {
			if (type == JSON_OBJECT) {
				struct str name = content(walk.key);
				check(json_member(v, name).text.p >= walk.value.text.p);
				json_key(w, name);
			}
			rewrite(w, walk.value);
		}
		json_close(w, v.text.p[v.text.n - 1]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char first[MOST], second[MOST];
	struct buf a = BUF(first), b = BUF(second);
	struct json_writer to_a = json_writer(&a), to_b = json_writer(&b);
	struct str text = { (const char *)data, n };
	struct json v;
	size_t at, again;
	if (n > MOST / 8)
		return 0;
	if (json_check(&v, &at, text) != OK) {
		check(at <= n && (json_check(&v, &again, str_sub(text, 0, at)) == OK || again == at));
		return 0;
	}
	rewrite(&to_a, v);
	check(!a.full && json_check(&v, &at, buf_str(&a)) == OK && at == a.n);
	rewrite(&to_b, v);
	check(str_eq(buf_str(&a), buf_str(&b)));
	return 0;
}

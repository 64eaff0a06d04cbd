#include "codec/json_write.h"

#include "codec/json_plain.h"
#include "codec/utf8.h"

struct json_writer json_writer(struct buf *out)
{
	return (struct json_writer){ out, false };
}

static void separate(struct json_writer *w)
{
	if (w->comma)
		buf_put_char(w->out, ',');
	w->comma = true;
}

static void put_escape(struct buf *b, unsigned char c)
{
	static const char digits[] = "0123456789abcdef", letters[] = "btn\0fr";
	if (c == '"' || c == '\\')
		buf_format(b, "\\%s", (struct str){ (const char *)&c, 1 });
	else if (c >= '\b' && c <= '\r' && c != '\v')
		buf_format(b, "\\%s", (struct str){ letters + (c - '\b'), 1 });
	else
		buf_format(b, "\\u00%s%s", (struct str){ digits + (c >> 4), 1 },
			(struct str){ digits + (c & 15), 1 });
}

void json_open_string(struct json_writer *w)
{
	separate(w);
	buf_put_char(w->out, '"');
}

void json_put_piece(struct json_writer *w, struct str s)
{
	for (;;) {
		size_t n = json_plain(s);
		buf_put(w->out, str_sub(s, 0, n));
		s = str_skip(s, n);
		if (s.n == 0)
			return;
		if ((unsigned char)s.p[0] < 0x80) {
			put_escape(w->out, (unsigned char)s.p[0]);
			n = 1;
		} else if ((n = utf8_sequence(s)) > 0) {
			buf_put(w->out, str_sub(s, 0, n));
		} else {
			/* One replacement for each beginning of a sequence that was cut off, as browsers do. */
			utf8_put(w->out, 0xfffd);
			n = utf8_prefix(s);
			n += n == 0;
		}
		s = str_skip(s, n);
	}
}

void json_close_string(struct json_writer *w)
{
	buf_put_char(w->out, '"');
}

void json_put_string(struct json_writer *w, struct str s)
{
	json_open_string(w);
	json_put_piece(w, s);
	json_close_string(w);
}

void json_put_raw(struct json_writer *w, struct str text)
{
	separate(w);
	buf_put(w->out, text);
}

void json_put_int(struct json_writer *w, int64_t v)
{
	char scratch[24];
	json_put_raw(w, str_of_int(scratch, v));
}

void json_put_bool(struct json_writer *w, bool v)
{
	json_put_raw(w, v ? S("true") : S("false"));
}

void json_open(struct json_writer *w, char bracket)
{
	separate(w);
	buf_put_char(w->out, bracket);
	w->comma = false;
}

void json_close(struct json_writer *w, char bracket)
{
	buf_put_char(w->out, bracket);
	w->comma = true;
}

void json_key(struct json_writer *w, struct str name)
{
	json_put_string(w, name);
	buf_put_char(w->out, ':');
	w->comma = false;
}

void json_field(struct json_writer *w, struct str name, struct str value)
{
	json_key(w, name);
	json_put_string(w, value);
}

void json_put_fields(struct json_writer *w, const char *names, struct arguments arguments)
{
	struct str name, rest = str_c(names);
	for (size_t i = 0; i < arguments.count; i++) {
		struct str value = arguments.list[i];
		str_next(&name, &rest, ' ');
		check(name.n);
		json_key(w, name);
		if (is_num(value))
			json_put_int(w, num_value(value));
		else
			json_put_string(w, value);
	}
	check(!rest.n);
}

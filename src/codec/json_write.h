/* json_write.h - writes JSON (RFC 8259) into a builder.
 *
 * Commas and colons are the writer's business:
 *     struct json_writer w = json_writer(&b);
 *     json_open(&w, '{');
 *     json_key(&w, S("text")); json_put_string(&w, text);
 *     json_close(&w, '}');
 *
 * Overflow shows in the builder's `full`. Otherwise the output is valid JSON if calls nest
 * properly, whatever bytes the strings hold: ill-formed UTF-8 comes out as U+FFFD. Control bytes,
 * '"' and '\\' are escaped; U+2028, U+2029 and '/' are not. */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include "base/buf.h"

struct json_writer {
	struct buf *out;
	bool comma; /* the next value or key at this level needs one before it */
};

struct json_writer json_writer(struct buf *out);

/* Opens or closes an object or array; `bracket` is one of {[ and ]}. */
void json_open(struct json_writer *w, char bracket);
void json_close(struct json_writer *w, char bracket);

void json_key(struct json_writer *w, struct str name);
void json_put_string(struct json_writer *w, struct str s);
void json_put_int(struct json_writer *w, int64_t v);
void json_put_bool(struct json_writer *w, bool v);

/* Appends `text`, which must itself be one valid JSON value. */
void json_put_raw(struct json_writer *w, struct str text);

/* A key with a string. */
void json_field(struct json_writer *w, struct str name, struct str value);

/* Keys with strings and numbers: `names` has blanks between them, and as many arguments follow. */
#define json_fields(w, ...)                                                                        \
	json_put_fields((w), FORMAT(__VA_ARGS__, ), ARGUMENTS(__VA_ARGS__, NO_STR))
void json_put_fields(struct json_writer *w, const char *names, struct arguments arguments);

/* A string in pieces, none of which may end within a UTF-8 sequence. */
void json_open_string(struct json_writer *w);
void json_put_piece(struct json_writer *w, struct str s);
void json_close_string(struct json_writer *w);

#endif

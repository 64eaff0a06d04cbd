/* buf.h - a builder over memory the caller owns.
 *
 * Appending never fails visibly: what does not fit is dropped and `full` stays set, so that a whole
 * message is built first and asked about once. Nothing is ever written past `cap`. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap;
	bool full; /* sticky: something did not fit; the contents are then incomplete */
};

/* A builder over the char array `array` (an array, not a pointer). */
#define BUF(array) ((struct buf){ (array), 0, sizeof(array), false })

void buf_put(struct buf *b, struct str s);
void buf_put_char(struct buf *b, char c);

/* The arguments behind a format: texts, and numbers as NUM(). */
struct arguments {
	const struct str *list;
	size_t count;
};

/* Appends `format`: buf_format(&b, "GET %s HTTP/1.%d\r\n", path, NUM(1)). %s takes the next
 * argument as a text, %d takes it as a NUM() in decimal form, %% is a percent sign. A format that
 * does not fit its arguments, in number or in kind, is a bug and traps; scripts/format-check finds
 * most before that. */
#define buf_format(b, ...) \
	buf_put_format((b), FORMAT(__VA_ARGS__, ), ARGUMENTS(__VA_ARGS__, NO_STR))
void buf_put_format(struct buf *b, const char *format, struct arguments arguments);

/* A number of any integer type, as an argument of a format, LOG or json_fields, and for nothing
 * else. It is not a text: it is a view of an int64_t that lives as long as the enclosing block,
 * with a length that no text has. DIGITS in base/str.h makes a text. */
#define NUM(v) ((struct str){ (const char *)&(const int64_t){ (int64_t)(v) }, NUM_LENGTH })
#define NUM_LENGTH SIZE_MAX
static inline bool is_num(struct str argument) { return argument.n == NUM_LENGTH; }
static inline int64_t num_value(struct str argument)
{
	return *(const int64_t *)(const void *)argument.p;
}

/* What the macros that take formats make of their arguments: FORMAT(__VA_ARGS__, ) is the format,
 * ARGUMENTS(__VA_ARGS__, NO_STR) the rest. The last item keeps the list from being empty and is not
 * counted; zeros take less code than "". Anything but a struct str does not compile. */
#define NO_STR ((struct str){ 0 })
#define FORMAT(format, ...) (format)
#define ARGUMENTS(format, ...)                                                                     \
	((struct arguments){                                                                           \
		(const struct str[]){ __VA_ARGS__ }, countof(((const struct str[]){ __VA_ARGS__ })) - 1 })

/* The contents so far; valid until the memory behind the builder changes. */
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p, b->n }; }

/* Empties it and forgets `full`. */
static inline void buf_reset(struct buf *b) { b->n = 0, b->full = false; }

#endif

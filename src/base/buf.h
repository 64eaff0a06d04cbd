/* buf.h - a builder over memory the caller owns.
 *
 * Appending never fails visibly: what does not fit is dropped and `full` stays set, so that a whole
 * message is built first and asked about once. Nothing is ever written past `cap`. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
	char *p;
	size_t n, cap;
	bool full; /* sticky: something did not fit; the contents are then incomplete */
};

/* A builder over the char array `array` (an array, not a pointer). */
#define BUF(array) ((struct buf){ (array), 0, sizeof(array), false })

void buf_put(struct buf *b, struct str s);
void buf_put_char(struct buf *b, char c);

/* Appends `format` with each '%' in it replaced by the next argument, a struct str or NUM(of any integer type):
 * buf_format(&b, "GET % HTTP/1.%\r\n", path, NUM(1)). Their number must be the same. A text in one piece with its
 * holes takes a fraction of the code that its pieces in a row would. */
#define buf_format(b, ...) (CHECK_STRS(__VA_ARGS__, S("")), buf_put_format((b), __VA_ARGS__))
void buf_put_format(struct buf *b, const char *format, ...);
void buf_put_arguments(struct buf *b, const char *format, va_list arguments);

/* A number as an argument of buf_format, fault_set, LOG or json_fields, and of nothing else: it is no text yet, and its
 * pointer a mark. See DIGITS in base/str.h for a text. */
#define NUM(v) ((struct str){ NUM_MARK, (size_t)(int64_t)(v) })
#define NUM_MARK ((const char *)1)

/* What an argument puts into its hole: its text, or its number in decimal form, written to `scratch`. */
struct str hole_text(char scratch[static 24], struct str argument);

/* Refuses to compile when one of the arguments behind a format is no struct str. Costs nothing. */
#define CHECK_STRS(format, ...) ((void)sizeof((const struct str[]){ __VA_ARGS__ }))

/* The contents so far; valid until the memory behind the builder changes. */
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p, b->n }; }

/* Empties it and forgets `full`. */
static inline void buf_reset(struct buf *b) { b->n = 0, b->full = false; }

#endif

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

/* Appends all parts in order: buf_add(&b, S("GET "), path, S(" HTTP/1.1\r\n")). */
#define buf_add(b, ...) \
	buf_add_parts((b), (const struct str[]){ __VA_ARGS__ }, sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))
void buf_add_parts(struct buf *b, const struct str *parts, size_t count);

/* The contents so far; valid until the memory behind the builder changes. */
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p, b->n }; }

/* Empties it and forgets `full`. */
static inline void buf_reset(struct buf *b) { b->n = 0, b->full = false; }

#endif

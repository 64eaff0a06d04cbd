#include "http/body.h"

#include "codec/hex.h"

#include <string.h>

enum state {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	LINE,
	NAME,
	VALUE,
	VALUE_LF,
	END_LF,
	DONE
};

struct http_body http_body(const struct http_head *h)
{
	struct http_body b = { .kind = h->body, .framing = HTTP_FRAMING_MAX, .state = DATA };
	if (h->body == HTTP_BODY_LENGTH)
		b.left = h->length;
	else if (h->body == HTTP_BODY_UNTIL_CLOSE)
		b.left = UINT64_MAX;
	else if (h->body == HTTP_BODY_CHUNKED)
		b.state = SIZE;
	return b;
}

/* Takes one digit of a chunk's size, or the byte that ends it. */
static bool step_size(struct http_body *b, unsigned char c)
{
	int digit = hex_digit(c);
	if (digit >= 0) {
		b->left = b->left << 4 | (uint64_t)digit;
		return ++b->digits <= 16;
	}
	b->state = c == ';' ? EXTENSION : SIZE_LF;
	return b->digits > 0 && (c == ';' || c == '\r');
}

/* Goes on to `next` if `c` is `want`. */
static bool step_to(struct http_body *b, int next, unsigned char c, unsigned char want)
{
	b->state = next;
	return c == want;
}

/* Takes one byte of framing; false if it cannot stand there. */
static bool next_state(struct http_body *b, unsigned char c)
{
	switch (b->state) {
	case SIZE:
		return step_size(b, c);
	case EXTENSION:
		return http_is_value_byte(c) || step_to(b, SIZE_LF, c, '\r');
	case SIZE_LF:
		b->digits = 0;
		return step_to(b, b->left ? DATA : LINE, c, '\n');
	case DATA_CR:
		return step_to(b, DATA_LF, c, '\r');
	case DATA_LF:
		return step_to(b, SIZE, c, '\n');
	case LINE:
		b->state = NAME;
		return http_is_token_byte(c) || step_to(b, END_LF, c, '\r');
	case NAME:
		return http_is_token_byte(c) || step_to(b, VALUE, c, ':');
	case VALUE:
		return http_is_value_byte(c) || step_to(b, VALUE_LF, c, '\r');
	case VALUE_LF:
		return step_to(b, LINE, c, '\n');
	default:
		return step_to(b, DONE, c, '\n');
	}
}

/* Moves the body bytes at the front of `raw`; *took says how many. False if the body outgrows its
 * limit. */
static bool take_bytes(struct http_body *b, struct buf *out, size_t *took, struct str raw)
{
	size_t n = b->left < raw.n ? (size_t)b->left : raw.n;
	/* What is announced is refused before it comes; only a body until close announces nothing. */
	uint64_t need = b->kind == HTTP_BODY_UNTIL_CLOSE ? n : b->left;
	if (need > out->cap - out->n) {
		out->full = true;
		return false;
	}
	if (n && out->p + out->n != raw.p)
		memmove(out->p + out->n, raw.p, n); /* in place it would go backwards, byte by byte */
	out->n += n;
	b->left -= n;
	b->framing += n;
	if (b->left == 0)
		b->state = b->kind == HTTP_BODY_CHUNKED ? DATA_CR : DONE;
	*took = n;
	return true;
}

static struct str trouble(int state)
{
	if (state <= SIZE_LF)
		return S("bad size line of a chunk");
	return state <= DATA_LF ? S("no CR LF behind a chunk") : S("bad trailer behind the last chunk");
}

enum err http_body_decode(
	struct http_body *b, struct buf *out, size_t *used, struct str raw, struct fault *f)
{
	size_t i = 0;
	for (;;) {
		if (b->state == DATA) {
			size_t n;
			if (!take_bytes(b, out, &n, str_skip(raw, i)))
				return fault_set(f, E_LIMIT, 0, "the body is larger than %d bytes", NUM(out->cap));
			i += n;
		}
		if (b->state == DATA || b->state == DONE || i == raw.n)
			break;
		int state = b->state;
		if (b->framing-- == 0)
			return fault_set(f, E_LIMIT, 0, "a body has more framing than content");
		if (!next_state(b, (unsigned char)raw.p[i++]))
			return fault_set(f, E_SYNTAX, 0, "%s", trouble(state));
	}
	*used = i;
	return b->state == DONE ? OK : E_MORE;
}

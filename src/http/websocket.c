#include "http/websocket.h"

#include "codec/utf8.h"

enum {
	FIN = 0x80,
	RESERVED = 0x70,
	OPCODE = 0x0f,
	MASKED = 0x80,
	LENGTH = 0x7f,
	LENGTH_16 = 126,
	LENGTH_64 = 127
};

struct websocket_reader websocket_reader(char *memory, size_t cap)
{
	return (struct websocket_reader){ .message = { memory, 0, cap, false } };
}

static enum websocket_event broken(struct websocket_reader *r, int code, const char *why)
{
	r->code = code;
	r->why = why;
	return WEBSOCKET_BROKEN;
}

static bool is_control(enum websocket_opcode opcode)
{
	return opcode >= WEBSOCKET_CLOSE;
}

/* ---- the head of a frame ---- */

/* Its length, as far as its first two bytes tell. */
static size_t head_length(const struct websocket_reader *r)
{
	if (r->head_n < 2)
		return 2;
	unsigned length = r->head[1] & LENGTH;
	return length == LENGTH_16 ? 4 : length == LENGTH_64 ? 10 : 2;
}

static const char *wrong_start(const struct websocket_reader *r)
{
	enum websocket_opcode opcode = r->head[0] & OPCODE;
	bool final = r->head[0] & FIN;
	if (r->head[0] & RESERVED)
		return "a frame with a reserved bit";
	if (opcode > WEBSOCKET_PONG || (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE))
		return "a frame with a reserved opcode";
	if (is_control(opcode) && !final)
		return "a control frame in fragments";
	if (opcode == WEBSOCKET_CONTINUATION && r->whole == WEBSOCKET_CONTINUATION)
		return "a continuation of nothing";
	if (!is_control(opcode) && opcode != WEBSOCKET_CONTINUATION &&
		r->whole != WEBSOCKET_CONTINUATION)
		return "a new message in the middle of another";
	return NULL;
}

/* The second byte has come: what the first two say together. */
static const char *wrong_length(const struct websocket_reader *r)
{
	if (r->head[1] & MASKED)
		return "a masked frame";
	if (is_control(r->head[0] & OPCODE) && (r->head[1] & LENGTH) > WEBSOCKET_CONTROL_MAX)
		return "a control frame of more than 125 bytes";
	return NULL;
}

/* The head is complete: how long the payload is. False if a shorter form would have held that
 * length. */
static bool read_length(struct websocket_reader *r)
{
	unsigned length = r->head[1] & LENGTH;
	r->left = length < LENGTH_16 ? length : 0;
	for (size_t i = 2; i < r->head_n; i++)
		r->left = r->left << 8 | r->head[i];
	if (length == LENGTH_16)
		return r->left >= LENGTH_16;
	return length != LENGTH_64 || (r->left > UINT16_MAX && r->left <= INT64_MAX);
}

/* Takes the head off the input. WEBSOCKET_GOT_TEXT: it is complete. */
static enum websocket_event read_head(struct websocket_reader *r, struct str *input)
{
	const char *why = NULL;
	while (r->head_n < head_length(r)) {
		if (!input->n)
			return WEBSOCKET_MORE;
		r->head[r->head_n++] = (unsigned char)*input->p;
		*input = str_skip(*input, 1);
		why = r->head_n == 1 ? wrong_start(r) : r->head_n == 2 ? wrong_length(r) : NULL;
		if (why)
			return broken(r, WEBSOCKET_PROTOCOL_ERROR, why);
	}
	if (!read_length(r))
		return broken(r, WEBSOCKET_PROTOCOL_ERROR, "a length that is not in its shortest form");
	r->opcode = r->head[0] & OPCODE;
	r->in_payload = true;
	if (is_control(r->opcode)) {
		r->control_n = 0;
		return WEBSOCKET_GOT_TEXT;
	}
	if (r->opcode != WEBSOCKET_CONTINUATION) {
		r->whole = r->opcode;
		r->checked = 0;
		buf_reset(&r->message);
	}
	if (r->left > r->message.cap - r->message.n)
		return broken(r, WEBSOCKET_TOO_LARGE, "a message that is too large");
	return WEBSOCKET_GOT_TEXT;
}

/* ---- its payload ---- */

/* Whether what has come of a text is UTF-8; `complete`: nothing may be missing at its end. */
static bool is_text(struct websocket_reader *r, bool complete)
{
	struct str rest = str_skip(buf_str(&r->message), r->checked);
	size_t n = utf8_check(rest);
	r->checked += n;
	rest = str_skip(rest, n);
	return rest.n == 0 || (!complete && utf8_prefix(rest) == rest.n);
}

static bool code_may_be_sent(unsigned code)
{
	if (code >= 3000)
		return code < 5000;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static enum websocket_event end_close(struct websocket_reader *r)
{
	struct str reason = { r->control + 2, r->control_n - 2 };
	r->code = WEBSOCKET_NO_CODE;
	if (r->control_n == 0)
		return WEBSOCKET_GOT_CLOSE;
	if (r->control_n == 1)
		return broken(r, WEBSOCKET_PROTOCOL_ERROR, "a close frame with half a code");
	unsigned code = (unsigned)(unsigned char)r->control[0] << 8 | (unsigned char)r->control[1];
	if (!code_may_be_sent(code))
		return broken(
			r, WEBSOCKET_PROTOCOL_ERROR, "a close frame with a code that may not be sent");
	if (utf8_check(reason) != reason.n)
		return broken(r, WEBSOCKET_NOT_UTF8, "a close frame whose reason is not UTF-8");
	for (size_t i = 0; i < reason.n; i++)
		r->control[i] = reason.p[i];
	r->control_n = reason.n;
	r->code = (int)code;
	return WEBSOCKET_GOT_CLOSE;
}

static enum websocket_event end_frame(struct websocket_reader *r)
{
	bool final = r->head[0] & FIN;
	r->head_n = 0;
	r->in_payload = false;
	switch (r->opcode) {
	case WEBSOCKET_CLOSE: return end_close(r);
	case WEBSOCKET_PING: return WEBSOCKET_GOT_PING;
	case WEBSOCKET_PONG: return WEBSOCKET_GOT_PONG;
	default: break;
	}
	if (!final)
		return WEBSOCKET_MORE;
	enum websocket_opcode whole = r->whole;
	r->whole = WEBSOCKET_CONTINUATION;
	if (whole == WEBSOCKET_BINARY)
		return WEBSOCKET_GOT_BINARY;
	return is_text(r, true) ? WEBSOCKET_GOT_TEXT
							: broken(r, WEBSOCKET_NOT_UTF8, "a text that is not UTF-8");
}

static enum websocket_event read_payload(struct websocket_reader *r, struct str *input)
{
	struct str part = str_sub(*input, 0, input->n < r->left ? input->n : (size_t)r->left);
	*input = str_skip(*input, part.n);
	r->left -= part.n;
	if (is_control(r->opcode)) {
		for (size_t i = 0; i < part.n; i++)
			r->control[r->control_n++] = part.p[i];
	} else {
		buf_put(&r->message, part);
		if (r->whole == WEBSOCKET_TEXT && !is_text(r, false))
			return broken(r, WEBSOCKET_NOT_UTF8, "a text that is not UTF-8");
	}
	return r->left ? WEBSOCKET_MORE : end_frame(r);
}

enum websocket_event websocket_read(struct websocket_reader *r, struct str *input)
{
	for (;;) {
		enum websocket_event event = r->in_payload ? WEBSOCKET_GOT_TEXT : read_head(r, input);
		if (event == WEBSOCKET_GOT_TEXT)
			event = read_payload(r, input);
		if (event != WEBSOCKET_MORE || !input->n)
			return event;
	}
}

/* ---- writing ---- */

void websocket_put(
	struct buf *out, enum websocket_opcode opcode, struct str payload, const uint8_t mask[static 4])
{
	char head[WEBSOCKET_FRAMING_MAX];
	struct buf b = BUF(head);
	size_t bytes = payload.n < LENGTH_16 ? 0 : payload.n <= UINT16_MAX ? 2 : 8;
	check(!is_control(opcode) || payload.n <= WEBSOCKET_CONTROL_MAX);
	buf_put_char(&b, (char)(FIN | opcode));
	buf_put_char(&b,
		(char)(MASKED |
			(bytes == 0          ? (int)payload.n
					: bytes == 2 ? LENGTH_16
								 : LENGTH_64)));
	for (size_t i = bytes; i-- > 0;)
		buf_put_char(&b, (char)((uint64_t)payload.n >> 8 * i));
	buf_put(&b, (struct str){ (const char *)mask, 4 });
	if (out->cap - out->n < b.n + payload.n) {
		out->full = true;
		return;
	}
	buf_put(out, buf_str(&b));
	for (size_t i = 0; i < payload.n; i++)
		out->p[out->n++] = (char)(payload.p[i] ^ mask[i % 4]);
}

void websocket_put_close(struct buf *out, int code, struct str reason, const uint8_t mask[static 4])
{
	char payload[WEBSOCKET_CONTROL_MAX];
	struct buf b = BUF(payload);
	buf_put_char(&b, (char)(code >> 8));
	buf_put_char(&b, (char)code);
	buf_put(&b, reason);
	check(!b.full);
	websocket_put(out, WEBSOCKET_CLOSE, buf_str(&b), mask);
}

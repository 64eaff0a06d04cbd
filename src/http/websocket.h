/* websocket.h - the frames of a WebSocket (RFC 6455), seen from the client. No I/O.
 *
 * The reader takes bytes as they arrive, in pieces of any size, and tells what they amount to:
 * whole messages put together from their fragments, and control frames, which may come between
 * those. It is strict: reserved bits and opcodes, masked frames, lengths that are not in their
 * shortest form, fragmented or long control frames, text that is not UTF-8 (noticed at the first
 * wrong byte) and wrong close codes end the connection with the code that RFC 6455 asks for. No
 * extension is spoken.
 *
 * The writer makes one frame of one message. */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "base/buf.h"

enum {
	WEBSOCKET_CONTROL_MAX = 125,              /* bytes in a control frame */
	WEBSOCKET_FRAMING_MAX = 14,               /* bytes that a frame adds to its payload */
	WEBSOCKET_REASON_MAX = WEBSOCKET_CONTROL_MAX - 2,
};

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0, WEBSOCKET_TEXT = 1, WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8, WEBSOCKET_PING = 9, WEBSOCKET_PONG = 10,
};

/* Status codes of a close frame, section 7.4.1. */
enum websocket_code {
	WEBSOCKET_NORMAL = 1000, WEBSOCKET_GOING_AWAY = 1001, WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_NO_CODE = 1005, /* a close frame without one; never sent */
	WEBSOCKET_NOT_UTF8 = 1007, WEBSOCKET_TOO_LARGE = 1009,
};

struct websocket_reader {
	struct buf message;       /* the caller's memory; its `cap` is the largest message */
	char control[WEBSOCKET_CONTROL_MAX];
	size_t control_n;
	int code; /* of a close frame; or with which to close when the peer broke the protocol */
	const char *why;          /* what the peer did wrong */

	unsigned char head[10];   /* of the frame at hand, as far as it has come */
	size_t head_n;
	uint64_t left;            /* bytes of its payload that are still to come */
	bool in_payload;
	enum websocket_opcode opcode; /* of the frame at hand */
	enum websocket_opcode whole;  /* of the message in pieces; WEBSOCKET_CONTINUATION for none */
	size_t checked;           /* bytes of the message that are known to be UTF-8 */
};

/* A reader that puts messages together in `memory`. */
struct websocket_reader websocket_reader(char *memory, size_t cap);

enum websocket_event {
	WEBSOCKET_MORE,       /* all of the input is used; more is needed */
	WEBSOCKET_GOT_TEXT,   /* r->message, valid until the next call */
	WEBSOCKET_GOT_BINARY, /* likewise */
	WEBSOCKET_GOT_PING,   /* r->control: to be sent back in a pong */
	WEBSOCKET_GOT_PONG,
	WEBSOCKET_GOT_CLOSE, /* r->code, WEBSOCKET_NO_CODE if there was none; r->control: the reason,
							UTF-8 */
	WEBSOCKET_BROKEN,    /* r->why, and r->code to close with; nothing behind it can be read */
};

/* Takes bytes off the front of *input up to the end of the next message or control frame. Once it
 * has returned WEBSOCKET_GOT_CLOSE or WEBSOCKET_BROKEN it is not called again. */
enum websocket_event websocket_read(struct websocket_reader *r, struct str *input);

/* Appends a whole frame with `payload`, masked with `mask`, four bytes that nobody can foretell and
 * that serve once (section 5.3). A control frame has at most WEBSOCKET_CONTROL_MAX bytes. */
void websocket_put(struct buf *out, enum websocket_opcode opcode, struct str payload,
	const uint8_t mask[static 4]);

/* Appends a close frame with a code and a reason of at most WEBSOCKET_REASON_MAX bytes. */
void websocket_put_close(
	struct buf *out, int code, struct str reason, const uint8_t mask[static 4]);

#endif

/* Two bytes choose limit and cut, the rest comes from a peer: read whole and in two pieces, it
 * amounts to the same. And what is written is read back, once its mask is off. */
#include "http/websocket.h"

#include <string.h>

enum { MOST = 4096 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Everything that came out, one behind the other. */
struct trace {
	char memory[4 * MOST];
	struct buf b;
	enum websocket_event last;
};

static void read_all(struct trace *t, struct websocket_reader *r, struct str input)
{
	while (t->last != WEBSOCKET_BROKEN && t->last != WEBSOCKET_GOT_CLOSE) {
		size_t before = input.n;
		t->last = websocket_read(r, &input);
		check(input.n <= before && r->message.n <= r->message.cap &&
			r->control_n <= WEBSOCKET_CONTROL_MAX);
		if (t->last == WEBSOCKET_MORE) {
			check(input.n == 0);
			return;
		}
		bool data = t->last == WEBSOCKET_GOT_TEXT || t->last == WEBSOCKET_GOT_BINARY;
		buf_format(&t->b, "%d %s %d\n", NUM(t->last),
			data ? buf_str(&r->message) : (struct str){ r->control, r->control_n }, NUM(r->code));
	}
}

static void round_trip(struct str payload)
{
	static char frame[MOST + WEBSOCKET_FRAMING_MAX], memory[MOST];
	const uint8_t mask[4] = { 0 };
	struct buf b = BUF(frame);
	struct websocket_reader r = websocket_reader(memory, sizeof(memory));
	websocket_put(&b, WEBSOCKET_BINARY, payload, mask);
	check(!b.full);
	size_t head = b.n - payload.n - 4;
	frame[1] &= 0x7f;
	memmove(frame + head, frame + head + 4, payload.n);
	struct str input = { frame, b.n - 4 };
	check(websocket_read(&r, &input) == WEBSOCKET_GOT_BINARY && input.n == 0 &&
		str_eq(buf_str(&r.message), payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct trace whole, cut;
	static char a[MOST], b[MOST];
	if (n < 2 || n > MOST)
		return 0;
	struct str input = { (const char *)data + 2, n - 2 };
	size_t cap = data[0] * 16u, at = data[1];
	struct websocket_reader first = websocket_reader(a, cap), second = websocket_reader(b, cap);
	whole.b = BUF(whole.memory), cut.b = BUF(cut.memory);
	whole.last = cut.last = WEBSOCKET_MORE;
	read_all(&whole, &first, input);
	read_all(&cut, &second, str_sub(input, 0, at));
	if (cut.last == WEBSOCKET_MORE)
		read_all(&cut, &second, str_skip(input, at));
	check(whole.last == cut.last && str_eq(buf_str(&whole.b), buf_str(&cut.b)));
	round_trip(input);
	return 0;
}

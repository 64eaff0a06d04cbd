/* body.c - bodies of each kind, in any state that what came before can have left them in, and every
 * text of up to 5 bytes that comes next, into every room of up to 4: in memory of its own, and in
 * the builder's, right behind the place where it goes on or with a gap. */
#include "http/body.h"
#include "unknown.h"

enum { MOST = 5, ROOM = 4, STATES = 12, DATA = 3, GAP = 2 };

static void decode(struct http_body b, struct buf *out, struct str raw)
{
	struct fault f;
	size_t used;
	if (http_body_decode(&b, out, &used, raw, &f) < E_SYNTAX) {
		//@ assert used <= raw.n;
	}
	//@ assert out->n <= out->cap;
	//@ slevel merge;
	;
}

static void decode_each_way(
	enum http_body_kind kind, int state, uint64_t left, size_t n, size_t cap)
{
	char memory[MOST], room[GAP + ROOM + MOST];
	struct http_body b = { kind, left, unknown_number, state, unknown_byte };
	decode(b, &(struct buf){ room, 0, cap, false }, unknown_text(memory, n));
	for (size_t gap = 0; gap <= GAP; gap += GAP)
		decode(b, &(struct buf){ room, 1, 1 + cap, false }, unknown_text(room + 1 + gap, n));
}

int main(void)
{
	for (size_t n = 0; n <= MOST; n++)
		for (size_t cap = 0; cap <= ROOM; cap++) {
			for (int state = 0; state < STATES; state++)
				decode_each_way(HTTP_BODY_CHUNKED, state, unknown_number, n, cap);
			decode_each_way(HTTP_BODY_LENGTH, DATA, unknown_number, n, cap);
			decode_each_way(HTTP_BODY_UNTIL_CLOSE, DATA, UINT64_MAX, n, cap);
		}
	return 0;
}

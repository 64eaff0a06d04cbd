/* base64.c - every text of up to 12 bytes, into every room of up to 10. */
#include "codec/base64.h"
#include "unknown.h"

enum { MOST = 12, ROOM = 10 };

static void decode_and_encode(size_t n, size_t cap)
{
	char memory[MOST], room[ROOM];
	struct str text = unknown_text(memory, n);
	struct buf decoded = { room, 0, cap, false }, encoded = { room, 0, cap, false };
	(void)!base64_decode(&decoded, text);
	base64_encode(&encoded, text);
}

int main(void)
{
	for (size_t n = 0; n <= MOST; n++)
		for (size_t cap = 0; cap <= ROOM; cap++)
			decode_and_encode(n, cap);
	return 0;
}

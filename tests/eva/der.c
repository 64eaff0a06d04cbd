/* der.c - every reader, on every text of up to 6 bytes. The byte that tells the length is gone
 * through one by one as far as that makes a difference. */
#include "codec/der.h"
#include "unknown.h"

enum { MOST = 6 };

static void read_numbers(struct str rest)
{
	struct str text = rest, value;
	int number;
	(void)!der_take_number(&text, &value);
	text = rest;
	(void)!der_take_integer(&text, &value);
	text = rest;
	(void)!der_take_small(&text, &number, 100);
}

static void read_others(struct str rest)
{
	struct str text = rest, value;
	bool flag;
	(void)!der_take_oid(&text, &value);
	text = rest;
	(void)!der_take_flag(&text, &flag);
	text = rest;
	(void)!der_take_bytes(&text, &value);
}

static void read_any(struct str rest)
{
	struct str text = rest, value;
	unsigned tag = unknown_byte;
	(void)!der_take_element(&text, tag, &value);
	(void)!der_is_one(rest, tag, &value);
	(void)!der_take_any(&rest, &tag, &value);
}

int main(void)
{
	static const unsigned char lengths[] = { 0, 1, 2, 3, 4, 5, 6, 0x7f, 0x80, 0x81, 0x82, 0x83,
		0x84, 0x85, 0xff };
	char memory[MOST];
	for (size_t n = 0; n <= MOST; n++)
		for (size_t i = 0; i < countof(lengths); i++) {
			struct str text = unknown_text(memory, n);
			if (n > 1)
				memory[1] = (char)lengths[i];
			read_numbers(text);
			read_others(text);
			read_any(text);
		}
	return 0;
}

#include "base/block.h"

#include "check.h"

/* Marks of every byte in every place, with neighbours that a borrow could reach. */
TEST(block_marks_what_a_byte_is)
{
	static const unsigned char limits[] = { 1, ' ', '!', 0x7f, 0x80 };
	static const unsigned char others[] = { 'a', 0, 0x1f, 0x20, 0x7f, 0x80, 0xff };
	char bytes[BLOCK_SIZE];
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < BLOCK_SIZE; at++) {
			memset(bytes, 'a', sizeof(bytes));
			bytes[at] = (char)c;
			for (size_t i = 0; at + 1 < BLOCK_SIZE && i < countof(others); i++) {
				bytes[at + 1] = (char)others[i];
				context("byte %d at %zu before %d", c, at, others[i]);
				block b = block_load(bytes);
				expect_int(block_first(block_equal(b, (char)c)), c == 'a' ? 0 : at);
				if (c >= 0x80)
					expect_int(block_first(block_high(b)), at);
				else
					expect(block_first(block_high(b)) > at);
				for (size_t l = 0; l < countof(limits); l++) {
					size_t found = block_first(block_below(b, limits[l]));
					if ('a' < limits[l])
						expect_int(
							found, at == 0 && c >= limits[l] ? others[i] < limits[l] ? 1 : 2 : 0);
					else if (c < limits[l])
						expect_int(found, at);
					else
						expect(found > at);
				}
			}
		}
	}
}

TEST(block_joins_marks)
{
	char bytes[BLOCK_SIZE];
	memset(bytes, 'a', sizeof(bytes));
	block b = block_load(bytes);
	expect_int(block_first(block_or(block_equal(b, 'x'), block_below(b, ' '))), BLOCK_SIZE);
	bytes[5] = 'x';
	bytes[6] = '\n';
	b = block_load(bytes);
	expect_int(block_first(block_or(block_equal(b, 'x'), block_below(b, ' '))), 5);
	expect_int(block_first(block_or(block_below(b, ' '), block_equal(b, 'y'))), 6);
}

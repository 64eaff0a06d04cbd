#include "base/arena.h"

#include "check.h"

#include <stdalign.h>
#include <string.h>

static alignas(max_align_t) char memory[256];

TEST(arena_take_aligns_whatever_the_memory_is)
{
	for (size_t shift = 0; shift < 2 * alignof(max_align_t); shift++) {
		struct arena a = { memory + shift, 0, 128 };
		char *last = NULL;
		for (size_t size = 1; size < 6; size++) {
			char *p = arena_take(&a, size);
			context("shift %zu, size %zu", shift, size);
			expect((uintptr_t)p % alignof(max_align_t) == 0);
			expect(p >= memory + shift && p + size <= memory + shift + 128);
			expect(!last || p >= last + size - 1);
			last = p;
		}
	}
}

TEST(arena_take_ends_with_null)
{
	struct arena a = { memory, 0, 64 };
	expect(arena_take(&a, 65) == NULL);
	expect(arena_take(&a, SIZE_MAX) == NULL);
	expect_int(a.n, 0);
	expect(arena_take(&a, 64) == memory);
	expect(arena_take(&a, 0) == memory + 64);
	expect(arena_take(&a, 1) == NULL);
	arena_reset(&a);
	expect(arena_take(&a, 60) == memory);
	expect(arena_take(&a, 1) == NULL);
	expect_int(a.n, 60);
	arena_reset(&a);
	expect(arena_take(&a, 1) == memory);
	/* Nothing but the gap is left. */
	a = (struct arena){ memory, 1, 4 };
	expect(arena_take(&a, 0) == NULL);
}

TEST(arena_buf_is_a_piece_of_its_own)
{
	struct arena a = { memory, 0, 64 };
	struct buf x = arena_buf(&a, 10), y = arena_buf(&a, 10);
	buf_put(&x, S("0123456789abc"));
	buf_put(&y, S("y"));
	expect(x.full && !y.full);
	expect_str(buf_str(&x), S("0123456789"));
	expect_str(buf_str(&y), S("y"));
	struct buf z = arena_buf(&a, 64);
	expect(z.full && z.cap == 0);
	buf_put(&z, S("z"));
	expect_int(z.n, 0);
}

TEST(arena_rest_is_all_and_keep_gives_back)
{
	struct arena a = { memory, 0, 64 };
	expect(arena_take(&a, 5) != NULL);
	struct buf b = arena_rest(&a);
	expect_int(b.cap, 59);
	expect(arena_take(&a, 1) == NULL);
	buf_put(&b, S("abc"));
	expect_str(arena_keep(&a, &b), S("abc"));
	expect_int(a.n, 8);
	struct buf c = arena_rest(&a);
	expect_int(c.cap, 56);
	expect_str(arena_keep(&a, &c), S(""));
	expect_int(a.n, 8);
	expect_str(buf_str(&b), S("abc"));
}

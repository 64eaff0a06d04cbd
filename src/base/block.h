/* block.h - the next few bytes of a text as one value, to skip quickly over runs of bytes that need
 * no attention: sixteen bytes where the processor has SSE2, else eight in a word.
 *
 * A mark is a block whose bytes have their top bit set where something was found. Marks are joined
 * with block_or. In a word, a borrow may wrongly mark bytes after the first marked one, but never
 * the first itself, and block_first reports only that. */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include "base/base.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum { BLOCK_SIZE = 16 }; /* bytes */
typedef __m128i block;

/* The BLOCK_SIZE bytes at `p`. */
static inline block block_load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline block block_or(block a, block b)
{
	return _mm_or_si128(a, b);
}

/* Marks bytes that equal `c`. */
static inline block block_equal(block b, char c)
{
	return _mm_cmpeq_epi8(b, _mm_set1_epi8(c));
}

/* Marks bytes below `c`, which is 1 to 0x80. */
static inline block block_below(block b, unsigned char c)
{
	return _mm_cmpeq_epi8(_mm_min_epu8(b, _mm_set1_epi8((char)(c - 1))), b);
}

/* The index of the first byte that is marked, BLOCK_SIZE if none is. */
static inline size_t block_first(block mark)
{
	unsigned bits = (unsigned)_mm_movemask_epi8(mark);
	return (size_t)__builtin_ctz(bits | 1u << BLOCK_SIZE);
}

#else

enum { BLOCK_SIZE = 8 };
typedef uint64_t block;

#define BLOCK_ALL(byte) (UINT64_MAX / 255 * (unsigned char)(byte))

static inline block block_load(const char *p)
{
	block b;
	memcpy(&b, p, sizeof(b));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	b = __builtin_bswap64(b);
#endif
	return b;
}

static inline block block_or(block a, block b)
{
	return a | b;
}

static inline block block_below(block b, unsigned char c)
{
	return (b - BLOCK_ALL(c)) & ~b;
}

static inline block block_equal(block b, char c)
{
	return block_below(b ^ BLOCK_ALL(c), 1);
}

static inline size_t block_first(block mark)
{
	mark &= BLOCK_ALL(0x80);
	return mark ? (size_t)__builtin_ctzll(mark) / 8 : BLOCK_SIZE;
}

#endif

/* Marks bytes from 0x80 on. */
static inline block block_high(block b)
{
	return b;
}

#endif

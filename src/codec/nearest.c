#include "codec/nearest.h"

#include <string.h>

static unsigned char fold(char c)
{
	return c == '-' ? '_' : lower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: three rows of the table are enough. */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.n; j++)
		above[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned char x = fold(a.p[i - 1]), y = fold(b.p[j - 1]);
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			bool exchanged = i > 1 && j > 1 && x == fold(b.p[j - 2]) && fold(a.p[i - 2]) == y;
			if (exchanged)
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.n];
}

struct str nearest_word(struct str list, struct str word)
{
	struct str item, best = { 0 };
	size_t fewest = SIZE_MAX;
	if (word.n > NEAREST_WORD_MAX)
		return best;
	while (list.n) {
		str_next(&item, &list, ',');
		if (item.n > NEAREST_WORD_MAX)
			continue;
		size_t edits = distance(item, word);
		if (edits < fewest && edits * 3 <= item.n) {
			fewest = edits;
			best = item;
		}
	}
	return best;
}

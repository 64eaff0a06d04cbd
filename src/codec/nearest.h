/* nearest.h - the known word that a misspelt one was probably meant to be. */
#ifndef CODEC_NEAREST_H
#define CODEC_NEAREST_H

#include "base/str.h"

enum { NEAREST_WORD_MAX = 64 };

/* The item of `list`, whose items have commas between them, that takes the fewest edits to become
 * `word`: a character more, less or another, or two neighbours exchanged; '-' equals '_', and case
 * does not count. Empty if none takes fewer than a third of its length, or `word` is longer than
 * NEAREST_WORD_MAX. */
struct str nearest_word(struct str list, struct str word);

#endif

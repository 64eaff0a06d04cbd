/* words.h - splits a command line into words, as a POSIX shell does before it expands anything.
 *
 * Blanks, line ends and other control bytes separate words; '...' and "..." keep them, and a
 * backslash quotes the next byte (Shell Command Language, section 2.2). Every other byte stands for
 * itself: there are no variables, patterns, pipes or comments. */
#ifndef CODEC_WORDS_H
#define CODEC_WORDS_H

#include "base/fault.h"

/* Points words[0], words[1], ... to the words of `text`, each NUL-terminated in `memory`, with a
 * NULL behind the last. E_SYNTAX: a quote without its end, a backslash at the end of the text, a
 * NUL byte inside a word, or no word at all. E_LIMIT: more than max - 1 words, or more than
 * `memory` holds. */
must_check enum err words_split(char **words, size_t max, struct buf *memory, struct str text);

#endif

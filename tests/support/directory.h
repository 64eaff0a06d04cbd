/* directory.h - directories that a test makes for itself. */
#ifndef TESTS_DIRECTORY_H
#define TESTS_DIRECTORY_H

/* Removes the files in it, which holds no directories. */
void directory_empty(const char *path);

/* The same, and the directory itself; a failed expectation if it stays. */
void directory_remove(const char *path);

#endif

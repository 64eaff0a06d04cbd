/* chain.h - certificates for tests, from tests/vectors/x509. */
#ifndef TESTS_CHAIN_H
#define TESTS_CHAIN_H

#include "x509/trust.h"

enum { CHAIN_MAX = 20 };

struct chain {
	size_t count;
	struct str der[CHAIN_MAX];
};

/* The certificates of vectors/x509/NAME.pem; each ends at a guard page, and lives as long as the
 * test. */
struct chain chain_load(const char *name);

/* The first of them, read. */
struct certificate chain_first(const char *name);

/* A bundle of the files NAME that are given, by blanks. */
struct trust chain_trust(const char *names);

#endif

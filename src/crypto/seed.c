#include "crypto/seed.h"

#include <errno.h>
#include <sys/random.h>

void seed_fill(void *p, size_t n)
{
	for (unsigned char *to = p; n > 0;) {
		ssize_t got = getrandom(to, n, 0);
		check(got > 0 || (got < 0 && errno == EINTR));
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
}

uint32_t seed_below(uint32_t bound)
{
	uint32_t x;
	seed_fill(&x, sizeof(x));
	return (uint32_t)((uint64_t)x * bound >> 32);
}

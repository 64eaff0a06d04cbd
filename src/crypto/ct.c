#include "crypto/ct.h"

#include <string.h>

bool ct_equal(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;
	unsigned differ = 0;
	for (size_t i = 0; i < n; i++) {
		differ |= x[i] ^ y[i];
		/* Keeps the compiler from knowing `differ`, and so from leaving the loop early. */
		__asm__("" : "+r"(differ));
	}
	return differ == 0;
}

void ct_wipe(void *p, size_t n)
{
	if (n > 0)
		memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

#include "crypto/ct.h"

#include "check.h"

#include <string.h>

TEST(ct_equal_sees_every_bit)
{
	for (size_t n = 0; n <= 40; n++) {
		unsigned char a[40], b[40];
		for (size_t i = 0; i < n; i++)
			a[i] = (unsigned char)test_random(256);
		memcpy(b, a, n);
		context("%zu bytes", n);
		expect(ct_equal(a, b, n));
		for (size_t bit = 0; bit < 8 * n; bit++) {
			b[bit / 8] ^= (unsigned char)(1 << bit % 8);
			expect(!ct_equal(a, b, n));
			b[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
	}
}

TEST(ct_wipe_stays_inside)
{
	for (size_t n = 0; n <= 20; n++) {
		unsigned char bytes[24];
		memset(bytes, '#', sizeof(bytes));
		ct_wipe(bytes + 2, n);
		for (size_t i = 0; i < sizeof(bytes); i++)
			expect_int(bytes[i], i >= 2 && i < 2 + n ? 0 : '#');
	}
	ct_wipe(NULL, 0);
}

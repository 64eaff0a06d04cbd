#include "crypto/tls_prf.h"

#include "check.h"
#include "codec/hex.h"

#include <string.h>

/* A vector that implementers passed around when TLS 1.2 was new: 100 bytes with SHA-256. */
TEST(tls_prf_vector)
{
	static const unsigned char secret[] = {
		0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17, 0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb,
		0x35,
	};
	static const unsigned char seed[] = {
		0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18, 0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19,
		0x8c,
	};
	uint8_t out[100];
	char text[2 * sizeof(out)];
	struct buf b = BUF(text);
	tls_prf_sha256(out, sizeof(out), secret, sizeof(secret), "test label", 1,
		&(br_tls_prf_seed_chunk){ seed, sizeof(seed) });
	hex_put(&b, out, sizeof(out));
	expect_str(buf_str(&b), S("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
	                          "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
	                          "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
	                          "87347b66"));
}

TEST(tls_prf_is_the_same_as_another)
{
	for (size_t n = 0; n <= 100; n++) {
		uint8_t secret[100], seeds[3][70], got[101], want[101];
		br_tls_prf_seed_chunk chunks[3];
		memset(got, 0xa5, sizeof(got));
		memset(want, 0xa5, sizeof(want));
		for (size_t i = 0; i < sizeof(secret); i++)
			secret[i] = (uint8_t)test_random(256);
		for (size_t i = 0; i < countof(chunks); i++) {
			chunks[i] = (br_tls_prf_seed_chunk){ seeds[i], test_random(sizeof(seeds[i]) + 1) };
			for (size_t k = 0; k < chunks[i].len; k++)
				seeds[i][k] = (uint8_t)test_random(256);
		}
		size_t count = test_random(countof(chunks) + 1);
		context("%zu bytes, %zu parts", n, count);
		tls_prf_sha256(got, n, secret, n, "master secret", count, chunks);
		br_tls12_sha256_prf(want, n, secret, n, "master secret", count, chunks);
		expect(memcmp(got, want, sizeof(got)) == 0);
	}
}

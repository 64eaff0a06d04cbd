#include "crypto/sha256.h"
#include "crypto/sha256_class.h"

#include "check.h"
#include "codec/hex.h"

#include <bearssl.h>
#include <pthread.h>
#include <string.h>

static char million[1000000];

static struct str hex_of(const uint8_t digest[static SHA256_SIZE])
{
	static char text[2 * SHA256_SIZE];
	struct buf b = BUF(text);
	hex_put(&b, digest, SHA256_SIZE);
	return buf_str(&b);
}

/* FIPS 180-4 with NIST's examples and SHA256ShortMsg.rsp / SHA256LongMsg.rsp of its validation
 * suite. */
static const struct {
	struct str text, digest;
} vectors[] = {
	{ STR(""), STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") },
	{ STR("abc"), STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") },
	{ STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		STR("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") },
	{ STR("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
		  "lmnopqrsmnopqrstnopqrstu"),
		STR("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1") },
	{ STR("\xbd"), STR("68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b") },
	{ STR("\xd3"), STR("28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1") },
	{ STR("\xc9\x8c\x8e\x55"),
		STR("7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504") },
};

/* Runs `test` with each implementation that this CPU has. */
static void with_each(void (*test)(void))
{
	for (const char *const *name = sha256_implementations(); *name; name++) {
		expect(sha256_use(*name));
		context("%s", *name);
		test();
	}
	expect(sha256_use(NULL));
}

static void try_vectors(void)
{
	uint8_t digest[SHA256_SIZE];
	for (size_t i = 0; i < countof(vectors); i++) {
		sha256(digest, guard_copy(vectors[i].text));
		expect_str(hex_of(digest), vectors[i].digest);
	}
	memset(million, 'a', sizeof(million));
	sha256(digest, (struct str){ million, sizeof(million) });
	expect_str(
		hex_of(digest), S("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
}

TEST(sha256_vectors)
{
	with_each(try_vectors);
}

/* Zero bytes around every edge of the padding; the digests are from an independent implementation.
 */
static void try_padding(void)
{
	static const struct {
		size_t n;
		struct str digest;
	} cases[] = {
		{ 1, STR("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d") },
		{ 55, STR("02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7") },
		{ 56, STR("d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb") },
		{ 57, STR("65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785") },
		{ 63, STR("c7723fa1e0127975e49e62e753db53924c1bd84b8ac1ac08df78d09270f3d971") },
		{ 64, STR("f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b") },
		{ 65, STR("98ce42deef51d40269d542f5314bef2c7468d401ad5d85168bfab4c0108f75f7") },
		{ 119, STR("f616b0d54e78571a9611f343c9f8e022e859e920381ab0e4d3da01e193a7bd7e") },
		{ 120, STR("6edd9f6f9cc92cded36e6c4a580933f9c9f1b90562b46903b806f21902a1a54f") },
		{ 127, STR("15dae5979058bfbf4f9166029b6e340ea3ca374fef578a11dc9e6e923860d7ae") },
		{ 128, STR("38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca") },
		{ 1000, STR("541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53") },
		{ 1000000, STR("d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025") },
	};
	uint8_t digest[SHA256_SIZE];
	memset(million, 0, sizeof(million));
	for (size_t i = 0; i < countof(cases); i++) {
		sha256(digest, (struct str){ million, cases[i].n });
		expect_str(hex_of(digest), cases[i].digest);
	}
}

TEST(sha256_pads_right)
{
	with_each(try_padding);
}

static void try_splits(void)
{
	for (size_t i = 0; i < 4096; i++)
		million[i] = (char)test_random(256);
	for (int round = 0; round < 500; round++) {
		struct str text = { million, test_random(400) };
		uint8_t whole[SHA256_SIZE], parts[SHA256_SIZE];
		struct sha256 s;
		sha256(whole, text);
		sha256_init(&s);
		for (size_t at = 0, n; at < text.n; at += n) {
			n = 1 + test_random(130);
			sha256_update(&s, str_sub(text, at, at + n));
			sha256_update(&s, (struct str){ NULL, 0 });
		}
		sha256_final(&s, parts);
		expect(memcmp(whole, parts, sizeof(whole)) == 0);
	}
}

TEST(sha256_is_the_same_in_pieces)
{
	with_each(try_splits);
}

static void try_against_bearssl(void)
{
	for (size_t n = 0; n < 2000; n += n < 300 ? 1 : 1 + test_random(100)) {
		uint8_t got[SHA256_SIZE], want[SHA256_SIZE];
		br_sha256_context reference;
		for (size_t i = 0; i < n; i++)
			million[i] = (char)test_random(256);
		br_sha256_init(&reference);
		br_sha256_update(&reference, million, n);
		br_sha256_out(&reference, want);
		sha256(got, guard_copy((struct str){ million, n }));
		if (!expect(memcmp(got, want, sizeof(want)) == 0))
			return;
	}
}

TEST(sha256_agrees_with_bearssl)
{
	with_each(try_against_bearssl);
}

/* Lengths that no test can feed: both go on from a state that claims to have taken so much. */
TEST(sha256_counts_bits_beyond_32)
{
	static const uint64_t lengths[] = { (uint64_t)1 << 29, (uint64_t)3 << 30, (uint64_t)1 << 32,
		(uint64_t)5 << 40 };
	for (size_t i = 0; i < countof(lengths); i++) {
		uint8_t state[SHA256_SIZE], got[SHA256_SIZE], want[SHA256_SIZE];
		br_sha256_context reference;
		struct sha256 s;
		br_sha256_init(&reference);
		br_sha256_state(&reference, state);
		sha256_set_state(&s, state, lengths[i]);
		sha256_update(&s, S("abc"));
		sha256_final(&s, got);
		br_sha256_set_state(&reference, state, lengths[i]);
		br_sha256_update(&reference, "abc", 3);
		br_sha256_out(&reference, want);
		context("%llu bytes before", (unsigned long long)lengths[i]);
		expect(memcmp(got, want, sizeof(want)) == 0);
	}
}

/* As TLS hashes its handshake: the digest is asked for in between, and the state is kept elsewhere
 * for a while. */
TEST(sha256_is_a_hash_of_bearssl)
{
	for (size_t n = 0; n <= 300; n++) {
		br_hash_compat_context ours;
		br_sha256_context reference;
		uint8_t got[SHA256_SIZE], want[SHA256_SIZE];
		size_t blocks = n / SHA256_BLOCK * SHA256_BLOCK;
		context("%zu bytes", n);
		sha256_class.init(&ours.vtable);
		br_sha256_init(&reference);
		expect(ours.vtable == &sha256_class && sha256_class.context_size <= sizeof(ours));
		sha256_class.update(&ours.vtable, million, blocks);
		br_sha256_update(&reference, million, blocks);
		expect(sha256_class.state(&ours.vtable, got) == br_sha256_state(&reference, want) &&
			memcmp(got, want, sizeof(want)) == 0);
		memset(&ours, 0, sizeof(ours));
		sha256_class.set_state(&ours.vtable, want, blocks);
		for (int twice = 0; twice < 2; twice++) {
			sha256_class.out(&ours.vtable, got);
			br_sha256_out(&reference, want);
			expect(memcmp(got, want, sizeof(want)) == 0);
			sha256_class.update(&ours.vtable, million + blocks, n - blocks);
			br_sha256_update(&reference, million + blocks, n - blocks);
		}
	}
}

TEST(sha256_use_takes_only_what_is_there)
{
	const char *const *names = sha256_implementations();
	size_t count = 0;
	while (names[count])
		count++;
	expect(count == 1 || count == 2);
	expect(count > 0 && strcmp(names[count - 1], "portable") == 0);
	expect(!sha256_use(""));
	expect(!sha256_use("md5"));
	expect_int(sha256_use("cpu"), count == 2);
	expect(sha256_use(NULL));
}

static void *hash_once(void *to)
{
	sha256(to, S("abc"));
	return NULL;
}

TEST(sha256_in_threads)
{
	uint8_t digests[8][SHA256_SIZE];
	pthread_t threads[8];
	for (size_t i = 0; i < countof(threads); i++)
		expect_int(pthread_create(&threads[i], NULL, hash_once, digests[i]), 0);
	for (size_t i = 0; i < countof(threads); i++) {
		expect_int(pthread_join(threads[i], NULL), 0);
		expect_str(hex_of(digests[i]), vectors[1].digest);
	}
}

TEST(sha256_of_no_memory)
{
	uint8_t digest[SHA256_SIZE];
	sha256(digest, (struct str){ NULL, 0 });
	expect_str(hex_of(digest), vectors[0].digest);
}

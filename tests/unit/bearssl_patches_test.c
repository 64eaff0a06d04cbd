/* The defects of BearSSL 0.6 that vendor/patches/ mends, one test a patch; each fails without its
 * patch. */
#include "check.h"

#include <string.h>

#include <bearssl.h>

/* A self-signed P-256 certificate for *.com and *.example.net, valid 2020 to 2049, and its private
 * key. */
static const unsigned char CERTIFICATE[] = {
	0x30, 0x82, 0x01, 0x28, 0x30, 0x81, 0xD0, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01, 0x30,
	0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x30, 0x0C, 0x31, 0x0A, 0x30,
	0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x01, 0x74, 0x30, 0x1E, 0x17, 0x0D, 0x32, 0x30, 0x30,
	0x31, 0x30, 0x31, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x5A, 0x17, 0x0D, 0x34, 0x39, 0x30, 0x31,
	0x30, 0x31, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x5A, 0x30, 0x0C, 0x31, 0x0A, 0x30, 0x08, 0x06,
	0x03, 0x55, 0x04, 0x03, 0x0C, 0x01, 0x74, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
	0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00, 0x04, 0x7E, 0x65, 0x6F, 0x13, 0xC0, 0x9A, 0x48, 0x06, 0xC9, 0x83, 0x00, 0x43, 0xE1, 0xBF,
	0x39, 0x85, 0x42, 0x40, 0x1A, 0x65, 0xE5, 0x51, 0x1C, 0x9D, 0xD1, 0xF2, 0xEE, 0xB5, 0x80, 0x80,
	0x3B, 0x61, 0x42, 0xD7, 0x8C, 0x07, 0x92, 0xFD, 0x88, 0x58, 0xDA, 0x38, 0x88, 0x68, 0xFB, 0x4C,
	0x47, 0x4B, 0x8D, 0x5F, 0x4A, 0x1C, 0x72, 0xB7, 0xF3, 0x44, 0xD2, 0xA0, 0xFB, 0xF1, 0x2F, 0x90,
	0x34, 0xBB, 0xA3, 0x23, 0x30, 0x21, 0x30, 0x1F, 0x06, 0x03, 0x55, 0x1D, 0x11, 0x04, 0x18, 0x30,
	0x16, 0x82, 0x05, 0x2A, 0x2E, 0x63, 0x6F, 0x6D, 0x82, 0x0D, 0x2A, 0x2E, 0x65, 0x78, 0x61, 0x6D,
	0x70, 0x6C, 0x65, 0x2E, 0x6E, 0x65, 0x74, 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
	0x04, 0x03, 0x02, 0x03, 0x47, 0x00, 0x30, 0x44, 0x02, 0x20, 0x2A, 0xE6, 0x4A, 0x9C, 0xBB, 0x5D,
	0x59, 0x87, 0x7B, 0x9E, 0x74, 0x2C, 0x41, 0x43, 0xA8, 0xEF, 0xF5, 0xA9, 0x5C, 0x1E, 0xBE, 0x96,
	0x93, 0x34, 0x2E, 0x04, 0x3C, 0x32, 0x19, 0x0A, 0xEB, 0xDB, 0x02, 0x20, 0x1C, 0x49, 0x68, 0x59,
	0x5B, 0x0C, 0xF6, 0x9E, 0x9A, 0x5B, 0xD9, 0x00, 0xE0, 0xA4, 0x02, 0xA2, 0xD1, 0x78, 0xCB, 0x36,
	0x59, 0xF8, 0x9A, 0xCB, 0x9A, 0x2A, 0x06, 0x1B, 0x07, 0x97, 0xAA, 0x78,
};

static const unsigned char KEY[] = {
	0xD6, 0xA2, 0x85, 0x7F, 0xA1, 0x15, 0x66, 0x36, 0x2A, 0x7C, 0x13, 0x69, 0x12, 0x75, 0x86, 0xCF,
	0x78, 0xC6, 0xF1, 0x86, 0xD5, 0x30, 0xD7, 0x78, 0x66, 0xC3, 0x9A, 0x90, 0x80, 0xC1, 0x12, 0xA7,
};
#define PUBLIC_KEY_AT 113
#define PUBLIC_KEY_LEN 65

/* Bytes that nobody may write to, around what is under test. */
#define UNTOUCHED 0xA5

static bool untouched(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != UNTOUCHED)
			return false;
	}
	return true;
}

/* ---- arithmetic ---- */

TEST(bearssl_modulus_of_a_4096_bit_key)
{
	unsigned char factor[256], modulus[512], want[512];
	br_rsa_private_key key = {
		.n_bitlen = 4096, .p = factor, .plen = 256, .q = factor, .qlen = 256
	};

	/* (2^2048 - 1)^2 = 2^4096 - 2^2049 + 1 */
	memset(factor, 0xFF, sizeof factor);
	memset(want, 0xFF, 255);
	want[255] = 0xFE;
	memset(want + 256, 0, 255);
	want[511] = 1;
	expect_int(br_rsa_i31_compute_modulus(modulus, &key), 512);
	expect(memcmp(modulus, want, sizeof want) == 0);
}

/* RFC 7748, section 5.2, first vector; its scalar is little-endian. */
TEST(bearssl_c25519_scalar_is_big_endian)
{
	static const unsigned char little_endian[32] = {
		0xA5, 0x46, 0xE3, 0x6B, 0xF0, 0x52, 0x7C, 0x9D, 0x3B, 0x16, 0x15, 0x4B, 0x82, 0x46, 0x5E,
		0xDD, 0x62, 0x14, 0x4C, 0x0A, 0xC1, 0xFC, 0x5A, 0x18, 0x50, 0x6A, 0x22, 0x44, 0xBA, 0x44,
		0x9A, 0xC4,
	};
	static const unsigned char want[32] = {
		0xC3, 0xDA, 0x55, 0x37, 0x9D, 0xE9, 0xC6, 0x90, 0x8E, 0x94, 0xEA, 0x4D, 0xF2, 0x8D, 0x08,
		0x4F, 0x32, 0xEC, 0xCF, 0x03, 0x49, 0x1C, 0x71, 0xF7, 0x54, 0xB4, 0x07, 0x55, 0x77, 0xA2,
		0x85, 0x52,
	};
	unsigned char scalar[32], point[32] = {
		0xE6, 0xDB, 0x68, 0x67, 0x58, 0x30, 0x30, 0xDB, 0x35, 0x94, 0xC1, 0xA4, 0x24, 0xB1, 0x5F,
		0x7C, 0x72, 0x66, 0x24, 0xEC, 0x26, 0xB3, 0x35, 0x3B, 0x10, 0xA9, 0x03, 0xA6, 0xD0, 0xAB,
		0x1C, 0x4C,
	};

	for (size_t i = 0; i < sizeof scalar; i++)
		scalar[i] = little_endian[sizeof scalar - 1 - i];
	expect_int(br_ec_c25519_m31.mul(point, 32, scalar, 32, BR_EC_curve25519), 1);
	expect(memcmp(point, want, sizeof want) == 0);
}

static void expect_refused(const unsigned char encoded[static 32])
{
	unsigned char scalar[32], point[32];

	memset(scalar, 0x55, sizeof scalar);
	for (int top = 0; top < 2; top++) {
		memcpy(point, encoded, sizeof point);
		point[31] |= (unsigned char)(top << 7);
		expect_int(
			br_ec_c25519_m31.mul(point, sizeof point, scalar, sizeof scalar, BR_EC_curve25519), 0);
	}
}

/* RFC 7748, section 6.1: these points give zero with every key. The last three are p - 1, p and p +
 * 1, for p = 2^255 - 19. */
TEST(bearssl_x25519_refuses_points_of_small_order)
{
	static const unsigned char points[][32] = {
		{ 0 },
		{ 1 },
		{ 0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56, 0xE3, 0xFA, 0xF1, 0x9F, 0xC4,
			0x6A, 0xDA, 0x09, 0x8D, 0xEB, 0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16, 0x5F,
			0x49, 0xB8, 0x00 },
		{ 0x5F, 0x9C, 0x95, 0xBC, 0xA3, 0x50, 0x8C, 0x24, 0xB1, 0xD0, 0xB1, 0x55, 0x9C, 0x83, 0xEF,
			0x5B, 0x04, 0x44, 0x5C, 0xC4, 0x58, 0x1C, 0x8E, 0x86, 0xD8, 0x22, 0x4E, 0xDD, 0xD0,
			0x9F, 0x11, 0x57 },
	};
	unsigned char scalar[32], point[32];

	for (size_t i = 0; i < countof(points); i++) {
		context("point %zu", i);
		expect_refused(points[i]);
	}
	memset(point, 0xFF, sizeof point);
	point[31] = 0x7F;
	for (point[0] = 0xEC; point[0] <= 0xEE; point[0]++) {
		context("p - 0xED + 0x%X", point[0]);
		expect_refused(point);
	}
	memset(scalar, 0x55, sizeof scalar);
	memset(point, 0, sizeof point);
	point[0] = 9;
	expect_int(
		br_ec_c25519_m31.mul(point, sizeof point, scalar, sizeof scalar, BR_EC_curve25519), 1);
}

TEST(bearssl_points_of_wrong_length_are_refused_untouched)
{
	static const struct {
		const br_ec_impl *ec;
		int curve;
		size_t len;
	} cases[] = {
		{ &br_ec_prime_i31, BR_EC_secp256r1, 33 },
		{ &br_ec_prime_i31, BR_EC_secp256r1, 64 },
		{ &br_ec_prime_i31, BR_EC_secp256r1, 66 },
		{ &br_ec_prime_i31, BR_EC_secp256r1, 97 },
		{ &br_ec_prime_i31, BR_EC_secp384r1, 65 },
		{ &br_ec_prime_i31, BR_EC_secp384r1, 96 },
		{ &br_ec_prime_i31, BR_EC_secp384r1, 133 },
		{ &br_ec_p256_m31, BR_EC_secp256r1, 33 },
		{ &br_ec_p256_m31, BR_EC_secp256r1, 64 },
		{ &br_ec_p256_m31, BR_EC_secp256r1, 66 },
	};
	static const unsigned char seven[] = { 7 };
	unsigned char point[160];

	for (size_t i = 0; i < countof(cases); i++) {
		context("curve %d, %zu bytes", cases[i].curve, cases[i].len);
		memset(point, UNTOUCHED, sizeof point);
		expect_int(cases[i].ec->mul(point, cases[i].len, seven, 1, cases[i].curve), 0);
		expect(untouched(point, sizeof point));
		expect_int(
			cases[i].ec->muladd(point, NULL, cases[i].len, seven, 1, seven, 1, cases[i].curve), 0);
		expect(untouched(point, sizeof point));
	}
}

/* ---- handshakes ---- */

static struct {
	br_ssl_client_context client;
	br_ssl_server_context server;
	br_x509_minimal_context unused;
	br_x509_knownkey_context known;
	br_x509_certificate chain;
	br_ec_private_key key;
	br_ssl_session_cache_lru sessions;
	unsigned char session_store[1000];
	unsigned char client_records[BR_SSL_BUFSIZE_BIDI];
	unsigned char server_records[BR_SSL_BUFSIZE_BIDI];
} tls;

/* Moves what `from` has to send into `to`; false when there was nothing that could be moved. */
static bool carry(br_ssl_engine_context *from, br_ssl_engine_context *to)
{
	size_t have, room;
	unsigned char *source = br_ssl_engine_sendrec_buf(from, &have);
	unsigned char *sink = br_ssl_engine_recvrec_buf(to, &room);

	if (source == NULL || sink == NULL)
		return false;
	size_t n = have < room ? have : room;
	memcpy(sink, source, n);
	br_ssl_engine_sendrec_ack(from, n);
	br_ssl_engine_recvrec_ack(to, n);
	return true;
}

static void carry_all(void)
{
	while (carry(&tls.client.eng, &tls.server.eng) || carry(&tls.server.eng, &tls.client.eng)) { }
}

static void set_up(void)
{
	static const unsigned char seed[32] = { 1 };
	br_x509_certificate chain = { .data = (unsigned char *)(uintptr_t)CERTIFICATE,
		.data_len = sizeof CERTIFICATE };
	br_ec_private_key key = {
		.curve = BR_EC_secp256r1, .x = (unsigned char *)(uintptr_t)KEY, .xlen = sizeof KEY
	};
	br_ec_public_key public_key = {
		.curve = BR_EC_secp256r1,
		.q = (unsigned char *)(uintptr_t)CERTIFICATE + PUBLIC_KEY_AT,
		.qlen = PUBLIC_KEY_LEN,
	};

	br_ssl_client_init_full(&tls.client, &tls.unused, NULL, 0);
	br_x509_knownkey_init_ec(&tls.known, &public_key, BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN);
	br_ssl_engine_set_x509(&tls.client.eng, &tls.known.vtable);
	br_ssl_engine_set_buffer(&tls.client.eng, tls.client_records, sizeof tls.client_records, 1);
	br_ssl_engine_inject_entropy(&tls.client.eng, seed, sizeof seed);
	tls.chain = chain;
	tls.key = key;
	br_ssl_server_init_full_ec(&tls.server, &tls.chain, 1, BR_KEYTYPE_EC, &tls.key);
	br_ssl_session_cache_lru_init(&tls.sessions, tls.session_store, sizeof tls.session_store);
	br_ssl_server_set_cache(&tls.server, &tls.sessions.vtable);
	br_ssl_engine_set_buffer(&tls.server.eng, tls.server_records, sizeof tls.server_records, 1);
	br_ssl_engine_inject_entropy(&tls.server.eng, seed, sizeof seed);
}

static void shake_hands(bool resume)
{
	expect(br_ssl_client_reset(&tls.client, "a.example.net", resume) == 1);
	expect(br_ssl_server_reset(&tls.server) == 1);
	carry_all();
}

static bool connected(void)
{
	size_t n;

	return br_ssl_engine_sendapp_buf(&tls.client.eng, &n) != NULL &&
		br_ssl_engine_sendapp_buf(&tls.server.eng, &n) != NULL;
}

/* ---- resumption ---- */

static const char *http[] = { "http/1.1" }, *h2[] = { "h2" }, *both[] = { "h2", "http/1.1" };

/* Connects twice, the second time offering `names` and resuming. */
static void resume_offering(const char **names, size_t count, uint32_t server_flags)
{
	set_up();
	br_ssl_engine_set_protocol_names(&tls.server.eng, http, countof(http));
	br_ssl_engine_set_all_flags(&tls.server.eng, server_flags);
	br_ssl_engine_set_protocol_names(&tls.client.eng, http, countof(http));
	shake_hands(false);
	expect(connected());
	br_ssl_engine_set_protocol_names(&tls.client.eng, names, count);
	shake_hands(true);
}

static bool was_resumed(const unsigned char id[static 32])
{
	return memcmp(tls.server.eng.session.session_id, id, 32) == 0;
}

TEST(bearssl_resumption_without_a_common_protocol)
{
	resume_offering(h2, countof(h2), BR_OPT_FAIL_ON_ALPN_MISMATCH);
	expect(!connected());
	expect_int(br_ssl_engine_last_error(&tls.server.eng), BR_ERR_SEND_FATAL_ALERT + 120);
	expect_int(br_ssl_engine_last_error(&tls.client.eng), BR_ERR_RECV_FATAL_ALERT + 120);

	resume_offering(h2, countof(h2), 0);
	expect(connected());
	expect(br_ssl_engine_get_selected_protocol(&tls.server.eng) == NULL);
	expect(br_ssl_engine_get_selected_protocol(&tls.client.eng) == NULL);
}

TEST(bearssl_resumption_with_a_common_protocol)
{
	unsigned char id[32];

	resume_offering(both, countof(both), BR_OPT_FAIL_ON_ALPN_MISMATCH);
	expect(connected());
	expect(strcmp(br_ssl_engine_get_selected_protocol(&tls.server.eng), "http/1.1") == 0);
	expect(strcmp(br_ssl_engine_get_selected_protocol(&tls.client.eng), "http/1.1") == 0);
	memcpy(id, tls.server.eng.session.session_id, sizeof id);
	shake_hands(true);
	expect(connected() && was_resumed(id));
}

/* ---- key exchange ---- */

static size_t mulgen_zero(unsigned char *point, const unsigned char *scalar, size_t n, int curve)
{
	(void)scalar, (void)n, (void)curve;
	memset(point, 0, 32);
	return 32;
}

static void send_zero_share(br_ssl_engine_context *from)
{
	static br_ec_impl zero;

	zero = *from->iec;
	zero.mulgen = mulgen_zero;
	br_ssl_engine_set_ec(from, &zero);
	shake_hands(false);
	expect(!connected());
}

TEST(bearssl_x25519_share_of_zeros)
{
	set_up();
	send_zero_share(&tls.client.eng);
	expect_int(br_ssl_engine_last_error(&tls.server.eng), BR_ERR_SEND_FATAL_ALERT + 47);
	set_up();
	send_zero_share(&tls.server.eng);
	expect_int(br_ssl_engine_last_error(&tls.client.eng), BR_ERR_INVALID_ALGORITHM);
}

/* ---- extended master secret ---- */

TEST(bearssl_extended_master_secret)
{
	unsigned char id[32];

	set_up();
	shake_hands(false);
	expect(connected());
	expect_int(tls.client.eng.session.extended, 1);
	expect_int(tls.server.eng.session.extended, 1);
	expect(memcmp(tls.client.eng.session.master_secret, tls.server.eng.session.master_secret, 48) ==
		0);
	memcpy(id, tls.server.eng.session.session_id, sizeof id);
	shake_hands(true);
	expect(connected() && was_resumed(id));
	expect_int(tls.server.eng.session.extended, 1);
}

/* RFC 7627, 5.3: a session is resumed with the kind of secret that it began with, or not at all. */
TEST(bearssl_resumption_keeps_the_kind_of_master_secret)
{
	unsigned char id[32];

	context("a client that forgot that the secret is an extended one");
	set_up();
	shake_hands(false);
	tls.client.eng.session.extended = 0;
	shake_hands(true);
	expect(!connected());
	expect_int(br_ssl_engine_last_error(&tls.client.eng), BR_ERR_RESUME_MISMATCH);

	context("a server that forgot it");
	set_up();
	shake_hands(false);
	memcpy(id, tls.server.eng.session.session_id, sizeof id);
	br_ssl_session_parameters plain = tls.server.eng.session;
	plain.extended = 0;
	br_ssl_session_cache_lru_init(&tls.sessions, tls.session_store, sizeof tls.session_store);
	tls.sessions.vtable->save(&tls.sessions.vtable, &tls.server, &plain);
	shake_hands(true);
	expect(connected() && !was_resumed(id));
	expect_int(tls.server.eng.session.extended, 1);
	expect_int(tls.client.eng.session.extended, 1);
}

/* ---- hashes of the handshake ---- */

TEST(bearssl_handshake_is_hashed_once)
{
	static const br_hash_class *const classes[] = { &br_sha256_vtable, &br_sha384_vtable,
		&br_sha512_vtable };
	br_multihash_context m;
	unsigned char text[1000], got[64], want[64];
	br_hash_compat_context alone;

	memset(text, 'x', sizeof text);
	for (int id = br_sha256_ID; id <= br_sha512_ID; id++) {
		context("hash %d", id);
		br_multihash_zero(&m);
		for (int i = br_sha256_ID; i <= br_sha512_ID; i++)
			br_multihash_setimpl(&m, i, classes[i - br_sha256_ID]);
		for (int round = 0; round < 2; round++) {
			br_multihash_init(&m);
			br_multihash_update(&m, text, 300);
			expect(br_multihash_out(&m, br_sha256_ID, got) == 32 &&
				br_multihash_out(&m, br_sha512_ID, got) == 64);
			br_multihash_only(&m, id);
			br_multihash_update(&m, text, sizeof text);
			for (int i = br_sha256_ID; i <= br_sha512_ID; i++)
				expect((br_multihash_out(&m, i, got) > 0) == (i == id));
			size_t n = br_multihash_out(&m, id, got);
			classes[id - br_sha256_ID]->init(&alone.vtable);
			alone.vtable->update(&alone.vtable, text, 300);
			alone.vtable->update(&alone.vtable, text, sizeof text);
			alone.vtable->out(&alone.vtable, want);
			expect(memcmp(got, want, n) == 0);
		}
	}
	context("in a handshake");
	set_up();
	shake_hands(false);
	expect(connected());
	for (int i = 0; i < 2; i++) {
		shake_hands(i);
		expect(connected());
		expect_int(br_multihash_out(&tls.client.eng.mhash, br_sha512_ID, got), 0);
		expect_int(br_multihash_out(&tls.server.eng.mhash, br_sha512_ID, got), 0);
	}
}

/* Every suite that is spoken, as what it is made of is looked up. */
TEST(bearssl_suites)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	};

	for (size_t i = 0; i < countof(suites); i++) {
		context("%04X", suites[i]);
		set_up();
		br_ssl_engine_set_suites(&tls.client.eng, &suites[i], 1);
		shake_hands(false);
		expect(connected());
		expect_int(tls.client.eng.session.cipher_suite, suites[i]);
		shake_hands(true);
		expect(connected());
	}
	context("one that is not known");
	set_up();
	br_ssl_engine_set_suites(&tls.client.eng, &(uint16_t){ 0x1301 }, 1);
	expect(br_ssl_client_reset(&tls.client, "a.example.net", 0) == 0);
	expect_int(br_ssl_engine_last_error(&tls.client.eng), BR_ERR_BAD_CIPHER_SUITE);
}

/* ---- closing ---- */

TEST(bearssl_close_drops_unread_data)
{
	size_t n;

	set_up();
	shake_hands(false);
	unsigned char *out = br_ssl_engine_sendapp_buf(&tls.server.eng, &n);
	expect(out != NULL && n >= 5);
	if (out == NULL)
		return;
	memcpy(out, "hello", 5);
	br_ssl_engine_sendapp_ack(&tls.server.eng, 5);
	br_ssl_engine_flush(&tls.server.eng, 0);
	carry_all();
	expect(br_ssl_engine_current_state(&tls.client.eng) & BR_SSL_RECVAPP);

	br_ssl_engine_close(&tls.client.eng);
	carry_all();
	expect_int(br_ssl_engine_current_state(&tls.client.eng), BR_SSL_CLOSED);
	expect_int(br_ssl_engine_last_error(&tls.client.eng), BR_ERR_OK);
	expect_int(br_ssl_engine_current_state(&tls.server.eng), BR_SSL_CLOSED);
}

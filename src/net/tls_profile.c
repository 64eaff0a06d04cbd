#include "net/tls_profile.h"

#include "crypto/cpu.h"
#include "crypto/ct.h"
#include "crypto/curves.h"
#include "crypto/ecdsa.h"
#include "crypto/gcm_cpu.h"
#include "crypto/rsa.h"
#include "crypto/seed.h"
#include "crypto/sha256_class.h"
#include "crypto/tls_prf.h"

/* RSA before ECDSA, whose signatures cost twice as much to verify: a server that has
 * certificates of both kinds and leaves the choice to its client then shows the one with RSA. */
static const uint16_t aes_first[] = {
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
};

static const uint16_t chacha20_first[] = {
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
};

#if defined(__x86_64__)
#define CHACHA20 br_chacha20_sse2_run
#else
#define CHACHA20 br_chacha20_ct_run
#endif

/* Ciphers by what the CPU has, and in the order in which it is good at them: without AES
 * instructions ChaCha20 is several times faster than AES in constant time. BearSSL would find out
 * itself, but ask the CPU anew for each connection. */
static void set_ciphers(br_ssl_engine_context *e)
{
	bool fast = cpu_features() & CPU_GCM;
	br_ssl_engine_set_suites(e, fast ? aes_first : chacha20_first, countof(aes_first));
	br_ssl_engine_set_gcm(e, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(e, fast ? GCM_CPU_AES : &br_aes_ct64_ctr_vtable);
	br_ssl_engine_set_ghash(e, fast ? GCM_CPU_GHASH : br_ghash_ctmul64);
	br_ssl_engine_set_chapol(e, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
	br_ssl_engine_set_chacha20(e, CHACHA20);
	br_ssl_engine_set_poly1305(e, br_poly1305_ctmul_run);
}

/* Algorithm by algorithm, so that nothing else is linked. The order of curves is BearSSL's: X25519
 * first, which costs least. */
void tls_profile_set(br_ssl_engine_context *e)
{
	static const char *const protocols[] = { "http/1.1" };
	unsigned char seed[32];
	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_ssl_engine_add_flags(e, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_hash(e, br_sha256_ID, &sha256_class);
	br_ssl_engine_set_hash(e, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(e, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(e, tls_prf_sha256);
	br_ssl_engine_set_prf_sha384(e, br_tls12_sha384_prf);
	br_ssl_engine_set_ec(e, &curves);
	br_ssl_engine_set_ecdsa(e, ecdsa_vrfy);
	br_ssl_engine_set_rsavrfy(e, rsa_pkcs1_vrfy);
	set_ciphers(e);
	br_ssl_engine_set_protocol_names(e, (const char **)(uintptr_t)protocols, countof(protocols));
	seed_fill(seed, sizeof(seed));
	br_ssl_engine_inject_entropy(e, seed, sizeof(seed));
	ct_wipe(seed, sizeof(seed));
}

#include "crypto/sha256_class.h"

#include "crypto/sha256.h"

struct context {
	const br_hash_class *class;
	struct sha256 hash;
};
_Static_assert(
	sizeof(struct context) <= sizeof(br_hash_compat_context), "BearSSL sets that much aside");

static struct sha256 *hash_of(const br_hash_class *const *context)
{
	return &((struct context *)(uintptr_t)context)->hash;
}

static void init(const br_hash_class **context)
{
	*context = &sha256_class;
	sha256_init(hash_of(context));
}

static void update(const br_hash_class **context, const void *p, size_t n)
{
	sha256_update(hash_of(context), (struct str){ p, n });
}

static void out(const br_hash_class *const *context, void *digest)
{
	struct sha256 copy = *hash_of(context);
	sha256_final(&copy, digest);
}

static uint64_t get_state(const br_hash_class *const *context, void *state)
{
	const struct sha256 *hash = hash_of(context);
	sha256_get_state(hash, state);
	return hash->n;
}

static void set_state(const br_hash_class **context, const void *state, uint64_t n)
{
	struct sha256 *hash = hash_of(context);
	*context = &sha256_class;
	sha256_set_state(hash, state, n);
}

const br_hash_class sha256_class = {
	.context_size = sizeof(struct context),
	.desc = BR_HASHDESC_ID(br_sha256_ID) | BR_HASHDESC_OUT(SHA256_SIZE) |
		BR_HASHDESC_STATE(SHA256_SIZE) | BR_HASHDESC_LBLEN(6) | BR_HASHDESC_MD_PADDING |
		BR_HASHDESC_MD_PADDING_BE,
	.init = init,
	.update = update,
	.out = out,
	.state = get_state,
	.set_state = set_state,
};

#include "crypto/ecdsa_raw.h"

#include "crypto/ct.h"
#include "crypto/ec_point.h"

#include <string.h>

#ifdef LIMB_WIDE

/* Reduces a number of the order's length modulo the order, whose highest bit is set. */
static void reduce_by_order(const struct ec_curve *c, limb *a)
{
	limb borrow = 0, below = mont_below(a, c->order.m, c->n);
	for (size_t i = 0; i < c->n; i++)
		a[i] = limb_sub(a[i], c->order.m[i] & ~below, &borrow);
}

/* The digest as a number: its first bits, as many as the order has, reduced. */
static void read_digest(const struct ec_curve *c, limb *out, const void *digest, size_t n)
{
	limb_read(out, c->n, digest, n < c->size ? n : c->size);
	reduce_by_order(c, out);
}

/* Whether a number is between 1 and order - 1: a mask. */
static limb load_number(const struct ec_curve *c, limb *out, const uint8_t *p)
{
	limb_read(out, c->n, p, c->size);
	return mont_below(out, c->order.m, c->n) & ~ec_is_zero(c, out);
}

/* Whether the x of a point is this number: x = X / Z^2 is asked without a division. */
static bool has_x(const struct ec_curve *c, const struct ec_point *a, const limb *x)
{
	limb z2[EC_LIMBS_MAX], t[EC_LIMBS_MAX];
	if (!mont_below(x, c->p.m, c->n))
		return false;
	c->sqr(z2, a->z, &c->p);
	c->mul(t, x, c->r2, &c->p);
	c->mul(t, t, z2, &c->p);
	return memcmp(t, a->x, c->n * sizeof(limb)) == 0;
}

/* The same modulo the order, which is less than p: x may be r or r + order. */
static bool has_x_modulo(const struct ec_curve *c, const struct ec_point *a, const limb *r)
{
	limb x[EC_LIMBS_MAX], carry = 0;
	if (ec_is_zero(c, a->z))
		return false;
	for (size_t i = 0; i < c->n; i++)
		x[i] = limb_add(r[i], c->order.m[i], &carry);
	return has_x(c, a, r) || (!carry && has_x(c, a, x));
}

bool ecdsa_raw_verify(
	const br_ec_public_key *key, const void *digest, size_t digest_n, const uint8_t *raw)
{
	const struct ec_curve *c = ec_curve_of(key->curve);
	limb r[EC_LIMBS_MAX], s[EC_LIMBS_MAX], u[EC_LIMBS_MAX], v[EC_LIMBS_MAX];
	struct ec_point q, sum;
	if (!ec_read(c, &q, key->q, key->qlen) || !load_number(c, r, raw) ||
		!load_number(c, s, raw + c->size))
		return false;
	/* u = digest / s, v = r / s */
	mont_mul(s, s, c->order_r2, &c->order);
	ec_order_invert(c, s, s);
	read_digest(c, u, digest, digest_n);
	mont_mul(u, u, s, &c->order);
	mont_mul(v, r, s, &c->order);
	ec_times_both(c, &sum, u, &q, v);
	return has_x_modulo(c, &sum, r);
}

/* The private scalar, without or with zeros in front. A mask: whether it is one. */
static limb read_key(const struct ec_curve *c, limb *out, uint8_t bytes[static EC_SIZE_MAX],
	const br_ec_private_key *key)
{
	size_t n = key->xlen < c->size ? key->xlen : c->size;
	limb beyond = 0;
	for (size_t i = 0; i + n < key->xlen; i++)
		beyond |= key->x[i];
	memset(bytes, 0, c->size);
	memcpy(bytes + c->size - n, key->x + key->xlen - n, n);
	return load_number(c, out, bytes) & limb_is_zero(beyond);
}

/* Nonces until one is between 1 and order - 1. Which were not tells nothing of the one that is. */
static __attribute__((noinline)) void draw_nonce(
	const struct ec_curve *c, limb *out, br_hmac_drbg_context *drbg)
{
	uint8_t bytes[EC_SIZE_MAX];
	do
		br_hmac_drbg_generate(drbg, bytes, c->size);
	while (!load_number(c, out, bytes));
	ct_wipe(bytes, sizeof(bytes));
}

/* What everything secret lies in. */
struct signing {
	br_hmac_drbg_context drbg;
	uint8_t seed[2 * EC_SIZE_MAX];
	limb key[EC_LIMBS_MAX], nonce[EC_LIMBS_MAX], t[EC_LIMBS_MAX];
	struct ec_point point;
};

bool ecdsa_raw_sign(uint8_t raw[static ECDSA_RAW_MAX], const br_ec_private_key *key,
	const br_hash_class *hash, const void *digest)
{
	const struct ec_curve *c = ec_curve_of(key->curve);
	struct signing w;
	limb e[EC_LIMBS_MAX], r[EC_LIMBS_MAX], s[EC_LIMBS_MAX];
	limb good = read_key(c, w.key, w.seed, key);
	read_digest(c, e, digest, hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK);
	limb_write(w.seed + c->size, c->size, e);
	br_hmac_drbg_init(&w.drbg, hash, w.seed, 2 * c->size);
	draw_nonce(c, w.nonce, &w.drbg);
	/* r is the x of nonce * G */
	ec_times_generator(c, &w.point, w.nonce);
	ec_affine(c, r, NULL, &w.point);
	reduce_by_order(c, r);
	/* s = (e + r key) / nonce; that r or s is 0 does not happen */
	mont_mul(w.t, r, c->order_r2, &c->order);
	mont_mul(w.t, w.t, w.key, &c->order);
	mont_add(s, w.t, e, &c->order);
	mont_mul(w.t, w.nonce, c->order_r2, &c->order);
	ec_order_invert(c, w.t, w.t);
	mont_mul(s, s, w.t, &c->order);
	good &= ~ec_is_zero(c, r) & ~ec_is_zero(c, s);
	limb_write(raw, c->size, r);
	limb_write(raw + c->size, c->size, s);
	for (size_t i = 0; i < 2 * c->size; i++)
		raw[i] &= (uint8_t)good;
	ct_wipe(&w, sizeof(w));
	return good != 0;
}

#endif

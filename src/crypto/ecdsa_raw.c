#include "crypto/ecdsa_raw.h"

#include "crypto/ec_point.h"

#include <string.h>

#ifdef LIMB_WIDE

/* The digest as a number: its first bits, as many as the order has, reduced. */
static void read_digest(const struct ec_curve *c, limb *out, const void *digest, size_t n)
{
	limb borrow = 0;
	limb_read(out, c->n, digest, n < c->size ? n : c->size);
	limb below = mont_below(out, c->order.m, c->n);
	for (size_t i = 0; i < c->n; i++)
		out[i] = limb_sub(out[i], c->order.m[i] & ~below, &borrow);
}

/* Whether a number is between 1 and order - 1: a mask. */
static limb read_number(const struct ec_curve *c, limb *out, const uint8_t *p)
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

bool ecdsa_raw_verify(const br_ec_public_key *key, const void *digest, size_t digest_n, const uint8_t *raw)
{
	const struct ec_curve *c = ec_curve_of(key->curve);
	limb r[EC_LIMBS_MAX], s[EC_LIMBS_MAX], u[EC_LIMBS_MAX], v[EC_LIMBS_MAX];
	struct ec_point q, sum;
	if (!ec_read(c, &q, key->q, key->qlen) || !read_number(c, r, raw) || !read_number(c, s, raw + c->size))
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

#endif

#include "crypto/ec.h"

#include "crypto/ct.h"
#include "crypto/ec_point.h"
#include "crypto/p256.h"

#include <string.h>

size_t ec_size(int curve)
{
	return curve == BR_EC_secp256r1 ? 32 : curve == BR_EC_secp384r1 ? 48 : 0;
}

#ifdef LIMB_WIDE

#include "crypto/ec_tables.h"

/* A comb has TEETH bits of a scalar, from equal distances, select from each table. */
enum { TEETH = 4, TABLES = 4, ENTRIES = 1 << (TEETH - 1) };

static const struct ec_curve p256 = {
	.n = 4, .size = 32,
	.p = { p256_p, 4, P256_P_INVERSE }, .order = { p256_n, 4, P256_N_INVERSE },
	.mul = p256_mul, .sqr = p256_sqr, .add = p256_add, .sub = p256_sub,
	.r2 = p256_r2, .one = p256_one, .b = p256_b_form, .order_r2 = p256_n_r2,
	.comb = p256_comb[0][0][0],
};

static const struct ec_curve p384 = {
	.n = 6, .size = 48,
	.p = { p384_p, 6, P384_P_INVERSE }, .order = { p384_n, 6, P384_N_INVERSE },
	.mul = mont_mul, .sqr = mont_sqr, .add = mont_add, .sub = mont_sub,
	.r2 = p384_r2, .one = p384_one, .b = p384_b_form, .order_r2 = p384_n_r2,
	.comb = p384_comb[0][0][0],
};

const struct ec_curve *ec_curve_of(int id)
{
	return id == BR_EC_secp256r1 ? &p256 : id == BR_EC_secp384r1 ? &p384 : NULL;
}

/* ---- the field ---- */

static void mul(const struct ec_curve *c, limb *out, const limb *a, const limb *b)
{
	c->mul(out, a, b, &c->p);
}

static void sqr(const struct ec_curve *c, limb *out, const limb *a)
{
	c->sqr(out, a, &c->p);
}

static void add_points(const struct ec_curve *c, limb *out, const limb *a, const limb *b)
{
	c->add(out, a, b, &c->p);
}

static void sub(const struct ec_curve *c, limb *out, const limb *a, const limb *b)
{
	c->sub(out, a, b, &c->p);
}

limb ec_is_zero(const struct ec_curve *c, const limb *a)
{
	limb any = 0;
	for (size_t i = 0; i < c->n; i++)
		any |= a[i];
	return limb_is_zero(any);
}

static void copy(const struct ec_curve *c, limb *out, const limb *a)
{
	memcpy(out, a, c->n * sizeof(limb));
}

static void select_limbs(
	const struct ec_curve *c, limb *out, limb mask, const limb *yes, const limb *no)
{
	for (size_t i = 0; i < c->n; i++)
		out[i] = limb_select(mask, yes[i], no[i]);
}

static void negate_if(const struct ec_curve *c, limb *a, limb mask)
{
	static const limb zero[EC_LIMBS_MAX];
	limb negative[EC_LIMBS_MAX];
	sub(c, negative, zero, a);
	select_limbs(c, a, mask, negative, a);
}

/* a^(modulus - 2) by four bits of the exponent at a time, which is public. */
static void invert(limb *out, const limb *a, const struct mont *mod,
	void (*times)(limb *, const limb *, const limb *, const struct mont *),
	void (*square)(limb *, const limb *, const struct mont *))
{
	const size_t n = mod->n;
	limb power[16][EC_LIMBS_MAX], r[EC_LIMBS_MAX];
	memcpy(power[1], a, n * sizeof(limb));
	for (size_t i = 2; i < countof(power); i++)
		times(power[i], power[i - 1], a, mod);
	for (size_t i = n * LIMB_BITS / 4; i-- > 0;) {
		/* Both moduli of both curves end in more than 2: nothing is borrowed. */
		limb word = mod->m[i / 16] - (i < 16 ? 2 : 0), digit = word >> 4 * (i % 16) & 15;
		if (i == n * LIMB_BITS / 4 - 1) {
			memcpy(r, power[digit], n * sizeof(limb));
			continue;
		}
		for (int k = 0; k < 4; k++)
			square(r, r, mod);
		if (digit)
			times(r, r, power[digit], mod);
	}
	memcpy(out, r, n * sizeof(limb));
	ct_wipe(power, sizeof(power));
	ct_wipe(r, sizeof(r));
}

void ec_invert(const struct ec_curve *c, limb *out, const limb *a)
{
	invert(out, a, &c->p, c->mul, c->sqr);
}

void ec_order_invert(const struct ec_curve *c, limb *out, const limb *a)
{
	invert(out, a, &c->order, mont_mul, mont_sqr);
}

/* ---- points ---- */

/* Infinity stays what it is; there are no points of order 2. `out` may be `a`. */
static void point_double(const struct ec_curve *c, struct ec_point *out, const struct ec_point *a)
{
	limb alpha[EC_LIMBS_MAX], beta[EC_LIMBS_MAX], gamma[EC_LIMBS_MAX], t[EC_LIMBS_MAX];
	/* alpha = 3 (x - z^2) (x + z^2) */
	sqr(c, t, a->z);
	sub(c, alpha, a->x, t);
	add_points(c, t, a->x, t);
	mul(c, t, alpha, t);
	add_points(c, alpha, t, t);
	add_points(c, alpha, alpha, t);
	/* z = 2 y z */
	mul(c, t, a->y, a->z);
	add_points(c, out->z, t, t);
	/* gamma = 2 y^2, beta = 4 x y^2 */
	sqr(c, gamma, a->y);
	add_points(c, gamma, gamma, gamma);
	add_points(c, t, gamma, gamma);
	mul(c, beta, a->x, t);
	/* x = alpha^2 - 2 beta */
	sqr(c, t, alpha);
	sub(c, t, t, beta);
	sub(c, out->x, t, beta);
	/* y = alpha (beta - x) - 8 y^4 */
	sub(c, t, beta, out->x);
	mul(c, alpha, alpha, t);
	sqr(c, t, gamma);
	add_points(c, t, t, t);
	sub(c, out->y, alpha, t);
}

/* a + b, where neither is infinity and they differ. If b is -a, the sum is infinity as it should
 * be; if they are equal, the mask says so, and the sum is worthless. With `affine`, b's z is not
 * looked at but taken for 1. `out` may be `a`. */
static limb point_add(const struct ec_curve *c, struct ec_point *out, const struct ec_point *a,
	const struct ec_point *b, bool affine)
{
	limb u1[EC_LIMBS_MAX], s1[EC_LIMBS_MAX], h[EC_LIMBS_MAX], r[EC_LIMBS_MAX], t[EC_LIMBS_MAX],
		z[EC_LIMBS_MAX];
	/* u1 = x1 z2^2, s1 = y1 z2^3, z = z1 z2 */
	if (affine) {
		copy(c, u1, a->x);
		copy(c, s1, a->y);
		copy(c, z, a->z);
	} else {
		sqr(c, t, b->z);
		mul(c, u1, a->x, t);
		mul(c, t, t, b->z);
		mul(c, s1, a->y, t);
		mul(c, z, a->z, b->z);
	}
	/* h = x2 z1^2 - u1, r = y2 z1^3 - s1 */
	sqr(c, t, a->z);
	mul(c, h, b->x, t);
	mul(c, t, t, a->z);
	mul(c, r, b->y, t);
	sub(c, h, h, u1);
	sub(c, r, r, s1);
	limb same = ec_is_zero(c, h) & ec_is_zero(c, r);
	/* x = r^2 - h^3 - 2 u1 h^2, y = r (u1 h^2 - x) - s1 h^3, z = z1 z2 h */
	mul(c, out->z, z, h);
	sqr(c, t, h);
	mul(c, u1, u1, t);
	mul(c, h, h, t);
	sqr(c, t, r);
	sub(c, t, t, h);
	sub(c, t, t, u1);
	sub(c, out->x, t, u1);
	sub(c, t, u1, out->x);
	mul(c, r, r, t);
	mul(c, s1, s1, h);
	sub(c, out->y, r, s1);
	return same;
}

/* The same where the two may be equal. */
static void point_add_any(
	const struct ec_curve *c, struct ec_point *a, const struct ec_point *b, bool affine)
{
	struct ec_point twice;
	point_double(c, &twice, a);
	limb same = point_add(c, a, a, b, affine);
	select_limbs(c, a->x, same, twice.x, a->x);
	select_limbs(c, a->y, same, twice.y, a->y);
	select_limbs(c, a->z, same, twice.z, a->z);
}

bool ec_read(const struct ec_curve *c, struct ec_point *out, const uint8_t *p, size_t n)
{
	limb left[EC_LIMBS_MAX], right[EC_LIMBS_MAX];
	if (n != 1 + 2 * c->size || p[0] != 4)
		return false;
	limb_read(out->x, c->n, p + 1, c->size);
	limb_read(out->y, c->n, p + 1 + c->size, c->size);
	if (!mont_below(out->x, c->p.m, c->n) || !mont_below(out->y, c->p.m, c->n))
		return false;
	mul(c, out->x, out->x, c->r2);
	mul(c, out->y, out->y, c->r2);
	copy(c, out->z, c->one);
	/* y^2 = x^3 - 3 x + b */
	sqr(c, right, out->x);
	mul(c, right, right, out->x);
	for (int i = 0; i < 3; i++)
		sub(c, right, right, out->x);
	add_points(c, right, right, c->b);
	sqr(c, left, out->y);
	return memcmp(left, right, c->n * sizeof(limb)) == 0;
}

void ec_affine(const struct ec_curve *c, limb *x, limb *y, const struct ec_point *a)
{
	static const limb plain_one[EC_LIMBS_MAX] = { 1 };
	limb inverse[EC_LIMBS_MAX], t[EC_LIMBS_MAX];
	ec_invert(c, inverse, a->z);
	sqr(c, t, inverse);
	mul(c, x, a->x, t);
	mul(c, x, x, plain_one);
	if (!y)
		return;
	mul(c, t, t, inverse);
	mul(c, y, a->y, t);
	mul(c, y, y, plain_one);
}

/* ---- multiples in constant time ---- */

/* An odd k as the sum of b * 2^i over all bits i, where b is 1 for a set bit in `out` and -1 for
 * another: nothing is ever skipped. An even k is replaced by order - k, which is odd; the mask says
 * so. */
static limb recode(const struct ec_curve *c, limb *out, const limb *k)
{
	limb borrow = 0, even = limb_mask(~k[0] & 1);
	for (size_t i = 0; i < c->n; i++)
		out[i] = limb_select(even, limb_sub(c->order.m[i], k[i], &borrow), k[i]);
	for (size_t i = 0; i + 1 < c->n; i++)
		out[i] = out[i] >> 1 | out[i + 1] << (LIMB_BITS - 1);
	out[c->n - 1] = out[c->n - 1] >> 1 | (limb)1 << (LIMB_BITS - 1);
	return even;
}

/* From one bit more than selects among ENTRIES: which, and whether it counts negative, which the
 * highest bit says. */
static limb split(limb *index, limb bits)
{
	limb negative = limb_mask(~bits >> 3 & 1);
	*index = (bits ^ negative) & (ENTRIES - 1);
	return negative;
}

/* Reads all entries of a table, each of `width` limbs, to take one. */
static void look_up(limb *out, const limb *table, size_t width, limb index)
{
	for (size_t i = 0; i < width; i++)
		out[i] = 0;
	for (limb k = 0; k < ENTRIES; k++) {
		limb mask = limb_is_zero(k ^ index);
		for (size_t i = 0; i < width; i++)
			out[i] |= mask & *table++;
	}
}

/* Four bits of a recoded scalar at a time mean an odd number from -15 to 15. Before the last
 * addition the sum is a multiple of the point by 16 to half the order or more, and never the addend
 * or its negative; in the last it can be, by one in 2^250. */
static void times_point(
	const struct ec_curve *c, struct ec_point *out, const struct ec_point *a, const limb *k)
{
	struct ec_point odd[ENTRIES], twice, item;
	limb bits[EC_LIMBS_MAX], index, even = recode(c, bits, k);
	odd[0] = *a;
	point_double(c, &twice, a);
	for (size_t i = 1; i < ENTRIES; i++)
		(void)point_add(c, &odd[i], &odd[i - 1], &twice, false);
	for (size_t i = c->n * LIMB_BITS / 4; i-- > 0;) {
		limb negative = split(&index, bits[i / 16] >> 4 * (i % 16) & 15);
		look_up(item.x, odd[0].x, sizeof(item) / sizeof(limb), index);
		if (i == c->n * LIMB_BITS / 4 - 1) { /* positive: the highest bit is set */
			*out = item;
			continue;
		}
		negate_if(c, item.y, negative);
		for (int j = 0; j < 4; j++)
			point_double(c, out, out);
		if (i > 0)
			(void)point_add(c, out, out, &item, false);
		else
			point_add_any(c, out, &item, false);
	}
	negate_if(c, out->y, even);
	ct_wipe(odd, sizeof(odd));
	ct_wipe(bits, sizeof(bits));
	ct_wipe(&item, sizeof(item));
}

/* The bits at `place` and at as many equal distances above as there are teeth. */
static limb teeth_at(const struct ec_curve *c, const limb *bits, size_t place)
{
	limb out = 0;
	for (size_t i = 0; i < TEETH; i++, place += c->n * LIMB_BITS / TEETH)
		out |= (bits[place / LIMB_BITS] >> place % LIMB_BITS & 1) << i;
	return out;
}

static const limb *comb_table(const struct ec_curve *c, size_t i)
{
	return c->comb + i * ENTRIES * 2 * c->n;
}

/* A comb (Lim and Lee 1994) over a recoded scalar. The lowest bit is added last; until then the sum
 * and the addend, seen as integers, differ by a number that is no multiple of the order. */
void ec_times_generator(const struct ec_curve *c, struct ec_point *out, const limb *k)
{
	const size_t columns = c->n * LIMB_BITS / TEETH / TABLES;
	limb bits[EC_LIMBS_MAX], entry[2 * EC_LIMBS_MAX], index, even = recode(c, bits, k);
	struct ec_point item;
	for (size_t column = columns; column-- > 0;) {
		if (column < columns - 1)
			point_double(c, out, out);
		for (size_t i = TABLES; i-- > 0;) {
			limb negative = split(&index, teeth_at(c, bits, i * columns + column));
			look_up(entry, comb_table(c, i), 2 * c->n, index);
			copy(c, item.x, entry);
			copy(c, item.y, entry + c->n);
			negate_if(c, item.y, negative);
			if (column == columns - 1 && i == TABLES - 1) {
				*out = item;
				copy(c, out->z, c->one);
			} else if (column > 0 || i > 0) {
				(void)point_add(c, out, out, &item, true);
			} else {
				point_add_any(c, out, &item, true);
			}
		}
	}
	negate_if(c, out->y, even);
	ct_wipe(bits, sizeof(bits));
	ct_wipe(entry, sizeof(entry));
	ct_wipe(&item, sizeof(item));
}

/* ---- multiples of public numbers ---- */

enum { DIGITS = EC_SIZE_MAX * 8 + 1 };

/* Digits of a scalar that are 0 or odd, from -15 to 15, few of which are not 0 (a width-5
 * non-adjacent form). */
static void find_digits(const struct ec_curve *c, signed char digit[static DIGITS], const limb *k)
{
	limb rest[EC_LIMBS_MAX + 1] = { 0 };
	copy(c, rest, k);
	for (size_t i = 0; i < DIGITS; i++) {
		digit[i] = 0;
		if (rest[0] & 1) {
			int d = (int)(rest[0] & 31);
			digit[i] = (signed char)(d < 16 ? d : d - 32);
			limb carry = d < 16 ? 0 : 32, none = 0;
			rest[0] -= (limb)d;
			for (size_t j = 0; j <= c->n; j++) {
				rest[j] = limb_add(rest[j], carry, &none);
				carry = 0;
			}
		}
		for (size_t j = 0; j < c->n; j++)
			rest[j] = rest[j] >> 1 | rest[j + 1] << (LIMB_BITS - 1);
		rest[c->n] >>= 1;
	}
}

/* a + b or a - b, whatever they are. */
static void add_public(
	const struct ec_curve *c, struct ec_point *a, const struct ec_point *b, bool affine, bool minus)
{
	struct ec_point item = *b, old = *a;
	negate_if(c, item.y, limb_mask(minus));
	if (ec_is_zero(c, a->z)) {
		*a = item;
		if (affine)
			copy(c, a->z, c->one);
	} else if (point_add(c, a, a, &item, affine)) {
		point_double(c, a, &old);
	}
}

void ec_times_both(const struct ec_curve *c, struct ec_point *out, const limb *u,
	const struct ec_point *a, const limb *v)
{
	const size_t columns = c->n * LIMB_BITS / TEETH / TABLES;
	struct ec_point odd[ENTRIES], twice, item;
	signed char digit[DIGITS];
	limb bits[EC_LIMBS_MAX], index;
	bool any = !ec_is_zero(c, u), even = recode(c, bits, u);
	find_digits(c, digit, v);
	odd[0] = *a;
	point_double(c, &twice, a);
	for (size_t i = 1; i < ENTRIES; i++)
		(void)point_add(c, &odd[i], &odd[i - 1], &twice, false);
	*out = (struct ec_point){ { 0 }, { 0 }, { 0 } };
	for (size_t i = c->n * LIMB_BITS + 1; i-- > 0;) {
		point_double(c, out, out);
		int d = digit[i];
		if (d)
			add_public(c, out, &odd[(d > 0 ? d : -d) / 2], false, d < 0);
		for (size_t j = 0; any && i < columns && j < TABLES; j++) {
			bool negative = split(&index, teeth_at(c, bits, j * columns + i));
			const limb *entry = comb_table(c, j) + index * 2 * c->n;
			copy(c, item.x, entry);
			copy(c, item.y, entry + c->n);
			add_public(c, out, &item, true, negative != even);
		}
	}
}

/* ---- as bytes ---- */

static void read_scalar(const struct ec_curve *c, limb *out, const uint8_t *k, size_t n)
{
	check(n <= c->size);
	limb_read(out, c->n, k, n);
}

static void write_point(const struct ec_curve *c, uint8_t *out, struct ec_point *a)
{
	ec_affine(c, a->x, a->y, a);
	out[0] = 4;
	limb_write(out + 1, c->size, a->x);
	limb_write(out + 1 + c->size, c->size, a->y);
}

bool ec_multiply(int curve, uint8_t *point, size_t point_n, const uint8_t *k, size_t k_n)
{
	const struct ec_curve *c = ec_curve_of(curve);
	struct ec_point a, product;
	limb scalar[EC_LIMBS_MAX];
	if (!c || !ec_read(c, &a, point, point_n))
		return false;
	read_scalar(c, scalar, k, k_n);
	times_point(c, &product, &a, scalar);
	write_point(c, point, &product);
	ct_wipe(scalar, sizeof(scalar));
	ct_wipe(&product, sizeof(product));
	return true;
}

void ec_multiply_generator(int curve, uint8_t *point, const uint8_t *k, size_t k_n)
{
	const struct ec_curve *c = ec_curve_of(curve);
	struct ec_point product;
	limb scalar[EC_LIMBS_MAX];
	check(c);
	read_scalar(c, scalar, k, k_n);
	ec_times_generator(c, &product, scalar);
	write_point(c, point, &product);
	ct_wipe(scalar, sizeof(scalar));
	ct_wipe(&product, sizeof(product));
}

#endif

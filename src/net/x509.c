#include "net/x509.h"

#include "codec/der.h"
#include "crypto/rsa.h"
#include "net/address.h"
#include "net/dns.h"

#include <string.h>

/* ---- names ---- */

/* In a subjectAltName. */
enum { DNS_NAME = 0x82, IP_ADDRESS = 0x87 };

/* RFC 6125, 6.4: "*" only as the whole first label. Two labels must follow: nobody owns all of *.com. */
static bool name_matches(struct str pattern, struct str host)
{
	struct str label, rest, domain;
	if (str_eq_nocase(pattern, host))
		return true;
	if (!str_cut(&label, &domain, pattern, '.') || !str_eq(label, S("*")))
		return false;
	return str_cut(&label, &rest, host, '.') && label.n > 0 && str_find(domain, '.') < domain.n && str_eq_nocase(rest, domain);
}

static bool address_matches(struct str value, const struct address *a)
{
	const char *p = (const char *)a->ip.s6_addr;
	return str_eq(value, address_is_v4(a) ? (struct str){ p + 12, 4 } : (struct str){ p, 16 });
}

bool x509_is_for(const struct x509_certificate *c, struct str host)
{
	struct address address;
	struct str names = c->names, value;
	unsigned tag;
	bool literal = address_parse(&address, host), found = false;
	while (!found && names.n > 0 && der_take_any(&names, &tag, &value)) {
		if (literal && tag == IP_ADDRESS)
			found = address_matches(value, &address);
		if (!literal && tag == DNS_NAME)
			found = name_matches(value, host);
	}
	return found;
}

void x509_put_names(struct buf *b, const struct x509_certificate *c)
{
	enum { SHOWN = 3 };
	struct str names = c->names, value;
	unsigned tag, count = 0;
	while (names.n > 0 && der_take_any(&names, &tag, &value)) {
		/* Only what looks like a name: the text goes into logs and messages. */
		if (tag != DNS_NAME || !dns_is_name(str_starts(value, S("*.")) ? str_skip(value, 2) : value))
			continue;
		if (count++ < SHOWN)
			buf_format(b, "%s%s", count > 1 ? S(", ") : S(""), value);
	}
	if (count > SHOWN)
		buf_format(b, " and %d more", NUM(count - SHOWN));
}

/* ---- the class around BearSSL's engine ---- */

static struct x509_verifier *self(const br_x509_class **class)
{
	return (struct x509_verifier *)(void *)class;
}

static void start_chain(const br_x509_class **class, const char *name)
{
	struct x509_verifier *v = self(class);
	v->error = 0;
	v->position = 0;
	br_x509_minimal_vtable.start_chain(&v->chain.vtable, name);
}

static void start_cert(const br_x509_class **class, uint32_t n)
{
	struct x509_verifier *v = self(class);
	/* The engine has found an anchor, or a fault, when its `err` is set; what a server sends beyond is not needed. */
	v->needed = v->chain.err == 0 && v->error == 0;
	if (v->needed)
		v->n = 0;
	if (v->needed && n > sizeof(v->der))
		v->error = X509_TOO_LARGE;
	br_x509_minimal_vtable.start_cert(&v->chain.vtable, n);
}

static void append(const br_x509_class **class, const unsigned char *p, size_t n)
{
	struct x509_verifier *v = self(class);
	if (v->needed && v->error == 0) {
		check(n <= sizeof(v->der) - v->n);
		memcpy(v->der + v->n, p, n);
		v->n += n;
	}
	if (v->seen)
		buf_put(v->seen, (struct str){ (const char *)p, n });
	br_x509_minimal_vtable.append(&v->chain.vtable, p, n);
}

static unsigned judge(const struct x509_verifier *v)
{
	struct x509_certificate c;
	if (x509_parse(&c, (struct str){ v->der, v->n }) != OK)
		return X509_MALFORMED;
	if (v->position == 0 && c.names.p == NULL)
		return X509_NO_NAMES;
	if (v->position == 0 && !x509_is_for(&c, v->host))
		return BR_ERR_X509_BAD_SERVER_NAME;
	if (v->position == 0 && c.is_ca)
		return X509_CA_AS_SERVER;
	if (c.has_purposes && !c.for_servers)
		return X509_NOT_FOR_SERVERS;
	return c.has_constraints ? X509_CONSTRAINED : 0;
}

static void end_cert(const br_x509_class **class)
{
	struct x509_verifier *v = self(class);
	br_x509_minimal_vtable.end_cert(&v->chain.vtable);
	if (v->needed && v->error == 0)
		v->error = judge(v);
	v->position++;
}

static unsigned end_chain(const br_x509_class **class)
{
	struct x509_verifier *v = self(class);
	unsigned error = br_x509_minimal_vtable.end_chain(&v->chain.vtable);
	return error ? error : v->error;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *class, unsigned *usages)
{
	const struct x509_verifier *v = (const struct x509_verifier *)(const void *)class;
	return br_x509_minimal_vtable.get_pkey(&v->chain.vtable, usages);
}

static const br_x509_class verifier_class = {
	sizeof(struct x509_verifier), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

void x509_verifier_init(struct x509_verifier *v, const struct trust *trust, struct str host, int64_t now_s)
{
	enum { DAYS_TO_1970 = 719528, SECONDS_PER_DAY = 86400, RSA_LEAST = 2048 / 8 };
	br_x509_minimal_context *chain = &v->chain;
	check(host.n > 0);
	v->vtable = &verifier_class;
	v->host = host;
	v->seen = NULL;
	br_x509_minimal_init(chain, &br_sha256_vtable, trust->anchors, trust->count);
	br_x509_minimal_set_rsa(chain, rsa_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(chain, &br_ec_all_m31, br_ecdsa_i31_vrfy_asn1);
	/* No SHA-1, no SHA-224. */
	br_x509_minimal_set_hash(chain, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(chain, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(chain, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_minrsa(chain, RSA_LEAST);
	br_x509_minimal_set_time(chain, (uint32_t)(now_s / SECONDS_PER_DAY + DAYS_TO_1970), (uint32_t)(now_s % SECONDS_PER_DAY));
}

/* Certificates: what is said of one lies within it, and a shorter one is none. */
#include "x509/certificate.h"
#include "x509/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct str outer, struct str inner)
{
	check(inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

static void look_at(const struct certificate *c)
{
	static const char *const hosts[] = { "server.test", "a.wild.test" };
	char text[64];
	struct buf out = BUF(text);
	const struct str views[] = { c->signed_part, c->signature, c->serial, c->issuer, c->subject,
		c->names, c->permitted, c->excluded, c->subject_key, c->issuer_key, c->policies,
		c->mappings, c->critical, c->key.algorithm, c->key.curve };
	for (size_t i = 0; i < countof(views); i++)
		within(c->der, views[i]);
	if (c->key.key.key_type == BR_KEYTYPE_RSA)
		within(c->der, (struct str){ (const char *)c->key.key.key.rsa.n, c->key.key.key.rsa.nlen });
	if (c->key.key.key_type == BR_KEYTYPE_EC)
		within(c->der, (struct str){ (const char *)c->key.key.key.ec.q, c->key.key.key.ec.qlen });
	for (size_t i = 0; i < countof(hosts); i++)
		check(c->names.n > 0 ||
			!names_have(c->names, &(struct reference_identifier){ .dns_name = str_c(hosts[i]) }));
	names_put(&out, c->names);
	name_quote(&out, c->subject);
	public_key_put(&out, &c->key);
	signature_algorithm_put(&out, &c->algorithm);
	check(name_eq(c->subject, c->subject) &&
		name_eq(c->subject, c->issuer) == name_eq(c->issuer, c->subject));
	struct certificate shorter;
	check(certificate_read(&shorter, str_sub(c->der, 0, c->der.n - 1)) == E_SYNTAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str der = { (const char *)data, size };
	struct certificate c;
	if (certificate_read(&c, der) == OK)
		look_at(&c);
	return 0;
}

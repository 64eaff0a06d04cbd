/* Certificates: what is said of one lies within it, a shorter one is none, and nothing is believed without an anchor. The input is
 * certificates one behind the other: the first is the peer's own, and those with an odd length are anchors as well. */
#include "codec/der.h"
#include "x509/verifier.h"

#include <string.h>

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
	const struct str views[] = { c->signed_part, c->signature, c->serial, c->issuer, c->subject, c->names, c->permitted,
		c->excluded, c->subject_key, c->issuer_key, c->policies, c->mappings, c->critical, c->key.algorithm, c->key.curve };
	for (size_t i = 0; i < countof(views); i++)
		within(c->der, views[i]);
	if (c->key.key.key_type == BR_KEYTYPE_RSA)
		within(c->der, (struct str){ (const char *)c->key.key.key.rsa.n, c->key.key.key.rsa.nlen });
	if (c->key.key.key_type == BR_KEYTYPE_EC)
		within(c->der, (struct str){ (const char *)c->key.key.key.ec.q, c->key.key.key.ec.qlen });
	for (size_t i = 0; i < countof(hosts); i++)
		check(c->names.n > 0 || !names_have(c->names, &(struct reference_identifier){ .dns_name = str_c(hosts[i]) }));
	names_put(&out, c->names);
	name_quote(&out, c->subject);
	public_key_put(&out, &c->key);
	signature_algorithm_put(&out, &c->algorithm);
	check(name_eq(c->subject, c->subject) && name_eq(c->subject, c->issuer) == name_eq(c->issuer, c->subject));
	struct certificate shorter;
	check(certificate_read(&shorter, str_sub(c->der, 0, c->der.n - 1)) == E_SYNTAX);
}

static unsigned verdict(struct verifier *v, const struct trust *trust, struct str input)
{
	const struct reference_identifier whom = { .dns_name = S("server.test") };
	const br_x509_class **class = &v->vtable;
	struct str element;
	verifier_init(v, PATH_SERVER, &whom, trust, 1893456000);
	(*class)->start_chain(class, "server.test");
	while (input.n > 0) {
		if (!der_take_element(&input, DER_SEQUENCE, &element))
			element = input, input.n = 0;
		(*class)->start_cert(class, (uint32_t)element.n);
		(*class)->append(class, (const unsigned char *)element.p, element.n);
		(*class)->end_cert(class);
	}
	return (*class)->end_chain(class);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { ANCHORS = 8 };
	static struct verifier v;
	static const struct trust nobody = { .source = "nobody" };
	struct str input = { (const char *)data, size }, rest = input, element;
	struct anchor list[ANCHORS];
	struct trust trust = { .anchors = list, .source = "these" };
	char text[300];
	struct buf reason = BUF(text);
	while (der_take_element(&rest, DER_SEQUENCE, &element)) {
		struct certificate c;
		if (certificate_read(&c, element) != OK)
			continue;
		look_at(&c);
		bool usable = c.key.key.key_type && !c.critical.p && (c.is_ca || c.version == 1 || certificate_is_self_issued(&c));
		if (usable && element.n % 2 && trust.count < ANCHORS)
			list[trust.count++] = (struct anchor){ element, c.subject, !c.is_ca && c.version != 1 };
	}
	check(verdict(&v, &nobody, input) != 0);
	if (v.position > 0)
		verifier_put_reason(&reason, &v, S("server.test"));
	unsigned error = verdict(&v, &trust, input);
	if (error == 0)
		check(v.answer.anchor >= list && v.answer.anchor < list + trust.count);
	else if (v.position > 0)
		verifier_put_reason(&reason, &v, S("server.test"));
	return 0;
}

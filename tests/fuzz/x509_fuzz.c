/* Certificates: what is said of one lies within it, a shorter one is none, and nothing is believed without an anchor. */
#include "net/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct str outer, struct str inner)
{
	check(inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509_verifier v;
	static const struct trust nobody = { .count = 0 };
	static const struct str hosts[] = { STR("server.test"), STR("a.wild.test"), STR("127.0.0.1"), STR("::1") };
	struct str der = { (const char *)data, size };
	struct x509_certificate c;
	char text[64];
	struct buf names = BUF(text);
	if (x509_parse(&c, der) == OK) {
		within(der, c.serial);
		within(der, c.subject);
		within(der, c.names);
		if (c.key.key_type == BR_KEYTYPE_RSA) {
			within(der, (struct str){ (const char *)c.key.key.rsa.n, c.key.key.rsa.nlen });
			within(der, (struct str){ (const char *)c.key.key.rsa.e, c.key.key.rsa.elen });
		} else if (c.key.key_type == BR_KEYTYPE_EC) {
			within(der, (struct str){ (const char *)c.key.key.ec.q, c.key.key.ec.qlen });
		}
		for (size_t i = 0; i < countof(hosts); i++)
			check(c.names.n > 0 || !x509_is_for(&c, hosts[i]));
		x509_put_names(&names, &c);
		check(x509_parse(&c, str_sub(der, 0, size - 1)) == E_SYNTAX);
	}

	x509_verifier_init(&v, &nobody, hosts[size % countof(hosts)], 1893456000);
	const br_x509_class **class = &v.vtable;
	(*class)->start_chain(class, "server.test");
	(*class)->start_cert(class, (uint32_t)size);
	(*class)->append(class, data, size);
	(*class)->end_cert(class);
	check((*class)->end_chain(class) != 0);
	return 0;
}

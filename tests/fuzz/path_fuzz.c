/* Paths: whatever certificates are sent, the search ends, and ends at an anchor or at nothing.
 * Signatures are taken on trust, as otherwise nothing that a fuzzer changes would be looked at any
 * further.
 *
 * The input is certificates one behind the other: the first is the peer's own, and those with an
 * odd length are anchors as well. */
#include "codec/der.h"
#include "x509/verifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANCHORS = 8 };

static bool believe(const struct public_key *key, const struct signature_algorithm *algorithm,
	struct str message, struct str signature)
{
	(void)key, (void)algorithm;
	return message.n > 0 && signature.n > 0;
}

static unsigned verdict(struct verifier *v, const struct trust *trust,
	const struct reference_identifier *whom, struct str input)
{
	const br_x509_class **class = &v->vtable;
	struct str element;
	verifier_init(v, whom->dns_name.n || whom->address.n ? PATH_SERVER : PATH_CLIENT, whom, trust,
		1893456000);
	v->question.verify = believe;
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

static void look_at(const struct verifier *v, const struct trust *trust)
{
	const struct path_answer *a = &v->answer;
	check(a->anchor >= trust->anchors && a->anchor < trust->anchors + trust->count);
	check(a->length >= 1 && a->length <= v->question.count && a->not_after >= v->question.now_s);
	check(v->received[0].key.key.key_type && !v->received[0].critical.p);
	check(!a->anchor->is_leaf || a->length == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verifier v;
	static const struct reference_identifier hosts[] = { { .dns_name = STR("server.test") },
		{ .dns_name = STR("a.wild.test") }, { .address = STR("\x7f\0\0\1") },
		{ .address = STR("") } };
	struct str input = { (const char *)data, size }, rest = input, element;
	struct anchor list[ANCHORS];
	struct trust trust = { .anchors = list, .source = "these" };
	while (der_take_element(&rest, DER_SEQUENCE, &element)) {
		struct certificate c;
		if (certificate_read(&c, element) != OK || element.n % 2 == 0 || trust.count == ANCHORS)
			continue;
		if (c.key.key.key_type && !c.critical.p && (c.is_ca || certificate_is_self_issued(&c)))
			list[trust.count++] = (struct anchor){ element, c.subject, !c.is_ca && c.version != 1 };
	}
	for (size_t i = 0; i < countof(hosts); i++) {
		char text[300];
		struct buf reason = BUF(text);
		if (verdict(&v, &trust, &hosts[i], input) == 0)
			look_at(&v, &trust);
		else if (v.position > 0)
			verifier_put_reason(&reason, &v, S("server.test"));
	}
	return 0;
}

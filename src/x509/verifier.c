#include "x509/verifier.h"

#include <string.h>

static struct verifier *self(const br_x509_class **class)
{
	return (struct verifier *)(void *)class;
}

static void start_chain(const br_x509_class **class, const char *name)
{
	struct verifier *v = self(class);
	(void)name;
	v->question.count = 0;
	v->position = 0;
	v->n = 0;
	v->malformed = v->too_many = false;
	v->answer.code = PATH_MALFORMED;
}

static void start_cert(const br_x509_class **class, uint32_t n)
{
	struct verifier *v = self(class);
	v->begin = v->n;
	v->fits = v->question.count < PATH_CERTIFICATES && n <= sizeof(v->bytes) - v->n;
	v->too_many = v->too_many || !v->fits;
}

static void append(const br_x509_class **class, const unsigned char *p, size_t n)
{
	struct verifier *v = self(class);
	if (v->fits) {
		check(n <= sizeof(v->bytes) - v->n);
		memcpy(v->bytes + v->n, p, n);
		v->n += n;
	}
	if (v->seen)
		buf_put(v->seen, (struct str){ (const char *)p, n });
}

static bool is_known(const struct verifier *v, struct str der)
{
	for (size_t i = 0; i < v->question.count; i++)
		if (str_eq(v->received[i].der, der))
			return true;
	return false;
}

static void end_cert(const br_x509_class **class)
{
	struct verifier *v = self(class);
	struct str der = { v->bytes + v->begin, v->n - v->begin };
	bool own = v->position++ == 0;
	if (v->fits && !is_known(v, der)) {
		if (certificate_read(&v->received[v->question.count], der) == OK) {
			v->question.count++;
			return;
		}
		v->malformed = true;
	}
	v->n = v->begin;
	/* Without the peer's own, others are of no use. */
	if (own)
		v->n = sizeof(v->bytes);
}

static unsigned end_chain(const br_x509_class **class)
{
	struct verifier *v = self(class);
	if (v->question.count == 0)
		return v->position == 0 ? BR_ERR_X509_EMPTY_CHAIN : VERIFIER_ERROR + PATH_MALFORMED;
	if (v->pinned.n) {
		v->answer.code = str_eq(v->received[0].der, v->pinned) ? PATH_OK : PATH_UNKNOWN_ISSUER;
		return v->answer.code == PATH_OK ? 0 : VERIFIER_ERROR + PATH_UNKNOWN_ISSUER;
	}
	enum path_code code = path_find(&v->answer, &v->question);
	return code == PATH_OK ? 0 : VERIFIER_ERROR + code;
}

/* Key exchange is ECDHE, so keys only sign. */
static const br_x509_pkey *get_pkey(const br_x509_class *const *class, unsigned *usages)
{
	const struct verifier *v = (const struct verifier *)(const void *)class;
	if (usages)
		*usages = BR_KEYTYPE_SIGN;
	return v->answer.code == PATH_OK ? &v->received[0].key.key : NULL;
}

static const br_x509_class verifier_class = {
	sizeof(struct verifier), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

void verifier_init(struct verifier *v, enum path_role role, const struct reference_identifier *whom,
	const struct trust *trust, int64_t now_s)
{
	check(role == PATH_CLIENT || whom->dns_name.n > 0 || whom->address.n > 0);
	v->vtable = &verifier_class;
	v->question = (struct path_question){
		.role = role,
		.whom = *whom,
		.now_s = now_s,
		.trust = trust,
		.received = v->received,
		.verify = signature_check,
	};
	v->answer.code = PATH_MALFORMED;
	v->seen = NULL;
	v->pinned = (struct str){ 0 };
}

void verifier_put_reason(struct buf *b, const struct verifier *v, struct str host)
{
	const struct path_answer *a = &v->answer;
	struct certificate c;
	if (v->question.count == 0) {
		buf_format(b, "the certificate of %s is %s", host,
			v->malformed ? S("malformed") : S("larger than 32 KiB"));
		return;
	}
	buf_put(b, S("the certificate "));
	if (certificate_read(&c, a->blamed) == OK)
		name_quote(b, c.subject);
	buf_format(b, a->own ? " of %s " : " above that of %s ", host);
	path_put_reason(b, a, &v->question);
	if (a->code == PATH_UNKNOWN_ISSUER && v->malformed)
		buf_put(b, S(" (one that came with it is malformed)"));
	else if (a->code == PATH_UNKNOWN_ISSUER && v->too_many)
		buf_put(b, S(" (some that came with it were too many)"));
}

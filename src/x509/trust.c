#include "x509/trust.h"

#include "codec/pem.h"
#include "x509/names.h"

struct trust trust_builtin(void)
{
	return (struct trust){ .anchors = anchors, .count = anchors_count, .source = "built in" };
}

static size_t count_blocks(struct str pem)
{
	struct str begin = S("-----BEGIN ");
	size_t count = 0;
	for (size_t at; (at = str_find_str(pem, begin)) < pem.n; count++)
		pem = str_skip(pem, at + begin.n);
	return count;
}

/* Both lists have a place for every block. The last block is decoded before it shrinks. */
size_t trust_size(struct str pem)
{
	enum { ALIGNMENT = 64 };
	return pem.n + count_blocks(pem) * (sizeof(struct anchor) + sizeof(struct left_out)) +
		ALIGNMENT;
}

/* Whether it can be an anchor, or else why not. */
static bool is_usable(enum left_out_reason *reason, const struct certificate *c)
{
	if (!c->key.key.key_type)
		*reason = LEFT_OUT_KEY;
	else if (c->critical.p)
		*reason = LEFT_OUT_CRITICAL;
	else if (!c->is_ca && !certificate_is_self_issued(c))
		*reason = LEFT_OUT_NOT_CA;
	else if (c->is_ca && c->has_usage && !(c->usage & USAGE_CERTIFICATES))
		*reason = LEFT_OUT_USAGE;
	else
		return true;
	return false;
}

/* Where the next entry goes. */
struct lists {
	struct anchor *anchor;
	struct left_out *left_out;
};

/* Whether its bytes are needed further. */
static bool sort_in(struct lists *next, struct str label, struct str der)
{
	struct certificate c;
	enum left_out_reason reason =
		str_eq(label, S("CERTIFICATE")) ? LEFT_OUT_MALFORMED : LEFT_OUT_LABEL;
	bool whole = reason == LEFT_OUT_MALFORMED && certificate_read(&c, der) == OK;
	if (!whole) {
		*next->left_out++ = (struct left_out){ .reason = reason };
		return false;
	}
	if (is_usable(&reason, &c))
		*next->anchor++ = (struct anchor){ der, c.subject, !c.is_ca && c.version != 1 };
	else
		*next->left_out++ = (struct left_out){ reason, c.subject, der };
	return true;
}

static int64_t line_of(struct str all, struct str rest)
{
	int64_t line = 1;
	for (size_t i = 0; i < all.n - rest.n; i++)
		line += all.p[i] == '\n';
	return line;
}

enum err trust_from_pem(struct trust *out, struct str pem, struct arena *arena, struct fault *f)
{
	size_t most = count_blocks(pem);
	struct anchor *list = arena_take(arena, most * sizeof(*list));
	struct left_out *left_out = arena_take(arena, most * sizeof(*left_out));
	struct lists next = { list, left_out };
	struct str rest = pem, label;
	enum err e = list && left_out ? OK : E_LIMIT;
	while (e == OK) {
		struct buf der = arena_rest(arena);
		e = pem_next(&label, &der, &rest);
		if (e != OK || !label.p || !sort_in(&next, label, buf_str(&der)))
			der.n = 0;
		arena_keep(arena, &der);
		if (e == OK && !label.p)
			break;
	}
	if (e == E_LIMIT)
		return fault_set(f, e, 0, "the bundle of certificates is too large");
	if (e != OK)
		return fault_set(f, E_CONFIG, 0,
			"the bundle of certificates is not proper PEM, see line %d", NUM(line_of(pem, rest)));
	*out = (struct trust){ list, (size_t)(next.anchor - list), left_out,
		(size_t)(next.left_out - left_out), "PEM" };
	return out->count
		? OK
		: fault_set(f, E_CONFIG, 0, "there is no usable CA certificate in the bundle");
}

void left_out_put_reason(struct buf *b, const struct left_out *l)
{
	struct certificate c;
	switch (l->reason) {
	case LEFT_OUT_MALFORMED:
		buf_put(b, S("it is malformed"));
		return;
	case LEFT_OUT_NOT_CA:
		buf_put(b, S("it is not a CA's"));
		return;
	case LEFT_OUT_USAGE:
		buf_put(b, S("its key usage does not allow it to issue certificates"));
		return;
	case LEFT_OUT_KEY:
		buf_put(b, S("its key is not supported: "));
		if (certificate_read(&c, l->der) == OK)
			public_key_put(b, &c.key);
		return;
	case LEFT_OUT_CRITICAL:
		buf_put(b, S("it has a critical extension that is not supported: "));
		if (certificate_read(&c, l->der) == OK)
			oid_put(b, c.critical);
		return;
	case LEFT_OUT_LABEL:
		buf_put(b, S("it is not a CERTIFICATE"));
		return;
	}
}

void trust_put_left_out(struct buf *b, const struct trust *trust)
{
	enum { SHOWN = 5 };
	for (size_t i = 0; i < trust->left_out_n && i < SHOWN; i++) {
		const struct left_out *l = &trust->left_out[i];
		buf_put(b, i ? S("; ") : S(""));
		if (l->subject.n)
			name_quote(b, l->subject);
		else
			buf_put(b, S("a block"));
		buf_put(b, S(" ("));
		left_out_put_reason(b, l);
		buf_put(b, S(")"));
	}
	if (trust->left_out_n > SHOWN)
		buf_format(b, "; and %d more", NUM(trust->left_out_n - SHOWN));
}

const struct anchor *trust_find(const struct trust *trust, struct str der)
{
	for (size_t i = 0; i < trust->count; i++)
		if (str_eq(trust->anchors[i].der, der))
			return &trust->anchors[i];
	return NULL;
}

bool trust_knows(const struct trust *trust, struct str name)
{
	for (size_t i = 0; i < trust->count; i++)
		if (!trust->anchors[i].is_leaf && name_eq(trust->anchors[i].subject, name))
			return true;
	return false;
}

const struct left_out *trust_find_left_out(const struct trust *trust, struct str name)
{
	for (size_t i = 0; i < trust->left_out_n; i++)
		if (trust->left_out[i].subject.n && name_eq(trust->left_out[i].subject, name))
			return &trust->left_out[i];
	return NULL;
}

#include "net/trust.h"

#include "codec/pem.h"
#include "net/anchors.h"
#include "net/x509.h"

struct trust trust_builtin(void)
{
	return (struct trust){ anchors, anchors_count, "built in" };
}

static size_t count_blocks(struct str pem)
{
	struct str begin = S("-----BEGIN ");
	size_t count = 0;
	for (size_t at; (at = str_find_str(pem, begin)) < pem.n; count++)
		pem = str_skip(pem, at + begin.n);
	return count;
}

/* What `c`, a root, is as an anchor; views into its DER form. */
static br_x509_trust_anchor anchor_of(const struct x509_certificate *c)
{
	return (br_x509_trust_anchor){
		.dn = { (unsigned char *)(uintptr_t)c->subject.p, c->subject.n },
		.flags = BR_X509_TA_CA,
		.pkey = c->key,
	};
}

static bool is_usable(struct x509_certificate *c, struct str label, struct str der)
{
	return str_eq(label, S("CERTIFICATE")) && x509_parse(c, der) == OK && c->is_ca && c->key.key_type != 0 && !c->has_constraints;
}

static int64_t line_of(struct str all, struct str rest)
{
	int64_t line = 1;
	for (size_t i = 0; i < all.n - rest.n; i++)
		line += all.p[i] == '\n';
	return line;
}

enum err trust_from_pem(struct trust *out, size_t *skipped, struct str pem, struct arena *arena, struct fault *f)
{
	size_t count = 0, most = count_blocks(pem);
	br_x509_trust_anchor *list = arena_take(arena, most * sizeof(*list));
	struct str rest = pem, label;
	enum err e = list ? OK : E_LIMIT;
	*skipped = 0;
	while (e == OK) {
		struct x509_certificate c;
		struct buf der = arena_rest(arena);
		e = pem_next(&label, &der, &rest);
		bool usable = e == OK && label.p && is_usable(&c, label, buf_str(&der));
		if (usable)
			list[count++] = anchor_of(&c);
		else
			der.n = 0;
		arena_keep(arena, &der);
		if (e == OK && !label.p)
			break;
		*skipped += !usable;
	}
	if (e == E_LIMIT)
		return fault_set(f, e, 0, "the bundle of certificates is too large");
	if (e != OK)
		return fault_set(f, E_CONFIG, 0, "the bundle of certificates is not proper PEM, see line %d",
			NUM(line_of(pem, rest)));
	if (count == 0)
		return fault_set(f, E_CONFIG, 0, "there is no usable CA certificate in the bundle");
	*out = (struct trust){ list, count, "PEM" };
	return OK;
}

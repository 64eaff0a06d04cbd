#include "x509/names.h"

#include "codec/der.h"

#include <string.h>

enum { ADDRESS_V4 = 4, ADDRESS_V6 = 16 };

/* ---- distinguished names ---- */

#define COMMON_NAME S("\x55\x04\x03")
#define ORGANIZATION S("\x55\x04\x0a")
#define UNIT S("\x55\x04\x0b")
#define MAIL_ADDRESS S("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")

struct attribute {
	struct str type; /* OID */
	unsigned tag;
	struct str value;
};

static bool take_attribute(struct str *set, struct attribute *out)
{
	struct str pair;
	return der_take(set, DER_SEQUENCE, &pair) && der_take_oid(&pair, &out->type) &&
	       der_take_any(&pair, &out->tag, &out->value) && pair.n == 0;
}

bool name_is_well_formed(struct str name)
{
	struct str sets, set;
	struct attribute a;
	if (!der_is_one(name, DER_SEQUENCE, &sets))
		return false;
	while (sets.n > 0) {
		if (!der_take(&sets, DER_SET, &set) || set.n == 0)
			return false;
		while (set.n > 0)
			if (!take_attribute(&set, &a))
				return false;
	}
	return true;
}

/* UTF8String, PrintableString, IA5String and VisibleString: their bytes mean the same. */
static bool is_text_type(unsigned tag)
{
	return tag == 0x0c || tag == 0x13 || tag == 0x16 || tag == 0x1a;
}

/* Takes a character of a trimmed text, with a run of blanks as one; -1 at the end. */
static int take_folded(struct str *text)
{
	if (text->n == 0)
		return -1;
	unsigned char c = lower((unsigned char)text->p[0]);
	do
		*text = str_skip(*text, 1);
	while (c == ' ' && text->n > 0 && text->p[0] == ' ');
	return c;
}

static bool text_eq(struct str a, struct str b)
{
	int c;
	a = str_trim(a);
	b = str_trim(b);
	do
		if ((c = take_folded(&a)) != take_folded(&b))
			return false;
	while (c >= 0);
	return true;
}

static bool attribute_eq(const struct attribute *a, const struct attribute *b)
{
	if (!str_eq(a->type, b->type))
		return false;
	if (is_text_type(a->tag) && is_text_type(b->tag))
		return str_eq(a->value, b->value) || text_eq(a->value, b->value);
	return a->tag == b->tag && str_eq(a->value, b->value);
}

/* Whether the sets of `head` are the first ones of *rest, which then begins behind them. */
static bool take_sets(struct str *rest, struct str head)
{
	struct str set_a, set_b;
	struct attribute a, b;
	while (head.n > 0) {
		if (!der_take(&head, DER_SET, &set_a) || !der_take(rest, DER_SET, &set_b))
			return false;
		while (set_a.n > 0 && set_b.n > 0)
			if (!take_attribute(&set_a, &a) || !take_attribute(&set_b, &b) || !attribute_eq(&a, &b))
				return false;
		if (set_a.n > 0 || set_b.n > 0)
			return false;
	}
	return true;
}

static bool name_begins(struct str name, struct str head, bool whole)
{
	struct str rest, sets;
	return der_is_one(name, DER_SEQUENCE, &rest) && der_is_one(head, DER_SEQUENCE, &sets) &&
		take_sets(&rest, sets) && (!whole || rest.n == 0);
}

bool name_eq(struct str a, struct str b)
{
	return str_eq(a, b) || name_begins(a, b, true);
}

/* The last attribute of a type; p is NULL without one. */
static struct str find_attribute(struct str name, struct str type)
{
	struct str sets, set, found = { NULL, 0 };
	struct attribute a;
	if (!der_is_one(name, DER_SEQUENCE, &sets))
		return found;
	while (sets.n > 0 && der_take(&sets, DER_SET, &set))
		while (set.n > 0 && take_attribute(&set, &a))
			if (str_eq(a.type, type))
				found = a.value;
	return found;
}

/* What a peer says of itself, so that nobody is misled by where it ends. */
static void put_visible(struct buf *b, struct str s)
{
	enum { SHOWN = 64 };
	for (size_t i = 0; i < s.n && i < SHOWN; i++) {
		char c = s.p[i];
		buf_put_char(b, c >= ' ' && c < 0x7f && c != '`' ? c : '?');
	}
}

void name_put(struct buf *b, struct str name)
{
	struct str found = find_attribute(name, COMMON_NAME);
	if (found.n == 0)
		found = find_attribute(name, UNIT);
	if (found.n == 0)
		found = find_attribute(name, ORGANIZATION);
	put_visible(b, found.n ? found : S("?"));
}

void name_quote(struct buf *b, struct str name)
{
	buf_put_char(b, '`');
	name_put(b, name);
	buf_put_char(b, '`');
}

/* ---- GeneralNames ---- */

bool general_name_is_well_formed(unsigned tag, struct str value)
{
	switch (tag) {
	case NAME_DIRECTORY:
		return name_is_well_formed(value);
	case NAME_OTHER:
	case NAME_X400:
	case NAME_EDI:
	case NAME_MAIL:
	case NAME_DNS:
	case NAME_URI:
	case NAME_ADDRESS:
	case NAME_OID:
		return true;
	default:
		return false;
	}
}

static bool is_label(struct str s)
{
	if (s.n == 0 || s.n > 63)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum((unsigned char)s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

/* A DNS name, whose first label may be "*". */
static bool is_dns_name(struct str s)
{
	struct str label;
	bool more;
	if (s.n > 253)
		return false;
	if (str_starts(s, S("*.")))
		s = str_skip(s, 2);
	do {
		more = str_cut(&label, &s, s, '.');
		if (!is_label(label))
			return false;
	} while (more);
	return true;
}

/* One without wildcard, and no IPv4 address. */
static bool is_host_name(struct str s)
{
	return is_dns_name(s) && s.p[0] != '*' && !is_digit((unsigned char)s.p[s.n - 1]);
}

/* RFC 9525, 6.3: "*" only as the whole first label. Two labels must follow: nobody owns all of
 * *.com. */
static bool dns_name_matches(struct str pattern, struct str host)
{
	struct str label, rest, domain;
	if (str_eq_nocase(pattern, host))
		return true;
	if (!str_cut(&label, &domain, pattern, '.') || !str_eq(label, S("*")))
		return false;
	return str_cut(&label, &rest, host, '.') && label.n > 0 && str_find(domain, '.') < domain.n &&
		str_eq_nocase(rest, domain);
}

bool names_have(struct str names, const struct reference_identifier *whom)
{
	struct str value;
	unsigned tag;
	while (names.n > 0 && der_take_any(&names, &tag, &value)) {
		if (whom->address.n > 0 && tag == NAME_ADDRESS && str_eq(value, whom->address))
			return true;
		if (whom->dns_name.n > 0 && tag == NAME_DNS && dns_name_matches(value, whom->dns_name))
			return true;
	}
	return false;
}

static void put_address(struct buf *b, struct str a)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; a.n == ADDRESS_V4 && i < a.n; i++)
		buf_format(b, "%s%d", i ? S(".") : S(""), NUM((unsigned char)a.p[i]));
	for (size_t i = 0; a.n == ADDRESS_V6 && i < a.n; i++) {
		if (i > 0 && i % 2 == 0)
			buf_put_char(b, ':');
		buf_put_char(b, digits[(unsigned char)a.p[i] >> 4]);
		buf_put_char(b, digits[a.p[i] & 15]);
	}
}

void names_put(struct buf *b, struct str names)
{
	enum { SHOWN = 3 };
	struct str value;
	unsigned tag, count = 0;
	while (names.n > 0 && der_take_any(&names, &tag, &value)) {
		/* Only what looks like a name: the text goes into logs and messages. */
		bool address = tag == NAME_ADDRESS && (value.n == ADDRESS_V4 || value.n == ADDRESS_V6);
		if (!address && (tag != NAME_DNS || !is_dns_name(value)))
			continue;
		if (++count > SHOWN)
			continue;
		buf_put(b, count > 1 ? S(", ") : S(""));
		if (address)
			put_address(b, value);
		else
			buf_put(b, value);
	}
	if (count > SHOWN)
		buf_format(b, " and %d more", NUM(count - SHOWN));
}

/* ---- constraints ---- */

static bool base_is_well_formed(unsigned tag, struct str base)
{
	if (tag == NAME_ADDRESS)
		return base.n == 2 * ADDRESS_V4 || base.n == 2 * ADDRESS_V6;
	if (tag == NAME_DNS)
		return base.n == 0 || is_dns_name(str_starts(base, S(".")) ? str_skip(base, 1) : base);
	return general_name_is_well_formed(tag, base);
}

bool general_subtrees_are_well_formed(struct str subtrees)
{
	struct str subtree, base;
	unsigned tag;
	if (subtrees.n == 0)
		return false;
	while (subtrees.n > 0) {
		if (!der_take(&subtrees, DER_SEQUENCE, &subtree) || !der_take_any(&subtree, &tag, &base) ||
		    !base_is_well_formed(tag, base) || subtree.n > 0)
			return false;
	}
	return true;
}

static bool ends_nocase(struct str s, struct str end)
{
	return s.n >= end.n && str_eq_nocase(str_skip(s, s.n - end.n), end);
}

/* `name` or something left of it; with a dot at its beginning `base` means the latter alone. A
 * wildcard is within if all that it stands for is. */
static bool dns_name_within(struct str name, struct str base)
{
	if (base.n == 0 || str_eq_nocase(name, base))
		return true;
	if (name.n <= base.n || !ends_nocase(name, base))
		return false;
	return base.p[0] == '.' || name.p[name.n - base.n - 1] == '.';
}

/* Whether a wildcard stands for `base` itself, and so for something within it. */
static bool wildcard_meets(struct str name, struct str base)
{
	struct str label, rest;
	return str_starts(name, S("*.")) && str_cut(&label, &rest, base, '.') && label.n > 0 &&
	       str_eq_nocase(rest, str_skip(name, 2));
}

/* `base` is an address and a mask. */
static bool address_within(struct str address, struct str base)
{
	if (base.n != 2 * address.n)
		return false;
	for (size_t i = 0; i < address.n; i++)
		if ((address.p[i] ^ base.p[i]) & base.p[address.n + i])
			return false;
	return true;
}

/* A host, or with a dot at the beginning of `base` what is left of it. */
static bool host_within(struct str host, struct str base)
{
	if (!str_starts(base, S(".")))
		return base.n == 0 || str_eq_nocase(host, base);
	return host.n > base.n && ends_nocase(host, base);
}

/* A name under examination. */
struct examined {
	unsigned tag;
	struct str value;
	struct str local, host; /* of a mail address; of a URI the host alone */
	bool odd; /* not of the form that names of its kind have: nothing permits it, everything
				 excludes it */
};

static void read_mail(struct examined *name)
{
	name->odd = !str_cut(&name->local, &name->host, name->value, '@') || name->local.n == 0 ||
		!is_host_name(name->host);
}

static void read_uri(struct examined *name)
{
	size_t scheme = str_find_str(name->value, S("://"));
	struct str rest = str_skip(name->value, scheme + 3), host, unused;
	for (const char *end = "/?#"; *end; end++)
		str_cut(&rest, &unused, rest, *end);
	if (!str_cut(&unused, &host, rest, '@'))
		host = rest;
	str_cut(&name->host, &unused, host, ':');
	name->odd = scheme == name->value.n || !is_host_name(name->host);
}

static void read_examined(struct examined *name)
{
	if (name->tag == NAME_DNS)
		name->odd = !is_dns_name(name->value);
	else if (name->tag == NAME_ADDRESS)
		name->odd = name->value.n != ADDRESS_V4 && name->value.n != ADDRESS_V6;
	else if (name->tag == NAME_MAIL)
		read_mail(name);
	else if (name->tag == NAME_URI)
		read_uri(name);
}

/* Whether it can be said what is within `base`. */
static bool is_supported(unsigned tag, struct str base)
{
	struct str local, host;
	switch (tag) {
	case NAME_DNS:
	case NAME_ADDRESS:
	case NAME_DIRECTORY:
		return true;
	case NAME_MAIL:
		if (str_cut(&local, &host, base, '@'))
			return local.n > 0 && is_host_name(host);
		/* fallthrough */
	case NAME_URI:
		return base.n == 0 || is_host_name(str_starts(base, S(".")) ? str_skip(base, 1) : base);
	default:
		return false;
	}
}

static bool mail_within(const struct examined *name, struct str base)
{
	struct str local, host;
	if (!str_cut(&local, &host, base, '@'))
		return host_within(name->host, base);
	return str_eq(name->local, local) && str_eq_nocase(name->host, host);
}

static bool is_within(const struct examined *name, struct str base, bool excluded)
{
	if (name->odd)
		return excluded;
	switch (name->tag) {
	case NAME_DNS:
		return dns_name_within(name->value, base) ||
			(excluded && wildcard_meets(name->value, base));
	case NAME_ADDRESS:
		return address_within(name->value, base);
	case NAME_MAIL:
		return mail_within(name, base);
	case NAME_URI:
		return host_within(name->host, base);
	default:
		return name_begins(name->value, base, false);
	}
}

/* How many subtrees are for names of its kind, and how many of them it is within. */
static enum constraint_verdict compare(const struct examined *name, struct str subtrees,
	bool excluded, unsigned *budget, unsigned *kin, unsigned *within)
{
	struct str subtree, base;
	unsigned tag;
	*kin = *within = 0;
	while (subtrees.n > 0 && der_take(&subtrees, DER_SEQUENCE, &subtree) &&
		der_take_any(&subtree, &tag, &base)) {
		if (*budget == 0)
			return NAMES_TOO_MANY;
		--*budget;
		if (tag != name->tag)
			continue;
		if (!is_supported(tag, base))
			return NAMES_UNSUPPORTED;
		++*kin;
		*within += is_within(name, base, excluded);
	}
	return NAMES_PERMITTED;
}

struct constraints {
	struct str permitted, excluded;
	unsigned *budget;
	struct buf *refused;
};

static enum constraint_verdict examine(const struct constraints *c, unsigned tag, struct str value)
{
	struct examined name = { .tag = tag, .value = value };
	unsigned kin, within;
	read_examined(&name);
	enum constraint_verdict v = compare(&name, c->permitted, false, c->budget, &kin, &within);
	if (v == NAMES_PERMITTED && kin > 0 && within == 0)
		v = NAMES_REFUSED;
	if (v == NAMES_PERMITTED)
		v = compare(&name, c->excluded, true, c->budget, &kin, &within);
	if (v == NAMES_PERMITTED && within > 0)
		v = NAMES_REFUSED;
	if (v == NAMES_REFUSED && tag == NAME_DIRECTORY)
		name_quote(c->refused, value);
	else if (v == NAMES_REFUSED && tag == NAME_ADDRESS)
		put_address(c->refused, value);
	else if (v == NAMES_REFUSED)
		put_visible(c->refused, value);
	return v;
}

/* The subject, and the mail address that may be in it. */
static enum constraint_verdict examine_subject(const struct constraints *c, struct str subject)
{
	struct str sets;
	enum constraint_verdict v = NAMES_PERMITTED;
	if (der_is_one(subject, DER_SEQUENCE, &sets) && sets.n > 0)
		v = examine(c, NAME_DIRECTORY, subject);
	struct str mail = find_attribute(subject, MAIL_ADDRESS);
	return v == NAMES_PERMITTED && mail.p ? examine(c, NAME_MAIL, mail) : v;
}

enum constraint_verdict constraints_check(struct str permitted, struct str excluded,
	struct str subject, struct str names, const struct reference_identifier *whom, unsigned *budget,
	struct buf *refused)
{
	const struct constraints c = { permitted, excluded, budget, refused };
	enum constraint_verdict v = examine_subject(&c, subject);
	struct str value;
	unsigned tag;
	while (v == NAMES_PERMITTED && names.n > 0 && der_take_any(&names, &tag, &value))
		v = examine(&c, tag, value);
	if (v == NAMES_PERMITTED && whom && whom->dns_name.n > 0)
		v = examine(&c, NAME_DNS, whom->dns_name);
	if (v == NAMES_PERMITTED && whom && whom->address.n > 0)
		v = examine(&c, NAME_ADDRESS, whom->address);
	return v;
}

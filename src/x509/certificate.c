#include "x509/certificate.h"

#include "base/clock.h"
#include "codec/der.h"
#include "x509/names.h"

enum {
	/* Context-specific tags of TBSCertificate. */
	VERSION = DER_CONTEXT,
	ISSUER_ID = 0x81,
	SUBJECT_ID = 0x82,
	EXTENSIONS = DER_CONTEXT + 3,

	/* Real certificates have a dozen; the search for doubles is quadratic. */
	EXTENSIONS_MAX = 64,
	/* No path is as long, and every number beyond it means the same. */
	COUNT_MAX = INT_MAX,
};

/* ---- times ---- */

static int number_at(struct str digits, size_t at)
{
	return (digits.p[at] - '0') * 10 + (digits.p[at + 1] - '0');
}

static bool is_date(struct utc t)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (t.month < 1 || t.month > 12)
		return false;
	bool leap = t.month == 2 && t.year % 4 == 0 && (t.year % 100 != 0 || t.year % 400 == 0);
	return t.day >= 1 && t.day <= days[t.month - 1] + leap && t.hour < 24 && t.minute < 60 &&
		t.second < 60;
}

/* YYMMDDhhmmssZ or YYYYMMDDhhmmssZ (RFC 5280, 4.1.2.5). */
static bool take_time(struct str *rest, int64_t *seconds)
{
	struct str text;
	unsigned tag;
	if (!der_take_any(rest, &tag, &text) || (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME))
		return false;
	size_t year = tag == DER_UTC_TIME ? 2 : 4, n = year + 10;
	if (text.n != n + 1 || text.p[n] != 'Z')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_digit((unsigned char)text.p[i]))
			return false;
	int two = number_at(text, 0);
	struct utc t = {
		.year = year == 4 ? two * 100 + number_at(text, 2) : two + (two < 50 ? 2000 : 1900),
		.month = number_at(text, year),
		.day = number_at(text, year + 2),
		.hour = number_at(text, year + 4),
		.minute = number_at(text, year + 6),
		.second = number_at(text, year + 8),
	};
	*seconds = utc_to_seconds(t);
	return is_date(t);
}

/* ---- extensions ---- */

static bool read_basic_constraints(struct certificate *out, struct str value)
{
	struct str sequence;
	if (!der_is_one(value, DER_SEQUENCE, &sequence) || !der_take_flag(&sequence, &out->is_ca))
		return false;
	return sequence.n == 0 ||
		(der_take_small(&sequence, &out->path_length, COUNT_MAX) && sequence.n == 0);
}

static bool read_usage(struct certificate *out, struct str value)
{
	struct str bits;
	if (!der_is_one(value, DER_BIT_STRING, &bits) || bits.n < 1 || bits.n > 3 ||
		(unsigned char)bits.p[0] > 7)
		return false;
	out->has_usage = true;
	/* Bit 0 is the highest of the first byte. */
	for (unsigned i = 0; i < 8 && bits.n > 1; i++)
		if ((unsigned char)bits.p[1] >> (7 - i) & 1)
			out->usage |= 1U << i;
	return true;
}

static bool read_purposes(struct certificate *out, struct str value)
{
	struct str purposes, oid;
	if (!der_is_one(value, DER_SEQUENCE, &purposes) || purposes.n == 0)
		return false;
	out->has_purposes = true;
	while (purposes.n > 0) {
		if (!der_take_oid(&purposes, &oid))
			return false;
		if (str_eq(oid, S("\x2b\x06\x01\x05\x05\x07\x03\x01")))
			out->purposes |= PURPOSE_SERVER;
		else if (str_eq(oid, S("\x2b\x06\x01\x05\x05\x07\x03\x02")))
			out->purposes |= PURPOSE_CLIENT;
		else if (str_eq(oid, S("\x55\x1d\x25\x00")))
			out->purposes |= PURPOSE_ANY;
	}
	return true;
}

static bool read_names(struct certificate *out, struct str value)
{
	struct str names, name;
	unsigned tag;
	if (!der_is_one(value, DER_SEQUENCE, &names))
		return false;
	out->names = names;
	while (names.n > 0)
		if (!der_take_any(&names, &tag, &name) || !general_name_is_well_formed(tag, name))
			return false;
	return true;
}

static bool read_name_constraints(struct certificate *out, struct str value)
{
	struct str sequence;
	if (!der_is_one(value, DER_SEQUENCE, &sequence) || sequence.n == 0)
		return false;
	if (der_next_is(sequence, DER_CONTEXT) &&
		(!der_take(&sequence, DER_CONTEXT, &out->permitted) ||
			!general_subtrees_are_well_formed(out->permitted)))
		return false;
	if (der_next_is(sequence, DER_CONTEXT + 1) &&
		(!der_take(&sequence, DER_CONTEXT + 1, &out->excluded) ||
			!general_subtrees_are_well_formed(out->excluded)))
		return false;
	return sequence.n == 0;
}

static bool read_authority_key(struct certificate *out, struct str value)
{
	struct str sequence;
	if (!der_is_one(value, DER_SEQUENCE, &sequence))
		return false;
	return !der_next_is(sequence, 0x80) || der_take(&sequence, 0x80, &out->issuer_key);
}

/* Each is { policy, qualifiers }, which need not be understood. */
static bool read_policies(struct certificate *out, struct str value)
{
	struct str policies, policy, oid;
	if (!der_is_one(value, DER_SEQUENCE, &policies) || policies.n == 0)
		return false;
	out->policies = policies;
	while (policies.n > 0)
		if (!der_take(&policies, DER_SEQUENCE, &policy) || !der_take_oid(&policy, &oid))
			return false;
	return true;
}

/* Each is { policy, policy }, and neither is "any". */
static bool read_mappings(struct certificate *out, struct str value)
{
	struct str pairs, pair, from, to, any = S("\x55\x1d\x20\x00");
	if (!der_is_one(value, DER_SEQUENCE, &pairs) || pairs.n == 0)
		return false;
	out->mappings = pairs;
	while (pairs.n > 0)
		if (!der_take(&pairs, DER_SEQUENCE, &pair) || !der_take_oid(&pair, &from) ||
			!der_take_oid(&pair, &to) || pair.n > 0 || str_eq(from, any) || str_eq(to, any))
			return false;
	return true;
}

/* A number with a tag of its own. */
static bool take_count(struct str *rest, char tag, int *count)
{
	char integer[2 + sizeof(uint32_t)] = { DER_INTEGER };
	struct str value, copy = { integer, 0 };
	if (!der_next_is(*rest, (unsigned char)tag))
		return true;
	if (!der_take(rest, (unsigned char)tag, &value) || value.n > sizeof(uint32_t))
		return false;
	integer[1] = (char)value.n;
	for (size_t i = 0; i < value.n; i++)
		integer[2 + i] = value.p[i];
	copy.n = 2 + value.n;
	return der_take_small(&copy, count, COUNT_MAX);
}

static bool read_policy_constraints(struct certificate *out, struct str value)
{
	struct str sequence;
	return der_is_one(value, DER_SEQUENCE, &sequence) && sequence.n > 0 &&
		take_count(&sequence, (char)0x80, &out->explicit_policy) &&
		take_count(&sequence, (char)0x81, &out->inhibit_mapping) && sequence.n == 0;
}

/* One whose OID is 2.5.29.`which`. */
static bool read_known(struct certificate *out, bool *known, unsigned which, struct str value)
{
	*known = true;
	switch (which) {
	case 14:
		return der_is_one(value, DER_OCTET_STRING, &out->subject_key);
	case 15:
		return read_usage(out, value);
	case 17:
		return read_names(out, value);
	case 19:
		return read_basic_constraints(out, value);
	case 30:
		return read_name_constraints(out, value);
	case 31: /* cRLDistributionPoints: revocation is not looked at, critical or not. */
		return true;
	case 32:
		return read_policies(out, value);
	case 33:
		return read_mappings(out, value);
	case 35:
		return read_authority_key(out, value);
	case 36:
		return read_policy_constraints(out, value);
	case 37:
		return read_purposes(out, value);
	case 54:
		return der_take_small(&value, &out->inhibit_any, COUNT_MAX) && value.n == 0;
	default:
		*known = false;
		return true;
	}
}

static bool read_extension(struct certificate *out, struct str *oid, struct str extension)
{
	struct str value;
	bool critical, known = false, ok = true;
	if (!der_take_oid(&extension, oid) || !der_take_flag(&extension, &critical) ||
	    !der_take(&extension, DER_OCTET_STRING, &value) || extension.n > 0)
		return false;
	if (oid->n == 3 && str_starts(*oid, S("\x55\x1d")))
		ok = read_known(out, &known, (unsigned char)oid->p[2], value);
	if (critical && !known)
		out->critical = *oid;
	return ok;
}

static bool read_extensions(struct certificate *out, struct str value)
{
	struct str extensions, extension, seen[EXTENSIONS_MAX];
	size_t count = 0;
	if (!der_is_one(value, DER_SEQUENCE, &extensions) || extensions.n == 0)
		return false;
	for (; extensions.n > 0; count++) {
		if (count == EXTENSIONS_MAX || !der_take(&extensions, DER_SEQUENCE, &extension) ||
		    !read_extension(out, &seen[count], extension))
			return false;
		for (size_t i = 0; i < count; i++)
			if (str_eq(seen[i], seen[count]))
				return false;
	}
	return true;
}

/* ---- the whole ---- */

static bool read_version(struct certificate *out, struct str *rest)
{
	struct str version;
	int number = 0;
	bool ok = !der_next_is(*rest, VERSION) ||
		(der_take(rest, VERSION, &version) && der_take_small(&version, &number, 2) &&
			version.n == 0);
	out->version = number + 1;
	return ok;
}

static bool read_validity(struct certificate *out, struct str *rest)
{
	struct str validity;
	return der_take(rest, DER_SEQUENCE, &validity) && take_time(&validity, &out->not_before) &&
	       take_time(&validity, &out->not_after) && validity.n == 0;
}

/* The contents of TBSCertificate (RFC 5280, 4.1). */
static bool read_contents(struct certificate *out, struct str *algorithm, struct str contents)
{
	struct str key, extensions;
	if (!read_version(out, &contents) || !der_take_integer(&contents, &out->serial) ||
		!der_take(&contents, DER_SEQUENCE, algorithm) ||
		!der_take_element(&contents, DER_SEQUENCE, &out->issuer) ||
		!read_validity(out, &contents) ||
		!der_take_element(&contents, DER_SEQUENCE, &out->subject) ||
		!der_take(&contents, DER_SEQUENCE, &key) || !public_key_read(&out->key, key))
		return false;
	if (!name_is_well_formed(out->issuer) || !name_is_well_formed(out->subject))
		return false;
	if (!der_skip_if(&contents, ISSUER_ID) || !der_skip_if(&contents, SUBJECT_ID))
		return false;
	if (der_next_is(contents, EXTENSIONS) &&
		(out->version != 3 || !der_take(&contents, EXTENSIONS, &extensions) ||
			!read_extensions(out, extensions)))
		return false;
	return contents.n == 0;
}

enum err certificate_read(struct certificate *out, struct str der)
{
	struct str certificate, contents, inside, outside;
	*out = (struct certificate){
		.der = der,
		.path_length = -1,
		.explicit_policy = -1,
		.inhibit_mapping = -1,
		.inhibit_any = -1,
	};
	bool ok = der_is_one(der, DER_SEQUENCE, &certificate) &&
		der_take_element(&certificate, DER_SEQUENCE, &out->signed_part) &&
		der_is_one(out->signed_part, DER_SEQUENCE, &contents) &&
		read_contents(out, &inside, contents) && der_take(&certificate, DER_SEQUENCE, &outside) &&
		str_eq(inside, outside) && signature_algorithm_read(&out->algorithm, outside) &&
		der_take_bytes(&certificate, &out->signature) && certificate.n == 0;
	return ok ? OK : E_SYNTAX;
}

bool certificate_is_self_issued(const struct certificate *c)
{
	return name_eq(c->issuer, c->subject);
}

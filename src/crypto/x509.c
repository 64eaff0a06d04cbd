#include "crypto/x509.h"

#include "codec/der.h"
#include "crypto/pkey.h"

/* Tags with a meaning of their own. */
enum {
	ISSUER_ID = 0x81,
	SUBJECT_ID = 0x82,
	VERSION = DER_CONTEXT,
	EXTENSIONS = DER_CONTEXT + 3,
};

/* The bytes of `s` for BearSSL, whose structures do without const. */
static unsigned char *bytes(struct str s)
{
	return (unsigned char *)(uintptr_t)s.p;
}

/* SubjectPublicKeyInfo (RFC 3279, 2.3). A kind that is not known is none of our business, one that is must be right. */
static bool read_key(br_x509_pkey *out, struct str info)
{
	struct str algorithm, oid, parameters, bits, numbers, n, e;
	if (!der_take(&info, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) ||
	    !der_take(&info, DER_BIT_STRING, &bits) || info.n > 0 || bits.n == 0)
		return false;
	bool whole = bits.p[0] == 0;
	bits = str_skip(bits, 1);
	out->key_type = 0;
	if (str_eq(oid, S("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"))) {
		out->key_type = BR_KEYTYPE_RSA;
		if (!whole || !der_is_one(bits, DER_SEQUENCE, &numbers) || !der_take_number(&numbers, &n) ||
		    !der_take_number(&numbers, &e) || numbers.n > 0)
			return false;
		out->key.rsa = (br_rsa_public_key){ bytes(n), n.n, bytes(e), e.n };
		return true;
	}
	if (str_eq(oid, S("\x2a\x86\x48\xce\x3d\x02\x01")) && der_take(&algorithm, DER_OID, &parameters) && pkey_curve(parameters)) {
		out->key_type = BR_KEYTYPE_EC;
		out->key.ec = (br_ec_public_key){ pkey_curve(parameters), bytes(bits), bits.n };
		return whole;
	}
	return true;
}

static bool read_constraints(bool *is_ca, struct str value)
{
	struct str sequence, flag = { NULL, 0 };
	if (!der_is_one(value, DER_SEQUENCE, &sequence))
		return false;
	if (der_next_is(sequence, DER_BOOLEAN) && (!der_take(&sequence, DER_BOOLEAN, &flag) || flag.n != 1))
		return false;
	*is_ca = flag.n == 1 && flag.p[0] != 0;
	return der_skip_if(&sequence, DER_INTEGER) && sequence.n == 0;
}

static bool read_purposes(bool *for_servers, struct str value)
{
	struct str purposes, oid;
	if (!der_is_one(value, DER_SEQUENCE, &purposes))
		return false;
	while (purposes.n > 0) {
		if (!der_take(&purposes, DER_OID, &oid))
			return false;
		*for_servers = *for_servers || str_eq(oid, S("\x2b\x06\x01\x05\x05\x07\x03\x01"));
	}
	return true;
}

static bool read_names(struct str *out, struct str value)
{
	struct str names, name;
	unsigned tag;
	if (!der_is_one(value, DER_SEQUENCE, &names))
		return false;
	*out = names;
	while (names.n > 0)
		if (!der_take_any(&names, &tag, &name))
			return false;
	return true;
}

/* One extension; those that matter are all 2.5.29.x, and `seen` has a bit for each of these that was read. */
static bool read_extension(struct x509_certificate *out, uint64_t *seen, struct str extension)
{
	enum { SUBJECT_ALT_NAME = 17, BASIC_CONSTRAINTS = 19, NAME_CONSTRAINTS = 30, EXTENDED_KEY_USAGE = 37 };
	struct str oid, value;
	if (!der_take(&extension, DER_OID, &oid) || !der_skip_if(&extension, DER_BOOLEAN) ||
	    !der_take(&extension, DER_OCTET_STRING, &value) || extension.n > 0)
		return false;
	if (oid.n != 3 || !str_starts(oid, S("\x55\x1d")))
		return true;
	unsigned which = (unsigned char)oid.p[2];
	if (which > 63)
		return true;
	uint64_t bit = UINT64_C(1) << which;
	if (*seen & bit)
		return false;
	*seen |= bit;
	switch (which) {
	case SUBJECT_ALT_NAME:
		return read_names(&out->names, value);
	case BASIC_CONSTRAINTS:
		return read_constraints(&out->is_ca, value);
	case NAME_CONSTRAINTS:
		out->has_constraints = true;
		return true;
	case EXTENDED_KEY_USAGE:
		out->has_purposes = true;
		return read_purposes(&out->for_servers, value);
	default:
		return true;
	}
}

static bool read_extensions(struct x509_certificate *out, struct str value)
{
	struct str extensions, extension;
	uint64_t seen = 0;
	if (!der_is_one(value, DER_SEQUENCE, &extensions))
		return false;
	while (extensions.n > 0)
		if (!der_take(&extensions, DER_SEQUENCE, &extension) || !read_extension(out, &seen, extension))
			return false;
	return true;
}

/* The element with its head. */
static bool take_element(struct str *rest, unsigned tag, struct str *element)
{
	struct str before = *rest;
	bool ok = der_skip(rest, tag);
	*element = str_sub(before, 0, before.n - rest->n);
	return ok;
}

/* The second of two, each in one of two forms. */
static bool read_dates(struct str *not_after, struct str dates)
{
	unsigned tag;
	return der_take_any(&dates, &tag, not_after) && der_take_any(&dates, &tag, not_after) && dates.n == 0;
}

/* TBSCertificate (RFC 5280, 4.1). */
static bool read_contents(struct x509_certificate *out, struct str contents)
{
	struct str dates, key, extensions;
	bool ok = der_skip_if(&contents, VERSION) && der_take(&contents, DER_INTEGER, &out->serial) &&
	          der_skip(&contents, DER_SEQUENCE) && take_element(&contents, DER_SEQUENCE, &out->issuer) && /* algorithm before */
	          der_take(&contents, DER_SEQUENCE, &dates) && read_dates(&out->not_after, dates) &&
	          take_element(&contents, DER_SEQUENCE, &out->subject) &&
	          der_take(&contents, DER_SEQUENCE, &key) && read_key(&out->key, key) &&
	          der_skip_if(&contents, ISSUER_ID) && der_skip_if(&contents, SUBJECT_ID);
	if (ok && der_next_is(contents, EXTENSIONS))
		ok = der_take(&contents, EXTENSIONS, &extensions) && read_extensions(out, extensions);
	return ok && contents.n == 0;
}

enum err x509_parse(struct x509_certificate *out, struct str der)
{
	struct str certificate, contents;
	*out = (struct x509_certificate){ .is_ca = false };
	bool ok = der_is_one(der, DER_SEQUENCE, &certificate) && der_take(&certificate, DER_SEQUENCE, &contents) &&
	          read_contents(out, contents) && der_skip(&certificate, DER_SEQUENCE) &&
	          der_skip(&certificate, DER_BIT_STRING) && certificate.n == 0;
	return ok ? OK : E_SYNTAX;
}

bool x509_read_time(char out[static X509_TIME], struct str time)
{
	struct buf digits = { (char[16]){ 0 }, 0, 16, false }, date = { out, 0, X509_TIME, false };
	if (time.n == 13)
		buf_put(&digits, time.p[0] < '5' ? S("20") : S("19"));
	buf_put(&digits, time);
	if (digits.n != 15 || digits.full)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (i < 14 ? !is_digit((unsigned char)digits.p[i]) : digits.p[i] != 'Z')
			return false;
		if (i >= 4 && i % 2 == 0 && i < 14)
			buf_put_char(&date, "--T::"[i / 2 - 2]);
		buf_put_char(&date, digits.p[i]);
	}
	return true;
}

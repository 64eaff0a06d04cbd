#include "net/tls_fault.h"

#include "base/clock.h"

struct sentence {
	unsigned short first, last; /* error numbers */
	struct str text;
};

/* After "the certificate of HOST ". */
static const struct sentence certificate[] = {
	{ BR_ERR_WRONG_KEY_USAGE, BR_ERR_WRONG_KEY_USAGE, STR("has a key that may not be used for signatures") },
	{ BR_ERR_X509_INVALID_VALUE, BR_ERR_X509_TRUNCATED, STR("or one above it is malformed") },
	{ BR_ERR_X509_EMPTY_CHAIN, BR_ERR_X509_EMPTY_CHAIN, STR("is missing: the server sent none") },
	{ BR_ERR_X509_INNER_TRUNC, BR_ERR_X509_BAD_TIME, STR("or one above it is malformed") },
	{ BR_ERR_X509_UNSUPPORTED, BR_ERR_X509_UNSUPPORTED,
	  STR("or one above it needs an algorithm that is not supported: RSA and ECDSA with SHA-256, SHA-384 and SHA-512 are") },
	{ BR_ERR_X509_LIMIT_EXCEEDED, BR_ERR_X509_LIMIT_EXCEEDED, STR("or one above it has a key of more than 4096 bits") },
	{ BR_ERR_X509_WRONG_KEY_TYPE, BR_ERR_X509_BAD_SIGNATURE, STR("or one above it has a wrong signature") },
	{ BR_ERR_X509_DN_MISMATCH, BR_ERR_X509_DN_MISMATCH, STR("is not followed by its issuer's: the server sends a wrong chain") },
	{ BR_ERR_X509_CRITICAL_EXTENSION, BR_ERR_X509_CRITICAL_EXTENSION,
	  STR("or one above it has a critical extension that is not supported") },
	{ BR_ERR_X509_NOT_CA, BR_ERR_X509_FORBIDDEN_KEY_USAGE, STR("was issued by one that may not issue certificates") },
	{ BR_ERR_X509_WEAK_PUBLIC_KEY, BR_ERR_X509_WEAK_PUBLIC_KEY, STR("or one above it has an RSA key of less than 2048 bits") },
	{ BR_ERR_X509_NOT_TRUSTED, BR_ERR_X509_NOT_TRUSTED,
	  STR("comes from an unknown authority: set AWS_CA_BUNDLE or SSL_CERT_FILE to a bundle that contains it") },
	{ X509_MALFORMED, X509_MALFORMED, STR("or one above it is malformed") },
	{ X509_TOO_LARGE, X509_TOO_LARGE, STR("or one above it is larger than 8192 bytes") },
	{ X509_NO_NAMES, X509_NO_NAMES, STR("has no subjectAltName; the common name does not count") },
	{ X509_CA_AS_SERVER, X509_CA_AS_SERVER, STR("is a CA's; a server must have one of its own, with CA:FALSE") },
	{ X509_NOT_FOR_SERVERS, X509_NOT_FOR_SERVERS, STR("or one above it is not meant for servers (extended key usage)") },
	{ X509_CONSTRAINED, X509_CONSTRAINED, STR("or one above it has name constraints, which are not supported") },
};

/* After "TLS with HOST failed: ". */
static const struct sentence protocol[] = {
	{ BR_ERR_UNSUPPORTED_VERSION, BR_ERR_BAD_VERSION, STR("the server does not speak TLS 1.2, or no TLS at all on this port") },
	{ BR_ERR_BAD_MAC, BR_ERR_BAD_MAC, STR("a record was damaged on the way") },
	{ BR_ERR_BAD_FINISHED, BR_ERR_BAD_FINISHED, STR("the handshake was changed on the way") },
	{ BR_ERR_INVALID_ALGORITHM, BR_ERR_INVALID_ALGORITHM, STR("the server chose an algorithm that was not offered") },
	{ BR_ERR_BAD_SIGNATURE, BR_ERR_BAD_SIGNATURE, STR("the server's key does not belong to its certificate") },
	{ BR_ERR_RECV_FATAL_ALERT + 40, BR_ERR_RECV_FATAL_ALERT + 40, STR("the server has no algorithm in common with us") },
	{ BR_ERR_RECV_FATAL_ALERT + 70, BR_ERR_RECV_FATAL_ALERT + 70, STR("the server does not want TLS 1.2") },
	{ BR_ERR_RECV_FATAL_ALERT + 80, BR_ERR_RECV_FATAL_ALERT + 80, STR("the server has an internal error") },
	{ BR_ERR_RECV_FATAL_ALERT + 112, BR_ERR_RECV_FATAL_ALERT + 112, STR("the server does not know this name") },
	{ BR_ERR_RECV_FATAL_ALERT + 116, BR_ERR_RECV_FATAL_ALERT + 116, STR("the server wants a client certificate") },
	{ BR_ERR_RECV_FATAL_ALERT, BR_ERR_RECV_FATAL_ALERT + 255, STR("the server ended it with an alert") },
	{ 0, USHRT_MAX, STR("the server broke the protocol") },
};

static const struct sentence *find(const struct sentence *list, size_t count, unsigned code)
{
	for (size_t i = 0; i < count; i++)
		if (code >= list[i].first && code <= list[i].last)
			return &list[i];
	return NULL;
}

static enum err wrong_time(struct fault *f, struct str host)
{
	char text[32];
	struct buf time = BUF(text);
	utc_put_rfc3339_ms(&time, clock_wall_ms());
	return fault_set(f, E_CERT, 0,
		"the certificate of % or one above it has expired or is not valid yet, or this machine's clock is wrong: it says %",
		host, buf_str(&time));
}

static enum err wrong_name(struct fault *f, const struct x509_verifier *v)
{
	char text[128];
	struct buf names = BUF(text);
	struct x509_certificate c;
	/* The server's own is still there: nothing behind it was needed. */
	if (x509_parse(&c, (struct str){ v->der, v->n }) == OK)
		x509_put_names(&names, &c);
	return fault_set(f, E_CERT, 0, "the certificate of % is not for this name but for %", v->host,
		names.n > 0 ? buf_str(&names) : S("others"));
}

enum err tls_fault_set(struct fault *f, unsigned code, const struct x509_verifier *v)
{
	if (code == BR_ERR_X509_EXPIRED)
		return wrong_time(f, v->host);
	if (code == BR_ERR_X509_BAD_SERVER_NAME)
		return wrong_name(f, v);
	const struct sentence *s = find(certificate, countof(certificate), code);
	if (s)
		return fault_set(f, E_CERT, 0, "the certificate of % %", v->host, s->text);
	s = find(protocol, countof(protocol), code);
	return fault_set(f, E_TLS, 0, "TLS with % failed: % (BearSSL error %)", v->host, s->text, NUM(code));
}

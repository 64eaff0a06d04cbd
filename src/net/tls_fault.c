#include "net/tls_fault.h"

#include "base/clock.h"

/* Error numbers, from the first to the last, and what they mean after "the certificate of HOST ". */
#define CERTIFICATE(X) \
	X(BR_ERR_WRONG_KEY_USAGE, BR_ERR_WRONG_KEY_USAGE, "has a key that may not be used for signatures") \
	X(BR_ERR_X509_INVALID_VALUE, BR_ERR_X509_TRUNCATED, "or one above it is malformed") \
	X(BR_ERR_X509_EMPTY_CHAIN, BR_ERR_X509_EMPTY_CHAIN, "is missing: the server sent none") \
	X(BR_ERR_X509_INNER_TRUNC, BR_ERR_X509_BAD_TIME, "or one above it is malformed") \
	X(BR_ERR_X509_UNSUPPORTED, BR_ERR_X509_UNSUPPORTED, \
	  "or one above it needs an algorithm that is not supported: RSA and ECDSA with SHA-256, SHA-384 and SHA-512 are") \
	X(BR_ERR_X509_LIMIT_EXCEEDED, BR_ERR_X509_LIMIT_EXCEEDED, "or one above it has a key of more than 4096 bits") \
	X(BR_ERR_X509_WRONG_KEY_TYPE, BR_ERR_X509_BAD_SIGNATURE, "or one above it has a wrong signature") \
	X(BR_ERR_X509_DN_MISMATCH, BR_ERR_X509_DN_MISMATCH, "is not followed by its issuer's: the server sends a wrong chain") \
	X(BR_ERR_X509_CRITICAL_EXTENSION, BR_ERR_X509_CRITICAL_EXTENSION, \
	  "or one above it has a critical extension that is not supported") \
	X(BR_ERR_X509_NOT_CA, BR_ERR_X509_FORBIDDEN_KEY_USAGE, "was issued by one that may not issue certificates") \
	X(BR_ERR_X509_WEAK_PUBLIC_KEY, BR_ERR_X509_WEAK_PUBLIC_KEY, "or one above it has an RSA key of less than 2048 bits") \
	X(BR_ERR_X509_NOT_TRUSTED, BR_ERR_X509_NOT_TRUSTED, \
	  "comes from an unknown authority: set AWS_CA_BUNDLE or SSL_CERT_FILE to a bundle that contains it") \
	X(X509_MALFORMED, X509_MALFORMED, "or one above it is malformed") \
	X(X509_TOO_LARGE, X509_TOO_LARGE, "or one above it is larger than 8192 bytes") \
	X(X509_NO_NAMES, X509_NO_NAMES, "has no subjectAltName; the common name does not count") \
	X(X509_CA_AS_SERVER, X509_CA_AS_SERVER, "is a CA's; a server must have one of its own, with CA:FALSE") \
	X(X509_NOT_FOR_SERVERS, X509_NOT_FOR_SERVERS, "or one above it is not meant for servers (extended key usage)") \
	X(X509_CONSTRAINED, X509_CONSTRAINED, "or one above it has name constraints, which are not supported")

/* After "TLS with HOST failed: ". */
#define PROTOCOL(X) \
	X(BR_ERR_UNSUPPORTED_VERSION, BR_ERR_BAD_VERSION, "the server does not speak TLS 1.2, or no TLS at all on this port") \
	X(BR_ERR_BAD_MAC, BR_ERR_BAD_MAC, "a record was damaged on the way") \
	X(BR_ERR_BAD_FINISHED, BR_ERR_BAD_FINISHED, "the handshake was changed on the way") \
	X(BR_ERR_INVALID_ALGORITHM, BR_ERR_INVALID_ALGORITHM, "the server chose an algorithm or a key share that cannot be used") \
	X(BR_ERR_BAD_SIGNATURE, BR_ERR_BAD_SIGNATURE, "the server's key does not belong to its certificate") \
	X(BR_ERR_RECV_FATAL_ALERT + 40, BR_ERR_RECV_FATAL_ALERT + 40, "the server has no algorithm in common with us") \
	X(BR_ERR_RECV_FATAL_ALERT + 70, BR_ERR_RECV_FATAL_ALERT + 70, "the server does not want TLS 1.2") \
	X(BR_ERR_RECV_FATAL_ALERT + 80, BR_ERR_RECV_FATAL_ALERT + 80, "the server has an internal error") \
	X(BR_ERR_RECV_FATAL_ALERT + 112, BR_ERR_RECV_FATAL_ALERT + 112, "the server does not know this name") \
	X(BR_ERR_RECV_FATAL_ALERT + 116, BR_ERR_RECV_FATAL_ALERT + 116, "the server wants a client certificate") \
	X(BR_ERR_RECV_FATAL_ALERT, BR_ERR_RECV_FATAL_ALERT + 255, "the server ended it with an alert") \
	X(0, USHRT_MAX, "the server broke the protocol")

struct range {
	uint16_t first, last;
};

#define RANGE(first, last, text) { first, last },
#define TEXT(first, last, text) text "\0"

/* Empty if the code is in none of the ranges. */
static struct str sentence(const struct range *ranges, size_t count, const char *texts, unsigned code)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return str_nth(texts, i);
	return S("");
}

static enum err wrong_time(struct fault *f, struct str host)
{
	char text[32];
	struct buf time = BUF(text);
	utc_put_rfc3339_ms(&time, clock_wall_ms());
	return fault_set(f, E_CERT, 0,
		"the certificate of %s or one above it has expired or is not valid yet, or this machine's clock is wrong: it says %s",
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
	return fault_set(f, E_CERT, 0, "the certificate of %s is not for this name but for %s", v->host,
		names.n > 0 ? buf_str(&names) : S("others"));
}

enum err tls_fault_set(struct fault *f, unsigned code, const struct x509_verifier *v)
{
	if (code == BR_ERR_X509_EXPIRED)
		return wrong_time(f, v->host);
	if (code == BR_ERR_X509_BAD_SERVER_NAME)
		return wrong_name(f, v);
	static const struct range certificate[] = { CERTIFICATE(RANGE) }, protocol[] = { PROTOCOL(RANGE) };
	struct str what = sentence(certificate, countof(certificate), CERTIFICATE(TEXT), code);
	if (what.n)
		return fault_set(f, E_CERT, 0, "the certificate of %s %s", v->host, what);
	what = sentence(protocol, countof(protocol), PROTOCOL(TEXT), code);
	return fault_set(f, E_TLS, 0, "TLS with %s failed: %s (BearSSL error %d)", v->host, what, NUM(code));
}

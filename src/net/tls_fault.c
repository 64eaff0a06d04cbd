#include "net/tls_fault.h"

/* Error numbers, from the first to the last, and what they mean after "TLS with HOST failed: ". */
#define PROTOCOL(X)                                                                                \
	X(BR_ERR_UNSUPPORTED_VERSION, BR_ERR_BAD_VERSION,                                              \
		"the server does not speak TLS 1.2, or speaks no TLS on this port")                        \
	X(BR_ERR_BAD_MAC, BR_ERR_BAD_MAC, "a record was damaged on the way")                           \
	X(BR_ERR_BAD_FINISHED, BR_ERR_BAD_FINISHED, "the handshake was changed on the way")            \
	X(BR_ERR_INVALID_ALGORITHM, BR_ERR_INVALID_ALGORITHM,                                          \
		"the server chose an algorithm or a key share that cannot be used")                        \
	X(BR_ERR_BAD_SIGNATURE, BR_ERR_BAD_SIGNATURE,                                                  \
		"the server's key does not belong to its certificate")                                     \
	X(BR_ERR_WRONG_KEY_USAGE, BR_ERR_WRONG_KEY_USAGE,                                              \
		"the server chose an algorithm that its key is not for")                                   \
	X(BR_ERR_X509_EMPTY_CHAIN, BR_ERR_X509_EMPTY_CHAIN, "the server sent no certificate")          \
	X(BR_ERR_RECV_FATAL_ALERT + 40, BR_ERR_RECV_FATAL_ALERT + 40,                                  \
		"the server has no algorithm in common with us")                                           \
	X(BR_ERR_RECV_FATAL_ALERT + 70, BR_ERR_RECV_FATAL_ALERT + 70,                                  \
		"the server wants TLS 1.3, which this program does not speak")                             \
	X(BR_ERR_RECV_FATAL_ALERT + 80, BR_ERR_RECV_FATAL_ALERT + 80,                                  \
		"the server has an internal error")                                                        \
	X(BR_ERR_RECV_FATAL_ALERT + 112, BR_ERR_RECV_FATAL_ALERT + 112,                                \
		"the server does not know this name")                                                      \
	X(BR_ERR_RECV_FATAL_ALERT, BR_ERR_RECV_FATAL_ALERT + 255, "the server ended it with an alert") \
	X(0, USHRT_MAX, "the server broke the protocol")

struct range {
	uint16_t first, last;
};

#define RANGE(first, last, text) { first, last },
#define TEXT(first, last, text) text "\0"

/* Empty if the code is in none of the ranges. */
static struct str sentence(
	const struct range *ranges, size_t count, const char *texts, unsigned code)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return str_nth(texts, i);
	return S("");
}

enum err tls_fault_set(
	struct fault *f, unsigned code, struct str host, const struct verifier *v, bool asked)
{
	static const struct range protocol[] = { PROTOCOL(RANGE) };
	if (code > VERIFIER_ERROR && code < VERIFIER_ERROR + PATH_CODES) {
		char text[sizeof(f->text)];
		struct buf reason = BUF(text);
		verifier_put_reason(&reason, v, host);
		return fault_set(f, E_CERT, 0, "%s", buf_str(&reason));
	}
	if (asked && code >= BR_ERR_RECV_FATAL_ALERT && code < BR_ERR_SEND_FATAL_ALERT)
		return fault_set(f, E_TLS, 0,
			"TLS with %s failed: the server asked for a client certificate, which this program "
			"cannot show, "
			"and then ended the connection with alert %d",
			host, NUM(code - BR_ERR_RECV_FATAL_ALERT));
	struct str what = sentence(protocol, countof(protocol), PROTOCOL(TEXT), code);
	return fault_set(
		f, E_TLS, 0, "TLS with %s failed: %s (BearSSL error %d)", host, what, NUM(code));
}

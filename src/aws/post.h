/* post.h - one signed POST to a service of AWS, sent once.
 *
 * All that the gateway asks of AWS goes through here, except for metadata on the machine itself.
 * Whether a failed request may be sent again is decided by http/retry and by whoever reads the
 * answer. */
#ifndef AWS_POST_H
#define AWS_POST_H

#include "aws/credential_chain.h"
#include "aws/sigv4.h"
#include "http/attempt.h"

enum {
	AWS_POST_FIELDS_MAX = SIGV4_HEADERS_MAX - 3,
	AWS_TRACE_ID_MAX = 1024, /* one of AWS's own has about 100 bytes; anything longer is left out */
};

/* The signing key derived last, and from what, so that it is derived once a day. Zeroed at first.
 */
struct aws_key_cache {
	struct sigv4_key key;
	size_t n;
	char derived_from[128]; /* serial of the keys, date, region, service */
};

struct aws_post {
	struct aws_context *aws;

	/* by whom: one of these at most, else it is sent unsigned */
	struct credential_chain *chain;    /* its current keys */
	const struct credentials *keys;    /* these */
	const struct sigv4_signer *signer; /* or somebody without any */
	struct aws_key_cache *key_cache;   /* for keys, which all come from one place */

	/* to whom */
	const struct endpoint *endpoint;
	struct str service, region; /* as they are signed */

	/* what */
	struct str path;                 /* behind the endpoint's base path, percent-encoded */
	struct str query;                /* without '?', percent-encoded; usually empty */
	/* Names in lower case. All are signed, as are Host, X-Amz-Date and X-Amz-Security-Token. */
	const struct http_field *fields;
	size_t fields_count;             /* at most AWS_POST_FIELDS_MAX */
	struct str trace_id;             /* for X-Amzn-Trace-Id, which is not signed; empty for none */
	struct str payload;
	int64_t rest_ms; /* see struct http_request */

	/* how it went so far; zeroed at first */
	unsigned serial; /* of the keys of `chain` that signed it last */
	int64_t skew_ms; /* the context's, when it was signed last */
	bool clock_corrected, keys_renewed;
};

/* A request as it is sent, with the memory of what was made for it. Views into the aws_post; not
 * copied by assignment. To be wiped. */
struct aws_signed {
	struct http_request request;
	struct http_field fields[SIGV4_HEADERS_MAX + 2];
	size_t n; /* of memory, what to wipe */
	char memory[CREDENTIALS_TOKEN_MAX + 2 * SIGV4_SIGNATURE_MAX + 512 + 3 * AWS_TRACE_ID_MAX];
};

/* Signs with `keys` (NULL: none) as of that time. Pure. E_LIMIT if the request is too large to be
 * signed. */
must_check enum err aws_post_sign_with(struct aws_signed *out, const struct aws_post *p,
	const struct credentials *keys, int64_t wall_seconds, struct fault *f);

/* The same as of now, with the keys that *p says, which may first have to be fetched:
 * credentials_hold. */
must_check enum err aws_post_sign(
	struct aws_signed *out, struct aws_post *p, struct deadline *d, struct fault *f);
void aws_signed_wipe(struct aws_signed *s);

/* Takes a connection to the endpoint from the pool and connects it if it is not:
 * http_attempt_begin. Whatever comes back, call aws_post_end. */
must_check enum err aws_post_connect(struct http_attempt *a, const struct aws_post *p, bool fresh,
	struct deadline *d, struct fault *f);

/* Connects, sends, and reads the answer, whose body is appended to `body`. Whatever comes back,
 * call aws_post_end when *a has been looked at. As aws_post_connect and http_exchange. */
must_check enum err aws_post_send(struct http_attempt *a, const struct aws_post *p,
	const struct aws_signed *s, bool fresh, struct buf *body, struct deadline *d, struct fault *f);

/* Gives the connection back; the views in a->response.head die here. */
void aws_post_end(const struct aws_post *p, struct http_attempt *a);

/* Whether the post, signed again, may be sent again at once, because the reason for the refusal was
 * removed: the clock was corrected, or keys that are invalid or signed badly were fetched again.
 * Each happens once. */
bool aws_post_remedy(struct aws_post *p, enum refusal refusal, const struct http_head *head);

#endif

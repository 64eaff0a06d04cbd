/* sigv4.h - AWS Signature Version 4 for one HTTP request.
 *
 * Three stages, each usable alone so that tests can compare each with published vectors: canonical
 * request, string to sign, authorization value. No I/O and no clock: the caller passes the time.
 * Nothing is retained. The path rule is that of every service but S3: the wire path, already
 * percent-encoded once, is encoded again segment by segment. */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "http/head.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"

enum {
	SIGV4_HEADERS_MAX = 16,
	SIGV4_QUERY_MAX = 16,        /* pairs */
	SIGV4_SECRET_MAX = 128,
	SIGV4_SIGNATURE_MAX = 512,   /* bytes: one by an RSA key of 4096 bits */
	SIGV4_CANONICAL_MAX = 12288, /* a session token of 8 KiB and a path are the most of it */
};

struct sigv4_request {
	struct str method;
	struct str path;   /* as on the wire, without the query; empty means "/" */
	struct str query;  /* as on the wire, without '?'; names and values percent-encoded */
	/* Those to sign, host among them, in any order; names in lower case. */
	const struct http_field *headers;
	size_t headers_count;               /* 1 to SIGV4_HEADERS_MAX */
	uint8_t payload_hash[32];           /* SHA-256 of the body */
};

struct sigv4_scope {
	char date_time[17]; /* 20260101T000000Z and a NUL that nobody reads */
	struct str region, service;
};

/* A signing key: derived from the secret, good for one date, region and service. */
struct sigv4_key {
	uint8_t bytes[32];
};

/* Who signs, and how. */
struct sigv4_signer {
	struct str algorithm; /* SIGV4_ALGORITHM or another of its family */
	struct str id;        /* access key id, or what stands for it in that algorithm */
	size_t (*sign)(const void *key, uint8_t out[static SIGV4_SIGNATURE_MAX],
		struct str string_to_sign); /* the length of *out */
	const void *key;
};

/* The usual one; `key` is borrowed. */
struct sigv4_signer sigv4_signer(struct str access_key_id, const struct sigv4_key *key);

struct sigv4_scope sigv4_scope(int64_t wall_seconds, struct str region, struct str service);

/* The secret has at most SIGV4_SECRET_MAX bytes. */
void sigv4_key(
	struct sigv4_key *key, struct str secret_access_key, const struct sigv4_scope *scope);

/* Appends the canonical request. Overflow, and more than SIGV4_QUERY_MAX pairs, show in out->full.
 */
void sigv4_canonical(struct buf *out, const struct sigv4_request *req);

/* Appends the string to sign for a canonical request. */
void sigv4_string_to_sign(
	struct buf *out, struct str algorithm, const struct sigv4_scope *scope, struct str canonical);

/* Appends the value of the Authorization header: Credential, SignedHeaders, Signature. */
void sigv4_authorization(struct buf *out, const struct sigv4_signer *signer,
	const struct sigv4_scope *scope, const struct sigv4_request *req, struct str string_to_sign);

/* All three stages with scratch of its own (14 KiB of stack, wiped). E_LIMIT if the request does
 * not fit in it or `out` is full. */
must_check enum err sigv4_sign(struct buf *out, const struct sigv4_signer *signer,
	const struct sigv4_scope *scope, const struct sigv4_request *req);

#endif

/* head.h - heads of HTTP/1.1 messages (RFC 9110, RFC 9112), read strictly and incrementally.
 *
 * Anything that could be read two ways is refused: bare LF or CR, folded lines, white space before
 * the colon, control bytes, empty or non-token names, two Content-Length fields even if equal,
 * Content-Length with Transfer-Encoding, a transfer coding other than exactly one `chunked`, HTTP
 * versions other than 1.0 and 1.1, no or two Host. An empty line before a request line is refused
 * too; a caller may skip one. An empty Host is a Host. The one leniency: a status line may end
 * right after its three digits. Views point into the bytes that were parsed. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/fault.h"

enum { HTTP_FIELDS_MAX = 100 };

struct http_field {
	struct str name, value; /* value without white space around it */
};

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

struct http_head {
	/* of a request */
	struct str method;
	struct str target; /* origin form or "*"; of an absolute form the part after the authority */
	/* of a response */
	int status; /* 100 ... 599 */

	int minor_version; /* 0 or 1 */
	bool keep_alive;   /* by version and Connection */
	enum http_body_kind body;
	uint64_t length;   /* if HTTP_BODY_LENGTH */
	size_t count;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* Looks for the end of a head in the bytes that have arrived so far. `*scanned` starts at 0 and
 * remembers the ground already covered. OK: *end is the offset behind the empty line. E_MORE.
 * E_SYNTAX as soon as a control byte, a bare LF or CR, or an empty first line shows, so that a peer
 * speaking another dialect hears at once. How much to wait for is the caller's limit. */
must_check enum err http_head_find(size_t *end, size_t *scanned, struct str bytes);

/* Parses the head in `bytes`, exactly as far as http_head_find said. The fault's text names what is
 * wrong, never the value. E_SYNTAX; E_LIMIT for too many fields. After a failure `h` is
 * unspecified. Of a request: method, target and Host. The target is an absolute path, an absolute
 * http(s) URI whose authority equals Host, or "*" with OPTIONS. */
must_check enum err http_request_parse(struct http_head *h, struct str bytes, struct fault *f);

/* `to_head`: it answers a HEAD request, and so has no body. 1xx, 204 and 304 have none either. */
must_check enum err http_response_parse(
	struct http_head *h, struct str bytes, bool to_head, struct fault *f);

/* Reads only the status line, as soon as it is complete with its CRLF, whatever may follow it.
 * OK, E_MORE, E_SYNTAX. `*status` is set with OK. */
must_check enum err http_status_line(int *status, struct str bytes);

/* The value of the first field of that name (case does not matter); p == NULL when there is none.
 */
struct str http_field_get(const struct http_head *h, struct str name);

/* How many fields have that name. */
size_t http_field_count(const struct http_head *h, struct str name);

/* Whether the comma list `value` contains `token` (case does not matter). */
bool http_list_has(struct str value, struct str token);

/* Whether a byte may stand in a token (a name, a method), or in a field value: no control bytes but
 * TAB. */
bool http_is_token_byte(unsigned char c);
bool http_is_value_byte(unsigned char c);

/* Whether `s` may stand as a field value on the wire. */
bool http_value_ok(struct str s);

#endif

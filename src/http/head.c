#include "http/head.h"

#include "base/block.h"
#include "codec/hex.h"

/* What a double holds exactly; no message comes near it, and sums with it cannot overflow. */
#define LENGTH_MAX ((uint64_t)1 << 53)

static enum err bad(struct fault *f, struct str what)
{
	return fault_set(f, E_SYNTAX, 0, "%s", what);
}

static bool one_of(unsigned char c, struct str set)
{
	return str_find(set, (char)c) < set.n;
}

bool http_is_token_byte(unsigned char c)
{
	return is_alnum(c) || one_of(c, S("!#$%&'*+-.^_`|~"));
}

bool http_is_value_byte(unsigned char c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* What RFC 3986 lets stand in a URI, less '#': a fragment is never sent. */
static bool is_target_byte(unsigned char c)
{
	return is_alnum(c) || one_of(c, S("-._~%!$&'()*+,;=:@/?[]"));
}

static bool is_name_byte(unsigned char c)
{
	return is_alnum(c) || one_of(c, S("-._"));
}

static bool is_literal_byte(unsigned char c)
{
	return hex_digit(c) >= 0 || c == ':' || c == '.';
}

static bool is_digit_byte(unsigned char c)
{
	return is_digit(c);
}

/* How many bytes at the front of `s` are of that kind. */
static size_t span(struct str s, bool (*is)(unsigned char))
{
	size_t n = 0;
	while (n < s.n && is((unsigned char)s.p[n]))
		n++;
	return n;
}

/* Of value bytes, up to one that is a tab at the most. */
static size_t value_run(struct str s)
{
	size_t n = 0;
	for (; s.n - n >= BLOCK_SIZE; n += BLOCK_SIZE) {
		block b = block_load(s.p + n);
		size_t at = block_first(block_or(block_below(b, ' '), block_equal(b, 0x7f)));
		if (at < BLOCK_SIZE)
			return n + at;
	}
	return n + span(str_skip(s, n), http_is_value_byte);
}

bool http_value_ok(struct str s)
{
	for (size_t n = 0; s.n; s = str_skip(s, n + 1)) {
		n = value_run(s);
		if (n < s.n && !http_is_value_byte((unsigned char)s.p[n]))
			return false;
	}
	return true;
}

enum err http_head_find(size_t *end, size_t *scanned, struct str bytes)
{
	for (size_t i = *scanned; i < bytes.n; i++) {
		bool after_cr = i > 0 && bytes.p[i - 1] == '\r';
		if (!after_cr)
			i += value_run(str_skip(bytes, i));
		if (i == bytes.n)
			break;
		unsigned char c = (unsigned char)bytes.p[i];
		if ((c == '\n') != after_cr)
			return E_SYNTAX;
		if (c == '\r' || http_is_value_byte(c))
			continue;
		if (c != '\n' || i == 1)
			return E_SYNTAX;
		if (bytes.p[i - 2] == '\n') {
			*end = i + 1;
			return OK;
		}
	}
	*scanned = bytes.n;
	return E_MORE;
}

/* Takes the next line off `rest`, without its CRLF. */
static bool next_line(struct str *line, struct str *rest)
{
	size_t at = str_find(*rest, '\n');
	if (at == rest->n || at == 0 || rest->p[at - 1] != '\r')
		return false;
	*line = str_sub(*rest, 0, at - 1);
	*rest = str_skip(*rest, at + 1);
	return true;
}

static bool read_version(int *minor, struct str s)
{
	if (!str_eq(s, S("HTTP/1.0")) && !str_eq(s, S("HTTP/1.1")))
		return false;
	*minor = s.p[7] - '0';
	return true;
}

static enum err read_field(struct http_field *field, struct str line, struct fault *f)
{
	if (line.p[0] == ' ' || line.p[0] == '\t')
		return bad(f, S("folded line in the head"));
	size_t n = span(line, http_is_token_byte);
	struct str rest = str_skip(line, n);
	if (str_starts(rest, S(" ")) || str_starts(rest, S("\t")))
		return bad(f, S("white space in or after a field name"));
	if (n == 0 || !str_starts(rest, S(":")))
		return bad(f, S("a field name is empty or not a token"));
	field->name = str_sub(line, 0, n);
	field->value = str_trim(str_skip(rest, 1));
	if (!http_value_ok(field->value))
		return bad(f, S("control byte in a field value"));
	return OK;
}

static enum err read_fields(struct http_head *h, struct str rest, struct fault *f)
{
	for (;;) {
		struct str line;
		if (!next_line(&line, &rest))
			return bad(f, S("a line of the head does not end with CR LF"));
		if (line.n == 0)
			return rest.n == 0 ? OK : bad(f, S("bytes behind the head"));
		if (h->count == HTTP_FIELDS_MAX)
			return fault_set(
				f, E_LIMIT, 0, "more than %d fields in the head", NUM(HTTP_FIELDS_MAX));
		enum err e = read_field(&h->fields[h->count], line, f);
		if (e != OK)
			return e;
		h->count++;
	}
}

struct str http_field_get(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->count; i++)
		if (str_eq_nocase(h->fields[i].name, name))
			return h->fields[i].value;
	return (struct str){ NULL, 0 };
}

size_t http_field_count(const struct http_head *h, struct str name)
{
	size_t n = 0;
	for (size_t i = 0; i < h->count; i++)
		n += str_eq_nocase(h->fields[i].name, name);
	return n;
}

bool http_list_has(struct str value, struct str token)
{
	while (value.n) {
		struct str item;
		str_next(&item, &value, ',');
		if (str_eq_nocase(str_trim(item), token))
			return true;
	}
	return false;
}

/* A list may be spread over several fields of that name. */
static bool connection_has(const struct http_head *h, struct str token)
{
	for (size_t i = 0; i < h->count; i++)
		if (str_eq_nocase(h->fields[i].name, S("Connection")) &&
			http_list_has(h->fields[i].value, token))
			return true;
	return false;
}

/* How long the body is and whether the connection lives on. With no field about the length, h->body
 * stays. */
static enum err read_framing(struct http_head *h, struct fault *f)
{
	h->keep_alive = !connection_has(h, S("close")) &&
		(h->minor_version == 1 || connection_has(h, S("keep-alive")));
	size_t lengths = http_field_count(h, S("Content-Length"));
	size_t codings = http_field_count(h, S("Transfer-Encoding"));
	if (lengths > 0 && codings > 0)
		return bad(f, S("both Content-Length and Transfer-Encoding"));
	if (lengths > 1)
		return bad(f, S("more than one Content-Length"));
	if (codings > 1)
		return bad(f, S("more than one Transfer-Encoding"));
	if (lengths == 1) {
		h->body = HTTP_BODY_LENGTH;
		if (!str_to_u64(&h->length, http_field_get(h, S("Content-Length")), LENGTH_MAX))
			return bad(f, S("Content-Length is not a number of at most 2^53"));
	}
	if (codings == 1) {
		h->body = HTTP_BODY_CHUNKED;
		if (!str_eq_nocase(http_field_get(h, S("Transfer-Encoding")), S("chunked")))
			return bad(f, S("Transfer-Encoding is not just chunked"));
		if (h->minor_version == 0)
			return bad(f, S("Transfer-Encoding with HTTP/1.0"));
	}
	return OK;
}

/* A name, an IPv4 address or a bracketed IPv6 address, with or without a port. */
static bool authority_ok(struct str s)
{
	size_t n;
	if (str_starts(s, S("["))) {
		n = 1 + span(str_skip(s, 1), is_literal_byte);
		if (n == 1 || !str_starts(str_skip(s, n), S("]")))
			return false;
		n++;
	} else {
		n = span(s, is_name_byte);
	}
	struct str port = str_skip(s, n);
	return n > 0 &&
		(port.n == 0 || (port.p[0] == ':' && span(str_skip(port, 1), is_digit_byte) == port.n - 1));
}

/* Takes scheme and authority off an absolute target. */
static bool cut_authority(struct str *authority, struct str *target)
{
	size_t n = str_find_str(*target, S("://")) + 3;
	struct str scheme = str_sub(*target, 0, n);
	if (!str_eq_nocase(scheme, S("http://")) && !str_eq_nocase(scheme, S("https://")))
		return false;
	*target = str_skip(*target, n);
	n = str_find(*target, '/');
	*authority = str_sub(*target, 0, n);
	*target = n < target->n ? str_skip(*target, n) : S("/");
	return true;
}

static enum err read_target(struct http_head *h, struct fault *f)
{
	size_t hosts = http_field_count(h, S("Host"));
	if (hosts > 1)
		return bad(f, S("more than one Host"));
	if (hosts == 0 && h->minor_version == 1)
		return bad(f, S("no Host"));
	struct str host = http_field_get(h, S("Host")), authority;
	/* RFC 9112, section 3.2: whoever has no authority to name sends an empty one. */
	if (host.n && !authority_ok(host))
		return bad(f, S("Host is neither a name nor an address, with or without a port"));
	if (str_starts(h->target, S("/")) ||
		(str_eq(h->target, S("*")) && str_eq(h->method, S("OPTIONS"))))
		return OK;
	if (!cut_authority(&authority, &h->target))
		return bad(f, S("the target is neither a path nor an http or https URI"));
	if (hosts == 1 ? !str_eq_nocase(authority, host) : !authority_ok(authority))
		return bad(f, S("the target's host is not that of Host"));
	return OK;
}

static enum err read_request_line(struct http_head *h, struct str line, struct fault *f)
{
	struct str rest, version;
	str_cut(&h->method, &rest, line, ' ');
	str_cut(&h->target, &version, rest, ' ');
	if (h->method.n == 0 || span(h->method, http_is_token_byte) < h->method.n)
		return bad(f, S("the request line does not start with a method"));
	if (h->target.n == 0 || span(h->target, is_target_byte) < h->target.n)
		return bad(f, S("the target is empty or has a byte that no URI has"));
	if (!read_version(&h->minor_version, version))
		return bad(f, S("the request line does not end with HTTP/1.1 or HTTP/1.0"));
	return OK;
}

enum err http_request_parse(struct http_head *h, struct str bytes, struct fault *f)
{
	*h = (struct http_head){ .body = HTTP_BODY_NONE };
	struct str line;
	if (!next_line(&line, &bytes))
		return bad(f, S("the request line does not end with CR LF"));
	enum err e = read_request_line(h, line, f);
	if (e == OK)
		e = read_fields(h, bytes, f);
	if (e == OK)
		e = read_framing(h, f);
	if (e == OK)
		e = read_target(h, f);
	return e;
}

/* HTTP/1.1 200 reason, where the reason may be empty, or missing with the space before it. */
static bool read_status_line(int *minor, int *status, struct str line)
{
	uint64_t code;
	struct str rest = str_skip(line, 12);
	if (!read_version(minor, str_sub(line, 0, 8)) || !str_starts(str_skip(line, 8), S(" ")) ||
	    !str_to_u64(&code, str_sub(line, 9, 12), 599) || code < 100)
		return false;
	*status = (int)code;
	return rest.n == 0 || (rest.p[0] == ' ' && http_value_ok(rest));
}

enum err http_response_parse(struct http_head *h, struct str bytes, bool to_head, struct fault *f)
{
	*h = (struct http_head){ .body = HTTP_BODY_UNTIL_CLOSE };
	struct str line;
	if (!next_line(&line, &bytes) || !read_status_line(&h->minor_version, &h->status, line))
		return bad(f, S("no status line of HTTP/1.1 or HTTP/1.0"));
	enum err e = read_fields(h, bytes, f);
	if (e == OK)
		e = read_framing(h, f);
	if (to_head || h->status < 200 || h->status == 204 || h->status == 304)
		h->body = HTTP_BODY_NONE;
	if (h->body == HTTP_BODY_UNTIL_CLOSE)
		h->keep_alive = false;
	return e;
}

enum err http_status_line(int *status, struct str bytes)
{
	struct str line, rest = bytes, start = S("HTTP/1.");
	int minor, code;
	if (!str_starts(start, str_sub(bytes, 0, start.n)))
		return E_SYNTAX;
	if (str_find(bytes, '\n') == bytes.n)
		return E_MORE;
	if (!next_line(&line, &rest) || !read_status_line(&minor, &code, line))
		return E_SYNTAX;
	*status = code;
	return OK;
}

#include "gateway/event.h"

#include "base/clock.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

/* Pairs of a query; rawQueryString has all of them. */
enum { LIST_MAX = 256, DECODED_MAX = 32 * 1024 };

typedef bool same_name(struct str a, struct str b);

static bool is_cookie(const struct event_field *field)
{
	return str_eq_nocase(field->name, S("cookie"));
}

static struct str first_value(const struct event_request *req, struct str name)
{
	for (size_t i = 0; i < req->fields_count; i++)
		if (str_eq_nocase(req->fields[i].name, name))
			return req->fields[i].value;
	return S("");
}

/* Names of fields are tokens: nothing in them needs escaping. */
static void put_lower(struct json_writer *w, struct str name)
{
	json_open_string(w);
	for (size_t i = 0; i < name.n; i++)
		buf_put_char(w->out, (char)lower((unsigned char)name.p[i]));
	buf_put(w->out, S("\":"));
	w->comma = false;
}

/* list[i].value, and behind it those further on that have the same name, in the order in which they
 * came. */
static void put_values(
	struct json_writer *w, const struct event_field *list, size_t count, size_t i, same_name *same)
{
	struct str name = list[i].name;
	json_open_string(w);
	json_put_piece(w, list[i].value);
	while (++i < count) {
		if (same(list[i].name, name)) {
			json_put_piece(w, S(","));
			json_put_piece(w, list[i].value);
		}
	}
	json_close_string(w);
}

static bool stood_before(const struct event_field *list, size_t i, same_name *same)
{
	for (size_t j = 0; j < i; j++)
		if (same(list[j].name, list[i].name))
			return true;
	return false;
}

static void put_headers(struct json_writer *w, const struct event_request *req)
{
	const struct event_field *fields = req->fields;
	json_key(w, S("headers"));
	json_open(w, '{');
	for (size_t i = 0; i < req->fields_count; i++) {
		if (is_cookie(&fields[i]) || stood_before(fields, i, str_eq_nocase))
			continue;
		put_lower(w, fields[i].name);
		put_values(w, fields, req->fields_count, i, str_eq_nocase);
	}
	json_close(w, '}');
}

/* Each cookie by itself, from as many fields as there are. */
static void put_cookies(struct json_writer *w, const struct event_request *req)
{
	bool any = false;
	for (size_t i = 0; i < req->fields_count; i++) {
		struct str cookie, rest = is_cookie(&req->fields[i]) ? req->fields[i].value : S("");
		while (rest.n) {
			str_next(&cookie, &rest, ';');
			cookie = str_trim(cookie);
			if (!cookie.n)
				continue;
			if (!any) {
				json_key(w, S("cookies"));
				json_open(w, '[');
				any = true;
			}
			json_put_string(w, cookie);
		}
	}
	if (any)
		json_close(w, ']');
}

/* A name or value that does not decode stands for itself. */
static struct str decoded(struct str s, struct arena *a)
{
	struct str out;
	return form_decode(&out, s, a) == OK ? out : s;
}

static void put_query(struct json_writer *w, struct str query)
{
	char memory[DECODED_MAX];
	struct arena a = { memory, 0, sizeof(memory) };
	struct event_field pairs[LIST_MAX];
	size_t count = 0;
	for (struct str name, value; count < LIST_MAX && form_next(&name, &value, &query);)
		pairs[count++] = (struct event_field){ decoded(name, &a), decoded(value, &a) };
	if (count == 0)
		return;
	json_key(w, S("queryStringParameters"));
	json_open(w, '{');
	for (size_t i = 0; i < count; i++) {
		if (stood_before(pairs, i, str_eq))
			continue;
		json_key(w, pairs[i].name);
		put_values(w, pairs, count, i, str_eq);
	}
	json_close(w, '}');
}

static void put_context(struct json_writer *w, const struct event_request *req)
{
	struct str host = first_value(req, S("host")), prefix, rest;
	char text[40];
	struct buf time = BUF(text);
	str_cut(&prefix, &rest, host, '.');
	utc_put(&time, req->time_ms / 1000, "d/n/y:h:m:s +0000"); /* 12/Mar/2020:19:03:58 +0000 */
	json_key(w, S("requestContext"));
	json_open(w, '{');
	json_fields(
		w, "accountId apiId domainName domainPrefix", S("anonymous"), S("gateway"), host, prefix);
	json_key(w, S("http"));
	json_open(w, '{');
	json_fields(w, "method path protocol sourceIp userAgent", req->method, req->path, req->protocol,
		req->source_ip, first_value(req, S("user-agent")));
	json_close(w, '}');
	json_fields(w, "requestId routeKey stage time timeEpoch", req->request_id, S("$default"),
		S("$default"), buf_str(&time), NUM(req->time_ms));
	json_close(w, '}');
}

static bool is_text(struct str content_type, struct str body)
{
	struct str type, parameters;
	str_cut(&type, &parameters, content_type, ';');
	type = str_trim(type);
	bool text = str_eq_nocase(type, S("application/json")) ||
		str_eq_nocase(str_sub(type, 0, 5), S("text/"));
	return text && utf8_check(body) == body.n;
}

static void put_body(struct json_writer *w, const struct event_request *req)
{
	bool text = req->body.n == 0 || is_text(first_value(req, S("content-type")), req->body);
	if (req->body.n) {
		json_key(w, S("body"));
		if (text) {
			json_put_string(w, req->body);
		} else {
			json_open_string(w);
			base64_encode(w->out, req->body);
			json_close_string(w);
		}
	}
	json_key(w, S("isBase64Encoded"));
	json_put_bool(w, !text);
}

void event_write(struct buf *out, const struct event_request *req)
{
	struct json_writer w = json_writer(out);
	json_open(&w, '{');
	json_fields(&w, "version routeKey rawPath rawQueryString", S("2.0"), S("$default"), req->path,
		req->query);
	put_cookies(&w, req);
	put_headers(&w, req);
	if (req->query.n)
		put_query(&w, req->query);
	put_context(&w, req);
	put_body(&w, req);
	json_close(&w, '}');
}

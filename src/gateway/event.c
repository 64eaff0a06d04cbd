#include "gateway/event.h"

#include "base/clock.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

static struct str first_value(const struct event_request *req, struct str name)
{
	for (size_t i = 0; i < req->fields_count; i++)
		if (str_eq_nocase(req->fields[i].name, name))
			return req->fields[i].value;
	return S("");
}

static void put_lower(struct json_writer *w, struct str name)
{
	char small[256];
	struct buf b = BUF(small);
	for (size_t i = 0; i < name.n; i++)
		buf_put_char(&b, (char)lower((unsigned char)name.p[i]));
	json_key(w, buf_str(&b));
}

/* All values of fields[i].name, in the order in which they came. */
static void put_joined(struct json_writer *w, const struct event_request *req, size_t i)
{
	struct str parts[64];
	size_t n = 0;
	for (size_t j = i; j < req->fields_count && n + 2 <= countof(parts); j++) {
		if (!str_eq_nocase(req->fields[j].name, req->fields[i].name))
			continue;
		if (n)
			parts[n++] = S(",");
		parts[n++] = req->fields[j].value;
	}
	json_put_string_parts(w, parts, n);
}

static bool stood_before(const struct event_request *req, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (str_eq_nocase(req->fields[j].name, req->fields[i].name))
			return true;
	return false;
}

static void put_headers(struct json_writer *w, const struct event_request *req)
{
	json_key(w, S("headers"));
	json_open(w, '{');
	for (size_t i = 0; i < req->fields_count; i++) {
		if (str_eq_nocase(req->fields[i].name, S("cookie")) || stood_before(req, i))
			continue;
		put_lower(w, req->fields[i].name);
		put_joined(w, req, i);
	}
	json_close(w, '}');
}

static void put_cookies(struct json_writer *w, const struct event_request *req)
{
	struct str cookie, rest = first_value(req, S("cookie"));
	if (rest.n == 0)
		return;
	json_key(w, S("cookies"));
	json_open(w, '[');
	while (rest.n) {
		str_cut(&cookie, &rest, rest, ';');
		json_put_string(w, str_trim(cookie));
	}
	json_close(w, ']');
}

/* Appends the decoded name or value to a builder; one that does not decode stands for itself. */
static struct str decoded(struct arena *a, struct str s)
{
	struct str out;
	return form_decode(&out, s, a) == OK ? out : s;
}

static void put_query(struct json_writer *w, struct str query)
{
	char memory[4096];
	struct form_walk pairs = form_walk(query);
	if (query.n == 0)
		return;
	json_key(w, S("queryStringParameters"));
	json_open(w, '{');
	while (form_next(&pairs)) {
		struct arena a = { memory, 0, sizeof(memory) };
		json_key(w, decoded(&a, pairs.name));
		json_put_string(w, decoded(&a, pairs.value));
	}
	json_close(w, '}');
}

/* 12/Mar/2020:19:03:58 +0000 */
static void put_time(struct json_writer *w, int64_t ms)
{
	static const struct str months[] = {
		STR("Jan"), STR("Feb"), STR("Mar"), STR("Apr"), STR("May"), STR("Jun"),
		STR("Jul"), STR("Aug"), STR("Sep"), STR("Oct"), STR("Nov"), STR("Dec"),
	};
	char text[40], basic[24];
	struct buf b = BUF(text), d = BUF(basic);
	utc_put_basic(&d, ms / 1000); /* 20200312T190358Z */
	struct str s = buf_str(&d);
	struct utc t = utc_from_seconds(ms / 1000);
	buf_add(&b, str_sub(s, 6, 8), S("/"), months[t.month - 1], S("/"), str_sub(s, 0, 4), S(":"), str_sub(s, 9, 11), S(":"),
	        str_sub(s, 11, 13), S(":"), str_sub(s, 13, 15), S(" +0000"));
	json_key(w, S("time"));
	json_put_string(w, buf_str(&b));
	json_field_int(w, S("timeEpoch"), ms);
}

static void put_context(struct json_writer *w, const struct event_request *req)
{
	struct str host = first_value(req, S("host")), prefix, rest;
	str_cut(&prefix, &rest, host, '.');
	json_key(w, S("requestContext"));
	json_open(w, '{');
	json_field(w, S("accountId"), S("anonymous"));
	json_field(w, S("apiId"), S("gateway"));
	json_field(w, S("domainName"), host);
	json_field(w, S("domainPrefix"), prefix);
	json_key(w, S("http"));
	json_open(w, '{');
	json_field(w, S("method"), req->method);
	json_field(w, S("path"), req->path);
	json_field(w, S("protocol"), req->protocol);
	json_field(w, S("sourceIp"), req->source_ip);
	json_field(w, S("userAgent"), first_value(req, S("user-agent")));
	json_close(w, '}');
	json_field(w, S("requestId"), req->request_id);
	json_field(w, S("routeKey"), S("$default"));
	json_field(w, S("stage"), S("$default"));
	put_time(w, req->time_ms);
	json_close(w, '}');
}

static bool is_text(struct str content_type, struct str body)
{
	struct str type, parameters;
	str_cut(&type, &parameters, content_type, ';');
	type = str_trim(type);
	bool text = str_eq_nocase(type, S("application/json")) || str_eq_nocase(str_sub(type, 0, 5), S("text/"));
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
			json_put_raw(w, S("\""));
			base64_encode(w->out, req->body);
			buf_put_char(w->out, '"');
		}
	}
	json_key(w, S("isBase64Encoded"));
	json_put_bool(w, !text);
}

void event_write(struct buf *out, const struct event_request *req)
{
	struct json_writer w = json_writer(out);
	json_open(&w, '{');
	json_field(&w, S("version"), S("2.0"));
	json_field(&w, S("routeKey"), S("$default"));
	json_field(&w, S("rawPath"), req->path);
	json_field(&w, S("rawQueryString"), req->query);
	put_cookies(&w, req);
	put_headers(&w, req);
	put_query(&w, req->query);
	put_context(&w, req);
	put_body(&w, req);
	json_close(&w, '}');
}

#include "gateway/front_door.h"

#include "base/status.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

#include <string.h>

/* The members of an event that matter, as they stand. */
enum {
	VERSION,
	METHOD,
	PATH,
	RAW_PATH,
	RAW_QUERY,
	HEADERS,
	MULTI_HEADERS,
	QUERY,
	MULTI_QUERY,
	PATH_PARAMETERS,
	CONTEXT,
	BODY,
	IS_BASE64,
	/* of doors that are not served */
	LATTICE_PATH,
	MESSAGE_VERSION,
	METHOD_ARN,
	ROUTE_ARN,
	RECORDS,
	TEMPLATE_BODY,
	TYPE,
	TOKEN,
	MEMBERS
};

/* The same of its requestContext. */
enum { ELB, HTTP, STAGE, REQUEST_TIME, TIME, SERVICE_NETWORK, CONNECTION, CONTEXT_MEMBERS };

struct event {
	struct json member[MEMBERS];
	struct json context[CONTEXT_MEMBERS];
};

/* Without a pointer, which would have to be relocated at every start. */
struct name {
	uint8_t n;
	char text[31]; /* n bytes of it */
};
#define NAME(text) { sizeof(text) - 1, text }

/* Sets members[i] to the value of names[i] in `object`, in one pass. Most keys have no escape in
 * them. */
static void pick(struct json *members, const struct name *names, size_t count, struct json object)
{
	struct json_walk w = json_walk(object);
	while (json_next(&w)) {
		bool plain = str_find(w.key.text, '\\') == w.key.text.n;
		for (size_t i = 0; i < count; i++)
			if (plain ? w.key.text.n == names[i].n + 2u &&
						memcmp(w.key.text.p + 1, names[i].text, names[i].n) == 0
					  : json_is(w.key, (struct str){ names[i].text, names[i].n }))
				members[i] = w.value;
	}
}

static void pick_members(struct event *ev, struct json object)
{
	static const struct name names[MEMBERS] = {
		[VERSION] = NAME("version"),
		[METHOD] = NAME("httpMethod"),
		[PATH] = NAME("path"),
		[RAW_PATH] = NAME("rawPath"),
		[RAW_QUERY] = NAME("rawQueryString"),
		[HEADERS] = NAME("headers"),
		[MULTI_HEADERS] = NAME("multiValueHeaders"),
		[QUERY] = NAME("queryStringParameters"),
		[MULTI_QUERY] = NAME("multiValueQueryStringParameters"),
		[PATH_PARAMETERS] = NAME("pathParameters"),
		[CONTEXT] = NAME("requestContext"),
		[BODY] = NAME("body"),
		[IS_BASE64] = NAME("isBase64Encoded"),
		[LATTICE_PATH] = NAME("raw_path"),
		[MESSAGE_VERSION] = NAME("messageVersion"),
		[METHOD_ARN] = NAME("methodArn"),
		[ROUTE_ARN] = NAME("routeArn"),
		[RECORDS] = NAME("Records"),
		[TEMPLATE_BODY] = NAME("body-json"),
		[TYPE] = NAME("type"),
		[TOKEN] = NAME("token"),
	};
	static const struct name context_names[CONTEXT_MEMBERS] = {
		[ELB] = NAME("elb"),
		[HTTP] = NAME("http"),
		[STAGE] = NAME("stage"),
		[REQUEST_TIME] = NAME("requestTimeEpoch"),
		[TIME] = NAME("timeEpoch"),
		[SERVICE_NETWORK] = NAME("serviceNetworkArn"),
		[CONNECTION] = NAME("connectionId"),
	};
	if (json_type(object) == JSON_OBJECT)
		pick(ev->member, names, MEMBERS, object);
	if (json_type(ev->member[CONTEXT]) == JSON_OBJECT)
		pick(ev->context, context_names, CONTEXT_MEMBERS, ev->member[CONTEXT]);
}

static bool is_object(struct json v)
{
	return json_type(v) == JSON_OBJECT;
}

static bool is_string(struct json v)
{
	return json_type(v) == JSON_STRING;
}

static bool is_there(struct json v)
{
	return json_type(v) != JSON_ABSENT;
}

/* What Slack itself sends, without the HTTP request around it. */
static bool is_bare_slack(const struct event *ev)
{
	return is_string(ev->member[TOKEN]) && is_string(ev->member[TYPE]);
}

/* What an event is that resembles an HTTP request, and what to do about it; empty if it is none. */
static struct str advice_before(const struct event *ev)
{
	if (is_string(ev->member[LATTICE_PATH]) || is_there(ev->context[SERVICE_NETWORK]))
		return S("the event is from VPC Lattice, which Slack cannot reach: use a function URL, API "
		         "Gateway or an Application Load Balancer");
	if (is_string(ev->member[MESSAGE_VERSION]))
		return S("the event is from a Bedrock agent: it carries no Slack request, so remove this "
		         "function from the agent");
	if (is_string(ev->member[METHOD_ARN]) || is_string(ev->member[ROUTE_ARN]))
		return S(
			"the event asks an API Gateway authorizer: set this function as the integration of the "
			"route, with no authorizer");
	if (is_there(ev->context[CONNECTION]))
		return S("the event is from a WebSocket API: use an HTTP API or a function URL");
	struct json_walk records = json_walk(ev->member[RECORDS]);
	if (json_next(&records) && is_object(json_member(records.value, S("cf"))))
		return S(
			"the event is from CloudFront (Lambda@Edge): use a function URL as the origin instead");
	return S("");
}

/* The same of one that has nothing of an HTTP request, or not enough. */
static struct str advice_after(const struct event *ev)
{
	bool parts = is_there(ev->member[HEADERS]) && is_there(ev->member[BODY]);
	if (is_there(ev->member[TEMPLATE_BODY]) || is_bare_slack(ev) || parts)
		return S("the event is from an API Gateway integration without proxy: turn on Lambda proxy "
		         "integration for the method, and deploy the API");
	return S("");
}

static enum front_door door_of(struct gateway_request *req, const struct event *ev)
{
	if (is_object(ev->context[ELB]))
		return is_object(ev->member[HEADERS]) || !is_object(ev->member[MULTI_HEADERS])
			? DOOR_ALB
			: DOOR_ALB_MULTI;
	req->advice = advice_before(ev);
	if (req->advice.n)
		return DOOR_FOREIGN;
	if (json_is(ev->member[VERSION], S("2.0")))
		return DOOR_HTTP;
	if (is_string(ev->member[METHOD]))
		return DOOR_REST;
	req->advice = advice_after(ev);
	return req->advice.n ? DOOR_FOREIGN : DOOR_NONE;
}

/* Text of a string; anything else counts as absent. */
static enum err take_string(struct str *out, struct json v, struct arena *a)
{
	return json_type(v) == JSON_STRING ? json_string(out, v, a) : OK;
}

/* An HTTP API puts a stage that has a name in front of every path, but not into what {proxy+}
 * matched. */
static void take_stage_off(struct gateway_request *req, bool greedy)
{
	struct str path = req->path;
	while (str_starts(path, S("/")))
		path = str_skip(path, 1);
	bool whole = path.n == req->stage.n || (path.n > req->stage.n && path.p[req->stage.n] == '/');
	if (!greedy && req->stage.n && whole && !str_eq(req->stage, S("$default")) &&
		str_starts(path, req->stage))
		req->path = str_skip(path, req->stage.n);
	req->stage = S("");
}

static enum err read_line(struct gateway_request *req, const struct event *ev, struct arena *a)
{
	struct json greedy = json_member(ev->member[PATH_PARAMETERS], S("proxy"));
	struct json stamp = ev->context[req->door == DOOR_HTTP ? TIME : REQUEST_TIME];
	bool http = req->door == DOOR_HTTP;
	enum err e = take_string(
		&req->method, http ? json_member(ev->context[HTTP], S("method")) : ev->member[METHOD], a);
	if (e == OK)
		e = take_string(
			&req->path, req->door == DOOR_HTTP ? ev->member[RAW_PATH] : ev->member[PATH], a);
	if (e == OK)
		e = take_string(&req->path, greedy, a);
	if (e == OK)
		e = take_string(&req->stage, ev->context[STAGE], a);
	if (req->door == DOOR_HTTP)
		take_stage_off(req, is_string(greedy));
	if (e == OK)
		e = take_string(&req->query, ev->member[RAW_QUERY], a);
	if (!json_int(&req->arrived_ms, stamp) || req->arrived_ms < 0)
		req->arrived_ms = 0;
	return e;
}

static struct str *wanted_header(struct gateway_request *req, struct str name)
{
#define WANTED(name, member) { STR(name), offsetof(struct gateway_request, member) }
	static const struct {
		struct str name;
		size_t at;
	} wanted[] = {
		WANTED("x-slack-signature", signature), WANTED("x-slack-request-timestamp", timestamp),
		WANTED("content-type", content_type), WANTED("user-agent", user_agent),
		WANTED("x-slack-retry-num", retry_num), WANTED("x-slack-retry-reason", retry_reason),
	};
	for (size_t i = 0; i < countof(wanted); i++)
		if (str_eq_nocase(wanted[i].name, name))
			return (struct str *)((char *)req + wanted[i].at);
	return NULL;
}

/* Those headers of which a second one could mean something else to whoever reads the event later.
 */
enum { SIGNATURE, TIMESTAMP, CONTENT_TYPE, SINGLE_HEADERS };

/* Which of them `value` belongs to; SINGLE_HEADERS if it is another. */
static size_t single_header(const struct gateway_request *req, const struct str *value)
{
	const struct str *const single[] = {
		[SIGNATURE] = &req->signature, [TIMESTAMP] = &req->timestamp,
		[CONTENT_TYPE] = &req->content_type,
	};
	size_t i = 0;
	while (i < SINGLE_HEADERS && single[i] != value)
		i++;
	return i;
}

/* The values of a name: one string, or an array of them. *count says how many there are; the last
 * one counts. */
static enum err take_values(struct str *out, size_t *count, struct json v, struct arena *a)
{
	enum err e = OK;
	*count = 1;
	if (json_type(v) != JSON_ARRAY)
		return take_string(out, v, a);
	*count = 0;
	for (struct json_walk w = json_walk(v); e == OK && json_next(&w); ++*count)
		e = take_string(out, w.value, a);
	return e;
}

/* One of the two maps of headers. A header that stands there twice, in whatever case, could be read
 * in two ways. Where both maps are there, they say the same thing, and only one of them can show a
 * doubled header. */
static enum err read_headers(struct gateway_request *req, struct json map, struct arena *a)
{
	bool seen[SINGLE_HEADERS] = { 0 };
	struct json_walk w = json_walk(map);
	while (json_next(&w)) {
		struct str name;
		size_t count;
		enum err e = json_string(&name, w.key, a);
		struct str *value = e == OK ? wanted_header(req, name) : NULL;
		if (value)
			e = take_values(value, &count, w.value, a);
		if (e != OK)
			return e;
		size_t i = value ? single_header(req, value) : SINGLE_HEADERS;
		if (i == SINGLE_HEADERS)
			continue;
		bool doubled = count > 1 || seen[i];
		seen[i] = true;
		if (i == CONTENT_TYPE)
			req->type_doubled |= doubled;
		else
			req->doubled |= doubled;
	}
	return OK;
}

static enum err read_query(struct gateway_request *req, struct json map, struct arena *a)
{
	struct str value = { 0 };
	size_t count;
	enum err e = take_values(&value, &count, json_member(map, S("ssl_check")), a);
	req->ssl_check |= str_eq(value, S("1"));
	return e;
}

static enum err read_event_body(
	struct gateway_request *req, const struct event *ev, struct arena *a, struct fault *f)
{
	struct str text = { 0 };
	enum err e = take_string(&text, ev->member[BODY], a);
	bool base64 = json_type(ev->member[IS_BASE64]) == JSON_TRUE;
	if (e == OK && base64 && text.n <= BASE64_ENCODED(BODY_MAX)) {
		struct buf decoded = arena_buf(a, BASE64_DECODED_MAX(text.n));
		e = base64_decode(&decoded, text);
		text = buf_str(&decoded);
	}
	if (e == OK && text.n > BODY_MAX)
		e = E_LIMIT;
	if (e == OK)
		req->body = text;
	else if (e == E_LIMIT)
		return fault_set(f, e, 0, "the body is larger than %d bytes", NUM(BODY_MAX));
	else
		return fault_set(f, e, 0, "the body is not valid base64 although the event says so");
	return OK;
}

enum err front_door_read(
	struct gateway_request *req, struct str event, struct arena *arena, struct fault *f)
{
	struct json object;
	size_t position;
	*req = (struct gateway_request){ 0 };
	if (json_check(&object, &position, event) != OK)
		return fault_set(f, E_SYNTAX, 0, "the event of %d bytes is not valid JSON at byte %d",
			NUM(event.n), NUM(position));
	struct event ev = { 0 };
	pick_members(&ev, object);
	req->door = door_of(req, &ev);
	if (req->door == DOOR_NONE || req->door == DOOR_FOREIGN)
		return OK;
	enum err e = read_line(req, &ev, arena);
	if (e == OK)
		e = read_headers(req, ev.member[MULTI_HEADERS], arena);
	if (e == OK)
		e = read_headers(req, ev.member[HEADERS], arena);
	if (e == OK)
		e = read_query(req, ev.member[QUERY], arena);
	if (e == OK)
		e = read_query(req, ev.member[MULTI_QUERY], arena);
	if (e != OK)
		return fault_set(f, e, 0, "the request is too large");
	return read_event_body(req, &ev, arena, f);
}

static void put_description(struct json_writer *w, int status)
{
	json_key(w, S("statusDescription"));
	json_open_string(w);
	buf_format(w->out, "%d %s", NUM(status), status_reason(status));
	json_close_string(w);
}

static void put_header(struct json_writer *w, bool multi, struct str name, struct str value)
{
	json_key(w, name);
	if (multi)
		json_open(w, '[');
	json_put_string(w, value);
	if (multi)
		json_close(w, ']');
}

static void put_body(struct json_writer *w, struct str body)
{
	bool text = utf8_check(body) == body.n;
	json_key(w, S("body"));
	if (text) {
		json_put_string(w, body);
	} else {
		json_open_string(w);
		base64_encode(w->out, body);
		json_close_string(w);
	}
	json_key(w, S("isBase64Encoded"));
	json_put_bool(w, !text);
}

void front_door_answer(struct buf *out, enum front_door door, const struct reply *reply)
{
	struct json_writer w = json_writer(out);
	bool multi = door == DOOR_ALB_MULTI;
	json_open(&w, '{');
	json_fields(&w, "statusCode", NUM(reply->status));
	/* Only a load balancer wants it. REST APIs have answered 502 to members that they do not
	 * know. */
	if (door == DOOR_ALB || multi)
		put_description(&w, reply->status);
	json_key(&w, multi ? S("multiValueHeaders") : S("headers"));
	json_open(&w, '{');
	if (reply->content_type.n)
		put_header(&w, multi, S("Content-Type"), reply->content_type);
	if (reply->allow.n)
		put_header(&w, multi, S("Allow"), reply->allow);
	if (reply->no_retry)
		put_header(&w, multi, S("x-slack-no-retry"), S("1"));
	for (size_t i = 0; i < reply->headers_count; i++)
		put_header(&w, multi, reply->headers[i].name, reply->headers[i].value);
	json_close(&w, '}');
	put_body(&w, reply->body);
	json_close(&w, '}');
}

/* An event as it comes from Lambda. What is read lies in the event or the arena; what is answered
 * is JSON with the reply in it, whatever bytes the reply holds. */
#include "codec/json_read.h"
#include "codec/utf8.h"
#include "gateway/front_door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Reads every byte of `s`, so that a view into nowhere shows. */
static void touch(struct str s)
{
	volatile char last = 0;
	for (size_t i = 0; i < s.n; i++)
		last = s.p[i];
	(void)last;
}

static void answer(enum front_door door, const struct reply *reply)
{
	static char text[1 << 20], copy[1 << 20];
	struct buf b = BUF(text);
	struct json v;
	struct str body;
	struct arena a = { copy, 0, sizeof(copy) };
	size_t position;
	int64_t status;
	front_door_answer(&b, door, reply);
	check(!b.full && json_check(&v, &position, buf_str(&b)) == OK);
	check(json_int(&status, json_member(v, S("statusCode"))) && status == reply->status);
	bool is_text = utf8_check(reply->body) == reply->body.n;
	check(json_type(json_member(v, S("isBase64Encoded"))) == (is_text ? JSON_FALSE : JSON_TRUE));
	check((json_type(json_member(v, S("statusDescription"))) == JSON_STRING) ==
		(door == DOOR_ALB || door == DOOR_ALB_MULTI));
	check(json_type(json_member(
			  v, door == DOOR_ALB_MULTI ? S("multiValueHeaders") : S("headers"))) == JSON_OBJECT);
	check(json_string(&body, json_member(v, S("body")), &a) == OK &&
		(body.n > 0) == (reply->body.n > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char memory[1 << 20];
	struct arena a = { memory, 0, sizeof(memory) };
	struct str event = { (const char *)data, n };
	struct gateway_request req;
	struct fault f;
	if (n > 1 << 16)
		return 0;
	enum err e = front_door_read(&req, event, &a, &f);
	check(e == OK || (e == E_SYNTAX && f.code == e && f.n > 0));
	struct str parts[] = { req.method, req.path, req.stage, req.query, req.content_type,
		req.user_agent, req.timestamp, req.signature, req.retry_num, req.retry_reason, req.body };
	for (size_t i = 0; i < countof(parts); i++) {
		touch(parts[i]);
		check(parts[i].n <= n &&
			((req.door != DOOR_NONE && req.door != DOOR_FOREIGN) || parts[i].n == 0));
	}
	check(req.arrived_ms >= 0 && (req.advice.n > 0) == (req.door == DOOR_FOREIGN));
	answer(req.door,
		&(struct reply){ .status = 200, .content_type = req.content_type, .body = event });
	answer(req.door, &(struct reply){ .status = 405, .allow = S("POST"), .body = req.body });
	return 0;
}

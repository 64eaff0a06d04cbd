/* An event, once as it is and once with its body signed; what follows a NUL takes the place of its
 * body. What is not signed starts nothing; what is started is allowed; whatever happens then, the
 * answer is one that the front door takes. */
#include "codec/json_read.h"
#include "gateway/decide.h"
#include "gateway/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1531420618 };
#define STAMP S("1531420618")
#define ROUTES                                                                                     \
	S("{\"routes\":[{\"command\":\"/*\",\"users\":[\"U1\",\"U2CERLKJA\"],\"invoke\":\"eu-west-1/"  \
	  "a:b\",\"ack\":\"{text}\"},"                                                                 \
	  "{\"path\":\"hooks/*\",\"invoke\":\"eu-west-1/"                                              \
	  "c\",\"ack\":{\"blocks\":[]}},{\"event\":\"*\",\"invoke\":\"us-east-1/d\"}]}")

static char memory[1 << 22];

static void check_answer(
	const struct gateway_request *req, const struct reply *reply, struct arena *a)
{
	struct json v;
	size_t position;
	struct buf b = arena_rest(a);
	front_door_answer(&b, req->door, reply);
	check(!b.full && json_check(&v, &position, arena_keep(a, &b)) == OK);
	if (str_eq(reply->content_type, S("application/json")))
		check(json_check(&v, &position, reply->body) == OK);
	check(
		reply->status >= 200 && reply->status <= 503 && reply->no_retry <= (reply->status >= 400));
}

static void check_started(const struct config *c, const struct gateway_request *req,
	const struct decision *d, struct arena *a)
{
	check(str_eq(req->method, S("POST")) && allow_matches(c->allow, d->target.name) &&
		!d->ignored && str_eq(d->target.region, S("eu-west-1")));
	check(target_ok(&d->target) && d->slack.kind != SLACK_URL_VERIFICATION &&
		(!d->route || route_refusal(d->route, &d->slack).n == 0));
	for (int fate = FATE_STARTED; fate <= FATE_FAILED; fate++) {
		struct outcome o = { .fate = (enum fate)fate,
			.reason = req->body,
			.request_id = req->query,
			.permanent = req->ssl_check };
		struct reply reply;
		struct str message = reply_follow_up(d->route, &d->slack, &d->target, &o, a);
		struct json v;
		size_t position;
		check(!message.n || (d->slack.response_url.n && json_check(&v, &position, message) == OK));
		reply_to(&reply, c, d->route, &d->slack, &d->target, &o, a);
		check_answer(req, &reply, a);
		check(d->slack.kind != SLACK_COMMAND || reply.status == 200);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char signature[67];
	struct buf b = BUF(signature);
	struct arena a = { memory, 0, sizeof(memory) };
	struct config c = { .allow = S("eu-west-1/*"),
		.ack_type = S("in_channel"),
		.ack_text = S("{command} {text} {user_name} {function}") };
	struct gateway_request req;
	struct slack_secrets secrets = { 0 };
	struct decision d;
	struct fault f;
	struct str event, body;
	bool own_body = str_cut(&event, &body, (struct str){ (const char *)data, n }, '\0');
	check(routes_read(&c.routes, ROUTES, PAYLOAD_SLACK, &a, &f) == OK);
	check(slack_secrets_add(&secrets, S("a secret that no input can know"), S("")));
	if (n > 1 << 14 || front_door_read(&req, event, &a, &f) != OK)
		return 0;
	if (own_body)
		req.body = body, req.content_type = S("");
	decide(&d, &c, &secrets, &req, NOW, &a);
	check(d.action == ACTION_ANSWER && d.slack.json.n == 0 && d.target.name.n == 0);
	check_answer(&req, &d.reply, &a);

	slack_sign(&b, &secrets, STAMP, req.body);
	req.timestamp = STAMP, req.signature = buf_str(&b);
	decide(&d, &c, &secrets, &req, NOW, &a);
	check(d.action == ACTION_ANSWER || !req.doubled);
	if (d.action == ACTION_INVOKE)
		check_started(&c, &req, &d, &a);
	else
		check_answer(&req, &d.reply, &a);
	return 0;
}

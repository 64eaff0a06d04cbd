#include "gateway/decide.h"

#include "gateway/pattern.h"
#include "slack/verify.h"

enum { SSL_CHECK_MAX = 4096 };

/* The reply is made already. */
static void answer_at_once(struct decision *out, enum log_level level, struct str why)
{
	out->action = ACTION_ANSWER;
	out->level = level;
	out->why = why;
}

static bool is_health_check(const struct gateway_request *req)
{
	bool reads = str_eq(req->method, S("GET")) || str_eq(req->method, S("HEAD"));
	return reads &&
		(str_starts(req->user_agent, S("ELB-HealthChecker")) ||
			str_ends(req->path, S("/healthz")) || str_eq(req->path, S("healthz")));
}

static bool is_ssl_check(const struct gateway_request *req)
{
	if (str_eq(req->method, S("GET")))
		return req->ssl_check;
	/* It has a token besides. A larger body is not looked through before it has verified. */
	return req->body.n <= SSL_CHECK_MAX && !slack_is_json(req->body) &&
		slack_form_is_ssl_check(req->body);
}

/* Nothing but the log learns why: a forger is told the same every time. */
static struct str refusal(enum slack_verdict verdict, int64_t age_s, struct arena *a)
{
	struct buf b;
	switch (verdict) {
	case SLACK_UNSIGNED:
		return S("the signature or its time stamp is missing");
	case SLACK_MALFORMED:
		return S("the signature or its time stamp is malformed");
	case SLACK_STALE:
		b = arena_buf(a, 160);
		buf_format(&b,
			"the time stamp is %d s %s this machine's clock (%d s are allowed); if Slack sent it "
			"just now, this clock is wrong",
			NUM(age_s < 0 ? -age_s : age_s), age_s < 0 ? S("ahead of") : S("behind"),
			NUM(SLACK_TOLERANCE_S));
		return buf_str(&b);
	default:
		return S("signed with none of the secrets in SLACK_SIGNING_SECRET; is it the Signing "
				 "Secret of this Slack app?");
	}
}

static void refuse_signature(struct decision *out, struct str why, struct arena *a)
{
	reply_error(&out->reply, 401, S("invalid signature"), a);
	answer_at_once(out, LOG_WARN, why);
}

/* That is not the fault of the one who asks. Slack sends events, which are JSON, again. */
static void regret(struct decision *out, const struct gateway_request *req, struct arena *a)
{
	struct str why = S("the signing secret could not be fetched");
	reply_error(&out->reply, slack_is_json(req->body) ? 503 : 500, why, a);
	answer_at_once(out, LOG_ERROR, why);
}

/* True if the request may go on. *by: what it was signed with; NULL if that was not checked. */
static bool verify(struct decision *out, const struct slack_secret **by,
	const struct slack_secrets *secrets, const struct gateway_request *req, int64_t now_s,
	struct arena *a)
{
	int64_t age_s = 0;
	if (req->doubled) {
		refuse_signature(out, S("the signature or its time stamp is given more than once"), a);
		return false;
	}
	out->verdict =
		slack_verify(secrets, &age_s, by, req->timestamp, req->signature, req->body, now_s);
	if (out->verdict == SLACK_UNDECIDED)
		regret(out, req, a);
	else if (out->verdict != SLACK_GENUINE)
		refuse_signature(out, refusal(out->verdict, age_s, a), a);
	else
		out->has_key = true, out->key = (*by)->key, out->app = (*by)->app;
	return out->verdict == SLACK_GENUINE;
}

/* A target that is known but may not be called. */
static void refuse_target(struct decision *out, const struct config *c, struct str reason,
	struct str why, struct arena *a)
{
	const struct outcome refused = {
		.fate = FATE_NOT_STARTED, .permanent = true, .reason = reason
	};
	reply_to(&out->reply, c, out->route, &out->slack, &out->target, &refused, a);
	out->message = reply_follow_up(out->route, &out->slack, &out->target, &refused, a);
	answer_at_once(out, LOG_WARN, why);
}

/* Refused with an error, events that nobody asked for would make Slack switch off those that
 * somebody did. */
static void ignore_event(struct decision *out, struct str why)
{
	out->ignored = true;
	answer_at_once(out, LOG_INFO, why);
}

static void check_permission(struct decision *out, const struct config *c, struct arena *a)
{
	struct str refused = out->route ? route_refusal(out->route, &out->slack) : S("");
	if (refused.n && out->slack.kind == SLACK_EVENT)
		ignore_event(out, S("event ignored: the route's lists do not admit it"));
	else if (refused.n)
		refuse_target(out, c, refused, S("the route's lists do not admit who asks"), a);
	else if (c->allow.n && !allow_matches(c->allow, out->target.name))
		refuse_target(out, c, S("this gateway may not start it (GATEWAY_ALLOW does not list it)"),
			S("GATEWAY_ALLOW does not list the target"), a);
	else if (str_eq(out->target.region, TARGET_LOCAL) && !c->local)
		refuse_target(out, c,
			S("this gateway runs no functions itself (start it with --functions)"),
			S("the embedded backend is off"), a);
	else
		out->action = ACTION_INVOKE, out->level = LOG_INFO;
}

/* Options can only be answered while Slack waits. */
static bool has_no_options(const struct decision *d)
{
	return d->slack.kind == SLACK_BLOCK_SUGGESTION && !(d->route && d->route->sync);
}

static void choose_target(struct decision *out, const struct config *c,
	const struct gateway_request *req, struct arena *a)
{
	struct request_path path;
	request_path_read(&path, req->path, req->stage, c->base_path, a);
	out->route = route_find(&c->routes, &out->slack, out->app, &path);
	out->payload = out->route ? out->route->payload : c->payload;
	enum err e = OK;
	if (out->route)
		out->target = out->route->target;
	else
		e = target_from_path(&out->target, &path, a);
	if (has_no_options(out)) {
		reply_without_options(&out->reply);
		answer_at_once(out, LOG_DEBUG, S("block_suggestion answered without options"));
	} else if (e == OK) {
		check_permission(out, c, a);
	} else if (out->slack.kind == SLACK_EVENT && c->routes.for_events) {
		ignore_event(out, S("event ignored: no route matches it"));
	} else if (out->slack.link) {
		answer_at_once(out, LOG_DEBUG, S("a click on a link was answered"));
	} else {
		reply_to_bad_path(&out->reply, &out->slack, request_path_shown(&path), a);
		out->message = reply_bad_path_follow_up(&out->slack, request_path_shown(&path), a);
		answer_at_once(out, LOG_WARN, S("no route matches, and the path names no function"));
	}
}

/* Kinds that are answered without anything being started. */
static bool settle_at_once(struct decision *out)
{
	switch (out->slack.kind) {
	case SLACK_URL_VERIFICATION:
		reply_set(&out->reply, 200, S("text/plain; charset=utf-8"), out->slack.challenge);
		answer_at_once(out, LOG_INFO, S("url_verification answered"));
		return true;
	case SLACK_RATE_LIMITED:
		answer_at_once(out, LOG_WARN, S("Slack is limiting the rate of this app's events"));
		return true;
	default:
		return false;
	}
}

/* The root of it all, seen from outside. */
static bool is_root(const struct config *c, const struct gateway_request *req, struct arena *a)
{
	struct request_path path;
	request_path_read(&path, req->path, req->stage, c->base_path, a);
	bool root = str_eq(req->path, S("*"));
	for (size_t i = 0; i < path.count; i++)
		root |= path.coded[i].n == 0;
	return root;
}

/* Of the other methods, those of whoever looks what this is, or whether it is there. */
static void answer_method(struct decision *out, const struct config *c,
	const struct gateway_request *req, struct arena *a)
{
	bool reads = str_eq(req->method, S("GET")) || str_eq(req->method, S("HEAD")),
		 root = is_root(c, req, a);
	if (root && reads) {
		reply_set(&out->reply, 200, S("text/plain; charset=utf-8"),
			S("slack-lambda-gateway: Slack posts its requests here, to /REGION/FUNCTION\n"));
		answer_at_once(out, LOG_DEBUG, S("said what this is"));
	} else if (root && str_eq(req->method, S("OPTIONS"))) {
		reply_set(&out->reply, 204, S(""), S(""));
		out->reply.allow = S("GET, HEAD, OPTIONS, POST");
		answer_at_once(out, LOG_DEBUG, S("said which methods are allowed"));
	} else {
		reply_error(&out->reply, 405, S("only POST is answered here"), a);
		out->reply.allow = S("POST");
		answer_at_once(out, LOG_INFO, S("the method is not POST"));
	}
}

/* Two content types could make a request mean something else to whoever reads it next. */
static enum err read_slack(
	struct decision *out, const struct gateway_request *req, struct arena *a, struct fault *f)
{
	if (req->type_doubled)
		return fault_set(f, E_SYNTAX, 0, "the content type is given more than once");
	return slack_request_read(&out->slack, req->content_type, req->body, a, f);
}

void decide(struct decision *out, const struct config *c, const struct slack_secrets *secrets,
            const struct gateway_request *req, int64_t now_s, struct arena *arena)
{
	const struct slack_secret *by = NULL;
	struct fault f;
	*out = (struct decision){ .reply.status = 200 };
	if (is_health_check(req)) {
		reply_set(&out->reply, 200, S("text/plain"), S("ok\n"));
		answer_at_once(out, LOG_DEBUG, S("health check answered"));
	} else if (is_ssl_check(req)) {
		answer_at_once(out, LOG_DEBUG, S("ssl_check answered"));
	} else if (!str_eq(req->method, S("POST"))) {
		answer_method(out, c, req, arena);
	} else if (!c->skip_verify && !verify(out, &by, secrets, req, now_s, arena)) {
		;
	} else if (read_slack(out, req, arena, &f) != OK) {
		out->slack = (struct slack_request){ 0 };
		reply_error(&out->reply, 400, fault_text(&f), arena);
		answer_at_once(out, LOG_WARN, S("signed, but not a form or JSON"));
	} else if (by && !slack_secrets_admit(secrets, by, out->slack.api_app_id)) {
		refuse_signature(out, S("signed with another secret than that of the app it names"), arena);
	} else if (!settle_at_once(out)) {
		choose_target(out, c, req, arena);
	}
}

void decide_unreadable(struct decision *out, const struct fault *why, struct arena *arena)
{
	*out = (struct decision){ 0 };
	reply_error(&out->reply, why->code == E_LIMIT ? 413 : 400, fault_text(why), arena);
	answer_at_once(out, LOG_WARN, S("the request cannot be read"));
}

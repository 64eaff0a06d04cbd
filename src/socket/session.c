#include "base/clock.h"
#include "codec/hex.h"
#include "crypto/seed.h"
#include "crypto/sha256.h"
#include "http/request.h"
#include "net/tcp.h"
#include "socket/app.h"
#include "socket/upgrade.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	OPEN_MS = 10000,      /* each for asking Slack, for the way to the server, for its greeting */
	PING_MS = 10000,
	SILENCE_MS = 30000,   /* without a byte it is dead */
	DUE_MS = 3000,        /* Slack waits no longer for an acknowledgement */
	GOODBYE_MS = 10000,   /* for the peer's close frame, */
	HURRY_MS = 2000,      /* when something waits for that */
	LOOK_MS = 250,        /* at what other threads have done */
	LOOK_SOON_MS = 20,
	RECEIVE_MS = 5,
	WRITE_MS = 5000,
	HAND_OVER_MS = 3000,
	LIFE_PERCENT = 90,
	LAST_WORD_MS = 200,
};

static struct str app_id(const struct session *s)
{
	return (struct str){ s->app->id, s->app->id_n };
}

static enum err fail(struct session *s, enum session_end how, enum err e, const char *why)
{
	s->end = how;
	return fault_set(s->fault, e, 0, "%s", str_c(why));
}

static void tell(const struct session *s, const char *message, struct str type, struct str reason)
{
	LOG(LOG_ERROR, message, "app type reason", app_id(s), str_sub(type, 0, 40), reason);
}

/* ---- frames out ---- */

static enum err send_frame(
	struct session *s, enum websocket_opcode opcode, struct str payload, int64_t ms)
{
	struct buf b = BUF(s->frame);
	struct deadline d = deadline_in(ms);
	uint8_t mask[4];
	seed_fill(mask, sizeof(mask));
	websocket_put(&b, opcode, payload, mask);
	check(!b.full);
	return stream_write(&s->client.stream, &(struct str){ b.p, b.n }, 1, &d, s->fault);
}

/* A connection whose end Slack does not hear of swallows envelopes for a long time. */
static void say_goodbye(struct session *s, int code)
{
	struct fault unheard, *why = s->fault;
	const char text[] = { (char)(code >> 8), (char)code };
	if (s->said)
		return;
	s->said = true;
	s->fault = &unheard;
	(void)!send_frame(s, WEBSOCKET_CLOSE,
		(struct str){ text, code == WEBSOCKET_NO_CODE ? 0 : sizeof(text) }, LAST_WORD_MS);
	s->fault = why;
}

/* ---- lanes ---- */

static bool lane_change(struct lane *lane, int from, int to)
{
	return atomic_compare_exchange_strong(&lane->owner, &from, to);
}

static void lane_free(struct lane *lane)
{
	close(lane->fd);
	lane->owner = LANE_FREE;
}

static struct lane *lane_take(struct session *s)
{
	for (struct lane *lane = s->app->lanes; lane < s->app->lanes + LANES_MAX; lane++)
		if (lane_change(lane, LANE_FREE, s->number))
			return lane;
	return NULL;
}

/* Gives what is due to the others, or takes it from those that have ended. */
static void lanes_pass(struct session *s, int from, int to)
{
	size_t passed = 0;
	for (size_t i = 0; i < LANES_MAX; i++)
		passed += lane_change(&s->app->lanes[i], from, to);
	if (passed && to == s->number)
		LOG(LOG_WARN, "a connection broke: another one sends its acknowledgements",
			"app envelopes#", app_id(s), NUM(passed));
}

static size_t lanes_due(const struct session *s)
{
	size_t due = 0;
	for (size_t i = 0; i < LANES_MAX; i++)
		due += s->app->lanes[i].owner == s->number;
	return due;
}

/* ---- acknowledgements ---- */

static enum err acknowledge(struct session *s, struct str id, struct str body)
{
	struct buf b = { s->text, 0, sizeof(s->text), false };
	envelope_put_answer(&b, id, body);
	if (b.full) {
		tell(s, "an answer is larger than Socket Mode takes", S(""), S(""));
		buf_reset(&b);
		envelope_put_answer(&b, id, S(""));
	}
	return send_frame(s, WEBSOCKET_TEXT, buf_str(&b), WRITE_MS);
}

/* The answer of the listener is there as a whole. No acknowledgement makes Slack deliver an event
 * again, and show that an interaction has failed. */
static enum err answer_lane(struct session *s, struct lane *lane)
{
	struct deadline d = deadline_in(DUE_MS);
	struct stream stream = { .fd = lane->fd };
	struct http_head head;
	struct fault why;
	size_t end, scanned = 0, got;
	struct buf b = { s->body, 0, ANSWER_MAX, false };
	enum err e = OK;
	while (b.n < b.cap && stream_read(&stream, &got, b.p + b.n, b.cap - b.n, &d, &why) == OK)
		b.n += got;
	if (http_head_find(&end, &scanned, buf_str(&b)) == OK &&
		http_response_parse(&head, str_sub(buf_str(&b), 0, end), false, &why) == OK &&
		head.status < (lane->event ? 500 : 300)) {
		bool shown = lane->accepts && head.status < 300;
		e = acknowledge(s, (struct str){ lane->id, lane->id_n },
			shown ? str_skip(buf_str(&b), end) : S(""));
	}
	/* Unsent it is another connection's. */
	if (e == OK)
		lane_free(lane);
	return e;
}

/* ---- envelopes ---- */

/* With the app's own secret; where there are no apps, with the first. */
static void put_signature(
	struct buf *out, struct session *s, struct str timestamp, struct str body)
{
	struct services *services = s->app->share->services;
	const struct slack_secrets *held = signing_secrets_hold(&services->secrets);
	const struct slack_secret *found = NULL;
	for (size_t i = 0; i < held->count; i++) {
		const struct slack_secret *secret = &held->list[i];
		bool own = secret->app.n && str_eq(secret->app, app_id(s));
		if (!secret->missing && (own || (!found && !services->config.routes.apps_count)))
			found = secret;
	}
	if (found) {
		buf_put(out, S("X-Slack-Signature: "));
		slack_sign(out, &found->key, timestamp, body);
		buf_put(out, S("\r\n"));
	}
	signing_secrets_release(&services->secrets, held);
}

static enum err write_request(
	int fd, struct session *s, const struct envelope *envelope, struct str body, struct fault *f)
{
	char memory[1024];
	struct buf lines = BUF(memory), head = BUF(s->text);
	struct stream stream = { .fd = fd };
	struct deadline d = deadline_in(HAND_OVER_MS);
	struct str timestamp = DIGITS(clock_wall_ms() / 1000), reason = envelope->retry_reason;
	buf_format(&lines, "Content-Type: application/%s\r\nX-Slack-Request-Timestamp: %s\r\n",
		envelope->kind == ENVELOPE_EVENT ? S("json") : S("x-www-form-urlencoded"), timestamp);
	put_signature(&lines, s, timestamp, body);
	if (envelope->retries > 0)
		buf_format(&lines, "X-Slack-Retry-Num: %d\r\nX-Slack-Retry-Reason: %s\r\n",
			NUM(envelope->retries), str_is_visible(reason) ? reason : S(""));
	const struct http_request request = { .method = S("POST"), .authority = S("localhost"),
		.path = s->app->share->services->config.socket_target, .lines = buf_str(&lines), .body = body };
	http_request_put(&head, &request, NULL);
	const struct str parts[] = { buf_str(&head), body };
	enum err e = lines.full || head.full ? E_LIMIT
										 : stream_write(&stream, parts, countof(parts), &d, f);
	/* That nothing follows ends the connection after its answer. */
	shutdown(fd, SHUT_WR);
	return e;
}

/* On a lane to the listener. */
static enum err hand_over(
	struct session *s, const struct envelope *envelope, struct str body, struct fault *f)
{
	int ends[2];
	uint8_t digest[SHA256_SIZE];
	struct lane *lane = lane_take(s);
	if (!lane || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		if (lane)
			lane->owner = LANE_FREE;
		return fault_set(f, E_LIMIT, 0, "too many are worked on");
	}
	struct buf id = BUF(lane->id), request_id = BUF(lane->request_id);
	lane->fd = ends[0];
	lane->event = envelope->kind == ENVELOPE_EVENT;
	lane->accepts = envelope->accepts;
	lane->app = app_id(s);
	buf_put(&id, envelope->id);
	lane->id_n = id.n;
	sha256(digest, envelope->id);
	hex_put(&request_id, digest, sizeof(lane->request_id) / 2);
	const struct lane_offer offer = { ends[1], lane };
	/* There is room for thousands. */
	check(write(s->app->share->offers[1], &offer, sizeof(offer)) == sizeof(offer));
	enum err e = write_request(ends[0], s, envelope, body, f);
	/* What did not arrive whole the listener does not look at. Behind our goodbye somebody else has to
	 * acknowledge. */
	if (e != OK)
		lane_free(lane);
	else if (s->state == SESSION_CLOSING)
		lane->owner = LANE_ORPHAN;
	return e;
}

static enum err take_envelope(struct session *s, const struct envelope *envelope, struct arena *arena)
{
	struct buf body = BUF(s->body);
	struct fault why;
	bool other = envelope->app.n && !str_eq(envelope->app, app_id(s));
	if (envelope->id.n > ENVELOPE_ID_MAX)
		return fail(s, END_FAILED, E_SYNTAX, "Slack sent an envelope whose id is too long");
	if (envelope->kind < ENVELOPE_COMMAND || other) {
		tell(s, "an envelope is acknowledged and not acted on", envelope->type,
			other ? S("it names another app") : S("its type is not known"));
		return s->said ? OK : acknowledge(s, envelope->id, S(""));
	}
	enum err e = envelope_put_body(&body, envelope, arena);
	fault_set(&why, e, 0, "its payload is no object, or too large");
	if (e == OK)
		e = hand_over(s, envelope, buf_str(&body), &why);
	if (e != OK)
		tell(s, "an envelope is not acknowledged", envelope->type, fault_text(&why));
	return OK;
}

static enum err take_greeting(struct session *s, const struct envelope *hello)
{
	struct socket_app *a = s->app;
	struct str expected = a->token->app;
	if (s->state != SESSION_OPENING)
		return OK;
	if (hello->app.n > sizeof(a->id) || (expected.n && !str_eq(expected, hello->app))) {
		s->end = END_OFF;
		return fault_set(s->fault, E_REFUSED, 0, "the app_token of apps.%s belongs to the app %s",
			expected, str_sub(hello->app, 0, sizeof(a->id)));
	}
	int64_t held = socket_app_greeted(a, s, hello);
	s->greeted = clock_mono_ms();
	s->until = hello->life_s > 0 && hello->life_s < INT32_MAX
		? s->greeted + hello->life_s * 10 * LIFE_PERCENT
		: DEADLINE_NEVER;
	/* Told once for each number. */
	bool differs = hello->connections != held && hello->connections != a->told;
	a->told = hello->connections;
	LOG(differs ? LOG_WARN : LOG_INFO,
		differs
			? "Slack counts other connections of this app than those of this process: another process "
			  "shares the app, or old ones are not yet forgotten; events may go there"
			: "connected to Slack",
		"app held# counted#", hello->app, NUM(held), NUM(hello->connections));
	return OK;
}

static enum err take_disconnect(struct session *s, struct str reason)
{
	if (str_eq(reason, S("too_many_websockets")))
		return fail(s, END_CROWDED, E_REFUSED, "Slack counts too many connections of this app");
	if (str_eq(reason, S("link_disabled")))
		return fail(s, END_OFF, E_REFUSED, "Socket Mode is turned off in the settings of the app");
	if (s->state == SESSION_OPENING)
		return fail(s, END_FAILED, E_CLOSED, "Slack ended it before its greeting");
	if (s->state == SESSION_UP)
		socket_app_enter(s->app, s, SESSION_LEAVING);
	return OK;
}

static enum err take_message(struct session *s)
{
	struct arena arena = { s->decoded, 0, sizeof(s->decoded) };
	struct envelope envelope;
	if (envelope_read(&envelope, buf_str(&s->reader.message), &arena) != OK)
		return fail(s, END_FAILED, E_SYNTAX, "Slack sent a message that is no JSON object");
	if (envelope.id.n)
		return take_envelope(s, &envelope, &arena);
	if (envelope.kind == ENVELOPE_HELLO)
		return take_greeting(s, &envelope);
	return envelope.kind == ENVELOPE_DISCONNECT ? take_disconnect(s, envelope.reason) : OK;
}

/* ---- bytes in ---- */

static enum err take_bytes(struct session *s, struct str input)
{
	enum err e = OK;
	struct websocket_reader *r = &s->reader;
	s->heard = clock_mono_ms();
	while (e == OK && input.n) {
		enum websocket_event event = websocket_read(r, &input);
		if (event == WEBSOCKET_GOT_TEXT) {
			e = take_message(s);
		} else if (event == WEBSOCKET_GOT_PING && !s->said) {
			e = send_frame(s, WEBSOCKET_PONG, (struct str){ r->control, r->control_n }, WRITE_MS);
		} else if (event >= WEBSOCKET_GOT_CLOSE) {
			bool closed = event == WEBSOCKET_GOT_CLOSE;
			s->end = closed && s->state >= SESSION_LEAVING ? END_DONE : END_FAILED;
			say_goodbye(s, r->code);
			e = fault_set(s->fault, E_CLOSED, 0, "Slack sent %s %d",
				closed ? S("a close frame with code") : str_c(r->why), NUM(r->code));
		}
	}
	return e;
}

static enum err receive(struct session *s)
{
	size_t got;
	struct deadline d = deadline_in(RECEIVE_MS);
	enum err e = stream_read(
		&s->client.stream, &got, s->client.head, sizeof(s->client.head), &d, s->fault);
	if (e == OK)
		return take_bytes(s, (struct str){ s->client.head, got });
	if (e != E_TIMEOUT && s->said)
		s->end = END_DONE;
	return e == E_TIMEOUT ? OK : e;
}

/* ---- the life of a connection ---- */

/* What is due at this moment. E_MORE: it is over. */
/* What is due at this moment. */
static enum err look_after(struct session *s, int64_t now)
{
	struct socket_app *a = s->app;
	if (now - s->heard >= SILENCE_MS)
		return fail(s, END_FAILED, E_TIMEOUT, "nothing came for 30 s");
	if (now >= s->until && s->state == SESSION_OPENING)
		return fail(s, END_FAILED, E_TIMEOUT, "Slack did not greet it in time");
	if (now >= s->until && s->state == SESSION_UP)
		socket_app_enter(a, s, SESSION_LEAVING);
	if (s->state < SESSION_GOING && socket_app_leave(a, s))
		s->until = now + DUE_MS;
	if (s->state == SESSION_UP || s->state == SESSION_LEAVING)
		lanes_pass(s, LANE_ORPHAN, s->number);
	if (s->state == SESSION_GOING && (now >= s->until || !lanes_due(s))) {
		say_goodbye(s, WEBSOCKET_NORMAL);
		lanes_pass(s, s->number, LANE_ORPHAN);
		socket_app_enter(a, s, SESSION_CLOSING);
		s->until = now;
	}
	if (s->state == SESSION_CLOSING &&
		now >= s->until + (socket_app_hurries(a) ? HURRY_MS : GOODBYE_MS))
		return fail(s, END_DONE, E_CLOSED, "");
	if (!s->said && now - s->heard >= PING_MS && now - s->pinged >= PING_MS) {
		s->pinged = now;
		return send_frame(s, WEBSOCKET_PING, S(""), LAST_WORD_MS);
	}
	return OK;
}

static enum err serve(struct session *s)
{
	struct lane *polled[1 + LANES_MAX];
	struct pollfd fds[1 + LANES_MAX];
	enum err e;
	while ((e = look_after(s, clock_mono_ms())) == OK) {
		size_t n = 1;
		bool idle = stream_is_idle(&s->client.stream);
		struct deadline d =
			deadline_in(!idle ? 1 : s->state == SESSION_LEAVING ? LOOK_SOON_MS : LOOK_MS);
		fds[0] = (struct pollfd){ s->client.stream.fd, POLLIN, 0 };
		for (struct lane *lane = s->app->lanes; lane < s->app->lanes + LANES_MAX; lane++)
			if (lane->owner == s->number) {
				polled[n] = lane;
				fds[n++] = (struct pollfd){ lane->fd, POLLRDHUP, 0 };
			}
		/* What has failed shows below. */
		(void)!socket_wait(fds, n, &d, s->fault);
		while (e == OK && --n)
			e = fds[n].revents ? answer_lane(s, polled[n]) : OK;
		if (e == OK && (!idle || fds[0].revents))
			e = receive(s);
		if (e != OK)
			break;
	}
	return e;
}

/* Slack's own domains, or where its API is asked; without TLS only where that is without. */
static bool url_ok(const struct socket_url *url, const struct endpoint *api)
{
	bool own = str_eq_nocase(url->host, api->host);
	if (!url->secure)
		return own && !api->secure;
	return own || str_ends(url->host, S(".slack.com")) || str_ends(url->host, S(".slack-gov.com"));
}

/* Asks for an address, which is good for one connection within some seconds. */
static enum err ask_for_url(struct session *s, struct socket_url *url, struct deadline *d)
{
	struct str text = S("");
	struct services *services = s->app->share->services;
	struct slack_call *call = &s->call;
	struct arena memory = { s->url, 0, sizeof(s->url) };
	enum err e =
		slack_api_call(call, services, S("/apps.connections.open"), s->app->token, d, s->fault);
	s->wait_ms = call->wait_ms;
	s->end = call->useless ? END_USELESS : END_FAILED;
	if (e != OK)
		return e;
	if (json_string(&text, json_member(call->json, S("url")), &memory) != OK ||
		!socket_url_read(url, text) || !url_ok(url, &services->slack_api))
		return fail(s, END_FAILED, E_SYNTAX,
			"Slack gave no wss:// address under slack.com, slack-gov.com or the host of SLACK_API_URL");
	return OK;
}

/* Packets that get lost end a connection that has something to send. */
static void watch_over(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){ SILENCE_MS }, sizeof(unsigned));
}

static enum err open_connection(struct session *s)
{
	struct services *services = s->app->share->services;
	struct socket_url url;
	struct buf rest = BUF(s->text);
	struct deadline d = deadline_in(OPEN_MS);
	d.limit = &s->app->share->stop;
	enum err e = ask_for_url(s, &url, &d);
	if (e != OK)
		return e;
	const struct dial_target to = services_slack_target(services, url.host, url.port, url.secure);
	d.hard = clock_mono_ms() + OPEN_MS;
	e = dial(&s->client.stream, &to, &d, s->fault);
	if (e != OK)
		return e;
	watch_over(s->client.stream.fd);
	e = upgrade(&s->client, &rest, &url, &d, s->fault);
	if (e != OK)
		return e;
	s->said = false;
	s->pinged = clock_mono_ms();
	s->until = s->pinged + OPEN_MS;
	return take_bytes(s, buf_str(&rest));
}

static void live(struct session *s)
{
	struct fault f = { .n = 0 };
	s->fault = &f;
	s->end = END_FAILED;
	s->said = true;
	s->greeted = s->wait_ms = 0;
	s->reader = websocket_reader(s->message, sizeof(s->message));
	http_client_init(&s->client, &s->tls, s->outer);
	if (open_connection(s) == OK)
		(void)!serve(s);
	say_goodbye(s, WEBSOCKET_NORMAL);
	http_client_close(&s->client);
	lanes_pass(s, s->number, LANE_ORPHAN);
	socket_app_return(s->app, s, &f);
}

void *session_run(void *arg)
{
	struct session *s = arg;
	while (socket_app_take_turn(s->app, s))
		live(s);
	return NULL;
}

#include "listener/connection.h"

#include "codec/form.h"
#include "gateway/decide.h"
#include "http/server.h"
#include "listener/access.h"
#include "listener/loop.h"
#include "service/metrics.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads, requests, answers; then the others get their turn, however much a client sends. */
enum { STEPS_A_TURN = 32 };

#define TOO_LATE S("the handshake was not done within 5 s")

static const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/* ---- TLS ---- */

/* What follows on the socket is not looked at any more. */
static void end_tls(struct listener *l, struct connection *c)
{
	if (c->state == CONNECTION_HANDSHAKE)
		handshakes_forget(&l->handshakes, c->secure);
	tls_server_end(&c->secure->tls, c->fd);
	c->secure = NULL;
}

static bool receive_tls(struct connection *c, size_t *got, char *p, size_t cap)
{
	struct tls_server *tls = &c->secure->tls;
	struct fault f;
	*got = tls_server_read(tls, p, cap);
	if (!*got && c->readable && !c->ended && !c->broken) {
		enum err e = tls_server_pump(tls, c->fd, &c->readable, &c->writable, &f);
		c->ended = e == E_CLOSED;
		c->broken = e != OK && e != E_CLOSED;
		*got = tls_server_read(tls, p, cap);
	}
	return *got > 0;
}

static bool flush_tls(struct connection *c)
{
	struct tls_server *tls = &c->secure->tls;
	struct fault f;
	/* Nothing is received meanwhile: a close_notify would end the connection before its answer. */
	bool no = false;
	while (!c->broken) {
		c->out = str_skip(c->out, tls_server_write(tls, c->out));
		if (c->out.n == 0 && !tls_server_is_pending(tls))
			return true;
		if (!c->writable)
			return false;
		c->broken = tls_server_pump(tls, c->fd, &no, &c->writable, &f) != OK;
	}
	return false;
}

/* ---- bytes in and out ---- */

/* A function of the embedded backend may tell what it found when its request is answered. */
static void acknowledge(struct listener *l, struct job *job)
{
	if (job->local)
		backend_acknowledge(l->backend, job_id(job));
	job->local = false;
}

static void let_job_go(struct listener *l, struct connection *c)
{
	acknowledge(l, c->job);
	c->job->connection = NULL;
	/* Otherwise its answer is still to come, and lets it go. */
	if (c->job->delivered)
		listener_release_job(l, c->job);
	c->job = NULL;
}

static void close_connection(struct listener *l, struct connection *c, struct str why)
{
	if (c->unlogged)
		access_log(l, c, why);
	if (c->job)
		let_job_go(l, c);
	if (c->buffer)
		listener_give_buffer(l, c->buffer);
	if (c->secure)
		end_tls(l, c);
	close(c->fd);
	listener_give_slot(l, c);
}

/* At least one byte into `p`. False: nothing now, see `ended` and `readable`. */
static bool receive(struct connection *c, size_t *got, char *p, size_t cap)
{
	if (c->secure)
		return receive_tls(c, got, p, cap);
	while (c->readable && !c->ended && !c->broken) {
		ssize_t n = recv(c->fd, p, cap, 0);
		if (n > 0) {
			*got = (size_t)n;
			/* The socket is empty, and what comes next is told; only an end that was told already is not told again. */
			c->readable = *got == cap || c->hung_up;
			return true;
		}
		if (n < 0 && errno == EINTR)
			continue;
		c->readable = false;
		c->ended = n == 0;
		c->broken = n < 0 && errno != EAGAIN;
	}
	return false;
}

/* False: not yet everything, see `broken` and `writable`. */
static bool flush(struct connection *c)
{
	if (c->secure)
		return flush_tls(c);
	while (c->out.n && c->writable && !c->broken) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
		if (n > 0) {
			c->out = str_skip(c->out, (size_t)n);
		} else if (errno == EAGAIN) {
			c->writable = false;
		} else if (errno != EINTR) {
			c->broken = true;
			return false;
		}
	}
	return c->out.n == 0;
}

/* ---- answers ---- */

static void write_answer(struct listener *l, struct connection *c, struct str out, int status)
{
	c->out = out;
	c->status = status;
	c->state = CONNECTION_WRITING;
	listener_wait(l, c, WAIT_WRITE);
}

/* What the loop says itself, written to `b`. Refusals end the connection: what follows on it cannot be trusted or is not read. */
static void say_in(struct buf b, struct listener *l, struct connection *c, int status, struct str content_type, struct str body, bool keep)
{
	c->keep = keep && !l->draining;
	http_response_put(&b, status, content_type, body, &(struct http_response_options){
		.keep_alive = c->keep, .to_head = c->head_n && str_eq(c->buffer->head.method, S("HEAD")),
		.allow_post = status == 405, .retry_after = status == 503, .now_s = clock_wall_ms() / 1000,
	});
	check(!b.full);
	write_answer(l, c, buf_str(&b), status);
}

static void say(struct listener *l, struct connection *c, int status, struct str content_type, struct str body, bool keep)
{
	say_in(BUF(c->buffer->answer), l, c, status, content_type, body, keep);
}

static void refuse(struct listener *l, struct connection *c, int status, struct str why)
{
	char memory[512];
	struct arena a = { memory, 0, sizeof(memory) };
	struct reply reply;
	reply_error(&reply, status, str_sub(why, 0, 300), &a);
	say(l, c, status, reply.content_type, reply.body, false);
	access_log(l, c, why);
}

static void say_health(struct listener *l, struct connection *c)
{
	if (l->draining)
		say(l, c, 503, S("text/plain"), S("draining\n"), false);
	else
		say(l, c, 200, S("text/plain"), S("ok\n"), c->keep);
}

/* ---- requests ---- */

static void go_idle(struct listener *l, struct connection *c)
{
	c->state = CONNECTION_HEAD;
	c->scanned = c->head_n = 0;
	if (c->n == 0 && c->buffer) {
		listener_give_buffer(l, c->buffer);
		c->buffer = NULL;
	}
	listener_wait(l, c, c->buffer ? WAIT_HEAD : WAIT_IDLE);
	c->began_mono = l->now;
}

/* Moves what came behind the request to a buffer of its own, or, if the request has none any more, to the front. */
static bool keep_rest(struct listener *l, struct connection *c, size_t used, bool buffer_leaves)
{
	size_t rest = c->n - used;
	struct buffer *from = c->buffer, *to = from;
	if (buffer_leaves || from->large)
		to = rest ? listener_take_buffer(l, false) : NULL;
	if (rest && !to)
		return false;
	if (rest)
		memmove(to->bytes, from->bytes + used, rest);
	if (!buffer_leaves && to != from)
		listener_give_buffer(l, from);
	c->buffer = to;
	c->n = rest;
	return true;
}

static void fill_request(struct job *job, const struct connection *c)
{
	const struct http_head *head = &job->buffer->head;
	struct gateway_request *req = &job->request;
	struct str timestamp = S("X-Slack-Request-Timestamp"), signature = S("X-Slack-Signature");
	*req = (struct gateway_request){
		.door = DOOR_HTTP,
		.method = head->method,
		.content_type = http_field_get(head, S("Content-Type")),
		.user_agent = http_field_get(head, S("User-Agent")),
		.timestamp = http_field_get(head, timestamp),
		.signature = http_field_get(head, signature),
		.doubled = http_field_count(head, timestamp) > 1 || http_field_count(head, signature) > 1,
		.retry_num = http_field_get(head, S("X-Slack-Retry-Num")),
		.retry_reason = http_field_get(head, S("X-Slack-Retry-Reason")),
		.body = buf_str(&c->decoded),
	};
	str_cut(&req->path, &req->query, head->target, '?');
	req->ssl_check = slack_form_is_ssl_check(req->query);
	memcpy(job->peer, c->peer, c->peer_n);
	job->peer_n = c->peer_n;
	job->keep_alive = c->keep;
	job->to_head = str_eq(head->method, S("HEAD"));
}

static bool is_get(const struct http_head *head)
{
	return str_eq(head->method, S("GET")) || str_eq(head->method, S("HEAD"));
}

/* The request needs more room than a small buffer has. */
static bool enlarge(struct listener *l, struct connection *c)
{
	struct fault f;
	struct buffer *small = c->buffer, *large = listener_take_buffer(l, true);
	if (!large)
		return false;
	memcpy(large->bytes, small->bytes, c->n);
	c->buffer = large;
	c->decoded.p = large->bytes + c->head_n;
	check(http_request_parse(&large->head, (struct str){ large->bytes, c->head_n }, &f) == OK);
	listener_give_buffer(l, small);
	return true;
}

/* On the address for metrics nothing else is served. */
static void say_metrics(struct listener *l, struct connection *c)
{
	const struct http_head *head = &c->buffer->head;
	if (!is_get(head) || !str_eq(head->target, S("/metrics"))) {
		refuse(l, c, 404, S("there is GET /metrics here"));
	} else if (!c->buffer->large && !enlarge(l, c)) {
		refuse(l, c, 503, S("too many large requests at once"));
	} else {
		/* Behind the request, which the log still needs. */
		struct buf text = { c->buffer->bytes + LARGE_BUFFER / 2, 0, LARGE_BUFFER / 2, false };
		struct buf b = { c->buffer->bytes + HEAD_MAX, 0, LARGE_BUFFER / 2 - HEAD_MAX, false };
		struct metrics_gauges gauges = { .connections = l->open, .started_wall_s = l->started_wall_s };
		jobs_count(&l->jobs, &gauges.queue, &gauges.inflight);
		metrics_put(&text, &gauges);
		check(!text.full);
		say_in(b, l, c, 200, S("text/plain; version=0.0.4; charset=utf-8"), buf_str(&text), false);
	}
}

/* For the embedded backend: it takes a copy and answers later, so the request is settled at once. */
static void run_here(struct listener *l, struct job *job)
{
	struct fault f;
	struct str payload;
	struct outcome outcome = { .fate = FATE_STARTED };
	enum err e = job_payload(&payload, job);
	if (e == OK)
		e = backend_submit(l->backend, job->decision.target.function, payload, job->decision.slack.response_url, job_id(job), &f);
	else
		fault_set(&f, e, 0, "the request is too large to be passed on");
	if (e != OK)
		outcome = (struct outcome){ .fate = FATE_NOT_STARTED, .reason = fault_text(&f), .permanent = e == E_REFUSED };
	job->local = e == OK;
	dispatch_reply(&job->decision.reply, &l->services->config, &job->decision, &outcome, &job->arena);
	job->decision.why = e == OK ? S("") : arena_copy(&job->arena, fault_text(&f));
	job->decision.level = e == OK ? LOG_INFO : LOG_WARN;
	metrics_invoke(e == OK ? "started" : "not started", "", 1, 0);
}

/* Its answer needs no worker, and does not wait until one is free. */
static void announce(struct listener *l, struct job *job)
{
	job->answered = true;
	dispatch_reply(&job->decision.reply, &l->services->config, &job->decision, &(struct outcome){ .fate = FATE_ANNOUNCED }, &job->arena);
}

/* A worker has its job from here on. */
static void wait_for_job(struct listener *l, struct connection *c)
{
	c->state = CONNECTION_WORKING;
	listener_wait(l, c, WAIT_NONE);
	jobs_submit(&l->jobs, c->job);
}

static void carry_out(struct listener *l, struct connection *c)
{
	struct job *job = c->job;
	bool invoke = job->decision.action == ACTION_INVOKE, local = invoke && str_eq(job->decision.target.region, TARGET_LOCAL);
	if (local) {
		run_here(l, job);
	} else if (invoke && !dispatch_announces(&l->services->config, &job->decision)) {
		wait_for_job(l, c);
		return;
	} else if (invoke) {
		announce(l, job);
	}
	job->delivered = true;
	job_respond(job, &job->decision.reply);
	if (invoke && !local)
		jobs_submit(&l->jobs, job);
	c->keep = job->keep_alive;
	write_answer(l, c, job->response, job->status);
}

/* The request is complete: `used` of the buffer's bytes are its. */
static void work_on(struct listener *l, struct connection *c, size_t used)
{
	struct buffer *buffer = c->buffer;
	c->keep = buffer->head.keep_alive && !l->draining;
	c->raw = used;
	if (c->metrics) {
		say_metrics(l, c);
		return;
	}
	if (is_get(&buffer->head) && str_eq(buffer->head.target, S("/healthz"))) {
		say_health(l, c);
		return;
	}
	struct job *job = jobs_take(&l->jobs, buffer);
	if (!job) {
		refuse(l, c, 503, S("all workers are busy and the queue is full"));
		return;
	}
	fill_request(job, c);
	if (!keep_rest(l, c, used, true)) {
		/* Without a place for what follows, it is not answered: the client sees the connection end. */
		job->keep_alive = false;
		c->buffer = NULL;
		c->n = 0;
	}
	c->job = job;
	job->connection = c;
	job->arrived_mono = c->began_mono;
	job->arrived_wall = clock_wall_ms() - (l->now - c->began_mono);
	job->soft = job->arrived_mono + l->services->config.timeout_ms;
	job->hard = job->arrived_mono + JOB_LIFE_MS;
	signing_secrets_decide(&l->services->secrets, &job->decision, &job->request, job->arrived_wall / 1000, &job->arena);
	if (jobs_may_doubt(&l->jobs, job))
		wait_for_job(l, c);
	else
		carry_out(l, c);
}

void connection_answer_job(struct listener *l, struct connection *c)
{
	struct job *job = c->job;
	if (job->answered) {
		job->delivered = true;
		c->keep = job->keep_alive;
		write_answer(l, c, job->response, job->status);
	} else {
		job->keep_alive &= !l->draining;
		signing_secrets_decide(&l->services->secrets, &job->decision, &job->request, job->arrived_wall / 1000, &job->arena);
		carry_out(l, c);
	}
	connection_advance(l, c);
}

static void begin_body(struct listener *l, struct connection *c)
{
	const struct http_head *head = &c->buffer->head;
	struct str expect = http_field_get(head, S("Expect"));
	c->body = http_body(head);
	c->raw = c->head_n;
	c->decoded = (struct buf){ c->buffer->bytes + c->head_n, 0, REQUEST_BODY_MAX, false };
	c->state = CONNECTION_BODY;
	if (head->body == HTTP_BODY_LENGTH && head->length > REQUEST_BODY_MAX) {
		refuse(l, c, 413, S("the body is larger than 1048576 bytes"));
	} else if (expect.p && !str_eq_nocase(expect, S("100-continue"))) {
		refuse(l, c, 417, S("Expect can be 100-continue only"));
	} else if (head->body != HTTP_BODY_NONE) {
		/* Few bytes into an empty socket: it takes them all, or the connection is of no use. */
		if (expect.p && c->n == c->head_n && head->minor_version) {
			c->out = S("HTTP/1.1 100 Continue\r\n\r\n");
			(void)flush(c);
		}
		listener_wait(l, c, WAIT_BODY);
	}
}

/* True when there is something to go on with. */
static bool read_head(struct listener *l, struct connection *c)
{
	struct fault f;
	size_t end, got;
	enum err e = c->buffer ? http_head_find(&end, &c->scanned, (struct str){ c->buffer->bytes, c->n }) : E_MORE;
	if (e == OK && end <= HEAD_MAX) {
		c->unlogged = true;
		e = http_request_parse(&c->buffer->head, (struct str){ c->buffer->bytes, end }, &f);
		c->head_n = e == OK ? end : 0;
		if (e == OK)
			begin_body(l, c);
		else
			refuse(l, c, e == E_LIMIT ? 431 : 400, fault_text(&f));
		return true;
	}
	if (e == OK || c->n >= HEAD_MAX) {
		refuse(l, c, 431, S("the head is larger than 16384 bytes"));
		return true;
	}
	if (e == E_SYNTAX) {
		refuse(l, c, 400, S("the head is not HTTP/1.1: a bare line feed or carriage return, or a control byte"));
		return true;
	}
	if (!c->readable && !c->ended)
		return false;
	if (!c->buffer && !(c->buffer = listener_take_buffer(l, false)))
		return false;
	if (receive(c, &got, c->buffer->bytes + c->n, c->buffer->cap - c->n)) {
		if (c->n == 0) {
			c->began_mono = l->now;
			listener_wait(l, c, WAIT_HEAD);
		}
		c->n += got;
		return true;
	}
	if (c->n == 0 && !c->ended)
		go_idle(l, c);
	return false;
}

static bool read_body(struct listener *l, struct connection *c)
{
	struct fault f;
	size_t used, got;
	char *raw = c->buffer->bytes + c->raw;
	enum err e = http_body_decode(&c->body, &c->decoded, &used, (struct str){ raw, c->n - c->raw }, &f);
	if (e == OK) {
		work_on(l, c, c->raw + used);
		return true;
	}
	if (e != E_MORE) {
		bool too_large = e == E_LIMIT && c->decoded.full;
		refuse(l, c, too_large ? 413 : 400, too_large ? S("the body is larger than 1048576 bytes") : fault_text(&f));
		return true;
	}
	/* Framing is gone for good: raw bytes may follow right behind the decoded ones. */
	c->n = c->raw = c->head_n + c->decoded.n;
	if (c->n == c->buffer->cap && (c->buffer->large || !enlarge(l, c))) {
		refuse(l, c, 503, S("too many large requests at once"));
		return true;
	}
	size_t room = c->buffer->cap - c->n;
	/* What follows the request must fit a small buffer later. */
	size_t most = READ_MAX;
	if (c->body.kind == HTTP_BODY_LENGTH && c->body.left > READ_MAX)
		most = (size_t)c->body.left;
	if (!receive(c, &got, c->buffer->bytes + c->n, room < most ? room : most))
		return false;
	c->n += got;
	return true;
}

/* The client does not take its answer. It waits in the connection's own memory, if it fits, and the job is free for
 * somebody else: there are far fewer jobs than connections. */
static void set_aside(struct listener *l, struct connection *c)
{
	if (!c->job || c->job->local || c->broken || c->out.n > ANSWER_MAX)
		return;
	if (!c->buffer && !(c->buffer = listener_take_buffer(l, false)))
		return;
	if (c->unlogged)
		access_log(l, c, S(""));
	memcpy(c->buffer->answer, c->out.p, c->out.n);
	c->out.p = c->buffer->answer;
	c->raw = 0;
	let_job_go(l, c);
}

/* The answer is written. */
static void finish(struct listener *l, struct connection *c)
{
	if (c->unlogged)
		access_log(l, c, S(""));
	if (c->job) {
		let_job_go(l, c);
	} else if (c->keep) {
		c->keep = keep_rest(l, c, c->raw, false);
	}
	if (c->keep && !l->draining) {
		go_idle(l, c);
		return;
	}
	if (c->secure)
		end_tls(l, c);
	/* Closing at once would reset the connection if anything is still on its way here, and the answer might be
	 * lost in that. */
	shutdown(c->fd, SHUT_WR);
	c->state = CONNECTION_LINGERING;
	listener_wait(l, c, WAIT_LINGER);
}

static bool throw_away(struct connection *c)
{
	char nowhere[4096];
	size_t got;
	return receive(c, &got, nowhere, sizeof(nowhere));
}

/* ---- handshakes ---- */

/* On to a stepper, if there is something for it to do. */
static bool shake_hands(struct listener *l, struct connection *c)
{
	struct secure *s = c->secure;
	if (tls_server_is_pending(&s->tls) ? !c->writable : !c->readable)
		return false;
	c->stepping = true;
	s->connection = c;
	s->fd = c->fd;
	s->readable = c->readable;
	s->writable = c->writable;
	/* From here on they tell what is new. */
	c->readable = c->writable = false;
	handshakes_submit(&l->handshakes, s);
	return false;
}

static void fail_handshake(struct listener *l, struct connection *c, struct str why)
{
	const struct tls_server *tls = &c->secure->tls;
	c->broken = true;
	/* Those who leave without a word are mostly looking whether the port is open. */
	if (!tls_server_has_heard(tls))
		return;
	metrics_tls_failure();
	if (tls_server_hears_http(tls) && (c->buffer = listener_take_buffer(l, false))) {
		/* Whoever speaks HTTP gets an answer in HTTP. */
		c->broken = false;
		end_tls(l, c);
		refuse(l, c, 400, why);
		return;
	}
	LOG(LOG_INFO, "TLS handshake failed", "remote ms# why", (struct str){ c->peer, c->peer_n },
		NUM(l->now - c->began_mono), why);
}

void connection_take_back(struct listener *l, struct connection *c)
{
	struct secure *s = c->secure;
	bool done = !tls_server_handshaking(&s->tls);
	c->stepping = false;
	c->readable |= s->readable;
	c->writable |= s->writable;
	if (c->late)
		fail_handshake(l, c, TOO_LATE);
	else if (s->result != OK && done)
		c->broken = true;
	else if (s->result != OK)
		fail_handshake(l, c, fault_text(&s->fault));
	else if (done)
		go_idle(l, c);
	connection_advance(l, c);
}

/* True when there is something to go on with. */
static bool advance_once(struct listener *l, struct connection *c)
{
	switch (c->state) {
	case CONNECTION_HANDSHAKE:
		return shake_hands(l, c);
	case CONNECTION_HEAD:
		return read_head(l, c);
	case CONNECTION_BODY:
		return read_body(l, c);
	case CONNECTION_WRITING:
		if (!flush(c)) {
			set_aside(l, c);
			return false;
		}
		finish(l, c);
		return true;
	case CONNECTION_LINGERING:
		return throw_away(c);
	default:
		return false;
	}
}

/* Asks for the events that hold already to be told again, in the next round. */
static void take_turns(struct listener *l, struct connection *c)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = c } };
	check(epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0);
}

void connection_advance(struct listener *l, struct connection *c)
{
	int steps = 0;
	if (c->stepping)
		return;
	while (!c->broken && advance_once(l, c)) {
		if (++steps == STEPS_A_TURN) {
			take_turns(l, c);
			return;
		}
	}
	/* A client that has said all still wants its answer; one that stopped in the middle of a request gets none. */
	bool owed = c->state == CONNECTION_WORKING || c->state == CONNECTION_WRITING;
	if (c->broken || (c->ended && !owed))
		close_connection(l, c, S("the client was gone before its answer was written"));
}

void connection_expire(struct listener *l, struct connection *c)
{
	if (c->state == CONNECTION_HANDSHAKE) {
		listener_wait(l, c, WAIT_NONE);
		c->late = c->stepping;
		if (!c->late)
			fail_handshake(l, c, TOO_LATE);
		connection_advance(l, c);
	} else if (c->wait == WAIT_HEAD || c->wait == WAIT_BODY) {
		refuse(l, c, 408, c->wait == WAIT_HEAD ? S("the head did not arrive within 5 s") : S("the body did not arrive within 10 s"));
		connection_advance(l, c);
	} else {
		close_connection(l, c, S("the client did not take its answer"));
	}
}

void connection_drain(struct listener *l, struct connection *c)
{
	if (c->state == CONNECTION_HEAD && !c->buffer)
		close_connection(l, c, S(""));
}

void connection_abandon(struct listener *l, struct connection *c)
{
	if (!c->stepping)
		close_connection(l, c, S("the gateway stopped before its answer was written"));
}

void connection_open(struct listener *l, int fd, struct str peer, bool metrics)
{
	struct connection *c = listener_take_slot(l);
	*c = (struct connection){ .fd = fd, .wait = WAIT_NONE, .metrics = metrics, .readable = true, .writable = true };
	memcpy(c->peer, peer.p, peer.n);
	c->peer_n = peer.n;
	struct epoll_event ev = { .events = events, .data = { .ptr = c } };
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		close(fd);
		listener_give_slot(l, c);
		return;
	}
	if (l->handshakes.slots && !metrics) {
		c->secure = &l->handshakes.slots[c - l->slots];
		c->state = CONNECTION_HANDSHAKE;
		c->readable = false;
		c->began_mono = l->now;
		listener_wait(l, c, WAIT_HEAD);
		return;
	}
	go_idle(l, c);
	connection_advance(l, c);
}

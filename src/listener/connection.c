#include "listener/connection.h"

#include "base/clock.h"
#include "codec/json_write.h"
#include "listener/access.h"
#include "listener/input.h"
#include "service/metrics.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	STEPS_A_TURN = 32, /* reads, requests, answers; then the others get their turn, however much a
						  client sends */
	REASON_MAX = 300,  /* of a refusal */
};

#define LOST_PLACE S("its place was needed for another client")
#define NO_LARGE S("too many large requests at once")
#define BODY_TOO_LARGE S("the body is larger than 1048576 bytes")
_Static_assert(REQUEST_BODY_MAX == 1048576 && HEAD_MAX == 16384, "texts say so");

static const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/* ---- TLS ---- */

/* What follows on the socket is not looked at any more. */
static void end_tls(struct server *server, struct connection *c)
{
	if (c->stage == STAGE_HANDSHAKE)
		steppers_forget(&server->steppers, c->secure);
	tls_server_end(&c->secure->tls, c->fd);
	c->secure = NULL;
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
		enum err e = tls_server_pump(tls, c->fd, &no, &c->writable, &f);
		c->broken = e != OK && e != E_MORE;
	}
	return false;
}

/* ---- bytes in and out ---- */

static void log_request(struct server *server, struct connection *c, struct str why)
{
	struct str path = { 0 }, query, remote = { c->peer, c->peer_n };
	struct address client;
	char memory[PEER_MAX];
	struct buf name = BUF(memory);
	if (c->head)
		str_cut(&path, &query, c->head->target, '?');
	if (c->head && c->proxy && forwarded_for(&client, c->head, server->proxies)) {
		address_put(&name, &client);
		remote = buf_str(&name);
	}
	access_log(&(struct access){
		.remote = remote,
		.method = c->head ? c->head->method : S(""),
		.path = path,
		.status = c->status,
		.took_ms = server->now - c->began,
		.note = c->note,
		.why = why,
		.uncounted = c->use != USE_REQUESTS,
	});
	c->unlogged = false;
}

static void let_task_go(struct server *server, struct connection *c)
{
	if (c->task)
		server->on_done(server->ctx, c);
	c->task = NULL;
	c->note = NULL;
	c->head = NULL;
}

static void close_connection(struct server *server, struct connection *c, struct str why)
{
	if (c->unlogged)
		log_request(server, c, why);
	let_task_go(server, c);
	if (c->buffer)
		slots_give_buffer(&server->slots, c->buffer);
	if (c->secure)
		end_tls(server, c);
	close(c->fd);
	slots_give(&server->slots, c);
}

/* The rest of a request has not come. Its client may hold it back until it knows that the beginning
 * has arrived (Nagle), which the kernel would tell it 40 ms later. */
static bool await_rest(const struct connection *c)
{
	setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
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

static void write_answer(struct server *server, struct connection *c, struct str out, int status)
{
	c->out = out;
	c->status = status;
	slots_enter(&server->slots, c, STAGE_WRITING);
	slots_wait(&server->slots, c, WAIT_WRITE, server->now);
}

void connection_say_in(struct buf b, struct server *server, struct connection *c, int status,
	struct str content_type, struct str body, struct http_response_options options)
{
	c->keep = options.keep_alive && c->keep && !server->draining;
	options.keep_alive = c->keep;
	options.to_head = c->head && str_eq(c->head->method, S("HEAD"));
	options.allow = status == 405 ? S("POST") : S("");
	options.retry_after = status == 503;
	options.now_s = clock_wall_ms() / 1000;
	http_response_put(&b, status, content_type, body, &options);
	check(!b.full);
	write_answer(server, c, buf_str(&b), status);
}

void connection_say(struct server *server, struct connection *c, int status,
	struct str content_type, struct str body, bool keep)
{
	connection_say_in(BUF(c->buffer->answer), server, c, status, content_type, body,
		(struct http_response_options){ .keep_alive = keep });
}

void connection_refuse(struct server *server, struct connection *c, int status, struct str why)
{
	char memory[512];
	struct buf b = BUF(memory);
	struct json_writer w = json_writer(&b);
	json_open(&w, '{');
	json_field(&w, S("error"), str_sub(why, 0, REASON_MAX));
	json_close(&w, '}');
	/* Of a large body a little was not worth being told; what still comes is taken off the
	 * socket. */
	if (c->buffer->kind == BUFFER_LARGE) {
		setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &(int){ 1 }, sizeof(int));
		c->readable = true;
	}
	/* `why` may lie where the answer goes. */
	c->status = status;
	log_request(server, c, why);
	connection_say(server, c, status, S("application/json"), buf_str(&b), false);
}

/* ---- requests ---- */

static void go_idle(struct server *server, struct connection *c)
{
	c->scanned = c->head_n = 0;
	c->head = NULL;
	if (c->n == 0 && c->buffer) {
		slots_give_buffer(&server->slots, c->buffer);
		c->buffer = NULL;
	}
	slots_enter(&server->slots, c, STAGE_HEAD);
	slots_wait(&server->slots, c, c->buffer ? WAIT_HEAD : WAIT_IDLE, server->now);
	c->began = server->now;
}

static struct buffer *take_small(struct server *server, struct connection *c)
{
	struct buffer *b = slots_take_buffer(&server->slots, BUFFER_SMALL);
	if (b)
		b->owner = c;
	return b;
}

/* Moves what came behind the request to a buffer of its own, or, if the request has none any more,
 * to the front. */
static bool keep_rest(struct server *server, struct connection *c, size_t used, bool buffer_leaves)
{
	size_t rest = c->n - used;
	struct buffer *from = c->buffer, *to = from;
	if (buffer_leaves || from->kind != BUFFER_SMALL)
		to = rest ? take_small(server, c) : NULL;
	if (rest && !to)
		return false;
	if (rest)
		memmove(to->bytes, from->bytes + used, rest);
	if (!buffer_leaves && to != from)
		slots_give_buffer(&server->slots, from);
	c->buffer = to;
	c->n = rest;
	return true;
}

/* Said without a buffer, to whoever loses a place or finds none. */
static void apologize(int fd)
{
	struct str sorry = HTTP_RESPONSE_503;
	(void)!send(fd, sorry.p, sorry.n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void lose_place(struct server *server, struct connection *c)
{
	if (c->buffer && !c->secure && c->stage <= STAGE_BODY) {
		apologize(c->fd);
		c->status = 503;
	}
	close_connection(server, c, LOST_PLACE);
}

/* A stepper has it: it ends afterwards. Or the stepper has just given it back, without waking
 * anybody. */
static void end_late(struct server *server, struct connection *c)
{
	server->late += !c->late;
	c->late = true;
	steppers_tell(&server->steppers, c, EPOLLIN);
	queue_wake_collector(&server->steppers.queue);
}

/* Ends another connection, so that what it holds is free. Not always at once. */
static void take_place(struct server *server, struct connection *loser)
{
	server->places_taken++;
	if (loser->stepping && !steppers_withdraw(&server->steppers, loser))
		end_late(server, loser);
	else
		lose_place(server, loser);
}

bool connection_enlarge(struct server *server, struct connection *c, enum buffer_kind kind)
{
	struct fault f;
	struct buffer *small = c->buffer, *large = slots_take_buffer(&server->slots, kind);
	struct connection *loser;
	while (!large && (loser = slots_buffer_loser(&server->slots, kind, server->now))) {
		take_place(server, loser);
		large = slots_take_buffer(&server->slots, kind);
	}
	if (!large)
		return false;
	check(c->n <= large->cap);
	large->owner = c;
	memcpy(large->bytes, small->bytes, c->n);
	c->buffer = large;
	c->decoded.p = large->bytes + c->head_n;
	c->head = &large->head;
	check(http_request_parse(&large->head, (struct str){ large->bytes, c->head_n }, &f) == OK);
	slots_give_buffer(&server->slots, small);
	return true;
}

struct buffer *connection_detach(struct server *server, struct connection *c, int64_t due)
{
	struct buffer *b = c->buffer;
	b->owner = NULL;
	if (!keep_rest(server, c, c->raw, true)) {
		/* There is no place for what follows, so it gets no answer: the client sees the connection
		 * end. */
		c->keep = false;
		c->buffer = NULL;
		c->n = 0;
	}
	slots_enter(&server->slots, c, STAGE_WORKING);
	connection_wait_again(server, c, due);
	return b;
}

void connection_wait_again(struct server *server, struct connection *c, int64_t due)
{
	slots_wait_until(&server->slots, c, due);
}

void connection_answer(struct server *server, struct connection *c, struct str answer, int status,
	bool keep, bool must_leave)
{
	c->keep = keep;
	c->must_leave = must_leave;
	write_answer(server, c, answer, status);
}

/* The request is complete: `used` of the buffer's bytes are its. */
static void take_request(struct server *server, struct connection *c, size_t used)
{
	c->keep = c->head->keep_alive && !server->draining;
	c->raw = used;
	server->on_request(server->ctx, c);
}

static void begin_body(struct server *server, struct connection *c)
{
	const struct http_head *head = c->head;
	struct str expect = http_field_get(head, S("Expect"));
	c->body = http_body(head);
	c->raw = c->head_n;
	c->decoded = (struct buf){ c->buffer->bytes + c->head_n, 0, REQUEST_BODY_MAX, false };
	slots_enter(&server->slots, c, STAGE_BODY);
	if (head->body == HTTP_BODY_LENGTH && head->length > REQUEST_BODY_MAX) {
		connection_refuse(server, c, 413, BODY_TOO_LARGE);
	} else if (expect.p && !str_eq_nocase(expect, S("100-continue"))) {
		connection_refuse(server, c, 417, S("Expect can be 100-continue only"));
	} else if (head->body != HTTP_BODY_NONE) {
		/* Few bytes into an empty socket: it takes them all, or the connection is of no use. */
		if (expect.p && c->n == c->head_n && head->minor_version) {
			c->out = S("HTTP/1.1 100 Continue\r\n\r\n");
			(void)flush(c);
		}
		slots_wait(&server->slots, c, WAIT_BODY, server->now);
	}
}

/* The head ends at `end`. */
static void take_head(struct server *server, struct connection *c, size_t end)
{
	struct fault f;
	c->unlogged = true;
	c->passed_over = false;
	enum err e = http_request_parse(&c->buffer->head, (struct str){ c->buffer->bytes, end }, &f);
	if (e != OK) {
		connection_refuse(server, c, e == E_LIMIT ? 431 : 400, fault_text(&f));
		return;
	}
	c->head_n = end;
	c->head = &c->buffer->head;
	begin_body(server, c);
}

/* RFC 9112, section 2.2: one empty line before a request, which old clients send behind their last
 * one. */
static void pass_over_empty_line(struct server *server, struct connection *c)
{
	if (!c->buffer || c->passed_over || c->n < 2 || memcmp(c->buffer->bytes, "\r\n", 2) != 0)
		return;
	c->passed_over = true;
	c->n -= 2;
	c->scanned = 0;
	memmove(c->buffer->bytes, c->buffer->bytes + 2, c->n);
	if (c->n == 0)
		go_idle(server, c);
}

/* True when there is something to go on with. */
static bool read_head(struct server *server, struct connection *c)
{
	size_t end, got;
	pass_over_empty_line(server, c);
	enum err e = c->buffer
		? http_head_find(&end, &c->scanned, (struct str){ c->buffer->bytes, c->n })
		: E_MORE;
	if (e == OK && end <= HEAD_MAX) {
		take_head(server, c, end);
		return true;
	}
	if (e == OK || c->n >= HEAD_MAX) {
		connection_refuse(server, c, 431, S("the head is larger than 16384 bytes"));
		return true;
	}
	if (e == E_SYNTAX) {
		connection_refuse(server, c, 400,
			S("the head is not HTTP/1.1: a bare line feed or carriage return, or a control byte"));
		return true;
	}
	if (!c->readable && !c->ended)
		return c->n > 0 ? await_rest(c) : false;
	if (!c->buffer && !(c->buffer = take_small(server, c)))
		return false;
	if (input_receive(c, &got, c->buffer->bytes + c->n, c->buffer->cap - c->n)) {
		if (c->n == 0) {
			c->began = server->now;
			slots_wait(&server->slots, c, WAIT_HEAD, server->now);
		}
		c->n += got;
		return true;
	}
	if (c->n == 0 && !c->ended)
		go_idle(server, c);
	return false;
}

/* What was read of a body ends it, or fills a small buffer, or is not enough. */
static bool take_body(struct server *server, struct connection *c)
{
	struct buffer *b = c->buffer;
	if (b->result == OK) {
		take_request(server, c, c->raw + b->used);
	} else if (b->result != E_MORE) {
		bool too_large = b->result == E_LIMIT && c->decoded.full;
		connection_refuse(server, c, too_large ? 413 : 400, too_large ? BODY_TOO_LARGE : b->why);
	} else if (c->n < b->cap) {
		return (c->readable && !c->ended) || await_rest(c);
	} else if (b->kind == BUFFER_SMALL && connection_enlarge(server, c, BUFFER_LARGE)) {
		steppers_submit(&server->steppers, c);
		return false;
	} else if (server->late) {
		server->starving = true;
		return false;
	} else {
		connection_refuse(server, c, 503, NO_LARGE);
	}
	return true;
}

/* A large one is a stepper's to read. */
static bool receive_body(struct server *server, struct connection *c)
{
	if (c->buffer->kind == BUFFER_SMALL) {
		(void)input_read_body(c, 1);
		return take_body(server, c);
	}
	if (c->readable && !c->ended)
		steppers_submit(&server->steppers, c);
	return false;
}

/* The client does not take its answer. It waits in the connection's own memory, if it fits, and its
 * task is free for somebody else: there are far fewer of these than connections. */
static void set_aside(struct server *server, struct connection *c)
{
	if (!c->task || c->must_leave || c->broken || c->out.n > ANSWER_MAX)
		return;
	if (!c->buffer && !(c->buffer = take_small(server, c)))
		return;
	if (c->unlogged)
		log_request(server, c, S(""));
	memcpy(c->buffer->answer, c->out.p, c->out.n);
	c->out.p = c->buffer->answer;
	c->raw = 0;
	let_task_go(server, c);
}

/* The answer is written. */
static void finish(struct server *server, struct connection *c)
{
	bool taken = c->task;
	if (c->unlogged)
		log_request(server, c, S(""));
	let_task_go(server, c);
	if (!taken && c->keep)
		c->keep = keep_rest(server, c, c->raw, false);
	if (c->keep && !server->draining) {
		go_idle(server, c);
		return;
	}
	if (c->secure)
		end_tls(server, c);
	/* Closing at once would reset the connection if anything is still on its way here, and the
	 * answer might be lost in that. */
	shutdown(c->fd, SHUT_WR);
	slots_enter(&server->slots, c, STAGE_LINGERING);
	slots_wait(&server->slots, c, WAIT_LINGER, server->now);
}

static bool throw_away(struct connection *c)
{
	char nowhere[4096];
	size_t got;
	return input_receive(c, &got, nowhere, sizeof(nowhere));
}

/* ---- handshakes ---- */

/* On to a stepper, if there is something for it to do. */
static bool advance_handshake(struct server *server, struct connection *c)
{
	struct secure *s = c->secure;
	if (tls_server_is_pending(&s->tls) ? !c->writable : !c->readable)
		return false;
	steppers_submit(&server->steppers, c);
	return false;
}

static void fail_handshake(struct server *server, struct connection *c, struct str why)
{
	const struct tls_server *tls = &c->secure->tls;
	c->broken = true;
	/* Those who leave without a word are mostly looking whether the port is open. */
	if (!tls_server_has_heard(tls))
		return;
	metrics_tls_failure();
	if (tls_server_hears_http(tls) && (c->buffer = take_small(server, c))) {
		/* Whoever speaks HTTP gets an answer in HTTP. */
		c->broken = false;
		end_tls(server, c);
		connection_refuse(server, c, 400, why);
		return;
	}
	LOG(LOG_INFO, "TLS handshake failed", "remote ms# why", (struct str){ c->peer, c->peer_n },
		NUM(server->now - c->began), why);
}

/* A step of the handshake is done. */
static void take_handshake(struct server *server, struct connection *c)
{
	const struct secure *s = c->secure;
	bool done = !tls_server_handshaking(&s->tls);
	if (s->result != OK && done)
		c->broken = true;
	else if (s->result != OK)
		fail_handshake(server, c, fault_text(&s->fault));
	else if (done)
		go_idle(server, c);
}

/* ---- steps ---- */

/* True when there is something to go on with. */
static bool advance_once(struct server *server, struct connection *c)
{
	switch (c->stage) {
	case STAGE_HANDSHAKE:
		return advance_handshake(server, c);
	case STAGE_HEAD:
		return read_head(server, c);
	case STAGE_BODY:
		return receive_body(server, c);
	case STAGE_WRITING:
		if (!flush(c)) {
			set_aside(server, c);
			return false;
		}
		finish(server, c);
		return true;
	case STAGE_LINGERING:
		return throw_away(c);
	default:
		return false;
	}
}

/* Asks for the events that hold already to be told again, in the next round. */
void connection_resume(struct server *server, struct connection *c)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = c } };
	check(epoll_ctl(server->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0);
}

static void take_told(struct connection *c)
{
	bool hung_up = c->told & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	c->hung_up |= hung_up;
	c->readable |= hung_up || (c->told & EPOLLIN);
	c->writable |= (c->told & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
	c->told = 0;
}

void connection_advance(struct server *server, struct connection *c)
{
	int steps = 0;
	if (c->stepping)
		return;
	take_told(c);
	while (!c->broken && advance_once(server, c)) {
		if (++steps < STEPS_A_TURN)
			continue;
		/* A request in as many pieces costs more than it can be worth: the rest is read aside. */
		if (c->buffer && (c->stage == STAGE_HEAD || c->stage == STAGE_BODY))
			steppers_submit(&server->steppers, c);
		else
			connection_resume(server, c);
		return;
	}
	if (c->stepping)
		return;
	/* A client that has said all still wants its answer; one that stopped in the middle of a
	 * request gets none. */
	bool owed = c->stage == STAGE_WORKING || c->stage == STAGE_WRITING;
	if (c->broken || (c->ended && !owed))
		close_connection(server, c, S("the client was gone before its answer was written"));
}

/* What it waited for did not come. */
static void time_out(struct server *server, struct connection *c, enum wait wait)
{
	switch (wait) {
	case WAIT_HANDSHAKE:
		fail_handshake(server, c, S("the handshake was not done within 5 s"));
		break;
	case WAIT_HEAD:
		connection_refuse(server, c, 408, S("the head did not arrive within 5 s"));
		break;
	case WAIT_BODY:
		connection_refuse(server, c, 408, S("the body did not arrive within 10 s"));
		break;
	case WAIT_ANSWER:
		slots_wait(&server->slots, c, WAIT_NONE, 0);
		server->on_overdue(server->ctx, c);
		break;
	default:
		close_connection(server, c, S("the client did not take its answer"));
		return;
	}
	connection_advance(server, c);
}

void connection_expire(struct server *server, struct connection *c)
{
	if (!c->stepping) {
		time_out(server, c, c->wait);
		return;
	}
	slots_wait(&server->slots, c, WAIT_NONE, 0);
	end_late(server, c);
}

/* A large buffer may be free. */
static void feed(struct server *server)
{
	struct connection *c = server->slots.list, *end = c + server->slots.used;
	for (server->starving = false; c < end; c++)
		if (c->fd >= 0 && c->stage == STAGE_BODY && !c->stepping && c->n == c->buffer->cap)
			connection_advance(server, c);
}

static void take_back_late(struct server *server, struct connection *c)
{
	/* What it waited for, in the stages that steppers work on. */
	static const uint8_t waits[] = {
		[STAGE_HANDSHAKE] = WAIT_HANDSHAKE, [STAGE_HEAD] = WAIT_HEAD, [STAGE_BODY] = WAIT_BODY
	};
	c->late = false;
	server->late--;
	if (c->wait == WAIT_NONE)
		time_out(server, c, waits[c->stage]);
	else
		lose_place(server, c);
	if (server->starving)
		feed(server);
}

void connection_take_back(struct server *server, struct connection *c)
{
	c->stepping = false;
	if (c->late) {
		take_back_late(server, c);
		return;
	}
	if (c->stage == STAGE_HANDSHAKE)
		take_handshake(server, c);
	else if (c->stage == STAGE_BODY)
		(void)!take_body(server, c);
	connection_advance(server, c);
}

void connection_drain(struct server *server, struct connection *c)
{
	if (c->stage == STAGE_HEAD && !c->buffer)
		close_connection(server, c, S(""));
}

void connection_abandon(struct server *server, struct connection *c)
{
	if (!c->stepping)
		close_connection(server, c, S("the gateway stopped before its answer was written"));
}

/* ---- the beginning ---- */

static struct connection *take_slot(
	struct server *server, int fd, const struct address *address, bool secure)
{
	struct slots *slots = &server->slots;
	struct connection *c, *loser;
	if (secure && slots->holders[STAGE_HANDSHAKE].count >= server->handshakes_max &&
	    (loser = slots_handshake_loser(slots, server->now)))
		take_place(server, loser);
	while (!(c = slots_take(slots, fd, address, server->now)) &&
		(loser = slots_loser(slots, server->now)))
		take_place(server, loser);
	return c;
}

void connection_open(struct server *server, int fd, struct str peer, const struct address *counted,
	bool proxy, enum door_use use)
{
	bool secure = server->steppers.slots && use == USE_REQUESTS;
	struct connection *c = take_slot(server, fd, counted, secure);
	if (!c) {
		if (!secure)
			apologize(fd);
		close(fd);
		return;
	}
	struct buf name = BUF(c->peer);
	buf_put(&name, peer);
	c->peer_n = name.n;
	c->proxy = proxy;
	c->use = use;
	c->readable = c->writable = true;
	struct epoll_event ev = { .events = events, .data = { .ptr = c } };
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		close(fd);
		slots_give(&server->slots, c);
		return;
	}
	if (!secure) {
		go_idle(server, c);
		connection_advance(server, c);
		return;
	}
	c->secure = &server->steppers.slots[c - server->slots.list];
	c->readable = false;
	c->began = server->now;
	slots_enter(&server->slots, c, STAGE_HANDSHAKE);
	slots_wait(&server->slots, c, WAIT_HANDSHAKE, server->now);
}

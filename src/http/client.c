#include "http/client.h"

#include "crypto/ct.h"

#include <string.h>

enum {
	INTERIM_MAX = 8,     /* 1xx responses before the final one; servers send one, if any */
	LAST_WORDS_MS = 100, /* what a peer said before it closed on us is here already, or nearly */
};

/* One request on its way. */
struct exchange {
	struct http_client *c;
	struct http_response *r;
	struct http_progress *progress;
	const struct http_request *request;
	struct deadline d;
	struct fault *f;
	size_t n;      /* bytes of c->head that have come */
	bool surplus;  /* the peer sent more than its response */
};

void http_client_init(struct http_client *c, struct tls_client *tls, struct tls_client *outer)
{
	c->stream = stream_none(tls);
	c->stream.outer = outer;
}

void http_client_close(struct http_client *c)
{
	stream_close(&c->stream);
}

/* Says what was going on when the fault happened. */
static enum err during(struct fault *f, enum err e, struct str what)
{
	int sys = f->sys;
	fault_lead(f, e, what);
	f->sys = sys;
	return e;
}

static enum err receive_more_head(struct exchange *x)
{
	size_t room = sizeof(x->c->head) - x->n, got;
	if (room == 0)
		return fault_set(
			x->f, E_LIMIT, 0, "the answer's head is larger than %d bytes", NUM(HTTP_HEAD_MAX));
	enum err e = stream_read(&x->c->stream, &got, x->c->head + x->n, room, &x->d, x->f);
	/* See stream.h: a broken record is the beginning of an answer, too. */
	x->progress->answered |= e == E_TLS;
	if (e != OK)
		return during(
			x->f, e, x->n ? S("in the middle of the answer's head") : S("waiting for the answer"));
	x->n += got;
	x->progress->answered = true;
	return OK;
}

/* Notes the final status as soon as its line is there, for it may be all that the caller needs. */
static enum err note_status(struct exchange *x)
{
	int status;
	if (x->progress->status)
		return OK;
	enum err e = http_status_line(&status, (struct str){ x->c->head, x->n });
	if (e == E_SYNTAX)
		return fault_set(x->f, E_SYNTAX, 0, "the answer is not HTTP/1.1 or HTTP/1.0");
	if (e == OK && status >= 200) {
		x->progress->status = status;
		if (x->request->rest_ms)
			x->d = deadline_within(&x->d, x->request->rest_ms);
	}
	return OK;
}

/* Reads one head, interim or final; it ends at *end. */
static enum err receive_head(struct exchange *x, size_t *end)
{
	for (size_t scanned = 0;;) {
		struct str in = { x->c->head, x->n };
		enum err e = note_status(x);
		if (e != OK)
			return e;
		e = http_head_find(end, &scanned, in);
		if (e == OK)
			return http_response_parse(
				&x->r->head, str_sub(in, 0, *end), str_eq(x->request->method, S("HEAD")), x->f);
		if (e == E_SYNTAX)
			return fault_set(
				x->f, E_SYNTAX, 0, "control byte or bare line end in the answer's head");
		e = receive_more_head(x);
		if (e != OK)
			return e;
	}
}

static enum err receive_final_head(struct exchange *x, size_t *end)
{
	for (int i = 0; i <= INTERIM_MAX; i++) {
		enum err e = receive_head(x, end);
		if (e != OK || x->progress->status)
			return e;
		x->n -= *end;
		memmove(x->c->head, x->c->head + *end, x->n);
	}
	return fault_set(x->f, E_LIMIT, 0, "more than %d interim answers", NUM(INTERIM_MAX));
}

static enum err receive_more_body(struct exchange *x, struct http_body *b, struct buf *body)
{
	char *p = x->c->tail;
	size_t cap = sizeof(x->c->tail), room = body->cap - body->n, got, used;
	if (room > cap) {
		p = body->p + body->n;
		cap = room;
	}
	enum err e = stream_read(&x->c->stream, &got, p, cap, &x->d, x->f);
	if (e == E_CLOSED && x->f->sys == 0 && b->kind == HTTP_BODY_UNTIL_CLOSE)
		return OK;
	if (e != OK)
		return during(x->f, e, S("in the middle of the answer's body"));
	e = http_body_decode(b, body, &used, (struct str){ p, got }, x->f);
	x->surplus = e == OK && used < got;
	return e;
}

static enum err receive_body(struct exchange *x, size_t head_end, struct buf *body)
{
	struct http_body b = http_body(&x->r->head);
	struct str came = { x->c->head + head_end, x->n - head_end };
	size_t used;
	enum err e = http_body_decode(&b, body, &used, came, x->f);
	x->surplus = e == OK && used < came.n;
	while (e == E_MORE)
		e = receive_more_body(x, &b, body);
	/* It may hold keys: it stays nowhere but with the caller. */
	memset(x->c->head + head_end, 0, came.n);
	memset(x->c->tail, 0, sizeof(x->c->tail));
	return e;
}

static enum err receive(struct exchange *x, struct buf *body)
{
	size_t head_end, start = body->n;
	enum err e = receive_final_head(x, &head_end);
	if (e != OK) {
		x->r->head.status = 0;
		return e;
	}
	e = receive_body(x, head_end, body);
	x->r->body = str_skip(buf_str(body), start);
	return e;
}

static enum err send_request(struct exchange *x)
{
	struct buf head = BUF(x->c->head);
	http_request_put(&head, x->request, x->c->stream.via);
	const struct str parts[] = { buf_str(&head), x->request->body };
	enum err e = head.full
		? fault_set(x->f, E_LIMIT, 0, "its head would be larger than %d bytes", NUM(HTTP_HEAD_MAX))
		: stream_write(&x->c->stream, parts, countof(parts), &x->d, x->f);
	ct_wipe(head.p, head.n);
	return e == OK ? OK : during(x->f, e, S("sending the request"));
}

enum err http_exchange(struct http_client *c, struct http_response *r,
	struct http_progress *progress, const struct http_request *request, struct buf *body,
	struct deadline *d, struct fault *f)
{
	check(c->stream.fd >= 0);
	struct exchange x = {
		.c = c, .r = r, .progress = progress, .request = request, .d = *d, .f = f
	};
	*progress = (struct http_progress){ 0 };
	r->head.status = 0;
	r->body = S("");
	enum err e = send_request(&x);
	if (e == OK) {
		progress->written = true;
		e = receive(&x, body);
	} else if (e == E_CLOSED) {
		struct fault unheard;
		x.f = &unheard;
		x.d = deadline_within(&x.d, LAST_WORDS_MS);
		if (receive(&x, body) == OK)
			e = OK;
	}
	deadline_leave(d, &x.d);
	if (e != OK || !progress->written || !r->head.keep_alive || x.surplus)
		http_client_close(c);
	return e;
}

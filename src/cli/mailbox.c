#include "cli/mailbox.h"

#include "base/clock.h"
#include "http/body.h"
#include "http/server.h"
#include "net/listen.h"
#include "net/tcp.h"

#include <unistd.h>

enum { VISIT_MS = 5000, HEAD_MAX = 16384, REPLY_MAX = 512 };

enum err mailbox_open(struct mailbox *m, uint16_t port, struct fault *f)
{
	struct buf asked = BUF(m->address);
	buf_format(&asked, "127.0.0.1:%d", NUM(port));
	enum err e = listen_open(&m->fd, buf_str(&asked), f);
	if (e != OK)
		return e;
	struct buf got = BUF(m->address);
	listen_name(&got, m->fd);
	buf_put_char(&got, 0);
	check(!got.full);
	return OK;
}

static enum err wait_for(int fd, short events, struct deadline *d, struct fault *f)
{
	struct pollfd wanted = { .fd = fd, .events = events };
	return socket_wait(&wanted, 1, d, f);
}

static enum err receive_more(int fd, struct buf *b, struct deadline *d, struct fault *f)
{
	size_t got = 0;
	if (b->n == b->cap)
		return fault_set(f, E_LIMIT, 0, "the message is too large");
	enum err e = wait_for(fd, POLLIN, d, f);
	if (e == OK)
		e = tcp_receive(fd, &got, b->p + b->n, b->cap - b->n, f);
	b->n += got;
	return e == E_MORE ? OK : e;
}

/* One request: its head in `raw`, its body appended to `message`. */
static enum err read_request(struct http_head *head, int fd, struct buf *raw, struct buf *message,
	struct deadline *d, struct fault *f)
{
	size_t end, scanned = 0, used;
	enum err e;
	while ((e = http_head_find(&end, &scanned, buf_str(raw))) == E_MORE)
		if ((e = receive_more(fd, raw, d, f)) != OK)
			return e;
	if (e == OK)
		e = http_request_parse(head, str_sub(buf_str(raw), 0, end), f);
	if (e != OK)
		return e;
	struct http_body body = http_body(head);
	struct str rest = str_skip(buf_str(raw), end);
	struct buf more = { raw->p + end, 0, raw->cap - end, false };
	while ((e = http_body_decode(&body, message, &used, rest, f)) == E_MORE) {
		buf_reset(&more);
		if ((e = receive_more(fd, &more, d, f)) != OK)
			return e;
		rest = buf_str(&more);
	}
	return e;
}

static void reply(int fd, int status, struct str text, struct deadline *d)
{
	char memory[REPLY_MAX];
	struct buf b = BUF(memory);
	struct fault f;
	size_t sent;
	http_response_put(&b, status, S("text/plain"), text,
		&(struct http_response_options){ .now_s = clock_wall_ms() / 1000 });
	struct iovec part = { b.p, b.n };
	if (wait_for(fd, POLLOUT, d, &f) == OK)
		(void)!tcp_send(fd, &sent, &part, 1, &f);
}

/* True when a message has come. */
static bool visit(int fd, struct buf *message, const struct deadline *all)
{
	char memory[HEAD_MAX];
	struct buf raw = BUF(memory);
	struct deadline d = deadline_within(all, VISIT_MS);
	struct http_head head;
	struct fault f;
	bool got =
		read_request(&head, fd, &raw, message, &d, &f) == OK && str_eq(head.method, S("POST"));
	if (!got)
		buf_reset(message);
	reply(fd, got ? 200 : 400, got ? S("ok") : S("not a message"), &d);
	return got;
}

enum err mailbox_wait(struct mailbox *m, struct buf *message, struct deadline *d, struct fault *f)
{
	for (;;) {
		int fd;
		char peer[64];
		struct buf b = BUF(peer);
		enum err e = wait_for(m->fd, POLLIN, d, f);
		if (e == OK)
			e = listen_accept(&fd, &b, m->fd, f);
		if (e == E_MORE)
			continue;
		if (e != OK)
			return e;
		bool got = visit(fd, message, d);
		close(fd);
		if (got)
			return OK;
	}
}

void mailbox_close(struct mailbox *m)
{
	close(m->fd);
}

#include "listener/loop.h"

#include "base/clock.h"
#include "http/server.h"
#include "net/listen.h"
#include "os/log_writer.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/systemd.h"
#include "service/metrics.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 256,
	ACCEPTS_A_ROUND = 64,   /* then those that are there get their turn */
	ACCEPT_AGAIN_MS = 1000, /* after running out of file descriptors */
	FUNCTIONS_END_MS = 4000, /* of the time for draining, to end functions that do not end by themselves and to tell their users */
	DRAIN_LOOK_MS = 50,
	OTHER_FDS = 64,         /* files that are not clients: logs, epoll, name servers */
	FUNCTION_FDS = 8,       /* of a function: its pipes, what says that it ended, a connection to a response_url */
	PAGE = 4096,
};

/* What epoll's data.ptr points to when it is no connection. */
static const char wake_tag, signal_tag, accept_tag;

/* ---- memory ---- */

struct connection *listener_take_slot(struct listener *l)
{
	struct connection *c = l->free_slots;
	check(c);
	l->free_slots = c->next;
	l->open++;
	return c;
}

void listener_give_slot(struct listener *l, struct connection *c)
{
	listener_wait(l, c, WAIT_NONE);
	c->fd = -1;
	c->next = l->free_slots;
	l->free_slots = c;
	l->open--;
	l->accept_again = l->now;
}

struct buffer *listener_take_buffer(struct listener *l, bool large)
{
	struct buffer_pool *p = large ? &l->large : &l->small;
	struct buffer *b;
	if (p->free_count)
		b = p->free[--p->free_count];
	else if (p->unused)
		b = (struct buffer *)(p->memory + --p->unused * p->size);
	else
		return NULL;
	b->large = large;
	b->cap = large ? LARGE_BUFFER : SMALL_BUFFER;
	return b;
}

void listener_give_buffer(struct listener *l, struct buffer *b)
{
	struct buffer_pool *p = b->large ? &l->large : &l->small;
	if (p->free_count >= p->kept)
		memory_trim(b, p->size, 0, p->size);
	p->free[p->free_count++] = b;
}

void listener_release_job(struct listener *l, struct job *job)
{
	struct buffer *b = jobs_release(&l->jobs, job);
	if (b)
		listener_give_buffer(l, b);
}

/* `cap`: bytes in one, behind its head. */
static void set_up_buffers(struct buffer_pool *p, size_t count, size_t cap, size_t kept)
{
	p->size = (sizeof(struct buffer) + cap + PAGE - 1) / PAGE * PAGE;
	p->memory = memory_map(count * p->size);
	p->free = memory_map(count * sizeof(struct buffer *));
	p->unused = count;
	p->kept = kept;
}

static void set_up_memory(struct listener *l, size_t connections)
{
	l->slots_count = connections;
	l->slots = memory_map(connections * sizeof(*l->slots));
	for (size_t i = connections; i-- > 0;) {
		l->slots[i].next = l->free_slots;
		l->slots[i].fd = -1;
		l->free_slots = &l->slots[i];
	}
	/* Every connection and every job may hold one. */
	set_up_buffers(&l->small, connections + l->config->workers + QUEUE_MAX, SMALL_BUFFER, SMALL_BUFFERS_KEPT);
	/* Large requests are rare: their memory always goes back. */
	set_up_buffers(&l->large, LARGE_BUFFERS, LARGE_BUFFER * (1 + (size_t)ARENA_PER_BUFFER), 0);
}

/* ---- time ---- */

void listener_wait(struct listener *l, struct connection *c, enum wait_class wait)
{
	if (c->wait != WAIT_NONE) {
		struct wait_queue *q = &l->waits[c->wait];
		*(c->previous ? &c->previous->next : &q->first) = c->next;
		*(c->next ? &c->next->previous : &q->last) = c->previous;
	}
	c->wait = wait;
	c->next = c->previous = NULL;
	if (wait == WAIT_NONE)
		return;
	struct wait_queue *q = &l->waits[wait];
	c->due = l->now + q->length_ms;
	c->previous = q->last;
	*(q->last ? &q->last->next : &q->first) = c;
	q->last = c;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void take_answers(struct listener *l)
{
	struct job *job;
	struct buffer *b;
	struct secure *s;
	while (l->config->tls_cert && (s = handshakes_next_done(&l->handshakes)))
		connection_take_back(l, s->connection);
	while ((job = jobs_next_answered(&l->jobs))) {
		if (job->connection)
			connection_answer_job(l, job->connection);
		else
			listener_release_job(l, job);
	}
	while ((b = jobs_next_returned(&l->jobs)))
		listener_give_buffer(l, b);
}

/* Serves what is done and what is due; returns when the next is. */
static int64_t expire(struct listener *l)
{
	int64_t next = jobs_turn(&l->jobs, l->now);
	take_answers(l);
	for (size_t i = 0; i < WAIT_CLASSES; i++) {
		struct wait_queue *q = &l->waits[i];
		while (q->first && q->first->due <= l->now)
			connection_expire(l, q->first);
		if (q->first)
			next = earliest(next, q->first->due);
	}
	if (!l->accepting && !l->draining)
		next = earliest(next, l->accept_again);
	if (l->draining && l->backend && l->now >= l->functions_end_by)
		backend_stop(l->backend, true);
	/* Functions end without waking this thread. */
	return l->draining ? earliest(earliest(next, l->drained_by), l->now + DRAIN_LOOK_MS) : next;
}

/* ---- accepting ---- */

static void watch(struct listener *l, int fd, uint32_t events, const char *tag)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = (void *)(uintptr_t)tag } };
	check(epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void accept_from_now_on(struct listener *l, bool accepting)
{
	if (l->accepting == accepting)
		return;
	l->accepting = accepting;
	for (size_t i = 0; i < l->sockets_count; i++) {
		if (accepting)
			watch(l, l->sockets[i].fd, EPOLLIN, &accept_tag);
		else
			epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->sockets[i].fd, NULL);
	}
}

/* The one that has been idle the longest makes room for a new one. */
static bool make_room(struct listener *l)
{
	if (!l->free_slots && l->waits[WAIT_IDLE].first)
		connection_expire(l, l->waits[WAIT_IDLE].first);
	return l->free_slots != NULL;
}

static void turn_away(int fd, bool secure)
{
	struct str sorry = HTTP_RESPONSE_503;
	if (!secure)
		(void)!send(fd, sorry.p, sorry.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void accept_some(struct listener *l, const struct listening *socket)
{
	for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
		char memory[PEER_MAX];
		struct buf peer = BUF(memory);
		struct fault f;
		int fd;
		enum err e = listen_accept(&fd, &peer, socket->fd, &f);
		if (e == E_LIMIT || e == E_SYSTEM) {
			LOG(LOG_ERROR, "no more connections are accepted until one ends", "open# reason", NUM(l->open),
				fault_text(&f));
			l->accept_again = l->now + ACCEPT_AGAIN_MS;
			accept_from_now_on(l, false);
		}
		if (e != OK)
			return;
		if (make_room(l))
			connection_open(l, fd, buf_str(&peer), socket->metrics);
		else
			turn_away(fd, l->config->tls_cert && !socket->metrics);
	}
}

/* ---- life ---- */

static void drain(struct listener *l)
{
	if (l->draining)
		return;
	LOG(LOG_INFO, "draining: no new connections, what is in flight is finished", "connections#", NUM(l->open));
	systemd_notify(l->env, S("STOPPING=1"));
	accept_from_now_on(l, false);
	l->draining = true;
	l->drained_by = l->now + DRAIN_MS;
	l->functions_end_by = l->now + DRAIN_MS - FUNCTIONS_END_MS;
	if (l->backend)
		backend_stop(l->backend, false);
	jobs_close(&l->jobs);
	for (size_t i = 0; i < l->sockets_count; i++)
		close(l->sockets[i].fd);
	for (size_t i = 0; i < l->slots_count; i++)
		if (l->slots[i].fd >= 0)
			connection_drain(l, &l->slots[i]);
}

static void reload(struct listener *l)
{
	systemd_notify_reloading(l->env);
	if (l->config->tls_cert)
		handshakes_reload(&l->handshakes);
	signing_secrets_read_aside(&l->services->secrets, true);
	systemd_notify(l->env, S("READY=1"));
}

static void take_signals(struct listener *l)
{
	struct signalfd_siginfo info;
	while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			children_reap(&process_children);
		else if (info.ssi_signo == SIGHUP)
			reload(l);
		else
			drain(l);
	}
}

static void take_event(struct listener *l, const struct epoll_event *ev)
{
	if (ev->data.ptr == &accept_tag)
		l->acceptable = true;
	if (ev->data.ptr == &accept_tag || ev->data.ptr == &wake_tag)
		return; /* looked at in every round */
	if (ev->data.ptr == &signal_tag) {
		take_signals(l);
		return;
	}
	struct connection *c = ev->data.ptr;
	/* Closed earlier in this round; its slot cannot have been given away since. */
	if (c->fd < 0)
		return;
	c->hung_up |= (ev->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	c->readable |= (ev->events & EPOLLIN) || c->hung_up;
	c->writable |= (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
	connection_advance(l, c);
}

static bool is_done(struct listener *l)
{
	size_t queued, running;
	if (!l->draining)
		return false;
	jobs_count(&l->jobs, &queued, &running);
	size_t functions = l->backend ? backend_unfinished(l->backend) : 0;
	return l->open + queued + running + functions == 0 || l->now >= l->drained_by;
}

static void run(struct listener *l)
{
	struct epoll_event events[EVENTS_MAX];
	while (!is_done(l)) {
		int64_t next = expire(l);
		int64_t wait = next == DEADLINE_NEVER ? -1 : next > l->now ? next - l->now : 0;
		int n = epoll_wait(l->epoll, events, EVENTS_MAX, (int)wait);
		l->now = clock_mono_ms();
		for (int i = 0; i < n; i++)
			take_event(l, &events[i]);
		if (!l->draining && l->now >= l->accept_again)
			accept_from_now_on(l, true);
		for (size_t i = 0; l->acceptable && l->accepting && i < l->sockets_count; i++)
			accept_some(l, &l->sockets[i]);
		l->acceptable = false;
	}
}

/* File descriptors for all connections, or as many as the system gives. */
static size_t raise_limits(const struct listener_config *config)
{
	struct rlimit limit;
	size_t wanted = config->tls_cert ? CONNECTIONS_TLS_MAX : CONNECTIONS_MAX, others = config->workers * 2 + OTHER_FDS;
	if (config->functions.n)
		others += config->function_limit * FUNCTION_FDS;
	check(prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0);
	if (limit.rlim_cur < wanted + others) {
		limit.rlim_cur = limit.rlim_max < wanted + others ? limit.rlim_max : wanted + others;
		/* Whether that worked or not, what is there now counts. */
		prlimit(0, RLIMIT_NOFILE, &limit, NULL);
		check(prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0);
	}
	if (limit.rlim_cur >= wanted + others)
		return wanted;
	size_t had = (size_t)limit.rlim_cur;
	wanted = had > 2 * others ? had - others : had / 2;
	LOG(LOG_WARN, "fewer connections than intended: raise the limit of open files (ulimit -n, LimitNOFILE=)",
		"connections#", NUM(wanted));
	return wanted;
}

static int open_signals(void)
{
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGCHLD);
	check(sigprocmask(SIG_BLOCK, &wanted, NULL) == 0);
	return signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void add_socket(struct listener *l, int fd, bool metrics)
{
	l->sockets[l->sockets_count++] = (struct listening){ fd, metrics };
}

static enum err open_socket(struct listener *l, struct str address, bool metrics, struct fault *f)
{
	int fd;
	enum err e = listen_open(&fd, address, f);
	if (e == OK)
		add_socket(l, fd, metrics);
	else if (e == E_CONFIG)
		fault_lead(f, e, metrics ? S("GATEWAY_METRICS_LISTEN") : S("GATEWAY_LISTEN"));
	return e;
}

/* Those that the service manager holds take the place of the configured ones; the one it calls "metrics" is for them. */
static enum err open_sockets(struct listener *l, struct fault *f)
{
	bool has_requests = false, has_metrics = false;
	size_t given = systemd_sockets(l->env);
	enum err e = given > GIVEN_SOCKETS_MAX ? fault_set(f, E_CONFIG, 0, "LISTEN_FDS: more than %d sockets",
		NUM(GIVEN_SOCKETS_MAX)) : OK;
	for (size_t i = 0; e == OK && i < given; i++) {
		int fd;
		bool metrics = systemd_socket_is(l->env, i, S("metrics"));
		*(metrics ? &has_metrics : &has_requests) = true;
		e = systemd_socket(&fd, i, f);
		if (e == OK)
			add_socket(l, fd, metrics);
	}
	if (e == OK && !has_requests)
		e = open_socket(l, l->config->address, false, f);
	if (e == OK && !has_metrics && l->config->metrics_address.n)
		e = open_socket(l, l->config->metrics_address, true, f);
	return e;
}

static void tell_addresses(const struct listener *l)
{
	for (size_t i = 0; i < l->sockets_count; i++) {
		char memory[160];
		struct buf name = BUF(memory);
		listen_name(&name, l->sockets[i].fd);
		LOG(LOG_INFO, "listening", "address for", buf_str(&name), l->sockets[i].metrics ? S("metrics") : S("requests"));
	}
}

int listener_run(struct services *s, const struct listener_config *config, const struct environment *env)
{
	static const int64_t lengths[WAIT_CLASSES] = {
		[WAIT_IDLE] = IDLE_MS, [WAIT_HEAD] = HEAD_MS, [WAIT_BODY] = BODY_MS, [WAIT_WRITE] = WRITE_MS, [WAIT_LINGER] = LINGER_MS,
	};
	struct fault f;
	struct listener *l = memory_map(sizeof(*l));
	log_writer_start();
	metrics_start();
	l->services = s;
	l->config = config;
	l->env = env;
	l->now = clock_mono_ms();
	l->started_wall_s = clock_wall_ms() / 1000;
	for (size_t i = 0; i < WAIT_CLASSES; i++)
		l->waits[i].length_ms = lengths[i];
	set_up_memory(l, raise_limits(config));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->signals = open_signals();
	check(l->epoll >= 0 && l->wake >= 0 && l->signals >= 0);
	/* Edge-triggered: every write to it counts, and nobody need read it. */
	watch(l, l->wake, EPOLLIN | EPOLLET, &wake_tag);
	watch(l, l->signals, EPOLLIN, &signal_tag);
	enum err e = jobs_start(&l->jobs, s, config->workers, l->wake, &f);
	if (e == OK)
		e = services_keep_fresh(s, &f);
	if (e == OK && config->tls_cert)
		e = handshakes_start(&l->handshakes, config, l->slots_count, l->wake, &f);
	if (e == OK && config->functions.n)
		e = backend_start(&l->backend, s, config, env, &f);
	s->config.local = l->backend != NULL;
	if (e == OK)
		e = open_sockets(l, &f);
	if (e != OK) {
		log_failure("cannot start", S(""), &f);
		return e == E_CONFIG ? 2 : 1;
	}
	signing_secrets_read_aside(&s->secrets, false);
	accept_from_now_on(l, true);
	tell_addresses(l);
	systemd_notify(env, S("READY=1"));
	run(l);
	for (size_t i = 0; i < l->slots_count; i++)
		if (l->slots[i].fd >= 0)
			connection_abandon(l, &l->slots[i]);
	size_t queued, running;
	jobs_count(&l->jobs, &queued, &running);
	LOG(queued + running ? LOG_ERROR : LOG_INFO, "stopped", "unfinished#", NUM(queued + running));
	return 0;
}

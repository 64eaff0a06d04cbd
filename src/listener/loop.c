#include "listener/loop.h"

#include "base/clock.h"
#include "crypto/seed.h"
#include "listener/replay.h"
#include "listener/requests.h"
#include "listener/sockets.h"
#include "net/listen.h"
#include "os/log_writer.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/systemd.h"
#include "service/metrics.h"
#include "service/recent.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 256,
	ACCEPTS_A_ROUND = 64,   /* then those that are there get their turn */
	ACCEPT_AGAIN_MS = 1000, /* after running out of file descriptors */
	DRAIN_MS = 10000,
	FILES_MIN = 32, /* standard ones, what the loop waits with, sockets, and some to work with */
	TELL_MS = 4000, /* of the time for draining, to end what does not end by itself and to tell its
					   users */
	DRAIN_LOOK_MS = 50,
	TELL_AGAIN_MS = 60000, /* that places run out */
	SECRETS_AGAIN_MS = 300000,

	/* Five megabytes each, with the arena behind it; a few connections make do with two. */
	LARGE_SHARE = 160,
	LARGE_BUFFERS_MIN = 2,
	LARGE_BUFFERS_MAX = 64,
	/* Jobs that wait for a worker. */
	QUEUE_SHARE = 64,
	QUEUE_MIN = 16,
	QUEUE_MAX = 256,
	REPORT_BUFFERS = 4,
	OTHER_FDS = 64, /* files that are not clients: logs, epoll, name servers */
	FUNCTION_FDS =
		8, /* of a function: its pipes, what says that it ended, a connection to a response_url */
};

/* What epoll's data.ptr points to when it is no connection. */
static const char wake_tag, signal_tag, accept_tag;

struct loop {
	struct services *services;
	const struct listener_config *config;
	const struct environment *env;
	struct server server;
	struct requests requests;
	struct sockets sockets;
	int epoll, wake, signals;
	bool accepting;       /* false while there are no file descriptors for more, */
	int64_t accept_again; /* until this moment or until one is closed */
	size_t open_then;     /* connections when that began */
	bool acceptable;      /* somebody is waiting */
	int64_t drained_by, tell_by;
	bool telling;         /* what has not been started will not be */
	int64_t tell_places;  /* not to be said before */
	int64_t secrets_due;  /* to be read again, so that one that was withdrawn ends */
};

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct backend *backend_of(const struct loop *l)
{
	return l->requests.backend;
}

/* ---- accepting ---- */

static void watch(struct loop *l, int fd, uint32_t events, const char *tag)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = (void *)(uintptr_t)tag } };
	process_need(epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
}

static void accept_from_now_on(struct loop *l, bool accepting)
{
	if (l->accepting == accepting)
		return;
	l->accepting = accepting;
	for (size_t i = 0; i < l->sockets.count; i++) {
		if (accepting)
			watch(l, l->sockets.list[i].fd, EPOLLIN, &accept_tag);
		else
			epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->sockets.list[i].fd, NULL);
	}
}

static void accept_some(struct loop *l, const struct listening *socket)
{
	for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
		char memory[PEER_MAX];
		struct buf peer = BUF(memory);
		struct address address;
		struct fault f;
		int fd;
		enum err e = listen_accept(&fd, &peer, socket->fd, &f);
		if (e == E_LIMIT || e == E_SYSTEM) {
			LOG(LOG_ERROR, "no more connections are accepted until one ends", "open# reason",
				NUM(l->server.slots.open), fault_text(&f));
			l->accept_again = l->server.now + ACCEPT_AGAIN_MS;
			l->open_then = l->server.slots.open;
			accept_from_now_on(l, false);
		}
		if (e != OK)
			return;
		bool known = address_parse(&address, buf_str(&peer)),
			 proxy = known && proxies_have(&l->config->proxies, &address);
		/* Who comes through a proxy, or a unix socket, is not one with all others that do. */
		connection_open(
			&l->server, fd, buf_str(&peer), known && !proxy ? &address : NULL, proxy, socket->use);
	}
}

static void accept_what_waits(struct loop *l)
{
	bool again = l->server.now >= l->accept_again || l->server.slots.open < l->open_then;
	if (!l->server.draining && again)
		accept_from_now_on(l, true);
	for (size_t i = 0; l->acceptable && l->accepting && i < l->sockets.count; i++)
		accept_some(l, &l->sockets.list[i]);
	l->acceptable = false;
}

/* ---- signals ---- */

static void drain(struct loop *l)
{
	struct slots *slots = &l->server.slots;
	if (l->server.draining)
		return;
	LOG(LOG_INFO, "draining: no new connections, what is in flight is finished", "connections#",
		NUM(slots->open));
	systemd_notify(l->env, S("STOPPING=1"));
	accept_from_now_on(l, false);
	sockets_close(&l->sockets);
	l->server.draining = true;
	l->drained_by = l->server.now + DRAIN_MS;
	l->tell_by = l->server.now + DRAIN_MS - TELL_MS;
	if (backend_of(l))
		backend_stop(backend_of(l), false);
	jobs_close(&l->requests.jobs, l->tell_by);
	for (size_t i = 0; i < slots->used; i++)
		if (slots->list[i].fd >= 0)
			connection_drain(&l->server, &slots->list[i]);
}

static void reload(struct loop *l)
{
	systemd_notify_reloading(l->env);
	steppers_reload(&l->server.steppers);
	signing_secrets_read_aside(&l->services->secrets, true);
	services_read_credentials_again(l->services);
	systemd_notify(l->env, S("READY=1"));
}

static void take_signals(struct loop *l)
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

/* ---- rounds ---- */

static void take_event(struct loop *l, const struct epoll_event *ev)
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
	steppers_tell(&l->server.steppers, c, ev->events);
	connection_advance(&l->server, c);
}

static void tell_places_taken(struct loop *l)
{
	if (!l->server.places_taken || l->server.now < l->tell_places)
		return;
	LOG(LOG_WARN, "too many clients: those without a verified request lose their places",
		"open# lost#", NUM(l->server.slots.open), NUM(l->server.places_taken));
	l->server.places_taken = 0;
	l->tell_places = l->server.now + TELL_AGAIN_MS;
}

/* Serves what other threads have done and what is due; returns when the next is. */
static int64_t serve_due(struct loop *l)
{
	struct server *server = &l->server;
	int64_t next = DEADLINE_NEVER;
	struct connection *c;
	while ((c = steppers_next_done(&server->steppers)))
		connection_take_back(server, c);
	requests_collect(&l->requests);
	while ((c = slots_next_due(&server->slots, server->now, &next)))
		connection_expire(server, c);
	tell_places_taken(l);
	if (server->now >= l->secrets_due) {
		signing_secrets_read_aside(&l->services->secrets, true);
		l->secrets_due = server->now + SECRETS_AGAIN_MS;
	}
	next = earliest(next, l->secrets_due);
	if (!server->draining)
		return l->accepting ? next : earliest(next, l->accept_again);
	if (server->now >= l->tell_by && !l->telling) {
		l->telling = true;
		jobs_tell(&l->requests.jobs);
		if (backend_of(l))
			backend_stop(backend_of(l), true);
	}
	/* Functions end without waking this thread. */
	return earliest(earliest(next, l->drained_by), server->now + DRAIN_LOOK_MS);
}

static bool is_done(struct loop *l)
{
	size_t queued, running;
	if (!l->server.draining)
		return false;
	jobs_count(&l->requests.jobs, &queued, &running);
	size_t functions = (backend_of(l) ? backend_unfinished(backend_of(l)) : 0) + replay_busy();
	return l->server.slots.open + queued + running + functions == 0 ||
		l->server.now >= l->drained_by;
}

static void run(struct loop *l)
{
	struct epoll_event events[EVENTS_MAX];
	while (!is_done(l)) {
		int64_t next = serve_due(l), now = l->server.now;
		int64_t wait = next == DEADLINE_NEVER ? -1 : next > now ? next - now : 0;
		int n = epoll_wait(l->epoll, events, EVENTS_MAX, (int)wait);
		process_need(n >= 0 || errno == EINTR, "epoll_wait");
		l->server.now = clock_mono_ms();
		for (int i = 0; i < n; i++)
			take_event(l, &events[i]);
		accept_what_waits(l);
	}
}

/* ---- start and end ---- */

/* Files besides clients: a worker's connection, and one that it makes ahead; what functions need.
 */
static size_t other_files(const struct listener_config *config)
{
	return config->workers * 2 + OTHER_FDS +
		(config->functions.n ? config->function_limit * FUNCTION_FDS : 0);
}

/* File descriptors for all connections, or as many as the system gives. E_LIMIT: too few to start
 * with. */
static enum err raise_limits(
	size_t *connections, const struct listener_config *config, struct fault *f)
{
	struct rlimit limit;
	size_t wanted = config->connections, others = other_files(config);
	process_need(prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0, "prlimit");
	if (limit.rlim_cur < wanted + others) {
		limit.rlim_cur = limit.rlim_max < wanted + others ? limit.rlim_max : wanted + others;
		/* Whether that worked or not, what is there now counts. */
		prlimit(0, RLIMIT_NOFILE, &limit, NULL);
		process_need(prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0, "prlimit");
	}
	*connections = wanted;
	if (limit.rlim_cur >= wanted + others)
		return OK;
	size_t had = (size_t)limit.rlim_cur;
	if (had < FILES_MIN)
		return fault_set(f, E_LIMIT, 0,
			"the limit of open files is %d, at least %d are needed: raise it (ulimit -n, "
			"LimitNOFILE=)",
			NUM(had), NUM(FILES_MIN));
	*connections = had > 2 * others ? had - others : had / 2;
	LOG(LOG_WARN,
		"fewer connections than intended: raise the limit of open files (ulimit -n, LimitNOFILE=)",
		"connections#", NUM(*connections));
	return OK;
}

static int open_signals(void)
{
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGCHLD);
	process_need(sigprocmask(SIG_BLOCK, &wanted, NULL) == 0, "sigprocmask");
	return signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
}

static size_t within(size_t n, size_t least, size_t most)
{
	return n < least ? least : n > most ? most : n;
}

/* With the square of the connections: a few make do with the least, the default has the most. */
static size_t by_connections(size_t connections, size_t share, size_t least, size_t most)
{
	size_t shares = within(connections / share, 0, most);
	return within(shares * shares, least, most);
}

static size_t jobs_wanted(const struct listener_config *config)
{
	return config->workers + by_connections(config->connections, QUEUE_SHARE, QUEUE_MIN, QUEUE_MAX);
}

static enum err set_up_slots(struct loop *l, struct fault *f)
{
	uint64_t seed;
	size_t connections;
	enum err e = raise_limits(&connections, l->config, f);
	if (e != OK)
		return e;
	const struct slots_sizes sizes = {
		.connections = connections,
		.idle_ms = (int64_t)l->config->idle_s * 1000,
		.buffers = {
			/* Every connection and every job may hold one. */
			[BUFFER_SMALL] = connections + jobs_wanted(l->config),
			[BUFFER_LARGE] = by_connections(
				connections, LARGE_SHARE, LARGE_BUFFERS_MIN, LARGE_BUFFERS_MAX),
			[BUFFER_REPORT] = REPORT_BUFFERS,
		},
	};
	seed_fill(&seed, sizeof(seed));
	slots_init(&l->server.slots, &sizes, seed);
	return OK;
}

static enum err set_up_events(struct loop *l, struct fault *f)
{
	l->epoll = l->server.epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->signals = open_signals();
	if (l->epoll < 0 || l->wake < 0 || l->signals < 0)
		return fault_set(f, E_SYSTEM, errno, "the listener cannot wait for events");
	/* Edge-triggered: every write to it counts, and nobody need read it. */
	watch(l, l->wake, EPOLLIN | EPOLLET, &wake_tag);
	watch(l, l->signals, EPOLLIN, &signal_tag);
	return OK;
}

static enum err start(struct loop *l, struct fault *f)
{
	struct services *s = l->services;
	const struct listener_config *config = l->config;
	enum err e = config->journal.n ? services_open_journal(s, config->journal, f) : OK;
	if (e == OK)
		e = set_up_slots(l, f);
	if (e == OK)
		e = set_up_events(l, f);
	if (e == OK)
		e = jobs_start(&l->requests.jobs, s, jobs_wanted(config), config->workers, l->wake, f);
	resolver_check(&s->resolver);
	if (e == OK)
		e = steppers_start(&l->server.steppers, config, l->server.slots.count, l->wake, f);
	/* So that those who are through keep half of the places, whatever comes. */
	l->server.handshakes_max = (l->server.slots.count + 1) / 2;
	if (e == OK && config->functions.n)
		e = backend_start(&l->requests.backend, s, config, l->env, f);
	l->requests.jobs.backend = backend_of(l);
	s->config.local = backend_of(l) != NULL;
	if (e == OK)
		e = sockets_open(&l->sockets, config, l->env, f);
	/* Not before: sockets are made under a umask that what it may run would inherit. */
	if (e == OK)
		e = services_keep_fresh(s, f);
	return e == OK && s->journal ? replay_start(s, backend_of(l), f) : e;
}

/* Exit code: 1 if something that was acknowledged is neither settled nor told. */
static int stop(struct loop *l)
{
	struct slots *slots = &l->server.slots;
	size_t queued, running;
	for (size_t i = 0; i < slots->used; i++)
		if (slots->list[i].fd >= 0)
			connection_abandon(&l->server, &slots->list[i]);
	jobs_count(&l->requests.jobs, &queued, &running);
	size_t untold = jobs_untold(&l->requests.jobs);
	if (backend_of(l))
		untold += backend_unfinished(backend_of(l)) + backend_untold(backend_of(l));
	struct journal *journal = l->services->journal;
	struct fault f;
	/* What was settled is to be on disk. */
	if (journal)
		(void)!journal_wait(journal, journal->appended, clock_mono_ms() + JOURNAL_PATIENCE_MS, &f);
	LOG(queued + running + untold ? LOG_ERROR : LOG_INFO, "stopped", "unfinished# untold#",
		NUM(queued + running), NUM(untold));
	return untold ? 1 : 0;
}

size_t loop_upstreams(const struct listener_config *config)
{
	return config->workers + TELLERS + (config->functions.n ? config->function_limit : 0);
}

int loop_run(
	struct services *s, const struct listener_config *config, const struct environment *env)
{
	struct fault f;
	struct loop *l = memory_map(sizeof(*l));
	log_writer_start();
	metrics_start();
	recent_start();
	l->services = s;
	l->config = config;
	l->env = env;
	l->server.now = clock_mono_ms();
	l->secrets_due = l->server.now + SECRETS_AGAIN_MS;
	l->requests.services = s;
	l->requests.status = (struct status){
		.config = config, .started_wall_s = clock_wall_ms() / 1000
	};
	l->server.proxies = &config->proxies;
	requests_attach(&l->requests, &l->server);
	enum err e = start(l, &f);
	if (e != OK) {
		log_failure("cannot start", S(""), &f);
		return e == E_CONFIG ? 2 : 1;
	}
	signing_secrets_read_aside(&s->secrets, false);
	accept_from_now_on(l, true);
	sockets_tell(&l->sockets);
	systemd_notify(env, S("READY=1"));
	/* Those that this process was born with may have ended before their end was waited for. */
	children_reap(&process_children);
	run(l);
	return stop(l);
}

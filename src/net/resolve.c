#include "net/resolve.h"

#include "base/clock.h"
#include "crypto/seed.h"
#include "net/dns.h"
#include "net/etc.h"
#include "net/tcp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	TTL_LEAST_S = 1,
	TTL_MOST_S = 300,
	TTL_HOSTS_S = 60,
	STALE_MS = 3000,       /* how long others may use old addresses while one caller asks again */
	AAAA_PATIENCE_MS = 50, /* how much longer than for A to wait for AAAA (RFC 8305, 3) */
	UDP_ANSWER_MAX = 1500, /* 512 are allowed; some send more */
	TCP_ANSWER_MAX = 4096,
};

void resolver_init(struct resolver *r, const char *conf_path, const char *hosts_path)
{
	r->conf_path = conf_path;
	r->hosts_path = hosts_path;
	r->port = 53;
}

/* ---- the cache ---- */

static struct str entry_name(const struct resolver_entry *e)
{
	return (struct str){ e->name, e->name_n };
}

static bool cache_get(struct resolver *r, struct addresses *out, struct str host)
{
	bool fresh = false;
	lock_take(&r->lock);
	for (size_t i = 0; i < countof(r->cache); i++) {
		struct resolver_entry *e = &r->cache[i];
		if (e->until == 0 || !str_eq_nocase(entry_name(e), host))
			continue;
		int64_t now = clock_mono_ms();
		fresh = now < e->until;
		if (fresh)
			*out = e->found;
		else
			e->until = now + STALE_MS;
	}
	lock_give(&r->lock);
	return fresh;
}

static void cache_put(struct resolver *r, const struct addresses *found, struct str host, uint32_t ttl_s)
{
	int64_t ttl = ttl_s < TTL_LEAST_S ? TTL_LEAST_S : ttl_s > TTL_MOST_S ? TTL_MOST_S : ttl_s;
	lock_take(&r->lock);
	/* Its own place, or the one whose time is up first. */
	struct resolver_entry *place = &r->cache[0];
	for (size_t i = 0; i < countof(r->cache); i++) {
		struct resolver_entry *e = &r->cache[i];
		if (e->until < place->until)
			place = e;
		if (str_eq_nocase(entry_name(e), host)) {
			place = e;
			break;
		}
	}
	check(host.n <= sizeof(place->name));
	memcpy(place->name, host.p, host.n);
	place->name_n = host.n;
	place->found = *found;
	place->until = clock_mono_ms() + ttl * 1000;
	lock_give(&r->lock);
}

/* ---- asking ---- */

/* One name, asked for with both types at once. */
struct inquiry {
	const struct resolv_conf *conf;
	uint16_t port;
	struct pollfd servers[ETC_SERVERS_MAX]; /* their sockets; fd -1 before the first use */
	struct dns_question questions[2];       /* A, AAAA */
	struct dns_answer answers[2];
	bool answered[2];
	unsigned asked;   /* how often a server was asked so far */
	bool awaited[2];  /* the last one asked has not said anything to this yet */
	unsigned trouble; /* RCODE of the last server that could not tell, or 0 */
	int64_t next;     /* monotonic ms: when to ask the next one, or to stop waiting */
};

static int connected_socket(const struct address *server, uint16_t port)
{
	union socket_address to;
	socklen_t n = address_to_socket(&to, server, port);
	int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Connected, so that what others send is dropped, and a port where nobody listens is an error at once. */
	if (fd >= 0 && connect(fd, &to.any, n) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t last_asked(const struct inquiry *q)
{
	check(q->conf->servers.count > 0);
	return (q->asked - 1) % q->conf->servers.count;
}

/* Sends what is not answered yet to the next server. */
static bool ask_next(struct inquiry *q)
{
	q->asked++;
	size_t server = last_asked(q);
	struct pollfd *p = &q->servers[server];
	if (p->fd < 0)
		*p = (struct pollfd){ connected_socket(&q->conf->servers.list[server], q->port), POLLIN, 0 };
	bool sent = p->fd >= 0;
	for (size_t i = 0; i < 2 && sent; i++) {
		char bytes[DNS_QUERY_MAX];
		struct buf b = BUF(bytes);
		dns_put_query(&b, &q->questions[i]);
		q->awaited[i] = !q->answered[i];
		sent = q->answered[i] || send(p->fd, b.p, b.n, MSG_NOSIGNAL) >= 0;
	}
	return sent;
}

static enum err read_whole(int fd, char *p, size_t n, struct deadline *d, struct fault *f)
{
	while (n > 0) {
		size_t got = 0;
		enum err e = socket_wait(&(struct pollfd){ fd, POLLIN, 0 }, 1, d, f);
		if (e == OK)
			e = tcp_receive(fd, &got, p, n, f);
		if (e != OK && e != E_MORE)
			return e;
		p += got, n -= got;
	}
	return OK;
}

/* One question and its answer over TCP, each behind its length (RFC 1035, 4.2.2). */
static enum err exchange_tcp(int fd, struct dns_answer *answer, const struct dns_question *question, struct deadline *d,
                             struct fault *f)
{
	char query[2 + DNS_QUERY_MAX], message[TCP_ANSWER_MAX];
	uint8_t length[2];
	size_t sent, n = 0;
	struct buf b = BUF(query);
	b.n = 2;
	dns_put_query(&b, question);
	query[0] = (char)((b.n - 2) >> 8);
	query[1] = (char)(b.n - 2);
	/* It fits into the buffer of a new connection as a whole. */
	enum err e = tcp_send(fd, &sent, &(struct iovec){ b.p, b.n }, 1, f);
	if (e != OK || sent != b.n)
		return E_CLOSED;
	e = read_whole(fd, (char *)length, sizeof(length), d, f);
	if (e == OK) {
		n = (size_t)length[0] << 8 | length[1];
		e = n <= sizeof(message) ? read_whole(fd, message, n, d, f) : E_LIMIT;
	}
	return e == OK ? dns_read_answer(answer, (struct str){ message, n }, question) : e;
}

static enum err ask_over_tcp(struct inquiry *q, size_t server, size_t i, struct deadline *d, struct fault *f)
{
	struct deadline inner = deadline_within(d, RESOLVE_PATIENCE_MS);
	struct addresses to = { .count = 1, .list = { q->conf->servers.list[server] } };
	int fd;
	enum err e = tcp_connect(&fd, &to, S("the name server"), q->port, &inner, f);
	if (e == OK) {
		e = exchange_tcp(fd, &q->answers[i], &q->questions[i], &inner, f);
		close(fd);
	}
	deadline_leave(d, &inner);
	return e;
}

/* Takes what `server` sent, if it is an answer to question `i`. */
static void take_answer(struct inquiry *q, size_t server, size_t i, struct str message, struct deadline *d, struct fault *f)
{
	struct dns_answer *a = &q->answers[i];
	if (q->answered[i] || dns_read_answer(a, message, &q->questions[i]) != OK)
		return;
	bool whole = !a->truncated || ask_over_tcp(q, server, i, d, f) == OK;
	q->answered[i] = whole && (a->status == DNS_NO_ERROR || a->status == DNS_NO_SUCH_NAME);
	if (!q->answered[i]) {
		a->found.count = 0;
		q->trouble = a->status;
	}
	if (server == last_asked(q))
		q->awaited[i] = false;
}

static void receive(struct inquiry *q, size_t server, struct deadline *d, struct fault *f)
{
	char bytes[UDP_ANSWER_MAX];
	ssize_t n = recv(q->servers[server].fd, bytes, sizeof(bytes), 0);
	for (size_t i = 0; i < 2 && n > 0; i++)
		take_answer(q, server, i, (struct str){ bytes, (size_t)n }, d, f);
	bool gone = n < 0 && errno != EAGAIN && errno != EINTR;
	if (server == last_asked(q) && (gone || (!q->awaited[0] && !q->awaited[1])))
		q->next = 0;
}

/* Asks until both questions are answered or nothing more is to be expected. */
static enum err inquire(struct inquiry *q, struct deadline *d, struct fault *f)
{
	unsigned most = q->conf->attempts * (unsigned)q->conf->servers.count;
	while (!q->answered[0] || !q->answered[1]) {
		int64_t now = clock_mono_ms();
		if (now >= q->next) {
			if (q->asked == most || q->answers[0].found.count > 0)
				return OK;
			if (ask_next(q))
				q->next = now + (q->asked < most ? RESOLVE_PATIENCE_MS : q->conf->timeout_s * INT64_C(1000));
			continue;
		}
		enum err e = socket_wait_within(q->servers, q->conf->servers.count, q->next - now, d, f);
		if (e != OK && e != E_MORE)
			return e;
		for (size_t i = 0; i < q->conf->servers.count && e == OK; i++)
			if (q->servers[i].fd >= 0 && q->servers[i].revents)
				receive(q, i, d, f);
		if (q->answers[0].found.count > 0 && q->next > clock_mono_ms() + AAAA_PATIENCE_MS)
			q->next = clock_mono_ms() + AAAA_PATIENCE_MS;
	}
	return OK;
}

static void interleave(struct addresses *out, const struct addresses *a, const struct addresses *b)
{
	out->count = 0;
	for (size_t i = 0; i < a->count || i < b->count; i++) {
		if (i < a->count)
			addresses_add(out, a->list[i]);
		if (i < b->count)
			addresses_add(out, b->list[i]);
	}
}

/* What became of one look-up, and what it works with. */
struct lookup {
	struct str host;
	struct addresses *found;
	uint32_t ttl_s;
	struct resolv_conf conf;
	uint16_t port;
};

static enum err no_address(const struct inquiry *q, struct str host, struct fault *f)
{
	if (q->trouble)
		return fault_set(f, E_NAME, 0, "the name server could not look up %s (RCODE %d)", host, NUM(q->trouble));
	if (!q->answered[0] || !q->answered[1])
		return fault_set(f, E_NAME, 0, "no name server answered when asked for %s", host);
	if (q->answers[0].status == DNS_NO_SUCH_NAME || q->answers[1].status == DNS_NO_SUCH_NAME)
		return fault_set(f, E_NAME, 0, "there is no host named %s", host);
	return fault_set(f, E_NAME, 0, "%s has no address", host);
}

/* Asks for `name`, which is the host's or what the search list makes of it. E_MORE: the servers know that it has no
 * address, but another name may have one; the fault is set as if there were none. */
static enum err ask(struct lookup *l, struct str name, struct deadline *d, struct fault *f)
{
	uint16_t ids[2];
	seed_fill(ids, sizeof(ids));
	struct inquiry q = { .conf = &l->conf, .port = l->port };
	for (size_t i = 0; i < countof(q.servers); i++)
		q.servers[i].fd = -1;
	for (size_t i = 0; i < countof(q.questions); i++)
		q.questions[i] = (struct dns_question){ ids[i], i ? DNS_AAAA : DNS_A, name };
	enum err e = inquire(&q, d, f);
	for (size_t i = 0; i < countof(q.servers); i++)
		if (q.servers[i].fd >= 0)
			close(q.servers[i].fd);
	if (e == E_TIMEOUT)
		return fault_set(f, e, 0, "looking up %s took too long", l->host);
	if (e != OK)
		return e;
	interleave(l->found, &q.answers[1].found, &q.answers[0].found);
	if (l->found->count == 0) {
		e = no_address(&q, l->host, f);
		return q.answered[0] && q.answered[1] ? E_MORE : e;
	}
	l->ttl_s = UINT32_MAX;
	for (size_t i = 0; i < countof(q.answers); i++)
		if (q.answers[i].found.count > 0 && q.answers[i].ttl < l->ttl_s)
			l->ttl_s = q.answers[i].ttl;
	return OK;
}

static enum err search(struct lookup *l, bool absolute, struct deadline *d, struct fault *f)
{
	struct str domains = { l->conf.search, absolute ? 0 : l->conf.search_n }, domain;
	bool first = absolute || str_find(l->host, '.') < l->host.n;
	enum err e = first ? ask(l, l->host, d, f) : E_MORE;
	while (e == E_MORE && etc_word(&domain, &domains)) {
		char bytes[DNS_NAME_MAX];
		struct buf name = BUF(bytes);
		buf_format(&name, "%s.%s", l->host, str_ends(domain, S(".")) ? str_sub(domain, 0, domain.n - 1) : domain);
		if (!name.full && dns_is_name(buf_str(&name)))
			e = ask(l, buf_str(&name), d, f);
	}
	if (e == E_MORE && !first)
		e = ask(l, l->host, d, f);
	return e == E_MORE ? E_NAME : e;
}

static bool is_localhost(struct str host)
{
	struct str end = S(".localhost");
	return str_eq_nocase(host, S("localhost")) || (host.n > end.n && str_eq_nocase(str_skip(host, host.n - end.n), end));
}

enum err resolve(struct resolver *r, struct addresses *out, struct str host, struct deadline *d, struct fault *f)
{
	struct address literal;
	out->count = 0;
	if (address_parse(&literal, host)) {
		addresses_add(out, literal);
		return OK;
	}
	bool absolute = str_ends(host, S("."));
	host = str_sub(host, 0, host.n - absolute);
	if (!dns_is_name(host))
		return fault_set(f, E_NAME, 0, "`%s` cannot be a host name", host);
	if (is_localhost(host)) {
		addresses_add(out, (struct address){ IN6ADDR_LOOPBACK_INIT });
		addresses_add(out, address_v4((const uint8_t[]){ 127, 0, 0, 1 }));
		return OK;
	}
	if (cache_get(r, out, host))
		return OK;

	struct lookup l = { .host = host, .found = out, .ttl_s = TTL_HOSTS_S, .port = r->port };
	etc_find_host(out, r->hosts_path, host);
	if (out->count == 0) {
		etc_read_resolv_conf(&l.conf, r->conf_path);
		enum err e = search(&l, absolute, d, f);
		if (e != OK)
			return e;
	}
	cache_put(r, out, host, l.ttl_s);
	return OK;
}

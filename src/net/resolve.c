#include "net/resolve.h"

#include "base/clock.h"
#include "base/log.h"
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
	TTL_UNSURE_S = 5,      /* of what was found behind a name that no server could tell about */
	STALE_MS = 3000,       /* how long others may use old addresses while one caller asks again */
	SPELT_LEAST = 6,       /* letters: with fewer, chance may have repeated their case */
	UDP_ANSWER_MAX = 1500, /* 512 are allowed; some send more */
	TCP_ANSWER_MAX = 4096,
};

void resolver_init(struct resolver *r, const char *conf_path, const char *hosts_path)
{
	r->conf_path = conf_path;
	r->hosts_path = hosts_path;
	r->port = 53;
	r->aaaa_ms = RESOLVE_AAAA_MS;
}

/* ---- the cache ---- */

static struct str entry_name(const struct resolver_entry *e)
{
	return (struct str){ e->name, e->name_n };
}

enum kept { UNKNOWN, FOUND, ABSENT };

/* What is kept about `name`; if it is absent, *exists says in which way. */
static enum kept cache_get(struct resolver *r, struct addresses *out, bool *exists, struct str name)
{
	enum kept kept = UNKNOWN;
	lock_take(&r->lock);
	for (size_t i = 0; i < r->cached; i++) {
		struct resolver_entry *e = &r->cache[i];
		if (!str_eq_nocase(entry_name(e), name))
			continue;
		int64_t now = clock_mono_ms();
		bool fresh = now < e->until, absent = e->found.count == 0;
		if (fresh)
			kept = absent ? ABSENT : FOUND;
		else if (!absent)
			e->until = now + STALE_MS;
		*out = e->found;
		*exists = e->exists;
	}
	lock_give(&r->lock);
	return kept;
}

/* Its own place, or else a new one, or that of the name whose time is up first. */
static struct resolver_entry *place_for(struct resolver *r, struct str name)
{
	struct resolver_entry *place = &r->cache[0];
	for (size_t i = 0; i < r->cached; i++) {
		struct resolver_entry *e = &r->cache[i];
		if (str_eq_nocase(entry_name(e), name))
			return e;
		if (e->until < place->until)
			place = e;
	}
	return r->cached < countof(r->cache) ? &r->cache[r->cached++] : place;
}

static void cache_put(
	struct resolver *r, const struct addresses *found, bool exists, struct str name, uint32_t ttl_s)
{
	int64_t ttl = ttl_s < TTL_LEAST_S ? TTL_LEAST_S : ttl_s > TTL_MOST_S ? TTL_MOST_S : ttl_s;
	lock_take(&r->lock);
	struct resolver_entry *place = place_for(r, name);
	check(name.n <= sizeof(place->name));
	memcpy(place->name, name.p, name.n);
	place->name_n = name.n;
	place->found = *found;
	place->exists = exists;
	place->until = clock_mono_ms() + ttl * 1000;
	lock_give(&r->lock);
}

/* ---- which servers repeat the case of letters ---- */

static size_t find_echo(const struct resolver *r, const struct address *server)
{
	size_t i = 0;
	while (i < r->echoes_n && memcmp(&r->echoes[i], server, sizeof(*server)) != 0)
		i++;
	return i;
}

static bool is_echoing(struct resolver *r, const struct address *server)
{
	lock_take(&r->lock);
	bool known = find_echo(r, server) < r->echoes_n;
	lock_give(&r->lock);
	return known;
}

static void set_echoing(struct resolver *r, const struct address *server, bool does)
{
	lock_take(&r->lock);
	size_t i = find_echo(r, server);
	if (does && i == r->echoes_n && i < RESOLVE_ECHOES)
		r->echoes[r->echoes_n++] = *server;
	else if (!does && i < r->echoes_n)
		r->echoes[i] = r->echoes[--r->echoes_n];
	lock_give(&r->lock);
}

/* Makes each letter a capital or not by chance (draft-vixie-dnsext-dns0x20). */
static struct str spell(char out[static DNS_NAME_MAX], struct str name)
{
	uint8_t chance[(DNS_NAME_MAX + 7) / 8];
	check(name.n <= DNS_NAME_MAX);
	seed_fill(chance, (name.n + 7) / 8);
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = lower((unsigned char)name.p[i]);
		out[i] = (char)(is_alpha(c) && (chance[i / 8] >> i % 8 & 1) ? c - 32 : c);
	}
	return (struct str){ out, name.n };
}

/* Whether repeating this name to the letter says anything about a server. */
static bool is_telling(struct str name)
{
	size_t capitals = 0, letters = 0;
	for (size_t i = 0; i < name.n; i++) {
		letters += is_alpha((unsigned char)name.p[i]);
		capitals += is_alpha((unsigned char)name.p[i]) && name.p[i] < 'a';
	}
	return letters >= SPELT_LEAST && capitals > 0 && capitals < letters;
}

/* ---- asking ---- */

/* One name, asked for with both types at once. */
struct inquiry {
	struct resolver *resolver;
	const struct resolv_conf *conf;
	size_t first;                           /* server to be asked */
	int64_t last_ms;                        /* how long the last one asked has */
	struct pollfd servers[ETC_SERVERS_MAX]; /* their sockets; fd -1 before the first use */
	struct dns_question questions[2];       /* A, AAAA */
	char names[2][DNS_NAME_MAX];            /* what they ask for */
	struct dns_answer answers[2];
	bool answered[2];
	unsigned asked;   /* how often a server was asked so far */
	bool awaited[2];  /* the last one asked has not said anything to this yet */
	unsigned trouble; /* RCODE of the last server that could not tell, or 0 */
	bool misspelt;    /* a server that repeats the case of letters did not */
	int64_t next;     /* monotonic ms: when to ask the next one, or to stop waiting */
};

static int connected_socket(const struct address *server, uint16_t port)
{
	union socket_address to;
	socklen_t n = address_to_socket(&to, server, port);
	int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Connected, so that what others send is dropped, and a port where nobody listens is an error
	 * at once. */
	if (fd >= 0 && connect(fd, &to.any, n) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t last_asked(const struct inquiry *q)
{
	check(q->conf->servers.count > 0);
	return (q->first + q->asked - 1) % q->conf->servers.count;
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
static enum err exchange_tcp(int fd, struct dns_answer *answer, const struct dns_question *question,
	struct deadline *d, struct fault *f)
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

static enum err ask_over_tcp(
	struct inquiry *q, size_t server, size_t i, struct deadline *d, struct fault *f)
{
	struct deadline inner = deadline_within(d, RESOLVE_PATIENCE_MS);
	struct addresses to = { .count = 1, .list = { q->conf->servers.list[server] } };
	int fd;
	enum err e = tcp_connect(&fd, &to, S("the name server"), q->resolver->port, &inner, f);
	if (e == OK) {
		e = exchange_tcp(fd, &q->answers[i], &q->questions[i], &inner, f);
		close(fd);
	}
	deadline_leave(d, &inner);
	return e;
}

/* Sends what is not answered yet to the next server. */
static bool send_next(struct inquiry *q)
{
	size_t server = last_asked(q);
	struct pollfd *p = &q->servers[server];
	if (p->fd < 0)
		*p = (struct pollfd){ connected_socket(&q->conf->servers.list[server], q->resolver->port),
			POLLIN, 0 };
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

/* Whether an answer over UDP may be believed for the case of its letters: a forger has to guess it.
 */
static bool is_well_spelt(struct inquiry *q, const struct dns_answer *a, size_t server, size_t i)
{
	const struct address *from = &q->conf->servers.list[server];
	if (a->same_case && is_telling(q->questions[i].name))
		set_echoing(q->resolver, from, true);
	bool well = a->same_case || !is_echoing(q->resolver, from);
	q->misspelt = q->misspelt || !well;
	return well;
}

/* Takes what `server` said to question `i`. */
static void settle(struct inquiry *q, size_t server, size_t i, bool whole)
{
	struct dns_answer *a = &q->answers[i];
	q->answered[i] = whole && (a->status == DNS_NO_ERROR || a->status == DNS_NO_SUCH_NAME);
	if (!q->answered[i]) {
		a->found.count = 0;
		q->trouble = a->status;
	}
	if (server == last_asked(q))
		q->awaited[i] = false;
}

/* Takes what `server` sent, if it is an answer to question `i`. */
static void take_answer(struct inquiry *q, size_t server, size_t i, struct str message,
	struct deadline *d, struct fault *f)
{
	struct dns_answer a;
	if (q->answered[i] || dns_read_answer(&a, message, &q->questions[i]) != OK ||
		!is_well_spelt(q, &a, server, i))
		return;
	q->answers[i] = a;
	settle(q, server, i, !a.truncated || ask_over_tcp(q, server, i, d, f) == OK);
}

/* Asks the next server. False when it cannot be reached. */
static bool ask_next(struct inquiry *q, struct deadline *d, struct fault *f)
{
	bool reached = true;
	q->asked++;
	if (!q->conf->use_tcp)
		return send_next(q);
	for (size_t i = 0; i < 2 && reached; i++) {
		reached = q->answered[i] || ask_over_tcp(q, last_asked(q), i, d, f) == OK;
		if (reached && !q->answered[i])
			settle(q, last_asked(q), i, true);
	}
	q->next = 0;
	return false;
}

static void receive_answers(struct inquiry *q, size_t server, struct deadline *d, struct fault *f)
{
	char bytes[UDP_ANSWER_MAX];
	ssize_t n = recv(q->servers[server].fd, bytes, sizeof(bytes), 0);
	for (size_t i = 0; i < 2 && n > 0; i++)
		take_answer(q, server, i, (struct str){ bytes, (size_t)n }, d, f);
	bool gone = n < 0 && errno != EAGAIN && errno != EINTR;
	if (server == last_asked(q) && (gone || (!q->awaited[0] && !q->awaited[1])))
		q->next = 0;
}

/* Whether what has come in will do when it is time to ask again. An address of either family is
 * usable; but that there is none of IPv4 is worth a second question, for its answer may have been
 * lost. */
static bool is_enough(const struct inquiry *q)
{
	return q->answers[0].found.count > 0 || (q->answers[1].found.count > 0 && q->asked > 1);
}

/* Shortens the wait when an address of one family is there. */
static void lose_patience(struct inquiry *q)
{
	int64_t ms = q->answers[0].found.count > 0 ? q->resolver->aaaa_ms : RESOLVE_PATIENCE_MS,
			until = clock_mono_ms() + ms;
	if ((q->answers[0].found.count > 0 || q->answers[1].found.count > 0) && q->next > until)
		q->next = until;
}

/* Asks until both questions are answered or nothing more is to be expected. */
static enum err inquire(struct inquiry *q, struct deadline *d, struct fault *f)
{
	unsigned most = q->conf->attempts * (unsigned)q->conf->servers.count;
	while (!q->answered[0] || !q->answered[1]) {
		int64_t now = clock_mono_ms();
		if (now >= q->next) {
			if (q->asked == most || is_enough(q))
				return OK;
			if (deadline_left(d) == 0)
				return E_TIMEOUT;
			if (ask_next(q, d, f))
				q->next = now + (q->asked < most ? RESOLVE_PATIENCE_MS : q->last_ms);
			lose_patience(q);
			continue;
		}
		enum err e = socket_wait_within(q->servers, q->conf->servers.count, q->next - now, d, f);
		if (e != OK && e != E_MORE)
			return e;
		for (size_t i = 0; i < q->conf->servers.count && e == OK; i++)
			if (q->servers[i].fd >= 0 && q->servers[i].revents)
				receive_answers(q, i, d, f);
		lose_patience(q);
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

/* ---- looking up ---- */

/* One look-up: what it works with, and what is known so far of all names asked for. */
struct lookup {
	struct resolver *resolver;
	struct str host;
	struct addresses *found;
	uint32_t ttl_s;   /* of what was found; or how long it holds that nothing is there */
	bool sure;        /* servers have told about every name */
	bool exists;      /* one of the names exists, though it has no address */
	bool silence;     /* no server said anything about one of them */
	unsigned trouble; /* RCODE of one that no server could tell about, or 0 */
	struct resolv_conf conf;
};

static enum err nothing_found(const struct lookup *l, struct fault *f)
{
	if (l->trouble)
		return fault_set(f, E_NAME, 0, "the name server could not look up %s (RCODE %d)", l->host,
			NUM(l->trouble));
	if (l->silence)
		return fault_set(f, E_NAME, 0, "no name server answered when asked for %s", l->host);
	if (l->exists)
		return fault_set(f, E_NAME, 0, "%s has no address", l->host);
	return fault_set(f, E_NAME, 0, "there is no host named %s", l->host);
}

static void keep_ttl(struct lookup *l, uint32_t ttl_s)
{
	if (ttl_s < l->ttl_s)
		l->ttl_s = ttl_s;
}

/* What one name's servers have said; `key` is its place in the cache. */
static enum err conclude(struct lookup *l, const struct inquiry *q, struct str key)
{
	const struct dns_answer *a = q->answers;
	bool sure = q->answered[0] && q->answered[1],
		 exists = a[0].status == DNS_NO_ERROR || a[1].status == DNS_NO_ERROR;
	interleave(l->found, &a[1].found, &a[0].found);
	if (l->found->count > 0) {
		l->ttl_s = l->sure ? UINT32_MAX : TTL_UNSURE_S;
		for (size_t i = 0; i < 2; i++)
			if (a[i].found.count > 0)
				keep_ttl(l, a[i].ttl);
		return OK;
	}
	l->sure = l->sure && sure;
	if (!sure) {
		l->trouble = q->trouble ? q->trouble : l->trouble;
		l->silence = l->silence || !q->trouble;
		return E_MORE;
	}
	uint32_t ttl = a[0].ttl < a[1].ttl || q->conf->no_aaaa ? a[0].ttl : a[1].ttl;
	l->exists = l->exists || exists;
	keep_ttl(l, ttl);
	if (ttl)
		cache_put(l->resolver, l->found, exists, key, ttl);
	return E_MORE;
}

/* Asks for `name` as it is. E_MORE: it brought no address, but another name may. */
static enum err ask(
	struct lookup *l, struct str name, bool last, struct deadline *d, struct fault *f)
{
	char key[DNS_NAME_MAX + 1];
	struct buf b = BUF(key);
	bool exists;
	buf_format(&b, "%s.", name);
	if (cache_get(l->resolver, l->found, &exists, buf_str(&b)) == ABSENT) {
		l->exists = l->exists || exists;
		return E_MORE;
	}
	uint16_t ids[2];
	seed_fill(ids, sizeof(ids));
	struct inquiry q = {
		.resolver = l->resolver,
		.conf = &l->conf,
		.first = l->conf.rotate ? seed_below((uint32_t)l->conf.servers.count) : 0,
		.last_ms = last ? l->conf.timeout_s * INT64_C(1000) : RESOLVE_PATIENCE_MS,
		.answered = { false, l->conf.no_aaaa },
	};
	for (size_t i = 0; i < countof(q.servers); i++)
		q.servers[i].fd = -1;
	for (size_t i = 0; i < countof(q.questions); i++)
		q.questions[i] =
			(struct dns_question){ ids[i], i ? DNS_AAAA : DNS_A, spell(q.names[i], name) };
	enum err e = inquire(&q, d, f);
	for (size_t i = 0; i < countof(q.servers); i++)
		if (q.servers[i].fd >= 0)
			close(q.servers[i].fd);
	/* A server that repeats the case no more, as after an exchange behind its address, is not held
	 * to it for ever. */
	for (size_t i = 0; i < l->conf.servers.count && q.misspelt && !(q.answered[0] && q.answered[1]);
		 i++)
		set_echoing(l->resolver, &l->conf.servers.list[i], false);
	if (e == E_TIMEOUT)
		return fault_set(f, e, 0, "looking up %s took too long", l->host);
	return e == OK ? conclude(l, &q, buf_str(&b)) : e;
}

/* Asks for the host in `domain`; the root is no domain. */
static enum err ask_within(
	struct lookup *l, struct str domain, bool last, struct deadline *d, struct fault *f)
{
	char bytes[DNS_NAME_MAX];
	struct buf name = BUF(bytes);
	buf_format(&name, "%s.%s", l->host, domain);
	return !name.full && dns_is_name(buf_str(&name)) ? ask(l, buf_str(&name), last, d, f) : E_MORE;
}

static size_t count_dots(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '.';
	return n;
}

/* One name after another, as glibc does. */
static enum err search(struct lookup *l, bool absolute, struct deadline *d, struct fault *f)
{
	struct str domains = { l->conf.search, absolute ? 0 : l->conf.search_n }, domain;
	size_t dots = count_dots(l->host);
	bool as_is = absolute || dots >= l->conf.ndots,
		 no_tld = l->conf.no_tld_query && dots == 0 && domains.n > 0;
	enum err e = as_is ? ask(l, l->host, domains.n == 0, d, f) : E_MORE;
	while (e == E_MORE && domains.n > 0) {
		str_next(&domain, &domains, ' ');
		bool root = str_eq(domain, S(".")), last = domains.n == 0 && (as_is || no_tld);
		if (!root)
			e = ask_within(l, domain, last, d, f);
		else if (!as_is)
			e = ask(l, l->host, domains.n == 0, d, f);
		as_is = as_is || root;
	}
	if (e == E_MORE && !as_is && !no_tld)
		e = ask(l, l->host, true, d, f);
	return e == E_MORE ? nothing_found(l, f) : e;
}

static bool is_localhost(struct str host)
{
	struct str end = S(".localhost");
	return str_eq_nocase(host, S("localhost")) ||
		(host.n > end.n && str_eq_nocase(str_skip(host, host.n - end.n), end));
}

/* Tells once, and not at every look-up, what cannot be used. */
static void tell_unusable(struct resolver *r, const char *path, struct str reason)
{
	lock_take(&r->lock);
	bool now = reason.n > 0 && !r->told;
	r->told = r->told || now;
	lock_give(&r->lock);
	if (now)
		LOG(LOG_WARN, "some settings for looking up names cannot be used",
			"path reason", str_c(path), reason);
}

static void read_conf(struct resolv_conf *out, struct resolver *r, struct fault *f)
{
	bool whole = etc_read_resolv_conf(out, r->conf_path, &r->env, f) == OK;
	struct str skipped = { out->skipped, out->skipped_n };
	tell_unusable(r, r->conf_path, whole ? skipped : fault_text(f));
}

static void find_host(struct addresses *out, struct resolver *r, struct str host, struct fault *f)
{
	if (etc_find_host(out, r->hosts_path, host, f) != OK)
		tell_unusable(r, r->hosts_path, fault_text(f));
}

void resolver_check(struct resolver *r)
{
	struct fault f;
	struct addresses none = { .count = 0 };
	struct resolv_conf conf;
	read_conf(&conf, r, &f);
	find_host(&none, r, S("localhost"), &f);
}

/* With the name servers' help. */
static enum err ask_servers(struct lookup *l, bool absolute, struct deadline *d, struct fault *f)
{
	struct resolver *r = l->resolver;
	read_conf(&l->conf, r, f);
	if (l->conf.servers.count == 0)
		return fault_set(f, E_NAME, 0, "none of the name servers in %s can be used: %s",
			str_c(r->conf_path), (struct str){ l->conf.skipped, l->conf.skipped_n });
	l->ttl_s = UINT32_MAX;
	l->sure = true;
	return search(l, absolute, d, f);
}

enum err resolve(
	struct resolver *r, struct addresses *out, struct str host, struct deadline *d, struct fault *f)
{
	struct address literal;
	struct str key = host;
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
		addresses_add(out, (struct address){ IN6ADDR_LOOPBACK_INIT, 0 });
		addresses_add(out, address_v4((const uint8_t[]){ 127, 0, 0, 1 }));
		return OK;
	}
	struct lookup l = {
		.resolver = r, .host = host, .found = out, .ttl_s = TTL_HOSTS_S, .exists = false
	};
	enum kept kept = cache_get(r, out, &l.exists, key);
	if (kept != UNKNOWN)
		return kept == FOUND ? OK : nothing_found(&l, f);
	out->count = 0;
	find_host(out, r, host, f);
	enum err e = out->count > 0 ? OK : ask_servers(&l, absolute, d, f);
	if (e == OK)
		cache_put(r, out, true, key, l.ttl_s);
	else
		out->count = 0;
	return e;
}

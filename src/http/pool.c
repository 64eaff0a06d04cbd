#include "http/pool.h"

#include "base/clock.h"
#include "os/lock.h"

#include <string.h>

struct pooled {
	struct http_client client; /* first: what is lent is known by its address */
	struct tls_client tls;
};

/* What is known about a connection lies apart from it, so that looking for one touches no other's
 * memory. All zero means that it was never used. */
struct http_slot {
	enum { EMPTY, KEPT, LENT } state;
	bool secure;
	uint16_t port;
	const struct trust *trust;
	int64_t given_ms; /* when it was given back, monotonic */
	size_t host_len;  /* 0: nobody's */
	char host[HTTP_HOST_MAX];
};

/* The connections' offset, aligned for them. */
static size_t slots_end(size_t count)
{
	size_t end = count * sizeof(struct http_slot), unit = _Alignof(struct pooled);
	return (end + unit - 1) / unit * unit;
}

size_t http_pool_size(size_t slots)
{
	return slots_end(slots) + slots * sizeof(struct pooled);
}

void http_pool_init(struct http_pool *p, void *memory, size_t slots)
{
	*p = (struct http_pool){
		.count = slots, .slots = memory, .connections = (void *)((char *)memory + slots_end(slots))
	};
}

size_t http_pool_wrap_size(size_t slots)
{
	return slots * sizeof(struct tls_client);
}

void http_pool_wrap(struct http_pool *p, void *memory)
{
	p->outer = memory;
}

static bool is_for(const struct http_slot *s, const struct dial_target *to)
{
	return s->port == to->port && s->secure == to->secure && s->trust == to->trust &&
		s->host_len > 0 && str_eq_nocase((struct str){ s->host, s->host_len }, to->host);
}

static void set_key(struct http_slot *s, const struct dial_target *to)
{
	s->port = to->port;
	s->secure = to->secure;
	s->trust = to->trust;
	s->host_len = to->host.n <= sizeof(s->host) ? to->host.n : 0;
	if (s->host_len)
		memcpy(s->host, to->host.p, s->host_len);
}

/* How welcome a slot is to one who wants to get somewhere. */
enum rank { NOT_TO_HAVE, OF_OTHERS, FREE, RESUMABLE, READY };

static enum rank rank(const struct http_slot *s, const struct dial_target *to)
{
	if (s->state == LENT)
		return NOT_TO_HAVE;
	if (is_for(s, to))
		return s->state == KEPT ? READY : RESUMABLE;
	return s->state == KEPT ? OF_OTHERS : FREE;
}

static struct http_slot *choose(struct http_pool *p, const struct dial_target *to)
{
	struct http_slot *best = NULL;
	enum rank best_rank = NOT_TO_HAVE;
	for (struct http_slot *s = p->slots; s < p->slots + p->count; s++) {
		enum rank r = rank(s, to);
		bool better = r > best_rank;
		/* Among equals the one used last, whose memory is warm; of others' connections the one that
		 * lay longest. */
		if (best && r == best_rank)
			better = r == OF_OTHERS ? s->given_ms < best->given_ms : s->given_ms > best->given_ms;
		if (better) {
			best = s;
			best_rank = r;
		}
	}
	return best;
}

struct http_client *http_pool_take(struct http_pool *p, const struct dial_target *to, bool fresh)
{
	lock_take(&p->lock);
	struct http_slot *s = choose(p, to);
	bool kept = s && s->state == KEPT;
	bool wanted =
		kept && !fresh && is_for(s, to) && clock_mono_ms() - s->given_ms < HTTP_POOL_IDLE_MS;
	if (s) {
		set_key(s, to);
		s->state = LENT;
	}
	lock_give(&p->lock);
	if (!s)
		return NULL;
	struct pooled *c = &p->connections[s - p->slots];
	if (!kept)
		http_client_init(&c->client, &c->tls, p->outer ? &p->outer[s - p->slots] : NULL);
	else if (!wanted || !stream_is_idle(&c->client.stream))
		http_client_close(&c->client);
	return &c->client;
}

void http_pool_give(struct http_pool *p, struct http_client *c)
{
	struct http_slot *s = &p->slots[(struct pooled *)c - p->connections];
	lock_take(&p->lock);
	check(s->state == LENT);
	s->state = c->stream.fd >= 0 ? KEPT : EMPTY;
	s->given_ms = clock_mono_ms();
	lock_give(&p->lock);
}

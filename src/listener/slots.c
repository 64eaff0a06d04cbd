#include "listener/slots.h"

#include "os/memory.h"

#include <string.h>

enum {
	HEAD_MS = 5000,
	BODY_MS = 10000,
	WRITE_MS = 10000,
	LINGER_MS = 1000,
	SMALL_BUFFERS_KEPT = 512,
	LARGE_BUFFERS_KEPT = 2,
	PAGE = 4096,
};

/* ---- origins ---- */

static void origin_key(uint64_t key[2], const struct address *address)
{
	memcpy(key, &address->ip, 2 * sizeof(*key));
	/* Whoever has an IPv6 address has all of its /64. */
	if (!address_is_v4(address))
		key[1] = 0;
}

static struct origin **origin_chain(struct slots *s, const uint64_t key[2])
{
	uint64_t h = (key[0] ^ s->seed) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 32 ^ key[1]) * 0xd6e8feb86659fd93u;
	return &s->origins[(h ^ h >> 32) & s->origins_mask];
}

/* There are as many as connections, so one is always free. */
static struct origin *origin_find(struct slots *s, const struct address *address)
{
	uint64_t key[2];
	origin_key(key, address);
	struct origin **chain = origin_chain(s, key);
	for (struct origin *o = *chain; o; o = o->next)
		if (o->key[0] == key[0] && o->key[1] == key[1])
			return o;
	struct origin *o = s->free_origins;
	if (o)
		s->free_origins = o->next;
	else
		o = &s->all_origins[s->origins_used++];
	*o = (struct origin){ .next = *chain, .key = { key[0], key[1] } };
	*chain = o;
	return o;
}

static void origin_count(struct slots *s, struct origin *o, bool more)
{
	s->by_count[o->count] -= o->count > 0;
	o->count += more ? 1 : SIZE_MAX;
	s->by_count[o->count] += o->count > 0;
	if (o->count > s->most)
		s->most = o->count;
	while (s->most && s->by_count[s->most] == 0)
		s->most--;
}

static void origin_leave(struct slots *s, struct connection *c)
{
	struct origin *o = c->origin;
	c->origin = NULL;
	if (!o)
		return;
	origin_count(s, o, false);
	if (o->count)
		return;
	struct origin **at = origin_chain(s, o->key);
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	o->next = s->free_origins;
	s->free_origins = o;
}

/* ---- connections ---- */

struct connection *slots_take(struct slots *s, int fd, const struct address *address, int64_t now)
{
	struct link *link = list_take(&s->free);
	struct connection *c = link_owner(link, struct connection, waiting);
	if (!c && s->used < s->count)
		c = &s->list[s->used++];
	if (!c)
		return NULL;
	*c = (struct connection){ .fd = fd, .wait = WAIT_NONE, .stage = STAGE_HEAD, .opened = now };
	if (address) {
		c->origin = origin_find(s, address);
		origin_count(s, c->origin, true);
	}
	list_append(&s->holders[c->stage], &c->holding);
	s->open++;
	return c;
}

static void stop_holding(struct slots *s, struct connection *c)
{
	if (!c->authenticated)
		list_remove(&s->holders[c->stage], &c->holding);
	origin_leave(s, c);
}

void slots_give(struct slots *s, struct connection *c)
{
	slots_wait(s, c, WAIT_NONE, 0);
	stop_holding(s, c);
	c->fd = -1;
	list_insert(&s->free, NULL, &c->waiting);
	s->open--;
}

void slots_enter(struct slots *s, struct connection *c, enum stage stage)
{
	if (!c->authenticated && c->stage != stage) {
		list_remove(&s->holders[c->stage], &c->holding);
		list_append(&s->holders[stage], &c->holding);
	}
	c->stage = stage;
}

void slots_authenticate(struct slots *s, struct connection *c)
{
	if (c->authenticated)
		return;
	stop_holding(s, c);
	c->authenticated = true;
}

/* ---- who loses ---- */

static bool may_lose(const struct connection *c)
{
	return !c->authenticated && c->stage != STAGE_WORKING && !c->late;
}

/* One without an origin stands for itself. */
static size_t held_by_origin(const struct connection *c)
{
	return c->origin ? c->origin->count : 1;
}

static struct connection *holder_loser(struct list *holders, size_t least, bool young, int64_t now)
{
	for (struct link *at = holders->first; at; at = at->next) {
		struct connection *c = link_owner(at, struct connection, holding);
		if (may_lose(c) && held_by_origin(c) >= least && (young || now - c->opened >= GRACE_MS))
			return c;
	}
	return NULL;
}

/* In stages `first` to `last`: of the origin that holds most, one with grace if it must be; then of
 * any origin. */
static struct connection *stages_loser(
	struct slots *s, enum stage first, enum stage last, int64_t now)
{
	size_t most = s->most ? s->most : 1;
	for (int attempt = 0; attempt < 4; attempt++)
		for (enum stage stage = first; stage <= last; stage++) {
			struct connection *c =
				holder_loser(&s->holders[stage], attempt < 2 ? most : 0, attempt & 1, now);
			if (c)
				return c;
		}
	return NULL;
}

struct connection *slots_loser(struct slots *s, int64_t now)
{
	struct connection *c = stages_loser(s, STAGE_HANDSHAKE, STAGE_LINGERING, now);
	return c ? c : link_owner(s->waits[WAIT_IDLE].first, struct connection, waiting);
}

struct connection *slots_handshake_loser(struct slots *s, int64_t now)
{
	return stages_loser(s, STAGE_HANDSHAKE, STAGE_HANDSHAKE, now);
}

/* The i-th buffer's owner, if it may lose it. */
static struct connection *buffer_holder(const struct buffer_pool *p, size_t i)
{
	const struct buffer *b = (const struct buffer *)(const void *)(p->memory + i * p->size);
	return i >= p->unused && b->owner && may_lose(b->owner) ? b->owner : NULL;
}

/* How many of them its origin holds. */
static size_t buffers_held(const struct buffer_pool *p, const struct connection *c)
{
	size_t held = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct connection *other = buffer_holder(p, i);
		held += other && (other == c || (other->origin && other->origin == c->origin));
	}
	return held;
}

/* Whether `c` must lose rather than `other`, who holds as much. */
static bool loses_before(const struct connection *c, const struct connection *other, int64_t now)
{
	bool young = now - c->opened < GRACE_MS, other_young = now - other->opened < GRACE_MS;
	if (young != other_young)
		return other_young;
	return c->stage != other->stage ? c->stage < other->stage : c->began < other->began;
}

/* There are so few that all can be compared with all. */
struct connection *slots_buffer_loser(struct slots *s, enum buffer_kind kind, int64_t now)
{
	const struct buffer_pool *p = &s->pools[kind];
	struct connection *loser = NULL;
	size_t most = 0;
	for (size_t i = 0; i < p->count; i++) {
		struct connection *c = buffer_holder(p, i);
		size_t held = c ? buffers_held(p, c) : 0;
		if (held > most || (held && held == most && loses_before(c, loser, now))) {
			most = held;
			loser = c;
		}
	}
	return loser;
}

/* ---- time ---- */

static void wait_until(struct slots *s, struct connection *c, enum wait wait, int64_t due)
{
	if (c->wait != WAIT_NONE)
		list_remove(&s->waits[c->wait], &c->waiting);
	c->wait = wait;
	c->due = due;
	if (wait == WAIT_NONE)
		return;
	/* Nearly always the last one. */
	struct link *before = s->waits[wait].last;
	while (before && link_owner(before, struct connection, waiting)->due > due)
		before = before->previous;
	list_insert(&s->waits[wait], before, &c->waiting);
}

void slots_wait(struct slots *s, struct connection *c, enum wait wait, int64_t now)
{
	wait_until(s, c, wait, wait == WAIT_NONE ? 0 : now + s->lengths[wait]);
}

void slots_wait_until(struct slots *s, struct connection *c, int64_t due)
{
	wait_until(s, c, WAIT_ANSWER, due);
}

struct connection *slots_next_due(struct slots *s, int64_t now, int64_t *next)
{
	for (size_t i = 0; i < WAITS; i++) {
		struct connection *c = link_owner(s->waits[i].first, struct connection, waiting);
		if (c && c->due <= now)
			return c;
		if (c && c->due < *next)
			*next = c->due;
	}
	return NULL;
}

/* ---- buffers ---- */

struct buffer *slots_take_buffer(struct slots *s, enum buffer_kind kind)
{
	struct buffer_pool *p = &s->pools[kind];
	struct buffer *b;
	if (p->free_count)
		b = p->free[--p->free_count];
	else if (p->unused)
		b = (struct buffer *)(void *)(p->memory + --p->unused * p->size);
	else
		return NULL;
	b->kind = kind;
	b->cap = p->cap;
	b->owner = NULL;
	return b;
}

void slots_give_buffer(struct slots *s, struct buffer *b)
{
	struct buffer_pool *p = &s->pools[b->kind];
	b->owner = NULL;
	memory_trim(b, p->size, p->free_count < p->kept ? p->warm : 0, p->size);
	p->free[p->free_count++] = b;
}

/* ---- set up ---- */

/* `behind`: memory behind the bytes of each. */
static void pool_init(struct buffer_pool *p, size_t count, size_t cap, size_t behind, size_t kept)
{
	p->cap = cap;
	p->warm = (sizeof(struct buffer) + cap + PAGE - 1) / PAGE * PAGE;
	p->size = p->warm + behind;
	p->memory = memory_map(count * p->size);
	p->free = memory_map(count * sizeof(*p->free));
	p->count = p->unused = count;
	p->kept = kept;
}

static void origins_init(struct slots *s, size_t count)
{
	size_t chains = 1;
	while (chains < count)
		chains *= 2;
	s->origins_mask = chains - 1;
	s->origins = memory_map(chains * sizeof(*s->origins));
	s->by_count = memory_map((count + 1) * sizeof(*s->by_count));
	s->all_origins = memory_map(count * sizeof(*s->all_origins));
}

void slots_init(struct slots *s, const struct slots_sizes *sizes, uint64_t seed)
{
	size_t count = sizes->connections;
	s->count = count;
	s->seed = seed;
	s->list = memory_map(count * sizeof(*s->list));
	s->lengths[WAIT_IDLE] = sizes->idle_ms;
	s->lengths[WAIT_HANDSHAKE] = s->lengths[WAIT_HEAD] = HEAD_MS;
	s->lengths[WAIT_BODY] = BODY_MS;
	s->lengths[WAIT_WRITE] = WRITE_MS;
	s->lengths[WAIT_LINGER] = LINGER_MS;
	origins_init(s, count);
	pool_init(
		&s->pools[BUFFER_SMALL], sizes->buffers[BUFFER_SMALL], SMALL_BUFFER, 0, SMALL_BUFFERS_KEPT);
	/* The others are rare, and their memory goes back. But taking it again, page by page, costs the
	 * loop more than reading a body into it. */
	pool_init(&s->pools[BUFFER_LARGE], sizes->buffers[BUFFER_LARGE], LARGE_BUFFER,
		ARENA_PER_BUFFER * (size_t)LARGE_BUFFER, LARGE_BUFFERS_KEPT);
	pool_init(&s->pools[BUFFER_REPORT], sizes->buffers[BUFFER_REPORT], REPORT_BUFFER, 0, 0);
}

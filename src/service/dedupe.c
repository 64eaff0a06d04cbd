#include "service/dedupe.h"

#include "base/clock.h"

#include <string.h>

void dedupe_init(struct dedupe *d, struct dedupe_table *table)
{
	*d = (struct dedupe){ .table = table };
	condition_init(&d->change);
}

/* FNV-1a: spreads well enough for a first look, and who could collide on purpose has a valid
 * signature. */
static uint32_t hash_of_id(struct str id)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (unsigned char)id.p[i]) * 16777619u;
	return h;
}

static struct dedupe_entry *find_entry(struct dedupe *d, struct str id, int64_t now)
{
	uint32_t hash = hash_of_id(id);
	for (size_t i = 0; i < DEDUPE_MAX; i++) {
		struct dedupe_entry *e = &d->table->entries[i];
		if (d->table->hashes[i] == hash && e->used && str_eq((struct str){ e->id, e->id_n }, id) &&
		    (!e->settled || now - e->since_ms < DEDUPE_MS))
			return e;
	}
	return NULL;
}

static void remember(struct dedupe *d, struct str id, int64_t now)
{
	struct dedupe_entry *e = &d->table->entries[d->next];
	d->table->hashes[d->next] = hash_of_id(id);
	d->next = (d->next + 1) % DEDUPE_MAX;
	*e = (struct dedupe_entry){ .since_ms = now, .used = true, .id_n = (uint8_t)id.n };
	memcpy(e->id, id.p, id.n);
}

enum dedupe_verdict dedupe_begin(struct dedupe *d, struct str id, int64_t until_ms)
{
	enum dedupe_verdict verdict = DEDUPE_FIRST;
	struct dedupe_entry *e = NULL;
	if (id.n > DEDUPE_ID_MAX)
		return DEDUPE_FIRST;
	lock_take(&d->lock);
	while ((e = find_entry(d, id, clock_mono_ms())) && !e->settled && verdict == DEDUPE_FIRST)
		if (!condition_wait(&d->change, &d->lock, until_ms))
			verdict = DEDUPE_BUSY;
	if (!e) {
		verdict = DEDUPE_FIRST;
		remember(d, id, clock_mono_ms());
	} else if (e->settled) {
		verdict = DEDUPE_STARTED;
	}
	lock_give(&d->lock);
	return verdict;
}

void dedupe_end(struct dedupe *d, struct str id, bool started)
{
	if (id.n > DEDUPE_ID_MAX)
		return;
	lock_take(&d->lock);
	struct dedupe_entry *e = find_entry(d, id, clock_mono_ms());
	if (e) {
		e->settled = started;
		e->used = started;
	}
	condition_broadcast(&d->change);
	lock_give(&d->lock);
}

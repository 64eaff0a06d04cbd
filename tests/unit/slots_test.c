#include "listener/slots.h"

#include "check.h"

enum { LATER = 1000, PLACES = 6 };

/* Memory that is mapped stays: few are made. */
static struct slots *new_slots(void)
{
	static struct slots s;
	s = (struct slots){ 0 };
	const struct slots_sizes sizes = {
		.connections = PLACES, .buffers = { PLACES, 3, 1 }, .idle_ms = 75000,
	};
	slots_init(&s, &sizes, 42);
	return &s;
}

static struct address at(const char *text)
{
	struct address a;
	check(address_parse(&a, str_c(text)));
	return a;
}

/* One that came from there at that moment; an empty text has no address. */
static struct connection *from(struct slots *s, const char *text, int64_t when)
{
	struct address a = text[0] ? at(text) : (struct address){ 0 };
	return slots_take(s, 0, text[0] ? &a : NULL, when);
}

TEST(slots_run_out_and_come_back)
{
	struct slots *s = new_slots();
	struct connection *c = NULL;
	for (int i = 0; i < PLACES; i++)
		expect((c = from(s, "192.0.2.1", 0)) != NULL);
	expect_int(s->open, PLACES);
	expect(from(s, "192.0.2.1", 0) == NULL);
	slots_give(s, c);
	expect_int(s->open, PLACES - 1);
	expect(from(s, "192.0.2.2", 0) == c);
}

TEST(slots_loser_is_who_waits_longest)
{
	struct slots *s = new_slots();
	struct connection *first = from(s, "192.0.2.1", 0), *second = from(s, "192.0.2.1", 1);
	expect(slots_loser(s, LATER) == first);
	slots_enter(s, first, STAGE_BODY);
	slots_enter(s, first, STAGE_HEAD);
	expect(slots_loser(s, LATER) == second);
}

TEST(slots_loser_is_in_the_earliest_stage)
{
	static const enum stage order[] = { STAGE_HANDSHAKE, STAGE_HEAD, STAGE_BODY, STAGE_WRITING,
		STAGE_LINGERING };
	struct slots *s = new_slots();
	struct connection *list[countof(order)];
	for (size_t i = countof(order); i-- > 0;) {
		list[i] = from(s, "192.0.2.1", 0);
		slots_enter(s, list[i], order[i]);
	}
	for (size_t i = 0; i < countof(order); i++) {
		expect(slots_loser(s, LATER) == list[i]);
		slots_enter(s, list[i], STAGE_WORKING);
	}
	expect(slots_loser(s, LATER) == NULL);
}

TEST(slots_loser_is_of_the_origin_that_holds_most)
{
	static const struct {
		const char *first, *second, *third;
		size_t loser;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.2", "192.0.2.2", 1 },
		{ "192.0.2.1", "192.0.2.2", "192.0.2.3", 0 },
		{ "192.0.2.1", "2001:db8::1", "2001:db8::2", 1 }, /* the same /64 */
		{ "192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:2::1", 0 },
		{ "192.0.2.1", "", "", 0 }, /* no address is not one address */
		{ "", "192.0.2.2", "192.0.2.2", 1 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct slots *s = new_slots();
		context("case %zu", i);
		struct connection *list[3] = {
			from(s, cases[i].first, 0), from(s, cases[i].second, 1), from(s, cases[i].third, 2),
		};
		expect(slots_loser(s, LATER) == list[cases[i].loser]);
	}
}

TEST(slots_loser_follows_who_leaves)
{
	struct slots *s = new_slots();
	struct connection *a = from(s, "192.0.2.1", 0), *b = from(s, "192.0.2.2", 1),
					  *c = from(s, "192.0.2.2", 2);
	expect_int(s->most, 2);
	slots_give(s, b);
	expect_int(s->most, 1);
	expect(slots_loser(s, LATER) == a);
	slots_give(s, a);
	expect(slots_loser(s, LATER) == c);
	slots_give(s, c);
	expect_int(s->most, 0);
	expect(slots_loser(s, LATER) == NULL);
}

TEST(slots_loser_is_not_young_while_another_is_there)
{
	struct slots *s = new_slots();
	struct connection *old = from(s, "192.0.2.1", 0),
					  *young = from(s, "192.0.2.1", LATER - GRACE_MS + 1);
	slots_enter(s, old, STAGE_BODY);
	expect(slots_loser(s, LATER) == old);
	slots_give(s, old);
	expect(slots_loser(s, LATER) == young);
}

TEST(slots_loser_has_signed_nothing)
{
	struct slots *s = new_slots();
	struct connection *signer = from(s, "192.0.2.1", 0), *other = from(s, "192.0.2.2", 1);
	slots_authenticate(s, signer);
	slots_authenticate(s, signer);
	slots_enter(s, signer, STAGE_WRITING);
	slots_enter(s, signer, STAGE_HEAD);
	expect(slots_loser(s, LATER) == other);
	slots_give(s, other);
	expect(slots_loser(s, LATER) == NULL);
	/* Only one that has nothing to do makes room for a new one. */
	slots_wait(s, signer, WAIT_IDLE, 0);
	expect(slots_loser(s, LATER) == signer);
	slots_give(s, signer);
}

TEST(slots_loser_is_not_one_that_is_lost_already)
{
	struct slots *s = new_slots();
	struct connection *first = from(s, "192.0.2.1", 0), *second = from(s, "192.0.2.1", 1);
	slots_enter(s, first, STAGE_HANDSHAKE);
	expect(slots_handshake_loser(s, LATER) == first);
	first->late = true;
	expect(slots_handshake_loser(s, LATER) == NULL);
	expect(slots_loser(s, LATER) == second);
}

/* Against a second implementation, which looks at all of them each time. */
static struct connection *plain_loser(struct slots *s)
{
	struct connection *best = NULL;
	size_t best_count = 0;
	for (size_t i = 0; i < s->used; i++) {
		struct connection *c = &s->list[i];
		size_t count = 0;
		for (size_t j = 0; j < s->used; j++)
			count +=
				s->list[j].fd >= 0 && !s->list[j].authenticated && s->list[j].origin == c->origin;
		if (c->fd < 0 || c->authenticated || c->stage == STAGE_WORKING)
			continue;
		if (!best || count > best_count || (count == best_count && c->stage < best->stage) ||
		    (count == best_count && c->stage == best->stage && c->began < best->began)) {
			best = c;
			best_count = count;
		}
	}
	return best;
}

TEST(slots_loser_is_always_the_same_as_by_looking_at_all)
{
	struct slots *s = new_slots();
	char address[] = "192.0.2.0";
	for (int64_t round = 1; round < 20000; round++) {
		struct connection *c = &s->list[test_random(PLACES)];
		address[8] = (char)('1' + test_random(3));
		if (c->fd < 0 || c >= s->list + s->used) {
			if (!(c = from(s, address, -LATER)))
				continue;
			c->began = round; /* here: when it got to its stage */
		} else if (test_random(4) == 0) {
			slots_give(s, c);
		} else if (test_random(8) == 0) {
			slots_authenticate(s, c);
		} else {
			enum stage stage = (enum stage)test_random(STAGES);
			c->began = stage == c->stage ? c->began : round;
			slots_enter(s, c, stage);
		}
		struct connection *want = plain_loser(s), *got = slots_loser(s, LATER);
		/* If nobody from the origin that holds most is in a stage that loses, it is anybody's
		 * turn. */
		if (want && want->origin->count < s->most)
			continue;
		context("round %d", (int)round);
		if (!expect(got == want))
			return;
	}
}

/* ---- buffers ---- */

static struct buffer *large_of(struct slots *s, struct connection *c, int64_t began)
{
	struct buffer *b = slots_take_buffer(s, BUFFER_LARGE);
	check(b);
	b->owner = c;
	c->buffer = b;
	c->began = began;
	slots_enter(s, c, STAGE_BODY);
	return b;
}

TEST(buffers_are_lost_like_connections)
{
	struct slots *s = new_slots();
	struct connection *a = from(s, "192.0.2.1", 0), *b = from(s, "192.0.2.2", 0),
					  *c = from(s, "192.0.2.2", 0);
	from(s, "192.0.2.1", 0);
	from(s, "192.0.2.1", 0);
	large_of(s, a, 1);
	large_of(s, c, 3);
	struct buffer *last = large_of(s, b, 2);
	expect(slots_take_buffer(s, BUFFER_LARGE) == NULL);
	/* The second address holds more of them, though fewer connections. */
	expect(slots_buffer_loser(s, BUFFER_LARGE, LATER) == b);
	slots_authenticate(s, b);
	expect(slots_buffer_loser(s, BUFFER_LARGE, LATER) == a);
	slots_enter(s, a, STAGE_WORKING);
	expect(slots_buffer_loser(s, BUFFER_LARGE, LATER) == c);
	expect(slots_buffer_loser(s, BUFFER_REPORT, LATER) == NULL);
	slots_give_buffer(s, last);
	expect(slots_take_buffer(s, BUFFER_LARGE) == last);
	expect(last->owner == NULL && last->cap == LARGE_BUFFER);
}

TEST(buffers_of_the_young_are_spared)
{
	struct slots *s = new_slots();
	struct connection *young = from(s, "192.0.2.1", LATER - 1), *old = from(s, "192.0.2.1", 0);
	large_of(s, young, 1);
	large_of(s, old, 2);
	expect(slots_buffer_loser(s, BUFFER_LARGE, LATER) == old);
}

/* ---- time ---- */

TEST(waits_end_in_the_order_of_time)
{
	struct slots *s = new_slots();
	struct connection *a = from(s, "192.0.2.1", 0), *b = from(s, "192.0.2.1", 0),
					  *c = from(s, "192.0.2.1", 0);
	int64_t next = DEADLINE_NEVER;
	expect(slots_next_due(s, 0, &next) == NULL);
	expect(next == DEADLINE_NEVER);
	slots_wait(s, a, WAIT_IDLE, 0);
	slots_wait(s, b, WAIT_HEAD, 0);
	slots_wait_until(s, c, 20);
	expect(slots_next_due(s, 19, &next) == NULL);
	expect_int(next, 20);
	expect(slots_next_due(s, 20, &next) == c);
	slots_wait(s, c, WAIT_NONE, 20);
	expect(slots_next_due(s, 4999, &next) == NULL);
	expect(slots_next_due(s, 5000, &next) == b);
	slots_wait(s, b, WAIT_BODY, 5000);
	expect(slots_next_due(s, 14999, &next) == NULL);
	expect(slots_next_due(s, 15000, &next) == b);
	slots_give(s, b);
	expect(slots_next_due(s, 75000, &next) == a);
}

TEST(waits_for_answers_are_sorted)
{
	static const int64_t moments[] = { 50, 10, 30, 30, 20, 40 },
						 sorted[] = { 10, 20, 30, 30, 40, 50 };
	struct slots *s = new_slots();
	int64_t next = DEADLINE_NEVER;
	for (size_t i = 0; i < countof(moments); i++)
		slots_wait_until(s, from(s, "192.0.2.1", 0), moments[i]);
	for (size_t i = 0; i < countof(sorted); i++) {
		struct connection *c = slots_next_due(s, 100, &next);
		expect_int(c->due, sorted[i]);
		slots_give(s, c);
	}
}

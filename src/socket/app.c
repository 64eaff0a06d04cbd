#include "socket/app.h"

#include "base/clock.h"
#include "crypto/seed.h"
#include "os/thread.h"

enum {
	APART_MS = 2500,        /* between two that are opened without an old one, so that their lives do
							   not end together */
	BACKOFF_MS = 500, BACKOFF_MAX_MS = 30000,
	CROWDED_MS = 60000, CROWDED_MAX_MS = 600000, /* another try makes it worse */
	OFF_MS = 300000,
	GOOD_MS = 60000,        /* a connection that lived as long ends a row of failures */
	SHORT_MS = 1000,        /* one that lived less was no success */
};

/* ---- how many ---- */

/* Of the states from `first` to `last`; under the lock. */
static size_t count(const struct socket_app *a, enum session_state first, enum session_state last)
{
	size_t n = 0;
	for (enum session_state s = first; s <= last; s++)
		n += a->states[s];
	return n;
}

size_t socket_app_count(const struct socket_app *a, enum session_state first)
{
	return count(a, first, SESSION_CLOSING);
}

static void enter(struct socket_app *a, struct session *s, enum session_state state)
{
	a->states[s->state]--;
	a->states[state]++;
	s->state = state;
	check(pthread_cond_broadcast(&a->changed.condition) == 0);
}

void socket_app_enter(struct socket_app *a, struct session *s, enum session_state state)
{
	lock_take(&a->lock);
	enter(a, s, state);
	lock_give(&a->lock);
}

bool socket_app_take_turn(struct socket_app *a, struct session *s)
{
	size_t wanted = a->share->wanted;
	int64_t now = 0;
	lock_take(&a->lock);
	while (!socket_app_stops(a) &&
		((now = clock_mono_ms()) < a->open_after ||
			count(a, SESSION_OPENING, SESSION_UP) >= wanted ||
			count(a, SESSION_OPENING, SESSION_CLOSING) > wanted))
		(void)condition_wait(
			&a->changed, &a->lock, now < a->open_after ? a->open_after : DEADLINE_NEVER);
	bool stops = socket_app_stops(a);
	if (!stops) {
		/* In the place of another at once. */
		if (!a->states[SESSION_LEAVING])
			a->open_after = now + APART_MS;
		enter(a, s, SESSION_OPENING);
	}
	lock_give(&a->lock);
	return !stops;
}

bool socket_app_hurries(struct socket_app *a)
{
	lock_take(&a->lock);
	size_t fresh = count(a, SESSION_OPENING, SESSION_UP);
	lock_give(&a->lock);
	return socket_app_stops(a) || fresh < a->share->wanted;
}

bool socket_app_leave(struct socket_app *a, struct session *s)
{
	lock_take(&a->lock);
	bool goes = socket_app_stops(a) ||
		(s->state == SESSION_LEAVING && count(a, SESSION_UP, SESSION_LEAVING) > a->share->wanted);
	if (goes)
		enter(a, s, SESSION_GOING);
	lock_give(&a->lock);
	return goes;
}

int64_t socket_app_greeted(struct socket_app *a, struct session *s, const struct envelope *hello)
{
	struct buf id = BUF(a->id);
	lock_take(&a->lock);
	/* The same every time; a lane may be looking at it. */
	if (!a->id_n)
		buf_put(&id, hello->app), a->id_n = id.n;
	a->counted = hello->connections;
	enter(a, s, SESSION_UP);
	int64_t held = (int64_t)count(a, SESSION_UP, SESSION_CLOSING);
	lock_give(&a->lock);
	return held;
}

/* ---- when again ---- */

static int64_t grown(int64_t ms, unsigned *times, int64_t most)
{
	for (unsigned i = *times; i && ms < most; i--)
		ms *= 2;
	++*times;
	return ms < most ? ms : most;
}

/* Under the lock: how long to wait before anything else is opened. */
static int64_t pause_after(struct socket_app *a, const struct session *s, int64_t lived)
{
	if (lived >= GOOD_MS)
		a->failures = a->crowds = 0;
	if (s->end >= END_OFF)
		return OFF_MS;
	if (s->end == END_CROWDED)
		return grown(CROWDED_MS, &a->crowds, CROWDED_MAX_MS);
	if (s->end == END_DONE && lived >= SHORT_MS)
		return 0;
	int64_t ms = seed_below((uint32_t)grown(BACKOFF_MS, &a->failures, BACKOFF_MAX_MS));
	return ms > s->wait_ms ? ms : s->wait_ms;
}

void socket_app_return(struct socket_app *a, struct session *s, const struct fault *f)
{
	int64_t now = clock_mono_ms();
	lock_take(&a->lock);
	int64_t pause = pause_after(a, s, s->greeted ? now - s->greeted : 0);
	if (now + pause > a->open_after)
		a->open_after = now + pause;
	bool useless = s->end == END_USELESS && !a->useless;
	a->useless |= useless;
	enter(a, s, SESSION_IDLE);
	lock_give(&a->lock);
	if (s->end != END_DONE && !socket_app_stops(a))
		LOG(s->end >= END_OFF ? LOG_ERROR : LOG_WARN, "a Socket Mode connection has ended",
			"app reason again_ms#", (struct str){ a->id, a->id_n }, fault_text(f), NUM(pause));
	if (useless) {
		a->share->useless++;
		thread_wake(a->share->wake);
	}
}

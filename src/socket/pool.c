#include "socket/pool.h"

#include "base/clock.h"
#include "os/memory.h"
#include "os/thread.h"
#include "socket/app.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { STACK = 256 * 1024 };

bool socket_pool_take(struct socket_pool *p, struct lane_offer *out)
{
	return p->count && read(p->share.offers[0], out, sizeof(*out)) == sizeof(*out);
}

void socket_pool_stop(struct socket_pool *p)
{
	p->share.stop = clock_mono_ms();
	for (size_t i = 0; i < p->count; i++) {
		lock_take(&p->apps[i].lock);
		condition_broadcast(&p->apps[i].changed);
		lock_give(&p->apps[i].lock);
	}
}

struct socket_count socket_pool_count(struct socket_pool *p)
{
	struct socket_count total = { 0 };
	for (size_t i = 0; i < p->count; i++) {
		struct socket_app *a = &p->apps[i];
		lock_take(&a->lock);
		total.open += socket_app_count(a, SESSION_OPENING);
		total.held += socket_app_count(a, SESSION_UP);
		total.counted += (size_t)a->counted;
		lock_give(&a->lock);
	}
	return total;
}

static enum err start_app(
	struct socket_pool *p, struct socket_app *a, const struct secret_source *token, struct fault *f)
{
	const struct proxy_server *servers = p->share.services->proxy.servers;
	size_t sessions = p->share.wanted + 1;
	enum err e = OK;
	a->share = &p->share;
	a->token = token;
	condition_init(&a->changed);
	a->states[SESSION_IDLE] = sessions;
	a->sessions = memory_map(sessions * sizeof(*a->sessions));
	for (size_t i = 0; i < LANES_MAX; i++)
		a->lanes[i].owner = LANE_FREE;
	for (size_t i = 0; e == OK && i < sessions; i++) {
		struct session *s = &a->sessions[i];
		s->app = a;
		s->number = (int)i;
		if (servers[false].secure || servers[true].secure)
			s->outer = memory_map(sizeof(*s->outer));
		e = thread_start(session_run, s, STACK, f);
	}
	return e;
}

enum err socket_pool_start(
	struct socket_pool *p, struct services *s, size_t wanted, int wake, struct fault *f)
{
	const struct config *c = &s->config;
	enum err e = OK;
	p->share.services = s;
	p->share.wanted = wanted;
	p->share.wake = wake;
	p->share.stop = DEADLINE_NEVER;
	if (pipe2(p->share.offers, O_NONBLOCK | O_CLOEXEC) != 0)
		return fault_set(f, E_SYSTEM, errno, "no pipe can be had");
	p->apps = memory_map(c->app_tokens.count * sizeof(*p->apps));
	for (size_t i = 0; e == OK && i < c->app_tokens.count; i++, p->count++)
		e = start_app(p, &p->apps[i], &c->app_tokens.list[i], f);
	return e;
}

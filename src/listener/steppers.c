#include "listener/steppers.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/ct.h"
#include "listener/input.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/thread.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum {
	PEM_MAX = 65536,
	/* Both texts, and what is decoded from them. */
	CERTIFICATE_MEMORY = 4 * PEM_MAX,
};

struct held_identity {
	struct tls_identity identity;
	size_t holders; /* handshakes, and one for being the current one; under the lock */
	char memory[CERTIFICATE_MEMORY];
};

/* ---- the certificate ---- */

static void destroy(struct held_identity *c)
{
	ct_wipe(c, sizeof(*c));
	munmap(c, sizeof(*c));
}

/* Read, not mapped: a file may be changed in place. */
static enum err read_file(
	struct str *out, struct arena *arena, const char *variable, struct str path, struct fault *f)
{
	struct buf b = arena_buf(arena, PEM_MAX);
	enum err e = file_read(NULL, &b, path, f);
	*out = buf_str(&b);
	return e == OK ? OK : fault_set(f, e, 0, "%s: %s", str_c(variable), fault_text(f));
}

static enum err read_certificate(
	struct held_identity *c, const struct listener_config *config, struct fault *f)
{
	struct arena arena = { c->memory, 0, sizeof(c->memory) };
	struct str chain, key;
	enum err e = read_file(&chain, &arena, "GATEWAY_TLS_CERT", config->tls_cert, f);
	if (e == OK)
		e = read_file(&key, &arena, "GATEWAY_TLS_KEY", config->tls_key, f);
	if (e != OK || (e = tls_identity_from_pem(&c->identity, chain, key, &arena, f)) == OK)
		return e;
	return fault_lead(f, E_FILE, S("GATEWAY_TLS_CERT and GATEWAY_TLS_KEY cannot be used"));
}

/* The one in the files as they are now, held once. */
static enum err load(
	struct held_identity **out, const struct listener_config *config, struct fault *f)
{
	struct held_identity *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return fault_set(f, E_SYSTEM, errno, "no memory for a certificate");
	enum err e = read_certificate(c, config, f);
	if (e != OK) {
		destroy(c);
		return e;
	}
	c->holders = 1;
	*out = c;
	return OK;
}

enum err steppers_check_certificate(
	int64_t *not_after, const struct listener_config *config, struct fault *f)
{
	struct held_identity *c = NULL;
	enum err e = load(&c, config, f);
	if (e != OK)
		return e;
	*not_after = c->identity.identity.own.not_after;
	destroy(c);
	return OK;
}

static void log_expiry(int64_t not_after, bool expired)
{
	char text[32];
	struct buf time = BUF(text);
	utc_put(&time, not_after, UTC_RFC3339);
	LOG(expired ? LOG_WARN : LOG_INFO, "TLS certificate read", "not_after why", buf_str(&time),
		expired ? S("it has expired: clients will refuse it") : S(""));
}

/* Under the lock. Returns the certificate if nobody holds it any more. */
static struct held_identity *let_go(struct held_identity *c)
{
	return c && --c->holders == 0 ? c : NULL;
}

static void reload(struct steppers *s)
{
	struct fault f;
	struct held_identity *next = NULL;
	s->failing = load(&next, s->config, &f) != OK;
	if (s->failing) {
		log_failure("the TLS certificate in use stays: the new one cannot be used", S(""), &f);
		return;
	}
	/* Said when it is true: the next handshake shows it. */
	int64_t not_after = next->identity.identity.own.not_after;
	bool expired = tls_identity_has_expired(&next->identity, clock_wall_ms());
	lock_take(&s->lock);
	struct held_identity *unused = let_go(s->current);
	s->current = next;
	lock_give(&s->lock);
	if (unused)
		destroy(unused);
	log_expiry(not_after, expired);
}

/* ---- steps ---- */

/* A handshake shows one certificate from its first step to its last. */
static void begin_handshake(struct steppers *s, struct secure *secure)
{
	lock_take(&s->lock);
	secure->certificate = s->current;
	secure->certificate->holders++;
	lock_give(&s->lock);
	tls_server_start(&secure->tls, &secure->certificate->identity);
}

void steppers_forget(struct steppers *s, struct secure *secure)
{
	lock_take(&s->lock);
	struct held_identity *unused = let_go(secure->certificate);
	secure->certificate = NULL;
	lock_give(&s->lock);
	if (unused)
		destroy(unused);
}

/* True: the loop is to look at it; so does the next. */
static bool step_handshake(struct steppers *s, struct connection *c)
{
	struct secure *secure = c->secure;
	if (!secure->certificate)
		begin_handshake(s, secure);
	do
		secure->result =
			tls_server_pump(&secure->tls, c->fd, &c->readable, &c->writable, &secure->fault);
	while (secure->result == E_MORE);
	bool ends = secure->result != OK || !tls_server_handshaking(&secure->tls);
	if (ends)
		steppers_forget(s, secure);
	return ends;
}

static bool step(struct steppers *s, struct connection *c)
{
	if (c->stage == STAGE_HANDSHAKE)
		return step_handshake(s, c);
	if (c->stage == STAGE_BODY)
		return input_read_body(c, UINT_MAX);
	input_fill(c);
	return true;
}

/* One that waits for its client need not wake the loop, which hears the client itself. */
static void give_back(struct steppers *s, struct connection *c, bool wake)
{
	lock_take(&s->queue.lock);
	list_append(&s->queue.done, &c->step);
	wake |= c->told != 0;
	lock_give(&s->queue.lock);
	if (wake)
		queue_wake_collector(&s->queue);
}

static void *stepper_run(void *arg)
{
	struct steppers *s = arg;
	for (;;) {
		struct link *link = queue_take(&s->queue);
		struct connection *c = link_owner(link, struct connection, step);
		if (link == &s->reload) {
			/* Asked for once more from here on, it is read once more. */
			s->reloading = false;
			reload(s);
			continue;
		}
		give_back(s, c, step(s, c));
	}
	return NULL;
}

void steppers_submit(struct steppers *s, struct connection *c)
{
	c->stepping = true;
	queue_put(&s->queue, &c->step);
}

void steppers_tell(struct steppers *s, struct connection *c, uint32_t events)
{
	lock_take(&s->queue.lock);
	c->told |= events;
	lock_give(&s->queue.lock);
}

bool steppers_withdraw(struct steppers *s, struct connection *c)
{
	return queue_withdraw(&s->queue, &c->step);
}

struct connection *steppers_next_done(struct steppers *s)
{
	struct link *link = queue_collect(&s->queue);
	return link_owner(link, struct connection, step);
}

void steppers_reload(struct steppers *s)
{
	if (s->slots && !atomic_exchange(&s->reloading, true))
		queue_put(&s->queue, &s->reload);
}

enum err steppers_start(struct steppers *s, const struct listener_config *config,
	size_t connections, int wake, struct fault *f)
{
	enum err e = config->tls_cert.n ? load(&s->current, config, f) : OK;
	s->config = config;
	queue_init(&s->queue, wake);
	if (s->current) {
		log_expiry(s->current->identity.identity.own.not_after,
			tls_identity_has_expired(&s->current->identity, clock_wall_ms()));
		s->slots = memory_map(connections * sizeof(*s->slots));
	}
	for (size_t i = 0; e == OK && i < thread_processors() && i < STEPPERS_MAX; i++)
		e = thread_start(stepper_run, s, STEPPER_STACK, f);
	return e;
}

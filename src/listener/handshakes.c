#include "listener/handshakes.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/ct.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/thread.h"

#include <errno.h>
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

enum err handshakes_check_certificate(
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

static void reload(struct handshakes *h)
{
	struct fault f;
	struct held_identity *next = NULL;
	h->failing = load(&next, h->config, &f) != OK;
	if (h->failing) {
		log_failure("the TLS certificate in use stays: the new one cannot be used", S(""), &f);
		return;
	}
	/* Said when it is true: the next handshake shows it. */
	int64_t not_after = next->identity.identity.own.not_after;
	bool expired = tls_identity_has_expired(&next->identity, clock_wall_ms());
	lock_take(&h->lock);
	struct held_identity *unused = let_go(h->current);
	h->current = next;
	lock_give(&h->lock);
	if (unused)
		destroy(unused);
	log_expiry(not_after, expired);
}

/* ---- steps ---- */

/* A handshake shows one certificate from its first step to its last. */
static void begin_handshake(struct handshakes *h, struct secure *s)
{
	lock_take(&h->lock);
	s->certificate = h->current;
	s->certificate->holders++;
	lock_give(&h->lock);
	tls_server_start(&s->tls, &s->certificate->identity);
}

void handshakes_forget(struct handshakes *h, struct secure *s)
{
	lock_take(&h->lock);
	struct held_identity *unused = let_go(s->certificate);
	s->certificate = NULL;
	lock_give(&h->lock);
	if (unused)
		destroy(unused);
}

static void advance(struct handshakes *h, struct secure *s)
{
	if (!s->certificate)
		begin_handshake(h, s);
	s->result = tls_server_pump(&s->tls, s->fd, &s->readable, &s->writable, &s->fault);
	if (s->result != OK || !tls_server_handshaking(&s->tls))
		handshakes_forget(h, s);
	queue_return(&h->queue, &s->link);
}

static void *stepper_run(void *arg)
{
	struct handshakes *h = arg;
	for (;;) {
		struct link *link = queue_take(&h->queue);
		if (link != &h->reload) {
			advance(h, link_owner(link, struct secure, link));
			continue;
		}
		/* Asked for once more from here on, it is read once more. */
		h->reloading = false;
		reload(h);
	}
	return NULL;
}

void handshakes_submit(struct handshakes *h, struct secure *s)
{
	queue_put(&h->queue, &s->link);
}

bool handshakes_withdraw(struct handshakes *h, struct secure *s)
{
	return queue_withdraw(&h->queue, &s->link);
}

struct secure *handshakes_next_done(struct handshakes *h)
{
	struct link *link = queue_collect(&h->queue);
	return link_owner(link, struct secure, link);
}

void handshakes_reload(struct handshakes *h)
{
	if (!atomic_exchange(&h->reloading, true))
		queue_put(&h->queue, &h->reload);
}

enum err handshakes_start(struct handshakes *h, const struct listener_config *config,
	size_t connections, int wake, struct fault *f)
{
	h->config = config;
	queue_init(&h->queue, wake);
	enum err e = load(&h->current, config, f);
	if (e == OK)
		log_expiry(h->current->identity.identity.own.not_after,
			tls_identity_has_expired(&h->current->identity, clock_wall_ms()));
	if (e == OK)
		h->slots = memory_map(connections * sizeof(*h->slots));
	for (size_t i = 0; e == OK && i < thread_processors() && i < STEPPERS_MAX; i++)
		e = thread_start(stepper_run, h, STEPPER_STACK, f);
	return e;
}

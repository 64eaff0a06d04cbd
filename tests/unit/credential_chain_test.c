/* The source is a scripted container endpoint on the loopback address. */
#include "aws/credential_sources.h"
#include "aws/credential_chain.h"

#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "net/resolve.h"
#include "no_files.h"
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { SLOTS = 8 };

static struct peer peer;
static char url[64];
static const char *expiration; /* what the next answers say; NULL: the source fails */
static _Atomic int asked;
static int delay_ms;

static struct resolver resolver;
static struct endpoints endpoints;
static struct aws_context client;
static struct credential_chain chain;

static void serve(int fd, struct peer *p)
{
	char head[2048], answer[512], body[256];
	(void)p;
	if (recv(fd, head, sizeof(head), 0) <= 0)
		return;
	int n = ++asked;
	clock_sleep_ms(delay_ms);
	snprintf(body, sizeof(body),
		"{\"AccessKeyId\":\"AKID%d\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%"
		"s\"}",
		n, expiration ? expiration : "");
	int length = snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
		expiration ? "200 OK" : "404 Gone", strlen(body), body);
	send(fd, answer, (size_t)length, MSG_NOSIGNAL);
}

static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "AWS_CONTAINER_CREDENTIALS_FULL_URI") == 0 ? url : NULL;
}

/* The time so many seconds from now. */
static const char *in_s(int64_t s)
{
	static char text[40];
	struct buf b = BUF(text);
	utc_put_rfc3339_ms(&b, clock_wall_ms() + s * 1000);
	buf_put_char(&b, 0);
	return text;
}

static void set_up(const char *first_expiration)
{
	static struct http_pool *pool;
	static _Alignas(16) char scratch[CREDENTIALS_SCRATCH];
	static const struct environment env = { look_up, NULL };
	static const struct credential_host host = {
		.read_file = no_file, .load = nothing_to_load, .unload = nothing_to_unload
	};
	struct fault f;
	if (!pool) {
		void *memory = mmap(NULL, http_pool_size(SLOTS), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(memory != MAP_FAILED);
		static struct http_pool only_pool;
		http_pool_init(&only_pool, memory, SLOTS);
		pool = &only_pool;
		resolver_init(&resolver, "/dev/null", "/dev/null");
	}
	expiration = first_expiration;
	asked = 0;
	delay_ms = 0;
	peer_start(&peer, serve, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
	log_set_level(LOG_ERROR);
	memset(&chain, 0, sizeof(chain));
	client = (struct aws_context){ .pool = pool, .resolver = &resolver, .endpoints = &endpoints };
	expect_int(
		credential_chain_init(&chain, &env, &client, &host, credential_sources_fetch, scratch, &f),
		OK);
}

static enum err hold(const struct credentials **keys)
{
	struct fault f;
	struct deadline d = deadline_in(5000);
	return credentials_hold(keys, &chain, &d, &f);
}

/* The id of the keys that are held now; empty if there are none. */
static struct str id_now(void)
{
	static char memory[CREDENTIALS_ID_MAX];
	struct buf b = BUF(memory);
	const struct credentials *keys;
	if (hold(&keys) == OK) {
		buf_put(&b, keys->access_key_id);
		credentials_release(&chain, keys);
	}
	return buf_str(&b);
}

static int64_t renew(void)
{
	struct deadline d = deadline_in(2 * CREDENTIALS_FETCH_MS);
	return credentials_renew(&chain, &d);
}

TEST(credential_chain_fetches_once_while_keys_are_valid)
{
	set_up(in_s(3600));
	for (int i = 0; i < 3; i++)
		expect_str(id_now(), S("AKID1"));
	int64_t ms = renew();
	expect(ms > 1000 && ms <= 60000);
	expect_int(asked, 1);
	peer_stop(&peer);
}

TEST(credential_chain_renews_ahead_of_the_end)
{
	set_up(in_s(3600));
	expect_str(id_now(), S("AKID1"));

	context("a quarter of an hour before");
	client.skew_ms = 44 * 60 * 1000;
	expect(renew() > 1000);
	expect_int(asked, 1);
	client.skew_ms = 46 * 60 * 1000;
	expiration = in_s(46 * 60 + 40);
	renew();
	expect_int(asked, 2);
	expect_str(id_now(), S("AKID2"));

	context("or half the life");
	client.skew_ms += 15 * 1000;
	int64_t ms = renew();
	expect(ms > 1000 && ms < 8000);
	client.skew_ms += 10 * 1000;
	renew();
	expect_int(asked, 3);
	peer_stop(&peer);
}

TEST(credential_chain_keeps_what_is_valid_when_the_source_fails)
{
	set_up(in_s(3600));
	expect_str(id_now(), S("AKID1"));
	client.skew_ms = 50 * 60 * 1000;
	expiration = NULL;
	expect(renew() > 1000);
	expect_int(asked, 2);
	expect_str(id_now(), S("AKID1"));
	expect_int(asked, 2);

	context("until they have expired");
	client.skew_ms = 61 * 60 * 1000;
	clock_sleep_ms(CREDENTIALS_PAUSE_MS + 10);
	expect_str(id_now(), S(""));
	expect_int(asked, 3);
	expect_str(id_now(), S(""));
	expect_int(asked, 3); /* not asked again at once */
	clock_sleep_ms(CREDENTIALS_PAUSE_MS + 10);
	expiration = in_s(7200);
	expect_str(id_now(), S("AKID4"));
	peer_stop(&peer);
}

/* The source fails, and while it was asked the sandbox was frozen for a minute. */
static enum err fail_frozen(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	(void)out;
	asked++;
	d->hard -= 60 * 1000;
	c->fetch = credential_sources_fetch;
	return fault_set(f, E_CLOSED, ECONNRESET, "the connection broke");
}

TEST(credential_chain_asks_at_once_after_a_fetch_that_a_freeze_ended)
{
	set_up(in_s(3600));
	chain.fetch = fail_frozen;
	expect_str(id_now(), S("AKID2"));
	peer_stop(&peer);
}

TEST(credential_chain_uses_what_looks_expired_on_arrival)
{
	set_up("0001-01-01T00:00:00Z");
	for (int i = 0; i < 3; i++)
		expect_str(id_now(), S("AKID1"));
	expect(renew() > 1000);
	expect_int(asked, 1);
	peer_stop(&peer);
}

TEST(credential_chain_fetches_anew_what_was_rejected)
{
	const struct credentials *old, *again;
	set_up(in_s(3600));
	expect_int(hold(&old), OK);
	expect(credentials_reject(&chain, old->serial));
	expect_int(hold(&again), OK);
	expect_str(again->access_key_id, S("AKID2"));
	expect_str(old->access_key_id, S("AKID1")); /* as long as it is held */

	context("but not for one that was replaced before");
	expect(credentials_reject(&chain, old->serial));
	expect_str(id_now(), S("AKID2"));
	credentials_release(&chain, old);
	credentials_release(&chain, again);
	expect_int(asked, 2);
	peer_stop(&peer);
}

TEST(credential_chain_reads_again_when_told_to)
{
	set_up(in_s(3600));
	expect_str(id_now(), S("AKID1"));
	expect(renew() > 1000);
	expect_int(asked, 1);
	credentials_read_again(&chain);
	expect_str(id_now(), S("AKID1")); /* nobody waits for it */
	(void)renew();
	expect_int(asked, 2);
	expect_str(id_now(), S("AKID2"));
	peer_stop(&peer);
}

static void *hold_in_a_thread(void *arg)
{
	const struct credentials *keys;
	enum err e = hold(&keys);
	*(bool *)arg = e == OK && str_eq(keys->access_key_id, S("AKID1"));
	if (e == OK)
		credentials_release(&chain, keys);
	return NULL;
}

TEST(credential_chain_fetches_once_for_all_who_wait)
{
	pthread_t threads[6];
	bool right[6] = { false };
	set_up(in_s(3600));
	delay_ms = 50;
	for (size_t i = 0; i < countof(threads); i++)
		check(pthread_create(&threads[i], NULL, hold_in_a_thread, &right[i]) == 0);
	for (size_t i = 0; i < countof(threads); i++) {
		pthread_join(threads[i], NULL);
		expect(right[i]);
	}
	expect_int(asked, 1);
	peer_stop(&peer);
}

static void count(void *arg)
{
	++*(int *)arg;
}

TEST(credential_chain_serves_the_soft_moment_while_it_waits)
{
	const struct credentials *keys;
	struct fault f;
	int calls = 0;
	set_up(in_s(3600));
	delay_ms = 100;
	struct deadline d = deadline_in(5000);
	d.soft = clock_mono_ms() + 20;
	d.on_soft = count;
	d.arg = &calls;
	expect_int(credentials_hold(&keys, &chain, &d, &f), OK);
	credentials_release(&chain, keys);
	expect_int(calls, 1);
	peer_stop(&peer);
}

TEST(credential_chain_fetches_in_its_own_time)
{
	const struct credentials *keys;
	struct fault f;
	set_up(in_s(3600));
	delay_ms = 200;
	struct deadline d = deadline_in(20);
	expect_int(credentials_hold(&keys, &chain, &d, &f), E_TIMEOUT);
	expect_str(id_now(), S("AKID1"));
	expect_int(asked, 1);

	context("renewed ahead of their end");
	client.skew_ms = 46 * 60 * 1000;
	expiration = in_s(7200);
	d = deadline_in(20);
	expect_int(credentials_renew(&chain, &d), CREDENTIALS_PAUSE_MS);
	expect_str(id_now(), S("AKID1"));
	while (asked < 2 || !str_eq(id_now(), S("AKID2")))
		clock_sleep_ms(5);
	peer_stop(&peer);
}

TEST(credential_chain_is_checked_without_a_question)
{
	struct fault f;
	set_up(in_s(3600));
	expect_int(credentials_check(&chain, &f), OK);
	expect_int(asked, 0);
	expect_str(id_now(), S("AKID1"));
	peer_stop(&peer);

	set_up(in_s(3600));
	snprintf(url, sizeof(url), "http://10.0.0.1/");
	expect_int(credentials_check(&chain, &f), E_CONFIG);
	expect(str_starts(fault_text(&f), S("AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used")));
	peer_stop(&peer);
}

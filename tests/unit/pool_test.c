/* What is kept here are ends of socket pairs: a pool neither resolves nor connects. */
#include "check.h"
#include "base/clock.h"
#include "http/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct trust *const trust_a = (const struct trust *)"a";
static const struct trust *const trust_b = (const struct trust *)"b";

static struct dial_target target(struct str host, uint16_t port)
{
	return (struct dial_target){ .host = host, .port = port, .secure = true, .trust = trust_a };
}

static struct http_pool *new_pool(size_t slots)
{
	size_t n = http_pool_size(slots);
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	static struct http_pool pools[64];
	static size_t used;
	struct http_pool *pool = &pools[used++ % countof(pools)];
	http_pool_init(pool, p, slots);
	return pool;
}

/* Connects as a borrower does; returns the peer's end. Nothing secret is spoken, so it stays plain.
 */
static int connect_it(struct http_client *c)
{
	int ends[2];
	check(
		socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	check(c->stream.fd < 0);
	c->stream.fd = ends[0];
	return ends[1];
}

static bool is_open(int fd)
{
	char c;
	return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

TEST(pool_keeps_a_connection)
{
	struct http_pool *p = new_pool(4);
	struct dial_target to = target(S("lambda.eu-west-1.amazonaws.com"), 443),
					   same = target(S("LAMBDA.eu-west-1.amazonaws.com"), 443);
	struct http_client *c = http_pool_take(p, &to, false);
	expect(c && c->stream.fd < 0 && c->stream.tls);
	int peer = connect_it(c);
	http_pool_give(p, c);
	expect(http_pool_take(p, &same, false) == c);
	expect(c->stream.fd >= 0);
	http_pool_give(p, c);
	expect(is_open(peer));
	close(peer);
}

TEST(pool_tells_targets_apart)
{
	struct dial_target to = target(S("a"), 443);
	struct dial_target others[] = { to, to, to, to, to };
	others[0].host = S("b");
	others[1].host = S("ab");
	others[2].port = 444;
	others[3].secure = false;
	others[4].trust = trust_b;
	for (size_t i = 0; i < countof(others); i++) {
		context("other %zu", i);
		struct http_pool *p = new_pool(2);
		struct http_client *c = http_pool_take(p, &to, false);
		int peer = connect_it(c);
		http_pool_give(p, c);
		struct http_client *other = http_pool_take(p, &others[i], false);
		expect(other != c && other->stream.fd < 0);
		expect(http_pool_take(p, &to, false) == c);
		expect(c->stream.fd >= 0);
		close(peer);
	}
}

/* Unfit for another request: ended, broken, or speaking unasked. */
TEST(pool_does_not_lend_dead_connections)
{
	for (int way = 0; way < 3; way++) {
		context("way %d", way);
		struct http_pool *p = new_pool(2);
		struct dial_target to = target(S("a"), 443);
		struct http_client *c = http_pool_take(p, &to, false);
		int peer = connect_it(c);
		http_pool_give(p, c);
		if (way == 0)
			shutdown(peer, SHUT_WR);
		else if (way == 1)
			close(peer);
		else
			expect(send(peer, "?", 1, 0) == 1);
		struct http_client *again = http_pool_take(p, &to, false);
		expect(again->stream.fd < 0);
		if (way != 1)
			expect(!is_open(peer) && close(peer) == 0);
	}
}

TEST(pool_fresh_closes_the_kept_one)
{
	struct http_pool *p = new_pool(3);
	struct dial_target to = target(S("a"), 443);
	struct http_client *c = http_pool_take(p, &to, false);
	int peer = connect_it(c);
	http_pool_give(p, c);
	expect(http_pool_take(p, &to, true) == c);
	expect(c->stream.fd < 0);
	expect(!is_open(peer));
	close(peer);
}

/* With every slot used, the connection that lay longest goes, and nothing that is lent. */
TEST(pool_evicts_the_oldest)
{
	struct http_pool *p = new_pool(3);
	struct str hosts[] = { S("a"), S("b"), S("c") };
	struct http_client *c[3];
	int peers[3];
	for (size_t i = 0; i < 3; i++) {
		struct dial_target to = target(hosts[i], 1);
		c[i] = http_pool_take(p, &to, false);
		peers[i] = connect_it(c[i]);
	}
	struct dial_target d = target(S("d"), 1), a = target(S("a"), 1);
	expect(http_pool_take(p, &d, false) == NULL);
	http_pool_give(p, c[1]);
	clock_sleep_ms(3);
	http_pool_give(p, c[2]);
	expect(http_pool_take(p, &d, false) == c[1]);
	expect(c[1]->stream.fd < 0);
	expect(is_open(peers[0]) && !is_open(peers[1]) && is_open(peers[2]));
	http_pool_give(p, c[0]);
	/* Of those that fit, a kept one goes before an empty slot. */
	http_pool_give(p, c[1]);
	expect(http_pool_take(p, &a, false) == c[0]);
	/* An empty slot goes before somebody else's connection. */
	expect(http_pool_take(p, &a, false) == c[1]);
	expect(is_open(peers[2]));
	for (size_t i = 0; i < 3; i++)
		close(peers[i]);
}

TEST(pool_returns_to_the_slot_of_a_session)
{
	struct http_pool *p = new_pool(3);
	struct dial_target a = target(S("a"), 443), b = target(S("b"), 443);
	struct http_client *first = http_pool_take(p, &a, false),
					   *second = http_pool_take(p, &b, false);
	http_pool_give(p, first);
	http_pool_give(p, second);
	expect(http_pool_take(p, &a, false) == first);
	expect(http_pool_take(p, &b, false) == second);
}

TEST(pool_prefers_a_kept_connection)
{
	struct http_pool *p = new_pool(3);
	struct dial_target to = target(S("a"), 443);
	struct http_client *c[3];
	int peers[2];
	for (int i = 0; i < 3; i++)
		c[i] = http_pool_take(p, &to, false);
	for (int i = 0; i < 2; i++) {
		peers[i] = connect_it(c[i]);
		http_pool_give(p, c[i]);
		clock_sleep_ms(3);
	}
	http_pool_give(p, c[2]);
	expect(http_pool_take(p, &to, false) == c[1]);
	expect(http_pool_take(p, &to, false) == c[0]);
	expect(http_pool_take(p, &to, false) == c[2]);
	close(peers[0]);
	close(peers[1]);
}

TEST(pool_takes_any_name)
{
	struct http_pool *p = new_pool(1);
	static char name[HTTP_HOST_MAX + 1];
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = 'a';
	for (size_t n = HTTP_HOST_MAX; n <= HTTP_HOST_MAX + 1; n++) {
		struct dial_target to = target((struct str){ name, n }, 443);
		context("%zu bytes", n);
		struct http_client *c = http_pool_take(p, &to, true);
		int peer = connect_it(c);
		http_pool_give(p, c);
		/* One too long to remember is not kept for anybody. */
		expect_int(http_pool_take(p, &to, false)->stream.fd >= 0, n <= HTTP_HOST_MAX);
		http_pool_give(p, c);
		close(peer);
	}
}

enum { THREADS = 4, SLOTS = 3, ROUNDS = 3000 };

static struct http_pool *shared;

/* A socket without a peer is idle, too. */
static void use(struct http_client *c, uint32_t dice)
{
	if (c->stream.fd < 0 && dice % 2)
		check((c->stream.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) >= 0);
	if (dice % 8 == 0)
		http_client_close(c);
}

/* Counts how often somebody else had what was borrowed. */
static void *borrow(void *arg)
{
	uint32_t *clashes = arg, dice = *clashes;
	struct str hosts[] = { S("a"), S("b"), S("c"), S("d") };
	*clashes = 0;
	for (int i = 0; i < ROUNDS; i++) {
		dice = dice * 1664525 + 1013904223;
		struct dial_target to = target(hosts[dice >> 30], 443);
		struct http_client *c = http_pool_take(shared, &to, (dice >> 20 & 15) == 0);
		if (!c)
			continue;
		int *holders = (int *)(((uintptr_t)c->tail + sizeof(int)) & -sizeof(int));
		*clashes += __atomic_add_fetch(holders, 1, __ATOMIC_SEQ_CST) != 1;
		use(c, dice >> 10);
		*clashes += __atomic_sub_fetch(holders, 1, __ATOMIC_SEQ_CST) != 0;
		http_pool_give(shared, c);
	}
	return NULL;
}

TEST(pool_is_shared)
{
	pthread_t threads[THREADS];
	uint32_t numbers[THREADS];
	shared = new_pool(SLOTS);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = (uint32_t)test_random(UINT32_MAX);
		check(pthread_create(&threads[i], NULL, borrow, &numbers[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		check(pthread_join(threads[i], NULL) == 0);
		expect_int(numbers[i], 0);
	}
	struct dial_target to = target(S("a"), 443);
	for (int i = 0; i <= SLOTS; i++) {
		struct http_client *c = http_pool_take(shared, &to, true);
		expect_int(c != NULL, i < SLOTS);
		expect(!c || c->stream.fd < 0);
	}
}

/* What is not used costs nothing: only the front of the memory is touched. */
TEST(pool_touches_little)
{
	enum { MANY = 64 };
	unsigned char resident[4096];
	struct http_pool *p = new_pool(MANY);
	struct dial_target to = target(S("a"), 443);
	struct http_client *c = http_pool_take(p, &to, false);
	http_pool_give(p, c);
	size_t n = http_pool_size(MANY), page = (size_t)sysconf(_SC_PAGESIZE),
		   pages = (n + page - 1) / page, touched = 0;
	check(pages <= sizeof(resident) && mincore(p->slots, n, resident) == 0);
	for (size_t i = 0; i < pages; i++)
		touched += resident[i] & 1;
	expect(pages > 500);
	expect(touched < 20);
}

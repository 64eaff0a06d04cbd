#include "net/tls_server.h"

#include "base/clock.h"
#include "check.h"
#include "net/tls_client.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The server's side against our own client's, in one process: tls_client in a thread, tls_server
 * pumped by the test. */

static struct fault fault;

static struct str file_of(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "vectors/%s.pem", name);
	return test_file(path);
}

/* ---- identities ---- */

static struct tls_identity identity;
static char identity_memory[32768];

static enum err read_identity(struct str chain, struct str key)
{
	struct arena arena = { identity_memory, 0, sizeof(identity_memory) };
	memset(&identity, 0, sizeof(identity));
	return tls_identity_from_pem(&identity, chain, key, &arena, &fault);
}

/* good-ec or good-rsa */
static void be(const char *name)
{
	char chain[64], key[64];
	snprintf(chain, sizeof(chain), "x509/%s", name);
	snprintf(key, sizeof(key), "x509/%s-key", name);
	expect_int(read_identity(file_of(chain), file_of(key)), OK);
}

TEST(tls_server_identity_of_ec_and_rsa)
{
	be("good-ec");
	expect_int(identity.identity.key.type, BR_KEYTYPE_EC);
	expect_int(identity.identity.chain_n, 2);
	expect_int(identity.identity.own.not_after, INT64_C(4701974400));
	expect(!tls_identity_has_expired(&identity, clock_wall_ms()));
	int64_t end = utc_to_seconds((struct utc){ 2119, 1, 1, 0, 0, 0 }) * 1000;
	expect(!tls_identity_has_expired(&identity, end + 999));
	expect(tls_identity_has_expired(&identity, end + 1000));
	be("good-rsa");
	expect_int(identity.identity.key.type, BR_KEYTYPE_RSA);
	expect_int(identity.identity.chain_n, 2);
}

/* ---- a connection ---- */

/* What the client does, in its own thread. */
struct client {
	void (*talk)(struct client *c);
	const char *root;
	int fd;
	enum err result;
	struct fault fault;
	struct tls_client tls;
	pthread_t thread;
	size_t total;
	char bytes[65536];
};

static struct client client;
static struct tls_server server;
static int server_fd;

static char trust_memory[8192];

static void *client_run(void *arg)
{
	struct client *c = arg;
	c->talk(c);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static enum err client_connect(struct client *c)
{
	static struct trust trust;
	static const char *of;
	struct arena arena = { trust_memory, 0, sizeof(trust_memory) };
	struct deadline d = deadline_in(5000);
	if (of != c->root && trust_from_pem(&trust, file_of(c->root), &arena, &c->fault) != OK)
		return E_CONFIG;
	of = c->root;
	struct tls_peer to = { .host = S("server.test"), .port = 443, .trust = &trust };
	return c->result = tls_connect(&c->tls, c->fd, &to, &d, &c->fault);
}

static enum err client_write(struct client *c, struct str data)
{
	struct deadline d = deadline_in(5000);
	return c->result = tls_write(&c->tls, c->fd, &data, 1, &d, &c->fault);
}

static enum err client_read(struct client *c, size_t *got)
{
	struct deadline d = deadline_in(5000);
	return c->result = tls_read(&c->tls, c->fd, got, c->bytes, sizeof(c->bytes), &d, &c->fault);
}

/* Starts a client; the server's side is there to be pumped. */
static void begin(const char *root, void (*talk)(struct client *c))
{
	int fds[2];
	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	client.talk = talk;
	client.root = root;
	client.fd = fds[0];
	client.total = 0;
	server_fd = fds[1];
	tls_server_start(&server, &identity);
	expect(tls_server_handshaking(&server));
	if (pthread_create(&client.thread, NULL, client_run, &client) != 0)
		abort();
}

static void end(void)
{
	tls_server_end(&server, server_fd);
	close(server_fd);
	pthread_join(client.thread, NULL);
	close(client.fd);
	memset(&server, 0, sizeof(server));
}

/* A call moves a few records; this moves them all. */
static enum err move_all(bool *readable, bool *writable)
{
	enum err e;
	do
		e = tls_server_pump(&server, server_fd, readable, writable, &fault);
	while (e == E_MORE);
	return e;
}

/* Pumps until there is something to do that pumping is not: data to be read, room to write
 * (`all_sent`), an end. */
static enum err pump(bool want_data, bool want_sent)
{
	int64_t until = clock_mono_ms() + 5000;
	bool readable = true, writable = true;
	for (;;) {
		size_t n;
		enum err e = move_all(&readable, &writable);
		if (e != OK)
			return e;
		if (!tls_server_handshaking(&server) && !(want_sent && tls_server_is_pending(&server)) &&
		    !(want_data && !br_ssl_engine_recvapp_buf(&server.server.eng, &n)))
			return OK;
		struct pollfd p = { server_fd,
			(short)(POLLIN | (tls_server_is_pending(&server) ? POLLOUT : 0)), 0 };
		if (poll(&p, 1, (int)(until - clock_mono_ms())) != 1)
			return E_TIMEOUT;
		readable |= (p.revents & ~POLLOUT) != 0;
		writable |= (p.revents & POLLOUT) != 0;
	}
}

static bool serve_whole(struct str data)
{
	while (data.n) {
		data = str_skip(data, tls_server_write(&server, data));
		if (pump(false, true) != OK)
			return false;
	}
	return true;
}

static struct str take(char *p, size_t cap)
{
	size_t n = 0;
	while (n < cap) {
		size_t got = tls_server_read(&server, p + n, cap - n);
		n += got;
		if (got == 0 && pump(true, false) != OK)
			break;
	}
	return (struct str){ p, n };
}

static void greet(struct client *c)
{
	size_t got = 0;
	if (client_connect(c) != OK || client_write(c, S("hello")) != OK || client_read(c, &got) != OK)
		return;
	c->total = got;
	c->result = client_read(c, &got);
}

TEST(tls_server_talks_with_ec_and_rsa)
{
	static const struct {
		const char *identity, *root;
	} cases[] = { { "good-ec", "x509/root-ec" }, { "good-rsa", "x509/root-rsa" } };
	for (size_t i = 0; i < countof(cases); i++) {
		char bytes[5];
		context("%s", cases[i].identity);
		be(cases[i].identity);
		begin(cases[i].root, greet);
		expect_str(take(bytes, 5), S("hello"));
		expect(!tls_server_handshaking(&server));
		expect_str(str_c(br_ssl_engine_get_selected_protocol(&server.server.eng)), S("http/1.1"));
		expect_str(str_c(br_ssl_engine_get_server_name(&server.server.eng)), S("server.test"));
		expect(serve_whole(S("good day")));
		end();
		expect_str(((struct str){ client.bytes, client.total }), S("good day"));
		/* close_notify came. */
		expect_int(client.result, E_CLOSED);
		expect_str(fault_text(&client.fault), S("the peer closed the connection"));
	}
}

TEST(tls_server_resumes_sessions)
{
	uint8_t first[32], key[48];
	char bytes[5];
	be("good-ec");
	for (int i = 0; i < 4; i++) {
		context("connection %d", i);
		if (i == 3)
			be("good-ec"); /* read again: the old one's sessions are gone */
		begin("x509/root-ec", greet);
		expect_str(take(bytes, 5), S("hello"));
		const br_ssl_session_parameters *session = &server.server.eng.session;
		if (i == 0) {
			memcpy(first, session->session_id, sizeof(first));
			memcpy(key, session->master_secret, sizeof(key));
		}
		expect((memcmp(first, session->session_id, sizeof(first)) == 0) == (i < 3));
		expect((memcmp(key, session->master_secret, sizeof(key)) == 0) == (i < 3));
		expect(serve_whole(S("again")));
		end();
		expect_int(client.total, 5);
	}
}

TEST(tls_server_forgets_old_sessions)
{
	uint8_t first[32];
	char bytes[5];
	be("good-ec");
	for (int i = 0; i < 2; i++) {
		begin("x509/root-ec", greet);
		expect_str(take(bytes, 5), S("hello"));
		if (i == 0)
			memcpy(first, server.server.eng.session.session_id, sizeof(first));
		expect(
			(memcmp(first, server.server.eng.session.session_id, sizeof(first)) == 0) == (i == 0));
		expect(serve_whole(S("again")));
		end();
		for (size_t k = 0; k < TLS_SESSIONS; k++)
			if (identity.sessions.list[k].until)
				identity.sessions.list[k].until = clock_mono_ms();
	}
}

/* ---- much data, both ways ---- */

enum { MUCH = 1 << 20 };
static char much[MUCH];

static void send_much(struct client *c)
{
	if (client_connect(c) == OK && client_write(c, (struct str){ much, MUCH }) == OK)
		tls_close(&c->tls, c->fd);
}

/* Held for as long as the client is to take nothing. */
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

static void receive_much(struct client *c)
{
	size_t got;
	if (client_connect(c) != OK)
		return;
	pthread_mutex_lock(&reading);
	pthread_mutex_unlock(&reading);
	while (client_read(c, &got) == OK) {
		if (c->total + got > MUCH || memcmp(much + c->total, c->bytes, got) != 0)
			return;
		c->total += got;
	}
}

TEST(tls_server_takes_and_gives_much)
{
	static char back[MUCH];
	for (size_t i = 0; i < MUCH; i++)
		much[i] = (char)(i * 7 % 251);
	be("good-ec");
	begin("x509/root-ec", send_much);
	struct str got = take(back, MUCH);
	expect(str_eq(got, (struct str){ much, MUCH }));
	expect_int(pump(true, false), E_CLOSED);
	/* It stays closed. */
	expect_int(pump(true, false), E_CLOSED);
	end();

	begin("x509/root-ec", receive_much);
	expect(serve_whole((struct str){ much, MUCH }));
	end();
	expect_int(client.total, MUCH);
	expect_int(client.result, E_CLOSED);
}

TEST(tls_server_reads_in_pieces)
{
	be("good-ec");
	begin("x509/root-ec", greet);
	for (size_t i = 0; i < 5; i++) {
		char c = 0;
		expect_str(take(&c, 1), str_sub(S("hello"), i, i + 1));
	}
	expect_int(tls_server_read(&server, much, MUCH), 0);
	end();
}

/* ---- flags ---- */

TEST(tls_server_moves_only_what_it_may)
{
	bool no = false, yes = true;
	struct pollfd p;
	be("good-ec");
	begin("x509/root-ec", greet);
	p = (struct pollfd){ server_fd, POLLIN, 0 };
	expect_int(poll(&p, 1, 5000), 1);
	expect_int(tls_server_pump(&server, server_fd, &no, &yes, &fault), OK);
	expect(yes && !tls_server_is_pending(&server));
	expect_int(tls_server_pump(&server, server_fd, &yes, &no, &fault), OK);
	expect(tls_server_is_pending(&server));
	yes = true;
	expect_int(tls_server_pump(&server, server_fd, &no, &yes, &fault), OK);
	expect(yes && !tls_server_is_pending(&server) && tls_server_handshaking(&server));
	expect_int(tls_server_pump(&server, server_fd, &yes, &no, &fault), OK);
	expect_int(pump(true, false), OK);
	end();
}

/* A socket that is full clears the flag, and nothing is lost. */
TEST(tls_server_waits_for_room)
{
	bool no = false, yes = true;
	struct str rest = { much, MUCH };
	int size = 4096;
	be("good-ec");
	pthread_mutex_lock(&reading);
	begin("x509/root-ec", receive_much);
	expect_int(setsockopt(server_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	expect_int(pump(false, true), OK);
	for (int full = 0; rest.n;) {
		rest = str_skip(rest, tls_server_write(&server, rest));
		expect_int(move_all(&no, &yes), OK);
		if (!yes) {
			if (full++ == 0)
				pthread_mutex_unlock(&reading);
			expect(tls_server_is_pending(&server));
			expect_int(poll(&(struct pollfd){ server_fd, POLLOUT, 0 }, 1, 5000), 1);
			yes = true;
		}
		if (!rest.n)
			expect(full > 0);
	}
	expect_int(pump(false, true), OK);
	end();
	expect_int(client.total, MUCH);
}

/* ---- clients that do wrong ---- */

static void connect_only(struct client *c)
{
	if (client_connect(c) == OK)
		poll(&(struct pollfd){ c->fd, POLLRDHUP, 0 }, 1, 5000);
}

/* What is sent instead of a handshake, and what the server makes of it. */
static void expect_failure(struct str sent, bool and_end, enum err want, struct str text)
{
	int fds[2];
	bool readable = true, writable = true;
	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	tls_server_start(&server, &identity);
	expect_int(write(fds[0], sent.p, sent.n), sent.n);
	if (and_end)
		shutdown(fds[0], SHUT_WR);
	fault = (struct fault){ 0 };
	expect_int(tls_server_pump(&server, fds[1], &readable, &writable, &fault), want);
	expect_str(fault_text(&fault), text);
	expect(tls_server_handshaking(&server));
	tls_server_end(&server, fds[1]);
	close(fds[0]);
	close(fds[1]);
}

TEST(tls_server_says_what_clients_do_wrong)
{
	be("good-ec");
	context("plain HTTP");
	expect_failure(S("GET / HTTP/1.1\r\n\r\n"), false, E_TLS,
		S("the client speaks plain HTTP to the HTTPS port"));
	context("garbage");
	expect_failure(
		S("\1\2\3\4\5\6"), false, E_TLS, S("what the client sent is not TLS (BearSSL error 3)"));
	context("nothing");
	expect_failure(S(""), true, E_CLOSED, S("the peer closed the connection"));
	context("half a record");
	expect_failure(S("\x16\3\1\1"), true, E_CLOSED, S("the peer closed the connection"));
	context("no news");
	expect_failure(S("\x16\3\1"), false, OK, S(""));
	context("an alert");
	expect_failure(S("\x15\3\3\0\2\2\x30"), false, E_TLS,
		S("the client ended it with an alert (BearSSL error 304)"));
	context("a hello of SSL 3.0");
	expect_failure(S("\x16\3\0\0\x2d\1\0\0\x29\3\0"
					 "0123456789abcdef0123456789abcdef\0\0\2\xc0\x2b\1\0"),
		false, E_TLS, S("the client does not speak TLS 1.2 (BearSSL error 582)"));
}

/* Alerts before the handshake is done are no progress. */
TEST(tls_server_loses_patience_before_the_handshake)
{
	static char warnings[7 * 8000];
	for (size_t i = 0; i + 7 <= sizeof(warnings); i += 7)
		memcpy(warnings + i, "\x15\3\1\0\2\1\x5a", 7);
	be("good-ec");
	expect_failure((struct str){ warnings, sizeof(warnings) }, false, E_TLS,
		S("the client sends records with hardly any data (BearSSL error 6)"));
}

/* Each is a record in good order, and so cheap for the client. */
static void send_empty_records(struct client *c)
{
	if (client_connect(c) != OK)
		return;
	for (int i = 0; i < 3000; i++) {
		size_t n;
		br_ssl_engine_flush(&c->tls.client.eng, 1);
		for (unsigned char *p; (p = br_ssl_engine_sendrec_buf(&c->tls.client.eng, &n));) {
			ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
			if (sent > 0)
				br_ssl_engine_sendrec_ack(&c->tls.client.eng, (size_t)sent);
			else if (poll(&(struct pollfd){ c->fd, POLLOUT | POLLRDHUP, 0 }, 1, 5000) != 1 ||
				send(c->fd, "", 0, MSG_NOSIGNAL) != 0)
				return;
			else
				clock_sleep_ms(1);
			if (poll(&(struct pollfd){ c->fd, POLLRDHUP, 0 }, 1, 0) == 1)
				return;
		}
	}
}

/* However many there are, a call looks at a few. */
TEST(tls_server_takes_a_few_records_at_once)
{
	bool readable, writable;
	int waiting = 0;
	int64_t until = clock_mono_ms() + 20000;
	be("good-ec");
	begin("x509/root-ec", send_empty_records);
	while (tls_server_handshaking(&server) || tls_server_is_pending(&server)) {
		enum err e;
		readable = writable = true;
		e = tls_server_pump(&server, server_fd, &readable, &writable, &fault);
		if (!expect(e == OK || e == E_MORE))
			break;
		clock_sleep_ms(1);
	}
	while (waiting < 1000 && clock_mono_ms() < until) {
		clock_sleep_ms(1);
		expect_int(ioctl(server_fd, FIONREAD, &waiting), 0);
	}
	size_t received = server.pump.received;
	readable = writable = true;
	expect_int(tls_server_pump(&server, server_fd, &readable, &writable, &fault), E_MORE);
	expect(server.pump.received - received < 200);
	expect(readable);
	end();
}

TEST(tls_server_loses_patience_with_empty_records)
{
	be("good-ec");
	begin("x509/root-ec", send_empty_records);
	expect_int(pump(true, false), E_TLS);
	expect_str(
		fault_text(&fault), S("the client sends records with hardly any data (BearSSL error 6)"));
	end();
}

/* The engine's own protection; the stream is dead afterwards. */
TEST(tls_server_notices_damage)
{
	bool readable = true, writable = true;
	be("good-ec");
	begin("x509/root-ec", connect_only);
	expect_int(pump(false, true), OK);
	expect_int(send(client.fd,
				   "\x17\3\3\0\x20"
				   "0123456789abcdef0123456789abcdef",
				   37, MSG_NOSIGNAL),
		37);
	expect_int(tls_server_pump(&server, server_fd, &readable, &writable, &fault), E_TLS);
	expect_str(fault_text(&fault), S("the client broke the protocol (BearSSL error 7)"));
	expect_int(tls_server_write(&server, S("late")), 0);
	expect_int(tls_server_read(&server, much, MUCH), 0);
	end();
}

static void connect_and_vanish(struct client *c)
{
	if (client_connect(c) == OK)
		client_write(c, S("hello"));
}

TEST(tls_server_outlives_a_client_that_vanishes)
{
	char bytes[5];
	be("good-ec");
	begin("x509/root-ec", connect_and_vanish);
	expect_str(take(bytes, 5), S("hello"));
	pthread_join(client.thread, NULL);
	expect_int(pump(true, false), E_CLOSED);
	client.talk = greet;
	expect_int(tls_server_write(&server, S("anybody?")), 8);
	expect_int(pump(false, true), E_CLOSED);
	tls_server_end(&server, server_fd);
	close(server_fd);
	close(client.fd);
}

static void distrust(struct client *c)
{
	client_connect(c);
}

TEST(tls_server_is_told_of_distrust)
{
	be("good-ec");
	begin("x509/root-p384", distrust);
	enum err e = pump(false, false);
	expect(e == E_TLS || e == E_CLOSED);
	end();
	expect_int(client.result, E_CERT);
}

/* ---- keys ---- */

TEST(tls_server_wipes_its_keys)
{
	char bytes[5];
	be("good-rsa");
	begin("x509/root-rsa", greet);
	expect_str(take(bytes, 5), S("hello"));
	expect(serve_whole(S("bye")));
	end();
	for (size_t i = 0; i < sizeof(server.server); i++)
		if (!expect_int(((const char *)&server.server)[i], 0))
			break;
}

/* One byte at a time in both directions; each pump is a step. */
static void relay_byte(int to, int from)
{
	char c;
	if (recv(from, &c, 1, MSG_PEEK) == 1 && send(to, &c, 1, MSG_NOSIGNAL) == 1)
		expect_int(recv(from, &c, 1, 0), 1);
}

TEST(tls_server_bears_one_byte_at_a_time)
{
	int far[2];
	bool readable, writable;
	be("good-ec");
	begin("x509/root-ec", greet);
	/* The server's end of the pair stays in our hands, and the server gets one end of another. */
	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, far) == 0);
	char bytes[5];
	size_t n = 0, steps = 0;
	int64_t until = clock_mono_ms() + 20000;
	while (n < 5 && clock_mono_ms() < until) {
		relay_byte(far[0], server_fd);
		relay_byte(server_fd, far[0]);
		readable = writable = true;
		if (!expect_int(tls_server_pump(&server, far[1], &readable, &writable, &fault), OK))
			break;
		n += tls_server_read(&server, bytes + n, 5 - n);
		steps++;
	}
	expect_str(((struct str){ bytes, n }), S("hello"));
	expect(steps > 500);
	close(far[0]);
	close(far[1]);
	end();
}

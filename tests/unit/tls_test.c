#include "check.h"
#include "chain.h"
#include "peer.h"

#include "base/clock.h"
#include "codec/pem.h"
#include "net/dial.h"
#include "net/tls_fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- certificates ---- */

static struct str file_of(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "vectors/x509/%s.pem", name);
	return test_file(path);
}

/* The blocks of a PEM file; they live as long as the test. */
static size_t load(struct str *der, size_t most, const char *name)
{
	struct str pem = file_of(name), label;
	char bytes[4096];
	for (size_t n = 0;; n++) {
		struct buf b = BUF(bytes);
		if (!expect_int(pem_next(&label, &b, &pem), OK) || !label.p || n == most)
			return n;
		der[n] = guard_copy(buf_str(&b));
	}
}

static struct trust trust_in(const char *name)
{
	static char memory[4096];
	static struct arena arena;
	struct trust t = { .count = 0 };
	struct fault f;
	arena = (struct arena){ memory, 0, sizeof(memory) };
	expect_int(trust_from_pem(&t, file_of(name), &arena, &f), OK);
	return t;
}

/* ---- a server ---- */

struct server {
	/* How it behaves; all zeros: well, and it echoes. */
	void (*talk)(struct server *s);
	size_t cut_at;   /* after so many bytes sent ... */
	void (*cut)(int fd, struct peer *p); /* ... it does this; NULL: no cut */
	size_t flip_at;  /* this byte sent is changed; 0: none */
	bool one_by_one; /* every byte in a packet of its own */
	int delay_ms;    /* before it sends its first byte */
	uint16_t suite;  /* only this; 0: all */
	const br_ec_impl *curves;
	bool wrong_key;
	br_ssl_session_cache_lru *sessions;

	/* What was seen of the last connection. */
	size_t sent;       /* bytes on the wire */
	size_t records;    /* of application data that came in */
	size_t total;      /* bytes of application data that came in */
	int error;         /* of the server's engine at the end */
	bool shut;         /* close_notify came */
	char name[256];    /* SNI */
	char protocol[32]; /* ALPN */

	struct peer peer;
	int fd;
	br_ssl_server_context context;
	unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
	struct str der[4], key_der;
	br_x509_certificate chain[4];
	size_t chain_n;
	br_skey_decoder_context key;
	size_t header_n, record_left; /* where in the incoming records it is */
	unsigned char header[5];
};

static void watch_records(struct server *s, const unsigned char *p, size_t n)
{
	while (n > 0) {
		if (s->record_left > 0) {
			size_t take = n < s->record_left ? n : s->record_left;
			s->record_left -= take, p += take, n -= take;
			continue;
		}
		s->header[s->header_n++] = *p++, n--;
		if (s->header_n == 5) {
			s->header_n = 0;
			s->record_left = (size_t)s->header[3] << 8 | s->header[4];
			s->records += s->header[0] == 23;
		}
	}
}

/* Sends as the server's manners are; false: it is over. */
static bool put(struct server *s, unsigned char *p, size_t n)
{
	if (s->sent == 0 && s->delay_ms)
		clock_sleep_ms(s->delay_ms);
	for (size_t i = 0; i < n;) {
		size_t piece = s->one_by_one ? 1 : n - i;
		if (s->cut && s->sent + piece > s->cut_at)
			piece = s->cut_at - s->sent;
		if (s->flip_at && s->sent < s->flip_at && s->sent + piece >= s->flip_at)
			p[i + (s->flip_at - s->sent - 1)] ^= 0x10;
		if (piece > 0 && send(s->fd, p + i, piece, MSG_NOSIGNAL) != (ssize_t)piece)
			return false;
		s->sent += piece;
		i += piece;
		if (s->cut && s->sent == s->cut_at) {
			s->cut(s->fd, &s->peer);
			return false;
		}
	}
	return true;
}

/* Runs the engine until it is in one of the states `until`; false when the connection has ended. */
static bool pump(struct server *s, unsigned until)
{
	br_ssl_engine_context *e = &s->context.eng;
	for (;;) {
		unsigned state = br_ssl_engine_current_state(e);
		size_t n;
		if (state == BR_SSL_CLOSED)
			return false;
		if (state & BR_SSL_SENDREC) {
			unsigned char *p = br_ssl_engine_sendrec_buf(e, &n);
			if (!put(s, p, n))
				return false;
			br_ssl_engine_sendrec_ack(e, n);
		} else if (state & until) {
			return true;
		} else if (state & BR_SSL_RECVREC) {
			unsigned char *p = br_ssl_engine_recvrec_buf(e, &n);
			ssize_t got = recv(s->fd, p, n, 0);
			if (got <= 0)
				return false;
			watch_records(s, p, (size_t)got);
			br_ssl_engine_recvrec_ack(e, (size_t)got);
		} else {
			return false;
		}
	}
}

static size_t get(struct server *s, char *p, size_t cap)
{
	size_t n;
	if (!pump(s, BR_SSL_RECVAPP))
		return 0;
	unsigned char *data = br_ssl_engine_recvapp_buf(&s->context.eng, &n);
	n = n < cap ? n : cap;
	memcpy(p, data, n);
	br_ssl_engine_recvapp_ack(&s->context.eng, n);
	s->total += n;
	return n;
}

static bool say(struct server *s, const char *p, size_t n)
{
	while (n > 0 && pump(s, BR_SSL_SENDAPP)) {
		size_t room;
		unsigned char *to = br_ssl_engine_sendapp_buf(&s->context.eng, &room);
		size_t take = n < room ? n : room;
		memcpy(to, p, take);
		br_ssl_engine_sendapp_ack(&s->context.eng, take);
		p += take, n -= take;
	}
	br_ssl_engine_flush(&s->context.eng, 0);
	return n == 0 && pump(s, BR_SSL_SENDAPP | BR_SSL_RECVAPP);
}

static void echo(struct server *s)
{
	char bytes[4096];
	for (size_t n; (n = get(s, bytes, sizeof(bytes))) > 0 && say(s, bytes, n);)
		;
}

static void close_properly(struct server *s)
{
	br_ssl_engine_close(&s->context.eng);
	pump(s, BR_SSL_RECVREC);
}

static void serve(int fd, struct peer *p)
{
	struct server *s = p->arg;
	br_ssl_engine_context *e = &s->context.eng;
	size_t n;
	s->fd = fd;
	s->sent = s->records = s->total = s->header_n = s->record_left = 0;
	if (br_skey_decoder_key_type(&s->key) == BR_KEYTYPE_EC)
		br_ssl_server_init_full_ec(
			&s->context, s->chain, s->chain_n, BR_KEYTYPE_EC, br_skey_decoder_get_ec(&s->key));
	else
		br_ssl_server_init_full_rsa(
			&s->context, s->chain, s->chain_n, br_skey_decoder_get_rsa(&s->key));
	if (s->suite)
		br_ssl_engine_set_suites(e, &s->suite, 1);
	if (s->curves)
		br_ssl_engine_set_ec(e, s->curves);
	if (s->sessions)
		br_ssl_server_set_cache(&s->context, &s->sessions->vtable);
	static const char *protocols[] = { "h2", "http/1.1" };
	br_ssl_engine_set_protocol_names(e, protocols, 2);
	/* Another one for each connection, or their sessions would have the same ids. */
	br_ssl_engine_inject_entropy(e, &(unsigned){ atomic_load(&p->connections) }, sizeof(unsigned));
	br_ssl_engine_set_buffer(e, s->buffer, sizeof(s->buffer), 1);
	br_ssl_server_reset(&s->context);
	if (pump(s, BR_SSL_SENDAPP))
		(s->talk ? s->talk : echo)(s);
	snprintf(s->name, sizeof(s->name), "%s", br_ssl_engine_get_server_name(e));
	const char *protocol = br_ssl_engine_get_selected_protocol(e);
	snprintf(s->protocol, sizeof(s->protocol), "%s", protocol ? protocol : "");
	s->error = br_ssl_engine_last_error(e);
	/* Only then is there nothing that it would still take. */
	s->shut = s->error == 0 && !br_ssl_engine_recvrec_buf(e, &n);
}

static void start(struct server *s, const char *identity)
{
	char key[64];
	snprintf(key, sizeof(key), "%s-key", identity);
	s->chain_n = load(s->der, countof(s->der), identity);
	for (size_t i = 0; i < s->chain_n; i++)
		s->chain[i] = (br_x509_certificate){ (unsigned char *)(uintptr_t)s->der[i].p, s->der[i].n };
	expect_int(load(&s->key_der, 1, key), 1);
	br_skey_decoder_init(&s->key);
	br_skey_decoder_push(&s->key, s->key_der.p, s->key_der.n);
	expect_int(br_skey_decoder_last_error(&s->key), 0);
	if (s->wrong_key)
		s->key.key.ec.x[8] ^= 1;
	peer_start(&s->peer, serve, s);
}

/* ---- our side ---- */

static struct tls_client tls;
static struct fault fault;
static struct resolver resolver;
static char hosts_path[] = "/tmp/tls_test.XXXXXX";

static void names_are_here(void)
{
	static const char hosts[] = "127.0.0.1 server.test a.wild.test other.test\n";
	strcpy(hosts_path + sizeof(hosts_path) - 7, "XXXXXX");
	int fd = mkstemp(hosts_path);
	expect(fd >= 0 && write(fd, hosts, sizeof(hosts) - 1) == sizeof(hosts) - 1);
	close(fd);
	memset(&resolver, 0, sizeof(resolver));
	resolver_init(&resolver, "/nonexistent", hosts_path);
}

static enum err connect_to(struct stream *s, const struct server *server, const char *host,
	struct trust trust, struct deadline *d)
{
	struct dial_target to = { .host = str_c(host),
		.port = server->peer.port,
		.secure = true,
		.trust = &trust,
		.resolver = &resolver };
	names_are_here();
	*s = stream_none(&tls);
	enum err e = dial(s, &to, d, &fault);
	unlink(hosts_path);
	return e;
}

static enum err connect_in(
	struct stream *s, const struct server *server, const char *host, int64_t ms)
{
	struct deadline d = deadline_in(ms);
	return connect_to(s, server, host, trust_in("root-ec"), &d);
}

static enum err write_all(struct stream *s, struct str text)
{
	struct deadline d = deadline_in(4000);
	return stream_write(s, &text, 1, &d, &fault);
}

static enum err read_some(struct stream *s, size_t *got, char *p, size_t cap)
{
	struct deadline d = deadline_in(4000);
	return stream_read(s, got, p, cap, &d, &fault);
}

static struct str read_whole(struct stream *s, char *p, size_t n)
{
	size_t have = 0, got = 0;
	while (have < n && expect_int(read_some(s, &got, p + have, n - have), OK))
		have += got;
	return (struct str){ p, have };
}

/* One question and its echo. */
static void converse(struct stream *s)
{
	char back[16];
	expect_int(write_all(s, S("hello")), OK);
	expect_str(read_whole(s, back, 5), S("hello"));
}

static bool becomes_idle(struct stream *s, bool want)
{
	for (int i = 0; i < 200 && stream_is_idle(s) != want; i++)
		clock_sleep_ms(5);
	return stream_is_idle(s) == want;
}

/* ---- handshakes ---- */

TEST(tls_talks)
{
	static const struct {
		const char *identity, *root, *host, *name;
	} cases[] = {
		{ "good-ec", "root-ec", "server.test", "server.test" },
		{ "good-ec", "root-ec", "SERVER.test.", "SERVER.test" },
		{ "good-ec", "root-ec", "a.wild.test", "a.wild.test" },
		{ "good-ec", "root-ec", "127.0.0.1", "" },
		{ "good-rsa", "root-rsa", "server.test", "server.test" },
		{ "good-rsa", "root-rsa", "127.0.0.1", "" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct server server = { .fd = -1 };
		struct stream s;
		struct deadline d = deadline_in(4000);
		context("%s for %s", cases[i].identity, cases[i].host);
		start(&server, cases[i].identity);
		if (expect_int(connect_to(&s, &server, cases[i].host, trust_in(cases[i].root), &d), OK)) {
			expect(s.secure);
			converse(&s);
			expect(stream_is_idle(&s));
			converse(&s);
		}
		stream_close(&s);
		peer_stop(&server.peer);
		expect_str(str_c(server.name), str_c(cases[i].name));
		expect_str(str_c(server.protocol), S("http/1.1"));
		expect(server.shut);
	}
}

TEST(tls_every_suite_and_curve)
{
	static const struct {
		const char *identity, *root;
		uint16_t suite;
	} suites[] = {
		{ "good-ec", "root-ec", BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 },
		{ "good-ec", "root-ec", BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 },
		{ "good-ec", "root-ec", BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 },
		{ "good-rsa", "root-rsa", BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 },
		{ "good-rsa", "root-rsa", BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 },
		{ "good-rsa", "root-rsa", BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 },
	};
	br_ec_impl only_p384 = br_ec_prime_i31;
	only_p384.supported_curves = 1 << BR_EC_secp384r1;
	const br_ec_impl *curves[] = { &br_ec_c25519_m31, &br_ec_p256_m31, &only_p384 };
	for (size_t i = 0; i < countof(suites) + countof(curves); i++) {
		/* The curves with RSA, so that the key exchange alone is on them. */
		bool is_suite = i < countof(suites);
		struct server server = { .fd = -1, .suite = is_suite ? suites[i].suite : 0,
			.curves = is_suite ? NULL : curves[i - countof(suites)] };
		struct stream s;
		struct deadline d = deadline_in(4000);
		context("%zu", i);
		start(&server, is_suite ? suites[i].identity : "good-rsa");
		if (expect_int(connect_to(&s, &server, "server.test",
						   trust_in(is_suite ? suites[i].root : "root-rsa"), &d),
				OK))
			converse(&s);
		stream_close(&s);
		peer_stop(&server.peer);
	}
}

TEST(tls_refuses_weak_suites)
{
	static const uint16_t suites[] = {
		BR_TLS_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
		BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
		BR_TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA,
	};
	for (size_t i = 0; i < countof(suites); i++) {
		struct server server = { .fd = -1, .suite = suites[i] };
		struct stream s;
		struct deadline d = deadline_in(4000);
		context("suite %04x", suites[i]);
		start(&server, "good-rsa");
		expect_int(connect_to(&s, &server, "server.test", trust_in("root-rsa"), &d), E_TLS);
		expect_str(fault_text(&fault),
			S("TLS with server.test failed: the server has no algorithm in common with us (BearSSL "
			  "error 296)"));
		peer_stop(&server.peer);
	}
}

/* Without rsa_first nobody connects once more. */
static const struct addresses unused;

TEST(tls_refuses_certificates)
{
	static const struct {
		const char *host, *root;
		bool wrong_key;
		enum err want;
		const char *text;
	} cases[] = {
		{ "server.test", "root-rsa", false, E_CERT,
			"the certificate `Between` above that of server.test comes from an unknown "
			"authority, `Root EC`: set AWS_CA_BUNDLE or SSL_CERT_FILE to a bundle that contains "
			"it" },
		{ "other.test", "root-ec", false, E_CERT,
			"the certificate `server.test` of other.test is not for this name but for server.test, "
			"*.wild.test, 127.0.0.1 and 1 more" },
		{ "127.0.0.2", "root-ec", false, E_CERT,
			"the certificate `server.test` of 127.0.0.2 is not for this name but for server.test, "
			"*.wild.test, 127.0.0.1 and 1 more" },
		{ "server.test", "root-ec", true, E_TLS,
			"TLS with server.test failed: the server's key does not belong to its certificate "
			"(BearSSL error 27)" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct server server = { .fd = -1, .wrong_key = cases[i].wrong_key };
		struct stream s;
		struct deadline d = deadline_in(4000);
		context("%s", cases[i].text);
		start(&server, "good-ec");
		/* Any address of 127/8 leads to the server once it listens on all of them. */
		if (strcmp(cases[i].host, "127.0.0.2") == 0) {
			s = stream_none(&tls);
			struct trust trust = trust_in("root-ec");
			struct dial_target here = { .host = S("127.0.0.1"),
				.port = server.peer.port,
				.secure = false,
				.trust = &trust,
				.resolver = &resolver },
							   to = here;
			to.host = S("127.0.0.2");
			expect_int(dial(&s, &here, &d, &fault), OK);
			expect_int(dial_secure(&s, &unused, &to, &d, &fault), cases[i].want);
		} else {
			expect_int(
				connect_to(&s, &server, cases[i].host, trust_in(cases[i].root), &d), cases[i].want);
		}
		expect_str(fault_text(&fault), str_c(cases[i].text));
		expect_int(s.fd, -1);
		peer_stop(&server.peer);
	}
}

TEST(tls_refuses_an_impossible_host)
{
	static const char *const hosts[] = { "", ".", "a b", "a/b", "1.2.3", "[::1]" };
	struct peer p;
	peer_start(&p, peer_hang, NULL);
	for (size_t i = 0; i < countof(hosts); i++) {
		struct stream s = stream_none(&tls);
		struct trust trust = trust_in("root-ec");
		struct dial_target here = { .host = S("127.0.0.1"),
			.port = p.port,
			.secure = false,
			.trust = &trust,
			.resolver = &resolver },
						   to = here;
		struct deadline d = deadline_in(4000);
		to.host = str_c(hosts[i]);
		context("%s", hosts[i]);
		memset(&resolver, 0, sizeof(resolver));
		resolver_init(&resolver, "/nonexistent", "/nonexistent");
		expect_int(dial(&s, &here, &d, &fault), OK);
		expect_int(dial_secure(&s, &unused, &to, &d, &fault), E_NAME);
		expect_int(s.fd, -1);
	}
	peer_stop(&p);
}

/* Reads the client's hello, and hangs up. */
static void take_hello(int fd, struct peer *p)
{
	struct buf *hello = p->arg;
	clock_sleep_ms(20);
	ssize_t n = recv(fd, hello->p, hello->cap, 0);
	hello->n = n > 0 ? (size_t)n : 0;
}

TEST(tls_hello_offers_what_is_meant)
{
	static const struct {
		const char *what;
		struct str bytes;
	} parts[] = {
		{ "version", STR("\3\3") },
		{ "six suites", STR("\0\x0c") },
		{ "suite", STR("\xc0\x2b") },
		{ "suite", STR("\xc0\x2c") },
		{ "suite", STR("\xc0\x2f") },
		{ "suite", STR("\xc0\x30") },
		{ "suite", STR("\xcc\xa8") },
		{ "suite", STR("\xcc\xa9") },
		{ "no compression", STR("\1\0") },
		{ "secure renegotiation", STR("\xff\1\0\1\0") },
		{ "server name", STR("\0\0\0\x10\0\x0e\0\0\x0bserver.test") },
		{ "signatures with SHA-256, 384, 512", STR("\0\x0d\0\x0e\0\x0c\4\3\5\3\6\3\4\1\5\1\6\1") },
		{ "X25519 before P-256 and P-384", STR("\0\x0a\0\x08\0\x06\0\x1d\0\x17\0\x18") },
		{ "uncompressed points", STR("\0\x0b\0\2\1\0") },
		{ "protocol", STR("\0\x10\0\x0b\0\x09\x08http/1.1") },
		{ "extended master secret", STR("\0\x17\0\0") },
		{ "a ticket is welcome", STR("\0\x23\0\0") },
	};
	char bytes[1024];
	struct buf hello = BUF(bytes);
	struct server server = { .fd = -1 };
	struct stream s;
	memset(&tls, 0, sizeof(tls));
	peer_start(&server.peer, take_hello, &hello);
	expect_int(connect_in(&s, &server, "server.test", 4000), E_TLS);
	peer_stop(&server.peer);
	for (size_t i = 0; i < countof(parts); i++) {
		context("%s %zu", parts[i].what, i);
		expect(str_find_str(buf_str(&hello), parts[i].bytes) < hello.n);
	}
	/* Record head, hello head, random, no session, and the parts: nothing else. */
	size_t want = 5 + 4 + 32 + 1 + 2;
	for (size_t i = 0; i < countof(parts); i++)
		want += parts[i].bytes.n;
	context("its length");
	expect_int(hello.n, want);
}

/* ---- sessions ---- */

TEST(tls_sessions_are_resumed_with_the_same_peer_only)
{
	static unsigned char store[4096];
	br_ssl_session_cache_lru sessions;
	struct server server = { .sessions = &sessions };
	struct stream s;
	memset(&tls, 0, sizeof(tls));
	br_ssl_session_cache_lru_init(&sessions, store, sizeof(store));
	start(&server, "good-ec");
	static const struct {
		const char *host;
		bool resumed;
	} cases[] = {
		{ "server.test", false },
		{ "server.test", true },
		{ "Server.Test", true },
		{ "a.wild.test", false },
		{ "server.test", false },
		{ "server.test", true },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%zu", i);
		if (!expect_int(connect_in(&s, &server, cases[i].host, 4000), OK)) {
			expect_str(fault_text(&fault), S(""));
			continue;
		}
		/* A full handshake carries the certificates. */
		expect((server.sent < 500) == cases[i].resumed);
		converse(&s);
		stream_close(&s);
	}
	context("its time is over, and resuming does not prolong it");
	int64_t until = tls.session.until;
	expect(until > clock_mono_ms() + 3500000 && until <= clock_mono_ms() + 3600000);
	clock_sleep_ms(5);
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	stream_close(&s);
	expect_int(tls.session.until, until);
	tls.session.until = clock_mono_ms();
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect(server.sent > 500);
	stream_close(&s);
	context("other anchors");
	struct deadline d = deadline_in(4000);
	struct anchor none = { .is_leaf = true };
	expect_int(
		connect_to(&s, &server, "server.test", (struct trust){ .anchors = &none, .count = 1 }, &d),
		E_CERT);
	context("after a failure");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect(server.sent > 500);
	stream_close(&s);
	peer_stop(&server.peer);
}

/* A ClientHello to `host`, when a session with server.test on this port has a ticket. */
static bool offers_ticket(const struct server *server, struct buf *hello, const char *host,
	uint16_t port, struct trust trust, int64_t until, int64_t not_after)
{
	struct deadline d = deadline_in(4000);
	struct stream s;
	memset(&tls, 0, sizeof(tls));
	strcpy(tls.host, "server.test");
	tls.port = port;
	tls.anchors = trust_in("root-ec").anchors;
	tls.session.until = until;
	tls.session.not_after = not_after;
	tls.session.ticket_n = sizeof(tls.session.ticket);
	memset(tls.session.ticket, 'T', sizeof(tls.session.ticket));
	hello->n = 0;
	expect_int(connect_to(&s, server, host, trust, &d), E_TLS);
	expect_int(tls.session.ticket_n, 0);
	size_t at = str_find_str(buf_str(hello), S("\0\x23\4\0TTTT"));
	/* By the id that comes with it the client would know that it is accepted. */
	expect_int(hello->p[5 + 4 + 2 + 32], at < hello->n ? 32 : 0);
	return at < hello->n;
}

TEST(tls_tickets_are_offered_to_the_same_peer_only)
{
	char bytes[2048];
	struct buf hello = BUF(bytes);
	struct server server = { .fd = -1 };
	struct trust trust = trust_in("root-ec");
	struct anchor none = { .is_leaf = true };
	struct trust other = { .anchors = &none, .count = 1 };
	peer_start(&server.peer, take_hello, &hello);
	uint16_t port = server.peer.port;
	int64_t until = clock_mono_ms() + 100000, now = clock_wall_ms() / 1000;
	expect(offers_ticket(&server, &hello, "server.test", port, trust, until, now + 100));
	expect(!offers_ticket(&server, &hello, "other.test", port, trust, until, now + 100));
	expect(!offers_ticket(&server, &hello, "a.wild.test", port, trust, until, now + 100));
	expect(!offers_ticket(&server, &hello, "server.test", port ^ 1, trust, until, now + 100));
	expect(!offers_ticket(&server, &hello, "server.test", port, other, until, now + 100));
	expect(!offers_ticket(&server, &hello, "server.test", port, trust, clock_mono_ms(), now + 100));
	expect(!offers_ticket(&server, &hello, "server.test", port, trust, until, now - 1));
	peer_stop(&server.peer);
}

/* ---- bad servers ---- */

TEST(tls_byte_by_byte)
{
	struct server server = { .one_by_one = true };
	struct stream s;
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 10000), OK);
	converse(&s);
	stream_close(&s);
	peer_stop(&server.peer);
}

static void end(int fd, struct peer *p)
{
	(void)p;
	shutdown(fd, SHUT_WR);
}

static void reset(int fd, struct peer *p)
{
	(void)p;
	peer_reset(fd);
}

/* However far the handshake came, the end of the connection is told and nothing waits. */
TEST(tls_handshake_cut_anywhere)
{
	struct server server = { .cut = end };
	struct stream s;
	size_t whole = 0;
	start(&server, "good-ec");
	for (size_t at = 0; whole == 0 && at < 4000; at += at < 10 ? 1 : 53) {
		server.cut_at = at;
		server.cut = at % 2 ? end : reset;
		context("after %zu bytes", at);
		enum err e = connect_in(&s, &server, "server.test", 4000);
		if (e == OK)
			whole = at;
		else
			expect_int(e, E_TLS);
		if (e != OK)
			expect(str_starts(fault_text(&fault),
				S("server.test ended the connection during the TLS handshake")));
		stream_close(&s);
	}
	expect(whole > 800 && whole < 2500);
	peer_stop(&server.peer);
}

/* No changed byte of the handshake goes unnoticed. What makes both wait for more ends at the
 * deadline. */
TEST(tls_handshake_changed_anywhere)
{
	struct server server = { .fd = -1 };
	struct stream s;
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	stream_close(&s);
	peer_stop(&server.peer);
	/* Without the close_notify at the end, an alert in a GCM record; and the next handshake may be
	 * a few bytes shorter, as an ECDSA signature may. */
	size_t whole = server.sent - 31 - 8;
	start(&server, "good-ec");
	for (size_t at = 1 + (size_t)test_random(13); at <= whole; at += 13) {
		server.flip_at = at;
		context("byte %zu of %zu", at, whole);
		enum err e = connect_in(&s, &server, "server.test", 150);
		expect(e == E_TLS || e == E_CERT || e == E_TIMEOUT);
		stream_close(&s);
	}
	peer_stop(&server.peer);
}

struct reply {
	struct str bytes;
	bool again; /* and again */
};

static void reply(int fd, struct peer *p)
{
	const struct reply *r = p->arg;
	char hello[1024];
	if (recv(fd, hello, sizeof(hello), 0) <= 0)
		return;
	while (send(fd, r->bytes.p, r->bytes.n, MSG_NOSIGNAL) > 0 && r->again)
		;
	peer_hang(fd, p);
}

TEST(tls_with_what_is_no_server)
{
	static const struct {
		struct reply reply;
		enum err want;
		const char *text;
	} cases[] = {
		{ { STR("HTTP/1.1 400 Bad Request\r\n\r\n"), false }, E_TLS,
			"the server does not speak TLS 1.2, or speaks no TLS on this port" },
		{ { STR("SSH-2.0-OpenSSH_9.2\r\n"), false }, E_TLS,
			"the server does not speak TLS 1.2, or speaks no TLS on this port" },
		{ { STR("\x15\3\3\0\2\2\x28"), false }, E_TLS,
			"the server has no algorithm in common with us" },
		{ { STR("\x15\3\1\0\2\2\x46"), false }, E_TLS,
			"the server wants TLS 1.3, which this program does not speak" },
		{ { STR("\x15\3\3\0\2\2\x70"), false }, E_TLS, "the server does not know this name" },
		{ { STR("\x15\3\3\0\2\2\x33"), false }, E_TLS, "the server ended it with an alert" },
		{ { STR("\x15\3\3\0\2\1\0"), false }, E_TLS,
			"ended the connection during the TLS handshake" },
		{ { STR("\x17\3\3\0\2\1\0"), false }, E_TLS, "the server broke the protocol" },
		{ { STR("\x16\3\3\xff\xff\0"), false }, E_TLS, "the server broke the protocol" },
		/* An old server: its hello says TLS 1.1. */
		{ { STR("\x16\3\2\0\x2a\2\0\0\x26\3\2"
				"01234567890123456789012345678901\0\xc0\x2f\0"),
			  false },
			E_TLS, "the server does not speak TLS 1.2, or speaks no TLS on this port" },
		/* Records without contents, for ever. */
		{ { STR("\x16\3\3\0\0"), true }, E_TIMEOUT,
			"the TLS handshake with 127.0.0.1 took too long" },
		/* Hello requests, for ever. */
		{ { STR("\x16\3\3\0\4\0\0\0\0"), true }, E_TIMEOUT,
			"the TLS handshake with 127.0.0.1 took too long" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct peer p;
		struct reply r = cases[i].reply;
		struct stream s = stream_none(&tls);
		struct trust trust = trust_in("root-ec");
		struct deadline d = deadline_in(cases[i].want == E_TIMEOUT ? 100 : 4000);
		peer_start(&p, reply, &r);
		struct dial_target to = { .host = S("127.0.0.1"),
			.port = p.port,
			.secure = true,
			.trust = &trust,
			.resolver = &resolver };
		context("%zu: %s", i, cases[i].text);
		memset(&resolver, 0, sizeof(resolver));
		resolver_init(&resolver, "/nonexistent", "/nonexistent");
		expect_int(dial(&s, &to, &d, &fault), cases[i].want);
		if (!expect(str_find_str(fault_text(&fault), str_c(cases[i].text)) < fault.n))
			expect_str(fault_text(&fault), str_c(cases[i].text));
		peer_stop(&p);
	}
}

static void count(void *arg)
{
	++*(int *)arg;
}

TEST(tls_handshake_serves_the_soft_deadline_and_goes_on)
{
	struct server server = { .delay_ms = 150 };
	struct stream s;
	int calls = 0;
	struct deadline d = deadline_in(4000);
	d.soft = clock_mono_ms() + 50;
	d.on_soft = count;
	d.arg = &calls;
	start(&server, "good-ec");
	expect_int(connect_to(&s, &server, "server.test", trust_in("root-ec"), &d), OK);
	expect_int(calls, 1);
	converse(&s);
	stream_close(&s);

	server.delay_ms = 400;
	int64_t before = clock_mono_ms();
	expect_int(connect_in(&s, &server, "server.test", 100), E_TIMEOUT);
	expect(clock_mono_ms() - before < 350);
	expect_str(fault_text(&fault), S("the TLS handshake with server.test took too long"));
	peer_stop(&server.peer);
}

/* ---- data ---- */

TEST(tls_request_is_one_record)
{
	struct server server = { .fd = -1 };
	struct stream s;
	char body[4096], back[4200];
	memset(body, 'b', sizeof(body));
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	const struct str parts[] = { STR("POST / HTTP/1.1\r\n"), STR("Host: server.test\r\n\r\n"),
		{ NULL, 0 }, { body, sizeof(body) } };
	struct deadline d = deadline_in(4000);
	expect_int(stream_write(&s, parts, countof(parts), &d, &fault), OK);
	read_whole(&s, back, 38 + sizeof(body));
	expect_int(server.records, 1);
	expect(memcmp(back, "POST / HTTP/1.1\r\nHost: server.test\r\n\r\nbbb", 41) == 0);
	stream_close(&s);
	peer_stop(&server.peer);
}

TEST(tls_large_data_both_ways)
{
	enum { SIZE = 300000 };
	struct server server = { .fd = -1 };
	struct stream s;
	char *bytes = malloc(SIZE), *back = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)test_random(256);
	start(&server, "good-rsa");
	struct deadline d = deadline_in(4000);
	expect_int(connect_to(&s, &server, "server.test", trust_in("root-rsa"), &d), OK);
	/* In pieces that the echo's buffers hold. */
	for (size_t at = 0; at < SIZE; at += 30000) {
		expect_int(write_all(&s, (struct str){ bytes + at, 30000 }), OK);
		read_whole(&s, back + at, 30000);
	}
	expect(memcmp(bytes, back, SIZE) == 0);
	stream_close(&s);
	peer_stop(&server.peer);
	free(bytes);
	free(back);
}

static void take_all(struct server *s)
{
	static char bytes[65536];
	say(s, "early", 5);
	clock_sleep_ms(30);
	while (get(s, bytes, sizeof(bytes)) > 0)
		;
}

TEST(tls_writes_much_while_an_answer_is_waiting)
{
	enum { SIZE = 8 << 20 };
	struct server server = { .talk = take_all };
	struct stream s;
	char *bytes = calloc(1, SIZE), back[8];
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	struct deadline d = deadline_in(10000);
	expect_int(stream_write(&s, &(struct str){ bytes, SIZE }, 1, &d, &fault), OK);
	expect_str(read_whole(&s, back, 5), S("early"));
	stream_close(&s);
	peer_stop(&server.peer);
	expect_int(server.total, SIZE);
	expect_int(server.records, SIZE / 16384);
	free(bytes);
}

static void refuse_early(struct server *s)
{
	char byte;
	get(s, &byte, 1);
	say(s, "413", 3);
}

TEST(tls_reads_what_came_before_a_failed_write)
{
	enum { SIZE = 16 << 20 };
	struct server server = { .talk = refuse_early };
	struct stream s;
	char *bytes = calloc(1, SIZE), back[8];
	size_t got;
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect_int(write_all(&s, (struct str){ bytes, SIZE }), E_CLOSED);
	expect_str(read_whole(&s, back, 3), S("413"));
	expect_int(read_some(&s, &got, back, sizeof(back)), E_TLS);
	expect_int(write_all(&s, S("more")), E_CLOSED);
	expect(!stream_is_idle(&s));
	stream_close(&s);
	peer_stop(&server.peer);
	free(bytes);
}

/* Reads nothing for a while, then everything. */
static void take_late(struct server *s)
{
	static char bytes[65536];
	clock_sleep_ms(300);
	while (get(s, bytes, sizeof(bytes)) > 0)
		;
}

TEST(tls_a_request_given_up_is_never_completed)
{
	struct server server = { .talk = take_late };
	struct stream s;
	int small = 8192;
	char *bytes = calloc(1, 1 << 20);
	/* What the socket takes differs; somewhere among these the last record is under way at the
	 * deadline. */
	for (size_t size = 16384 * 2; size <= 1 << 20; size *= 2) {
		start(&server, "good-ec");
		expect_int(connect_in(&s, &server, "server.test", 4000), OK);
		setsockopt(s.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		struct deadline d = deadline_in(50);
		enum err e = stream_write(&s, &(struct str){ bytes, size }, 1, &d, &fault);
		expect(e == OK || e == E_TIMEOUT);
		stream_close(&s);
		peer_stop(&server.peer);
		context("%zu bytes", size);
		expect((server.total == size) == (e == OK));
		expect(server.shut == (e == OK));
	}
	free(bytes);
}

/* ---- the end ---- */

static void answer_and_close(struct server *s)
{
	char byte;
	get(s, &byte, 1);
	say(s, "answer", 6);
	close_properly(s);
}

static void answer_and_vanish(struct server *s)
{
	char byte;
	get(s, &byte, 1);
	say(s, "answer", 6);
}

static void answer_and_reset(struct server *s)
{
	answer_and_vanish(s);
	clock_sleep_ms(30);
	peer_reset(s->fd);
}

TEST(tls_end_and_truncation_are_told_apart)
{
	static const struct {
		void (*talk)(struct server *s);
		const char *text;
		enum err want;
	} cases[] = {
		{ answer_and_close, "the peer closed the connection", E_CLOSED },
		{ answer_and_vanish, "the peer ended the connection without a close_notify", E_TLS },
		{ answer_and_reset, "the peer ended the connection without a close_notify", E_TLS },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct server server = { .talk = cases[i].talk };
		struct stream s;
		char back[16];
		size_t got;
		start(&server, "good-ec");
		context("%s", cases[i].text);
		expect_int(connect_in(&s, &server, "server.test", 4000), OK);
		expect_int(write_all(&s, S("?")), OK);
		expect_str(read_whole(&s, back, 6), S("answer"));
		expect_int(read_some(&s, &got, back, sizeof(back)), cases[i].want);
		expect(str_starts(fault_text(&fault), str_c(cases[i].text)));
		expect(!stream_is_idle(&s));
		expect_int(read_some(&s, &got, back, sizeof(back)), cases[i].want);
		stream_close(&s);
		peer_stop(&server.peer);
	}
}

static void answer_twice(struct server *s)
{
	char byte;
	get(s, &byte, 1);
	say(s, "answer", 6);
	clock_sleep_ms(100);
	say(s, "more", 4);
	get(s, &byte, 1);
}

TEST(tls_is_idle_only_while_nothing_is_held)
{
	struct server server = { .talk = answer_twice };
	struct stream s;
	char back[16];
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect(stream_is_idle(&s));
	expect_int(write_all(&s, S("?")), OK);
	expect_str(read_whole(&s, back, 5), S("answe"));
	expect(!stream_is_idle(&s));
	expect_str(read_whole(&s, back, 1), S("r"));
	expect(stream_is_idle(&s));
	expect(becomes_idle(&s, false));
	stream_close(&s);
	peer_stop(&server.peer);
}

static void renegotiate(struct server *s)
{
	char byte;
	get(s, &byte, 1);
	br_ssl_engine_renegotiate(&s->context.eng);
	get(s, &byte, 1);
}

TEST(tls_does_not_renegotiate)
{
	struct server server = { .talk = renegotiate };
	struct stream s;
	char back[16];
	size_t got;
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect_int(write_all(&s, S("?")), OK);
	expect_int(read_some(&s, &got, back, sizeof(back)), E_TLS);
	stream_close(&s);
	peer_stop(&server.peer);
	expect_int(server.error, BR_ERR_RECV_FATAL_ALERT + 100);
}

static void answer_damaged(struct server *s)
{
	char byte;
	get(s, &byte, 1);
	s->flip_at = s->sent + 20;
	say(s, "answer", 6);
	get(s, &byte, 1);
}

TEST(tls_damaged_record)
{
	struct server server = { .talk = answer_damaged };
	struct stream s;
	char back[16];
	size_t got;
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect_int(write_all(&s, S("?")), OK);
	expect_int(read_some(&s, &got, back, sizeof(back)), E_TLS);
	expect_str(fault_text(&fault),
		S("TLS with server.test failed: a record was damaged on the way (BearSSL error 7)"));
	expect_int(write_all(&s, S("?")), E_TLS);
	expect(!stream_is_idle(&s));
	stream_close(&s);
	peer_stop(&server.peer);
}

TEST(tls_nothing_secret_stays_behind)
{
	struct server server = { .fd = -1 };
	struct stream s;
	struct str secret = S("AQoDYXdzEJr1111111111111111111111111111secret");
	char back[64];
	memset(&tls, 0, sizeof(tls));
	start(&server, "good-ec");
	expect_int(connect_in(&s, &server, "server.test", 4000), OK);
	expect_int(write_all(&s, secret), OK);
	expect_str(read_whole(&s, back, secret.n), secret);
	stream_close(&s);
	peer_stop(&server.peer);
	expect(str_find_str((struct str){ (const char *)&tls, sizeof(tls) }, secret) == sizeof(tls));
	static const br_ssl_client_context wiped;
	expect(memcmp(&tls.client, &wiped, sizeof(wiped)) == 0);
}

/* ---- texts ---- */

TEST(tls_every_error_has_a_sentence)
{
	struct certificate c = chain_first("good-ec");
	memset(&tls, 0, sizeof(tls));
	memcpy(tls.host, "host.test", sizeof("host.test"));
	tls.verifier.question.trust = &(struct trust){ .source = "PEM" };
	tls.verifier.question.count = 1;
	for (unsigned code = 1; code < 800; code++) {
		context("%u", code);
		bool certificate = code > VERIFIER_ERROR && code < VERIFIER_ERROR + PATH_CODES;
		tls.verifier.answer = (struct path_answer){
			.code = certificate ? code - VERIFIER_ERROR : PATH_OK, .own = true, .blamed = c.der
		};
		expect_int(tls_fault_set(&fault, code, str_c(tls.host), &tls.verifier, false),
			certificate ? E_CERT : E_TLS);
		expect(str_starts(fault_text(&fault),
			certificate ? S("the certificate `server.test` of host.test ")
						: S("TLS with host.test failed: ")));
		expect(fault.n < sizeof(fault.text));
	}
	expect_int(
		tls_fault_set(&fault, BR_ERR_RECV_FATAL_ALERT + 70, str_c(tls.host), &tls.verifier, false),
		E_TLS);
	expect_str(fault_text(&fault),
		S("TLS with host.test failed: the server wants TLS 1.3, which this program does not speak "
		  "(BearSSL error 326)"));
}

#include "socket/upgrade.h"

#include "codec/authority.h"
#include "codec/base64.h"
#include "crypto/seed.h"
#include "crypto/sha1.h"

enum { KEY_BYTES = 16, KEYED_SIZE = 24 + 36, ACCEPT_SIZE = 28, SWITCHING_PROTOCOLS = 101 };

bool socket_url_read(struct socket_url *out, struct str url)
{
	out->secure = str_starts(url, S("wss://"));
	url = str_skip(url, out->secure);
	struct str rest = str_skip(url, 5 * str_starts(url, out->secure ? S("ss://") : S("ws://")));
	uint64_t port = out->secure ? 443 : 80;
	out->authority = str_sub(rest, 0, str_find(rest, '/'));
	out->target = str_skip(rest, out->authority.n);
	bool ok = authority_split(&out->host, &port, out->authority);
	out->port = (uint16_t)port;
	return ok && rest.n < url.n && out->target.n && str_is_visible(url);
}

static bool switches(const struct http_head *head, struct str keyed)
{
	char text[ACCEPT_SIZE];
	uint8_t digest[SHA1_SIZE];
	struct buf accept = BUF(text);
	sha1(digest, keyed);
	base64_encode(&accept, (struct str){ (const char *)digest, sizeof(digest) });
	return str_eq_nocase(http_field_get(head, S("Upgrade")), S("websocket")) &&
		http_list_has(http_field_get(head, S("Connection")), S("upgrade")) &&
		str_eq(http_field_get(head, S("Sec-WebSocket-Accept")), buf_str(&accept)) &&
		!http_field_get(head, S("Sec-WebSocket-Extensions")).p &&
		!http_field_get(head, S("Sec-WebSocket-Protocol")).p;
}

enum err upgrade(struct http_client *c, struct buf *rest, const struct socket_url *url,
	struct deadline *d, struct fault *f)
{
	uint8_t random[KEY_BYTES];
	char text[KEYED_SIZE];
	struct buf keyed = BUF(text);
	struct http_response response;
	struct http_progress progress;
	seed_fill(random, sizeof(random));
	base64_encode(&keyed, (struct str){ (const char *)random, sizeof(random) });
	char memory[160];
	struct buf lines = BUF(memory);
	buf_format(&lines,
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: %s\r\n",
		buf_str(&keyed));
	const struct http_request request = { .method = S("GET"), .authority = url->authority,
		.path = url->target, .lines = buf_str(&lines), .upgrades = true };
	buf_put(&keyed, S("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
	enum err e = http_exchange(c, &response, &progress, &request, rest, d, f);
	if (progress.status && progress.status != SWITCHING_PROTOCOLS)
		return fault_set(f, E_REFUSED, 0, "the server answered %d instead of opening a WebSocket",
			NUM(progress.status));
	if (e == OK && !switches(&response.head, buf_str(&keyed)))
		return fault_set(f, E_SYNTAX, 0, "the server's WebSocket handshake is wrong");
	return e;
}

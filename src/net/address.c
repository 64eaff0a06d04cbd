#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

void addresses_add(struct addresses *list, struct address a)
{
	if (list->count < ADDRESSES_MAX)
		list->list[list->count++] = a;
}

struct address address_v4(const uint8_t bytes[static 4])
{
	struct address a = { .ip.s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(a.ip.s6_addr + 12, bytes, 4);
	return a;
}

struct address address_v6(const uint8_t bytes[static 16])
{
	struct address a = { .scope = 0 };
	memcpy(a.ip.s6_addr, bytes, 16);
	return a;
}

bool address_parse(struct address *out, struct str text)
{
	char c[INET6_ADDRSTRLEN] = { 0 };
	uint8_t bytes[16];
	if (text.n == 0 || text.n >= sizeof(c))
		return false;
	memcpy(c, text.p, text.n);
	if (inet_pton(AF_INET, c, bytes) == 1)
		*out = address_v4(bytes);
	else if (inet_pton(AF_INET6, c, bytes) == 1)
		*out = address_v6(bytes);
	else
		return false;
	/* What follows a NUL byte was not looked at. */
	return str_find(text, 0) == text.n;
}

bool address_parse_scoped(struct address *out, struct str text)
{
	char name[IF_NAMESIZE] = { 0 };
	struct str address, zone;
	uint64_t index;
	if (!str_cut(&address, &zone, text, '%'))
		return address_parse(out, text);
	if (!address_parse(out, address) || address_is_v4(out) || zone.n == 0 || zone.n >= sizeof(name))
		return false;
	memcpy(name, zone.p, zone.n);
	out->scope = str_to_u64(&index, zone, UINT32_MAX) ? (uint32_t)index : if_nametoindex(name);
	return out->scope > 0;
}

static void put_v4(struct buf *b, const uint8_t bytes[static 4])
{
	buf_format(b, "%d.%d.%d.%d", NUM(bytes[0]), NUM(bytes[1]), NUM(bytes[2]), NUM(bytes[3]));
}

static void put_hex(struct buf *b, unsigned v)
{
	int shift = 12;
	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		buf_put_char(b, "0123456789abcdef"[v >> shift & 15]);
}

void address_put(struct buf *b, const struct address *a)
{
	const uint8_t *p = a->ip.s6_addr;
	if (address_is_v4(a)) {
		put_v4(b, p + 12);
		return;
	}
	unsigned groups[8];
	for (size_t i = 0; i < 8; i++)
		groups[i] = (unsigned)p[2 * i] << 8 | p[2 * i + 1];
	/* The first of the longest runs of zero groups becomes "::", if it has at least two. */
	size_t from = 8, length = 1;
	for (size_t i = 0, n; i < 8; i += n + 1) {
		for (n = 0; i + n < 8 && groups[i + n] == 0;)
			n++;
		if (n > length)
			from = i, length = n;
	}
	for (size_t i = 0; i < 8; i++) {
		if (i == from) {
			buf_put(b, S("::"));
			i += length - 1;
			continue;
		}
		if (i > 0 && i != from + length)
			buf_put_char(b, ':');
		put_hex(b, groups[i]);
	}
	if (a->scope)
		buf_format(b, "%%%d", NUM(a->scope));
}

bool address_is_loopback(const struct address *a)
{
	return address_is_v4(a) ? a->ip.s6_addr[12] == 127
							: memcmp(&a->ip, &in6addr_loopback, sizeof a->ip) == 0;
}

socklen_t address_to_socket(union socket_address *out, const struct address *a, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (address_is_v4(a)) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, a->ip.s6_addr + 12, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	out->v6.sin6_addr = a->ip;
	out->v6.sin6_scope_id = a->scope;
	return sizeof(out->v6);
}

bool address_block_widen(struct address_block *block, struct str bits)
{
	uint64_t n, most = address_is_v4(&block->first) ? 32 : 128;
	if (!str_to_u64(&n, bits, most))
		return false;
	block->bits = (unsigned)(128 - most + n);
	return true;
}

bool address_block_parse(struct address_block *out, struct str text)
{
	struct str address, bits;
	bool has_bits = str_cut(&address, &bits, text, '/');
	out->bits = 128;
	return address_parse(&out->first, address) && (!has_bits || address_block_widen(out, bits));
}

bool address_block_has(const struct address_block *block, const struct address *a)
{
	unsigned i = 0;
	/* 0.0.0.0/0 is all of IPv4 and nothing else. */
	while (i < block->bits &&
		!((block->first.ip.s6_addr[i / 8] ^ a->ip.s6_addr[i / 8]) >> (7 - i % 8) & 1))
		i++;
	return i == block->bits && address_is_v4(&block->first) == address_is_v4(a);
}

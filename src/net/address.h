/* address.h - IP addresses, of both families in one form. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/buf.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct address {
	struct in6_addr ip; /* IPv4 as ::ffff:a.b.c.d */
	uint32_t scope;     /* index of the interface that a link-local address is on; 0 for none */
};

/* The addresses of one host. */
enum { ADDRESSES_MAX = 16 };
struct addresses {
	size_t count;
	struct address list[ADDRESSES_MAX];
};

/* Appends one; what is beyond ADDRESSES_MAX is left out. */
void addresses_add(struct addresses *list, struct address a);

/* Whether it is kept in IPv6's form for an IPv4 address, ::ffff:a.b.c.d. */
static inline bool address_is_v4(const struct address *a)
{
	return memcmp(a->ip.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}

/* From the bytes of an address as protocols carry it: 4 or 16. */
struct address address_v4(const uint8_t bytes[static 4]);
struct address address_v6(const uint8_t bytes[static 16]);

/* An IPv4 or IPv6 literal; false for any other text. No octal, no shortened IPv4 forms, no zone. */
must_check bool address_parse(struct address *out, struct str text);

/* The same, and ADDRESS%ZONE for an IPv6 address, where ZONE is the name of an interface of this
 * machine or its index. */
must_check bool address_parse_scoped(struct address *out, struct str text);

/* Appends the usual text form (RFC 5952), without brackets; a scope is the index behind a '%'. */
void address_put(struct buf *b, const struct address *a);

/* All addresses that begin with the same bits. */
struct address_block {
	struct address first;
	unsigned bits; /* of the 128; those of IPv4 begin behind the 96 of its prefix */
};

/* ADDRESS or ADDRESS/BITS, as 10.0.0.0/8 or 2001:db8::/32. */
must_check bool address_block_parse(struct address_block *out, struct str text);
/* The same block with the first `bits` bits of its family alone. */
must_check bool address_block_widen(struct address_block *block, struct str bits);
bool address_block_has(const struct address_block *block, const struct address *a);

/* 127/8 and ::1. */
bool address_is_loopback(const struct address *a);

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* What socket calls take. IPv4 addresses become AF_INET: a kernel may be without IPv6. Returns the
 * length. */
socklen_t address_to_socket(union socket_address *out, const struct address *a, uint16_t port);

#endif

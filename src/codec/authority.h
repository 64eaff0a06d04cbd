/* authority.h - the host and port of a URL (RFC 3986, section 3.2), and of settings written the
 * same way. */
#ifndef CODEC_AUTHORITY_H
#define CODEC_AUTHORITY_H

#include "base/str.h"

/* Splits HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. *host is a view without brackets. It has
 * only bytes that occur in names and addresses; whether it is one of these is not checked. *port, 1
 * to 65535, keeps its value when none is given. */
must_check bool authority_split(struct str *host, uint64_t *port, struct str s);

/* The same for an address to listen on, which must have a port. The port may be 0, for any that is
 * free, and HOST may be empty, for every address of the machine. */
must_check bool authority_split_listening(struct str *host, uint64_t *port, struct str s);

#endif

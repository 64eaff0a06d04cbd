/* place.h - where to listen, as it is written: an address, or unix:PATH[,mode=0660][,group=NAME].
 * Pure. */
#ifndef NET_PLACE_H
#define NET_PLACE_H

#include "base/fault.h"

struct place {
	struct str address; /* as listen_open takes it */
	int mode;           /* of a unix socket's file; -1: as the umask has it */
	struct str group;   /* that owns it; empty: the process's own */
};

/* E_CONFIG: says what is wrong. */
must_check enum err place_parse(struct place *out, struct str text, struct fault *f);

#endif

/* accounts.h - users and groups of this machine, by name or number: /etc/passwd and /etc/group. */
#ifndef OS_ACCOUNTS_H
#define OS_ACCOUNTS_H

#include "base/fault.h"

#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
};

/* `name`: a user's name or number. A number that belongs to nobody gets the group of the same
 * number. E_FILE, E_CONFIG. */
must_check enum err account_of_user(struct account *out, struct str name, struct fault *f);

/* `name`: a group's name or number. */
must_check enum err account_of_group(gid_t *out, struct str name, struct fault *f);

#endif

/* mailbox.h - takes one message that is posted to a port of this machine, as Slack's hooks would
 * take it, for `send --wait`. */
#ifndef CLI_MAILBOX_H
#define CLI_MAILBOX_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/fault.h"

enum { MAILBOX_MESSAGE_MAX = 256 * 1024 };

struct mailbox {
	int fd;
	char address[32]; /* 127.0.0.1:PORT, NUL-terminated */
};

/* Listens on 127.0.0.1:`port`; 0 takes a free one. E_SYSTEM. */
must_check enum err mailbox_open(struct mailbox *m, uint16_t port, struct fault *f);

/* Waits for a POST, appends its body to `message`, and answers 200 "ok". Other requests are
 * refused, and waiting goes on. E_TIMEOUT, E_SYSTEM. */
must_check enum err mailbox_wait(
	struct mailbox *m, struct buf *message, struct deadline *d, struct fault *f);

void mailbox_close(struct mailbox *m);

#endif

/* text.h - text inside Slack messages.
 *
 * https://docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are control characters; escaped,
 * nothing in a text can mention a channel or a person. */
#ifndef SLACK_TEXT_H
#define SLACK_TEXT_H

#include "base/buf.h"

void slack_put_escaped(struct buf *b, struct str s);

#endif

/* text.h - text inside Slack messages.
 *
 * https://docs.slack.dev/messaging/formatting-message-text
 *
 * `&`, `<` and `>` are control characters. With them escaped, nothing in a text can mention a
 * channel or a person. What users type arrives from Slack already escaped. */
#ifndef SLACK_TEXT_H
#define SLACK_TEXT_H

#include "base/buf.h"

void slack_put_escaped(struct buf *b, struct str s);

/* The same for a text that Slack sent. */
void slack_put_typed(struct buf *b, struct str s);

#endif

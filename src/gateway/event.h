/* event.h - the event of payload format 2.0 that a Lambda function URL would have made of an HTTP
 * request, so that a function sees one shape wherever the gateway runs.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-payloads.html
 *
 * Names of fields are in lower case. Repeated fields and parameters are joined by commas; cookies
 * have a list of their own; bodies other than JSON and text are base64. Of a query the first 256
 * parameters are decoded. */
#ifndef GATEWAY_EVENT_H
#define GATEWAY_EVENT_H

#include "base/buf.h"

struct event_field {
	struct str name, value;
};

struct event_request {
	struct str method, path, query; /* as on the wire, the query without its '?' */
	struct str protocol;            /* "HTTP/1.1" */
	struct str source_ip;           /* text form; empty for a unix socket */
	struct str request_id;
	int64_t time_ms;                /* wall clock */
	const struct event_field *fields;
	size_t fields_count;
	struct str body;
};

/* Appends the event. Needs about 2 KiB more than the request, a third more for a body in base64.
 * Overflow shows in out->full. */
void event_write(struct buf *out, const struct event_request *req);

#endif

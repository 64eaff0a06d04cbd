/* aws_service.h - a scripted service of AWS on the loopback address, and a client all of whose
 * endpoints lead there. */
#ifndef TESTS_AWS_SERVICE_H
#define TESTS_AWS_SERVICE_H

#include "aws/context.h"

enum { AWS_SERVICE_REQUESTS_MAX = 8 };

/* Its region is eu-west-1. */
extern struct aws_context aws_service_context;

/* Answers the requests in turn, each with what stands there as it is. An empty answer ends the
 * connection instead, as others do, but for those with a status from 200 to 209; behind the last
 * answer nobody says anything any more. */
void aws_service_start(const struct str *answers, size_t count);

/* How many requests came, and the texts of them, which live until the next start. */
size_t aws_service_requests(void);
struct str aws_service_request(size_t i);

void aws_service_stop(void);

#endif

/* services.h - what a process sets up once and all its threads use: the settings, whom to trust,
 * where to find names, credentials and endpoints, kept connections. */
#ifndef SERVICE_SERVICES_H
#define SERVICE_SERVICES_H

#include "aws/invoke.h"
#include "gateway/config.h"
#include "net/proxy.h"
#include "net/resolve.h"
#include "service/dedupe.h"
#include "service/journal.h"
#include "service/signing_secrets.h"
#include "x509/trust.h"

enum { SERVICES_PAGE = 4096, SERVICES_RESOLVER_HEAD = 256 /* bytes behind its table, at most */ };

struct services {
	/* What is touched before the first event stands together, between two tables that are not: on
	 * two pages, if the resolver's table ends where a page does. */
	char margin[SERVICES_PAGE - (sizeof(struct resolver) - SERVICES_RESOLVER_HEAD) % SERVICES_PAGE];
	struct resolver resolver;
	struct config config;
	struct trust aws_trust; /* for AWS: AWS_CA_BUNDLE, else SSL_CERT_FILE, else the built-in */
	struct trust slack_trust; /* for response_urls: SSL_CERT_FILE, else the built-in anchors */
	struct aws_context aws;
	struct endpoints endpoints;
	struct proxy proxy;       /* HTTPS_PROXY, HTTP_PROXY, NO_PROXY */
	struct http_pool pool;    /* for AWS and Slack */
	struct dedupe dedupe;
	struct journal *journal;  /* of what was promised; NULL: none is kept */
	struct credential_chain credentials;
	struct signing_secrets secrets;
};

/* Reads all settings; connects to nothing. `workers`: how many pieces of work run at once. `s` must
 * be zeroed and stay where it is. E_CONFIG with one sentence for the person who starts the program.
 */
must_check enum err services_start(
	struct services *s, const struct environment *env, size_t workers, struct fault *f);

/* Opens the journal in `directory`, whose keys come from the signing secrets, and remembers the
 * events in it. E_FILE. */
must_check enum err services_open_journal(
	struct services *s, struct str directory, struct fault *f);

/* Starts the thread that renews credentials ahead of their end, if they have one. E_SYSTEM. */
must_check enum err services_keep_fresh(struct services *s, struct fault *f);

/* Fetches credentials again in a thread of its own, because their source may have others. A failure
 * is logged, and the current ones stay. */
void services_read_credentials_again(struct services *s);

/* An invoker for one thread. Points into `s`. */
void services_invoker(struct invoker *out, struct services *s);

#endif

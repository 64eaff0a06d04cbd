#include "listener/status.h"

#include "aws/names.h"
#include "base/clock.h"
#include "base/version.h"
#include "codec/authority.h"
#include "codec/json_write.h"
#include "service/metrics.h"
#include "service/recent.h"
#include "slack/text.h"

enum {
	HALF = (REPORT_BUFFER - HEAD_MAX) / 2,
	/* One stored block of DEFLATE holds 65,535 bytes, and an answer has its head and status_page
	 * beside it. Requests are left out before that is too little, which takes a hundred of them
	 * with texts full of '&'; counters leave the requests most of it. */
	TABLES_MAX = HALF - 8192,
	COUNTERS_MAX = HALF / 3,
	ROW_MAX = 256 + 5 * 2 * RECENT_TEXT_MAX,
	STORED_HEAD = 4,
	TEXT_MAX = 512,
};
_Static_assert(TABLES_MAX <= UINT16_MAX, "one stored block");

static int wanted_of(const struct http_head *head, struct str paths)
{
	bool reads = str_eq(head->method, S("GET")) || str_eq(head->method, S("HEAD"));
	return reads ? str_index(paths, head->target) : -1;
}

/* ---- health ---- */

bool status_wants_health(const struct http_head *head)
{
	return wanted_of(head, S("/healthz,/healthz/,/readyz,/readyz/")) >= 0;
}

/* Whoever asks for the health of a public address learns no names from it. */
static struct str health_of(const struct status *s, char memory[static TEXT_MAX])
{
	struct buf b = { memory, 0, TEXT_MAX, false };
	struct fault f;
	struct services *services = s->services;
	struct credential_chain *credentials = &services->credentials;
	int journal = services->journal ? journal_failing(services->journal) : 0;
	buf_put(&b, s->server->draining ? S("draining\n") : S("ok\n"));
	if (journal) {
		fault_set(&f, E_FILE, journal, "the journal cannot be written");
		buf_format(&b, "%s\n", fault_text(&f));
	}
	if (services->secrets.failing)
		buf_put(&b, S("not all signing secrets could be read again\n"));
	if (credentials->failing && !s->config->functions.n && !credentials_source(credentials).n)
		buf_put(&b, S("there are no valid AWS credentials\n"));
	if (s->server->steppers.failing)
		buf_put(&b, S("the new TLS certificate cannot be used\n"));
	return buf_str(&b);
}

void status_say_health(const struct status *s, struct connection *c)
{
	char memory[TEXT_MAX];
	bool draining = s->server->draining;
	connection_say(
		s->server, c, draining ? 503 : 200, S("text/plain"), health_of(s, memory), !draining);
}

/* ---- metrics ---- */

static void put_metrics(struct buf *b, const struct status *s)
{
	struct journal *journal = s->services->journal;
	struct metrics_gauges gauges = {
		.connections = s->server->slots.open,
		.started_wall_s = s->started_wall_s,
		.journal = journal != NULL,
		.journal_failing = journal && journal_failing(journal),
		.journal_unsettled = journal ? journal_unsettled(journal) : 0,
	};
	jobs_count(s->jobs, &gauges.queue, &gauges.inflight);
	metrics_put(b, &gauges);
	check(!b->full);
}

/* ---- the page, and its data ---- */

/* One content in two forms. */
struct sheet {
	struct buf *out;
	struct json_writer json;
	bool html;
	bool rows; /* the names stand above */
};

static void put_cell(struct sheet *s, const char *open, struct str text)
{
	buf_put(s->out, str_c(open));
	slack_put_escaped(s->out, text);
}

/* A value with its name. */
static void put_pair(struct sheet *s, struct str name, struct str value, bool number)
{
	if (s->html) {
		if (!s->rows)
			put_cell(s, "<tr><th>", name);
		put_cell(s, "<td>", value);
		return;
	}
	json_key(&s->json, name);
	if (number)
		json_put_raw(&s->json, value);
	else
		json_put_string(&s->json, value);
}

static void put(struct sheet *s, const char *name, struct str value)
{
	put_pair(s, str_c(name), value, false);
}

static void put_number(struct sheet *s, const char *name, int64_t value)
{
	put_pair(s, str_c(name), DIGITS(value), true);
}

/* What stands before, between and behind the parts. */
static void put_frame(struct sheet *s, struct str html, struct str json)
{
	buf_put(s->out, s->html ? html : json);
	s->json.comma = false;
}

static void put_time(struct sheet *s, const char *name, int64_t wall_s)
{
	char memory[32];
	struct buf b = BUF(memory);
	utc_put(&b, wall_s, UTC_RFC3339);
	put(s, name, buf_str(&b));
}

/* As they were written down, but for literals. */
static struct str secrets_of(const struct config *config, char memory[static TEXT_MAX])
{
	struct buf b = { memory, 0, TEXT_MAX, false };
	for (size_t i = 0; i < config->sources_count; i++) {
		const struct secret_source *source = &config->sources[i];
		buf_put(&b, source->kind == SECRET_LITERAL ? S("literal") : source->text);
		buf_put(&b, S("\n"));
	}
	return config->skip_verify ? S("GATEWAY_INSECURE_SKIP_VERIFY=1") : buf_str(&b);
}

static void put_facts(struct sheet *s, const struct status *status)
{
	char memory[TEXT_MAX];
	struct services *services = status->services;
	struct endpoint lambda;
	struct str region = services->aws.region, functions = status->config->functions;
	int64_t now_s = clock_wall_ms() / 1000;
	endpoint_get(&lambda, &services->endpoints, AWS_LAMBDA,
		aws_region_ok(region) ? region : S("us-east-1"));
	put(s, "health", health_of(status, memory));
	put(s, "version", S(VERSION));
	put_time(s, "started", status->started_wall_s);
	put_number(s, "uptime_s", now_s - status->started_wall_s);
	put(s, "signing_secrets", secrets_of(&services->config, memory));
	put(s, "aws_credentials", credentials_source(&services->credentials));
	put(s, "aws_lambda", lambda.authority);
	put(s, "local_functions", functions);
}

/* The samples as /metrics has them, without the buckets. */
static void put_counters(struct sheet *s, struct str metrics)
{
	struct str line;
	while (str_next(&line, &metrics, '\n') && s->out->n < COUNTERS_MAX) {
		/* Labels may have blanks in them, values have none. */
		size_t value = line.n;
		while (value && line.p[value - 1] != ' ')
			value--;
		if (line.p[0] != '#' && str_find_str(line, S("_bucket{")) == line.n)
			put_pair(s, str_sub(line, 0, value - 1), str_skip(line, value), true);
	}
}

static void put_request(void *ctx, const struct recent_request *r)
{
	struct sheet *s = ctx;
	if (s->out->n > TABLES_MAX - ROW_MAX)
		return;
	if (s->html)
		buf_format(s->out, "<tr class=\"%s\">", str_c(r->outcome));
	else
		json_open(&s->json, '{');
	put_time(s, "time", r->arrived_ms / 1000);
	put(s, "kind", r->kind);
	put(s, "target", buf_str(&r->target));
	put(s, "outcome", str_c(r->outcome));
	put_number(s, "ms", r->took_ms);
	put(s, "why", buf_str(&r->why));
	if (!s->html)
		json_close(&s->json, '}');
}

static void put_tables(struct sheet *s, const struct status *status, struct str metrics)
{
	put_frame(s, S("<table id=facts><tbody>"), S("{"));
	put_facts(s, status);
	put_frame(s, S("</table><details><summary>Counters</summary><table id=counters><tbody>"),
		S(",\"counters\":{"));
	put_counters(s, metrics);
	put_frame(s,
		S("</table></details><table id=requests><caption>The last requests that verified</caption>"
		  "<thead><tr><th>time<th>kind<th>target<th>outcome<th>ms<th>why<tbody>"),
		S("},\"requests\":["));
	s->rows = true;
	recent_read(put_request, s);
	put_frame(s, S("</table>\n"), S("]}\n"));
}

/* ---- gzip ---- */

/* RFC 1952, section 8. */
static uint32_t crc_of(uint32_t crc, struct str s)
{
	crc = ~crc;
	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
	}
	return ~crc;
}

static void put_little(struct buf *b, uint64_t v, size_t bytes)
{
	for (; bytes--; v >>= 8)
		buf_put_char(b, (char)v);
}

/* RFC 1951, section 3.2: the tables are a stored block behind the page, which has its length in
 * front. Behind it come an empty last block and what ends a member. */
static void end_gzip(struct buf *b)
{
	struct str stored = str_skip(buf_str(b), status_page.gzip.n + STORED_HEAD);
	struct buf head = { b->p + status_page.gzip.n, 0, STORED_HEAD, false };
	put_little(&head, stored.n | ~stored.n << 16, STORED_HEAD);
	put_little(b, 3, 2);
	put_little(
		b, crc_of(status_page.crc, stored) | (uint64_t)(status_page.size + stored.n) << 32, 8);
}

/* ---- answers ---- */

static bool is_loopback(struct str address)
{
	struct address a;
	return address_parse(&a, address) && address_is_loopback(&a);
}

/* Its name does not lead to this machine by itself: it may have been made to, by somebody whose
 * page in a browser here would read what we answer. */
static bool is_misdirected(const struct connection *c)
{
	struct str host;
	uint64_t port;
	return is_loopback((struct str){ c->peer, c->peer_n }) &&
	       !(authority_split(&host, &port, http_field_get(c->head, S("Host"))) &&
			   (str_eq_nocase(host, S("localhost")) || is_loopback(host)));
}

enum report { REPORT_METRICS, REPORT_PAGE, REPORT_DATA };

static void say_report(const struct status *s, struct connection *c, enum report report)
{
	static const char types[] =
		"text/plain; version=0.0.4; charset=utf-8\0text/html; charset=utf-8\0application/json";
	if (!connection_enlarge(s->server, c, BUFFER_REPORT)) {
		connection_refuse(s->server, c, 503, S("too many requests for reports at once"));
		return;
	}
	/* Behind the request, which the log still needs. The metrics are read before the answer takes
	 * their place. */
	struct buf answer = { c->buffer->bytes + HEAD_MAX, 0, HALF, false };
	struct buf body = { answer.p + HALF, 0, HALF, false };
	struct sheet sheet = {
		.out = &body, .json = json_writer(&body), .html = report == REPORT_PAGE
	};
	bool gzip =
		sheet.html && http_list_has(http_field_get(c->head, S("Accept-Encoding")), S("gzip"));
	size_t fields = report == REPORT_METRICS ? 0 : countof(status_page.fields) - !gzip;
	if (gzip)
		buf_put(&body, status_page.gzip), put_little(&body, 0, STORED_HEAD);
	else if (sheet.html)
		buf_put(&body, S("<!doctype html><meta charset=utf-8><title>slack-lambda-gateway</title>"));
	put_metrics(fields ? &answer : &body, s);
	if (fields)
		put_tables(&sheet, s, buf_str(&answer));
	if (gzip)
		end_gzip(&body);
	buf_reset(&answer);
	check(!body.full);
	connection_say_in(answer, s->server, c, 200, str_nth(types, report), buf_str(&body),
		(struct http_response_options){ .fields = status_page.fields, .fields_count = fields });
}

void status_answer(const struct status *s, struct connection *c)
{
	bool admin = c->use == USE_ADMIN;
	int report = wanted_of(c->head, S("/metrics,/,/status.json"));
	if (admin && status_wants_health(c->head))
		status_say_health(s, c);
	else if (report < 0 || (report != REPORT_METRICS && !admin))
		connection_refuse(s->server, c, 404,
			admin ? S("only GET /, /status.json, /metrics, /healthz and /readyz are served here")
				  : S("only GET /metrics is served here"));
	else if (report != REPORT_METRICS && is_misdirected(c))
		connection_refuse(s->server, c, 421,
			S("Host must be localhost or a loopback address, like the connection"));
	else if (c->n > HEAD_MAX) /* its answer would be made on top of what else has come */
		connection_refuse(s->server, c, 413, S("a request for a report has no body"));
	else
		say_report(s, c, (enum report)report);
}

#include "service/metrics.h"

#include "base/version.h"
#include "os/lock.h"
#include "os/memory.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { SERIES_MAX = 96, LABEL_MAX = 48, LABELS_MAX = 128, BUCKETS = 12 };

/* A counter by labels, which come from small sets, but the names of AWS's errors are AWS's to
 * choose: what does not fit any more is counted in the last one, whose labels are all "other". */
struct series {
	struct buf labels;
	char memory[LABELS_MAX];
	uint64_t count;
};

struct family {
	struct series list[SERIES_MAX +
		1]; /* the one behind those in use is where labels are written that may be new */
	size_t used;
};

struct histogram {
	uint64_t buckets[BUCKETS + 1]; /* the last one: more than all bounds */
	uint64_t sum_ms;
};

static const int64_t bounds_ms[BUCKETS] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 2500, 3000,
	10000 };
static const char bounds[] = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2 2.5 3 10 +Inf";

/* NULL where nobody will ask: nothing is counted then. */
static struct metrics {
	struct lock lock;
	struct family requests, invokes, relays;
	struct histogram request_seconds, invoke_seconds;
	uint64_t retries, tls_failures, events_ignored;
} *m;

void metrics_start(void)
{
	m = memory_map(sizeof(*m));
}

static struct series *label(
	struct series *s, const char *labels, struct str first, struct str second)
{
	s->labels = BUF(s->memory);
	buf_format(&s->labels, labels, str_sub(first, 0, LABEL_MAX), str_sub(second, 0, LABEL_MAX));
	return s;
}

/* Under the lock. `labels`: their names, with holes for both values. */
static void count(struct family *f, const char *labels, struct str first, struct str second)
{
	const struct series *wanted = label(&f->list[f->used], labels, first, second);
	struct series *s = f->list;
	while (!str_eq(buf_str(&s->labels), buf_str(&wanted->labels)))
		s++;
	if (s >= &f->list[SERIES_MAX - 1])
		s = label(&f->list[SERIES_MAX - 1], labels, S("other"), S("other"));
	f->used += s == &f->list[f->used];
	s->count++;
}

static void observe(struct histogram *h, int64_t ms)
{
	size_t i = 0;
	while (i < BUCKETS && ms > bounds_ms[i])
		i++;
	h->buckets[i]++;
	h->sum_ms += (uint64_t)(ms > 0 ? ms : 0);
}

static bool begin_update(void)
{
	if (m)
		lock_take(&m->lock);
	return m;
}

static void end(void)
{
	lock_give(&m->lock);
}

void metrics_request(struct str kind, int status, int64_t took_ms)
{
	if (!begin_update())
		return;
	count(&m->requests, "kind=\"%s\",status=\"%s\"", kind, DIGITS(status));
	observe(&m->request_seconds, took_ms);
	end();
}

void metrics_invoke(const char *outcome, const char *error_name, int attempts, int64_t took_ms)
{
	if (!begin_update())
		return;
	count(&m->invokes, "outcome=\"%s\",error=\"%s\"", str_c(outcome), str_c(error_name));
	observe(&m->invoke_seconds, took_ms);
	m->retries += attempts > 1 ? (uint64_t)attempts - 1 : 0;
	end();
}

void metrics_relay(const char *outcome)
{
	if (!begin_update())
		return;
	count(&m->relays, "outcome=\"%s\"%s", str_c(outcome), S(""));
	end();
}

void metrics_tls_failure(void)
{
	if (!begin_update())
		return;
	m->tls_failures++;
	end();
}

void metrics_event_ignored(void)
{
	if (!begin_update())
		return;
	m->events_ignored++;
	end();
}

/* What says of itself what it is: the name, and a sentence. */
struct described {
	const char *name, *type, *help;
};

static const struct described requests = { "gateway_requests_total", "counter",
	"Requests answered, by kind and status." };
static const struct described invokes = { "gateway_invokes_total", "counter",
	"Invocations, by outcome and by the name of AWS's error." };
static const struct described relays = { "gateway_relays_total", "counter",
	"Messages to response_urls, by outcome." };
static const struct described request_seconds = { "gateway_request_seconds", "histogram",
	"From the first byte of a request until its answer was written." };
static const struct described invoke_seconds = { "gateway_invoke_seconds", "histogram",
	"How long invocations took, attempts after the first included." };
static const struct described build = { "gateway_build_info", "gauge",
	"Always 1; the version is its label." };

static void describe(struct buf *b, const struct described *d)
{
	buf_format(b, "# HELP %s %s\n# TYPE %s %s\n", str_c(d->name), str_c(d->help), str_c(d->name),
		str_c(d->type));
}

static void put_family(struct buf *b, const struct family *f, const struct described *d)
{
	describe(b, d);
	for (size_t i = 0; i < f->used; i++)
		buf_format(b, "%s{%s} %d\n", str_c(d->name), buf_str(&f->list[i].labels), NUM(f->list[i].count));
}

/* Milliseconds as seconds: 1234 is 1.234. */
static void put_seconds(struct buf *b, uint64_t ms)
{
	uint64_t rest = ms % 1000;
	buf_format(b, "%d.%s%s%d", NUM(ms / 1000), rest < 100 ? S("0") : S(""),
		rest < 10 ? S("0") : S(""), NUM(rest));
}

static void put_histogram(struct buf *b, const struct histogram *h, const struct described *d)
{
	uint64_t total = 0;
	struct str bound, rest = str_c(bounds), name = str_c(d->name);
	describe(b, d);
	for (size_t i = 0; i <= BUCKETS; i++) {
		total += h->buckets[i];
		str_next(&bound, &rest, ' ');
		buf_format(b, "%s_bucket{le=\"%s\"} %d\n", name, bound, NUM(total));
	}
	buf_format(b, "%s_sum ", name);
	put_seconds(b, h->sum_ms);
	buf_format(b, "\n%s_count %d\n", name, NUM(total));
}

/* From /proc, as the kernel counts it; 0 where there is none. */
static uint64_t resident_bytes(void)
{
	char text[128];
	struct str size, rest, resident;
	uint64_t pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
	if (fd >= 0)
		close(fd);
	str_cut(&size, &rest, (struct str){ text, n > 0 ? (size_t)n : 0 }, ' ');
	str_next(&resident, &rest, ' ');
	return str_to_u64(&pages, resident, UINT32_MAX) ? pages * getauxval(AT_PAGESZ) : 0;
}

void metrics_put(struct buf *b, const struct metrics_gauges *gauges)
{
	begin_update();
	const struct {
		struct described what;
		uint64_t value;
	} singles[] = {
		{ { "gateway_retries_total", "counter", "Attempts of invocations after the first." },
			m->retries },
		{ { "gateway_tls_failures_total", "counter", "TLS handshakes that failed." },
			m->tls_failures },
		{ { "gateway_events_ignored_total", "counter", "Events that nothing serves." },
			m->events_ignored },
		{ { "gateway_connections", "gauge", "Open connections of clients." }, gauges->connections },
		{ { "gateway_inflight", "gauge", "Requests in the hands of workers." }, gauges->inflight },
		{ { "gateway_queue", "gauge", "Requests that wait for a worker." }, gauges->queue },
		{ { "gateway_journal_unsettled", "gauge", "Requests in the journal without their end." },
			gauges->journal_unsettled },
		{ { "gateway_journal_failing", "gauge", "Is 1 while the journal cannot be written." },
			gauges->journal_failing },
		{ { "process_resident_memory_bytes", "gauge", "Resident memory." }, resident_bytes() },
		{ { "process_start_time_seconds", "gauge",
			  "Start of the process, in seconds since the epoch." },
			(uint64_t)gauges->started_wall_s },
	};
	put_family(b, &m->requests, &requests);
	put_family(b, &m->invokes, &invokes);
	put_family(b, &m->relays, &relays);
	put_histogram(b, &m->request_seconds, &request_seconds);
	put_histogram(b, &m->invoke_seconds, &invoke_seconds);
	for (size_t i = 0; i < countof(singles); i++) {
		describe(b, &singles[i].what);
		buf_format(b, "%s %d\n", str_c(singles[i].what.name), NUM(singles[i].value));
	}
	describe(b, &build);
	buf_format(b, "%s{version=\"%s\"} 1\n", str_c(build.name), S(VERSION));
	end();
}

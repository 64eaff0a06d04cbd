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

enum metric {
	REQUESTS, INVOKES, RELAYS, REQUEST_SECONDS, INVOKE_SECONDS, BUILD_INFO,
	/* single values */
	RETRIES, TLS_FAILURES, EVENTS_IGNORED, CONNECTIONS, INFLIGHT, QUEUE, RESIDENT, STARTED,
	JOURNAL_UNSETTLED, JOURNAL_FAILING, /* left out where there is no journal */
	METRICS_END,
};

/* Name, type and help of each, in that order. */
static const char described[] =
	"gateway_requests_total\0counter\0Requests answered, by kind and status.\0"
	"gateway_invokes_total\0counter\0Invocations, by outcome and by the name of AWS's error.\0"
	"gateway_relays_total\0counter\0Messages to response_urls, by outcome.\0"
	"gateway_request_seconds\0histogram\0"
	"From the first byte of a request until its answer was written.\0"
	"gateway_invoke_seconds\0histogram\0"
	"How long invocations took, attempts after the first included.\0"
	"gateway_build_info\0gauge\0Always 1; the version is its label.\0"
	"gateway_retries_total\0counter\0Attempts of invocations after the first.\0"
	"gateway_tls_failures_total\0counter\0TLS handshakes that failed.\0"
	"gateway_events_ignored_total\0counter\0Events that nothing serves.\0"
	"gateway_connections\0gauge\0Open connections of clients.\0"
	"gateway_inflight\0gauge\0Requests in the hands of workers.\0"
	"gateway_queue\0gauge\0Requests that wait for a worker.\0"
	"process_resident_memory_bytes\0gauge\0Resident memory.\0"
	"process_start_time_seconds\0gauge\0Start of the process, in seconds since the epoch.\0"
	"gateway_journal_unsettled\0gauge\0Requests in the journal without their end.\0"
	"gateway_journal_failing\0gauge\0Is 1 while the journal cannot be written.";

/* Returns its name. */
static struct str describe(struct buf *b, enum metric metric)
{
	struct str name = str_nth(described, metric * 3);
	buf_format(b, "# HELP %s %s\n# TYPE %s %s\n", name, str_nth(described, metric * 3 + 2), name,
		str_nth(described, metric * 3 + 1));
	return name;
}

static void put_family(struct buf *b, const struct family *f, enum metric metric)
{
	struct str name = describe(b, metric);
	for (size_t i = 0; i < f->used; i++)
		buf_format(b, "%s{%s} %d\n", name, buf_str(&f->list[i].labels), NUM(f->list[i].count));
}

static void put_histogram(struct buf *b, const struct histogram *h, enum metric metric)
{
	uint64_t total = 0;
	struct str bound, rest = str_c(bounds), name = describe(b, metric);
	for (size_t i = 0; i <= BUCKETS; i++) {
		total += h->buckets[i];
		str_next(&bound, &rest, ' ');
		buf_format(b, "%s_bucket{le=\"%s\"} %d\n", name, bound, NUM(total));
	}
	/* Milliseconds as seconds: 12034 is 12.034. */
	buf_format(b, "%s_sum %d.%s\n%s_count %d\n", name, NUM(h->sum_ms / 1000),
		str_skip(DIGITS(1000 + h->sum_ms % 1000), 1), name, NUM(total));
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
	const uint64_t singles[METRICS_END] = {
		[RETRIES] = m->retries,
		[TLS_FAILURES] = m->tls_failures,
		[EVENTS_IGNORED] = m->events_ignored,
		[CONNECTIONS] = gauges->connections,
		[INFLIGHT] = gauges->inflight,
		[QUEUE] = gauges->queue,
		[RESIDENT] = resident_bytes(),
		[STARTED] = (uint64_t)gauges->started_wall_s,
		[JOURNAL_UNSETTLED] = gauges->journal_unsettled,
		[JOURNAL_FAILING] = gauges->journal_failing,
	};
	put_family(b, &m->requests, REQUESTS);
	put_family(b, &m->invokes, INVOKES);
	put_family(b, &m->relays, RELAYS);
	put_histogram(b, &m->request_seconds, REQUEST_SECONDS);
	put_histogram(b, &m->invoke_seconds, INVOKE_SECONDS);
	for (enum metric i = RETRIES; i < (gauges->journal ? METRICS_END : JOURNAL_UNSETTLED); i++) {
		struct str name = describe(b, i);
		buf_format(b, "%s %d\n", name, NUM(singles[i]));
	}
	struct str name = describe(b, BUILD_INFO);
	buf_format(b, "%s{version=\"%s\"} 1\n", name, S(VERSION));
	end();
}

#include "host/metrics.h"

#include "base/clock.h"
#include "host/listener.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { SERIES_MAX = 96, LABEL_MAX = 48, BUCKETS = 12 };

/* A counter with two labels. Both come from small sets, but the names of AWS's errors are AWS's to choose: what
 * does not fit any more is counted in the last one, both of whose labels are "other". */
struct series {
	char first[LABEL_MAX], second[LABEL_MAX];
	size_t first_n, second_n;
	uint64_t count;
};

struct family {
	struct str name, help, first_label, second_label;
	struct series *list;
	size_t used;
};

struct histogram {
	struct str name, help;
	uint64_t buckets[BUCKETS + 1]; /* the last one: more than all bounds */
	uint64_t sum_ms;
};

static const int64_t bounds_ms[BUCKETS] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 2500, 3000, 10000 };
static const struct str bounds_text[BUCKETS] = {
	STR("0.005"), STR("0.01"), STR("0.025"), STR("0.05"), STR("0.1"), STR("0.25"),
	STR("0.5"), STR("1"), STR("2"), STR("2.5"), STR("3"), STR("10"),
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct series requests_series[SERIES_MAX];
static struct family requests = { STR("gateway_requests_total"), STR("Requests answered"), STR("kind"), STR("status"), requests_series, 0 };
static struct series invokes_series[SERIES_MAX];
static struct family invokes = { STR("gateway_invokes_total"), STR("Invocations by what became of them"), STR("outcome"), STR("error"), invokes_series, 0 };
static struct series relays_series[SERIES_MAX];
static struct family relays = { STR("gateway_relays_total"), STR("Messages posted to a response_url"), STR("outcome"), STR(""), relays_series, 0 };
static struct histogram request_seconds = { STR("gateway_request_seconds"), STR("From the first byte of a request to its answer"), { 0 }, 0 };
static struct histogram invoke_seconds = { STR("gateway_invoke_seconds"), STR("From the first attempt of an invocation to its outcome"), { 0 }, 0 };
static uint64_t retries, tls_failures;

static bool is_series(const struct series *s, struct str first, struct str second)
{
	return str_eq((struct str){ s->first, s->first_n }, first) && str_eq((struct str){ s->second, s->second_n }, second);
}

static void set_label(char *memory, size_t *n, struct str label)
{
	label = str_sub(label, 0, LABEL_MAX);
	if (label.n)
		memcpy(memory, label.p, label.n);
	*n = label.n;
}

/* Under the lock. */
static void count(struct family *f, struct str first, struct str second)
{
	first = str_sub(first, 0, LABEL_MAX);
	second = str_sub(second, 0, LABEL_MAX);
	size_t i = 0;
	while (i < f->used && !is_series(&f->list[i], first, second))
		i++;
	if (i == f->used && i >= SERIES_MAX - 1) {
		i = SERIES_MAX - 1;
		first = second = S("other");
	}
	if (i == f->used) {
		f->used++;
		set_label(f->list[i].first, &f->list[i].first_n, first);
		set_label(f->list[i].second, &f->list[i].second_n, second);
	}
	f->list[i].count++;
}

static void observe(struct histogram *h, int64_t ms)
{
	size_t i = 0;
	while (i < BUCKETS && ms > bounds_ms[i])
		i++;
	h->buckets[i]++;
	h->sum_ms += (uint64_t)(ms > 0 ? ms : 0);
}

void metrics_request(struct str kind, int status, int64_t took_ms)
{
	pthread_mutex_lock(&lock);
	count(&requests, kind, NUM(status));
	observe(&request_seconds, took_ms);
	pthread_mutex_unlock(&lock);
}

void metrics_invoke(struct str outcome, struct str error_name, int attempts, int64_t took_ms)
{
	pthread_mutex_lock(&lock);
	count(&invokes, outcome, error_name);
	observe(&invoke_seconds, took_ms);
	retries += attempts > 1 ? (uint64_t)attempts - 1 : 0;
	pthread_mutex_unlock(&lock);
}

void metrics_relay(struct str outcome)
{
	pthread_mutex_lock(&lock);
	count(&relays, outcome, S(""));
	pthread_mutex_unlock(&lock);
}

void metrics_tls_failure(void)
{
	pthread_mutex_lock(&lock);
	tls_failures++;
	pthread_mutex_unlock(&lock);
}

static void put_header(struct buf *b, struct str name, struct str help, struct str type)
{
	buf_format(b, "# HELP % %\n# TYPE % %\n", name, help, name, type);
}

static void put_family(struct buf *b, const struct family *f)
{
	put_header(b, f->name, f->help, S("counter"));
	for (size_t i = 0; i < f->used; i++) {
		const struct series *s = &f->list[i];
		buf_format(b, "%{%=\"%\"", f->name, f->first_label, (struct str){ s->first, s->first_n });
		if (f->second_label.n)
			buf_format(b, ",%=\"%\"", f->second_label, (struct str){ s->second, s->second_n });
		buf_format(b, "} %\n", NUM(s->count));
	}
}

/* Milliseconds as seconds: 1234 is 1.234. */
static void put_seconds(struct buf *b, uint64_t ms)
{
	uint64_t rest = ms % 1000;
	buf_format(b, "%.%%%", NUM(ms / 1000), rest < 100 ? S("0") : S(""), rest < 10 ? S("0") : S(""), NUM(rest));
}

static void put_histogram(struct buf *b, const struct histogram *h)
{
	uint64_t total = 0;
	put_header(b, h->name, h->help, S("histogram"));
	for (size_t i = 0; i <= BUCKETS; i++) {
		total += h->buckets[i];
		buf_format(b, "%_bucket{le=\"%\"} %\n", h->name, i < BUCKETS ? bounds_text[i] : S("+Inf"), NUM(total));
	}
	buf_format(b, "%_sum ", h->name);
	put_seconds(b, h->sum_ms);
	buf_format(b, "\n%_count %\n", h->name, NUM(total));
}

static void put_value(struct buf *b, struct str name, struct str help, struct str type, int64_t value)
{
	put_header(b, name, help, type);
	buf_format(b, "% %\n", name, NUM(value));
}

/* From /proc, as the kernel counts it; 0 where there is none. */
static int64_t resident_bytes(void)
{
	char text[128];
	struct str size, rest, resident;
	uint64_t pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
	if (fd >= 0)
		close(fd);
	str_cut(&size, &rest, (struct str){ text, n > 0 ? (size_t)n : 0 }, ' ');
	str_cut(&resident, &rest, rest, ' ');
	return str_to_u64(&pages, resident, UINT32_MAX) ? (int64_t)(pages * getauxval(AT_PAGESZ)) : 0;
}

void metrics_put(struct buf *b, struct listener *l)
{
	pthread_mutex_lock(&lock);
	put_family(b, &requests);
	put_family(b, &invokes);
	put_family(b, &relays);
	put_histogram(b, &request_seconds);
	put_histogram(b, &invoke_seconds);
	put_value(b, S("gateway_retries_total"), S("Attempts of invocations after the first"), S("counter"), (int64_t)retries);
	put_value(b, S("gateway_tls_failures_total"), S("Handshakes with clients that failed"), S("counter"), (int64_t)tls_failures);
	pthread_mutex_unlock(&lock);
	put_value(b, S("gateway_connections"), S("Open connections of clients"), S("gauge"), (int64_t)l->open);
	size_t queued, running;
	jobs_count(&l->jobs, &queued, &running);
	put_value(b, S("gateway_inflight"), S("Jobs in the hands of workers"), S("gauge"), (int64_t)running);
	put_value(b, S("gateway_queue"), S("Jobs waiting for a worker"), S("gauge"), (int64_t)queued);
	put_value(b, S("process_resident_memory_bytes"), S("Resident memory"), S("gauge"), resident_bytes());
	put_value(b, S("process_start_time_seconds"), S("Start of the process, since 1970"), S("gauge"), l->started_wall_s);
}

#include "service/metrics.h"

#include "check.h"

static char memory[64 * 1024];

/* What stands there now: the number behind `name`, 0 if it is not there. */
static uint64_t value(struct str name)
{
	struct buf b = BUF(memory);
	struct str line, rest;
	uint64_t n = 0;
	metrics_put(&b, &(struct metrics_gauges){
			.connections = 3, .inflight = 2, .queue = 1, .started_wall_s = 1764460800 });
	expect(!b.full);
	for (rest = buf_str(&b); rest.n;) {
		str_next(&line, &rest, '\n');
		if (str_starts(line, name) && line.n > name.n && line.p[name.n] == ' ')
			expect(str_to_u64(&n, str_skip(line, name.n + 1), UINT64_MAX));
	}
	return n;
}

/* Counters belong to the process, and other tests count, too. */
static void start(void)
{
	static bool started;
	if (!started)
		metrics_start();
	started = true;
}

TEST(metrics_count_by_label)
{
	start();
	const struct str series[] = { S("gateway_requests_total{kind=\"test\",status=\"200\"}"),
		S("gateway_requests_total{kind=\"test\",status=\"503\"}"),
		S("gateway_invokes_total{outcome=\"tested\",error=\"\"}"),
		S("gateway_invokes_total{outcome=\"tested\",error=\"Throttled\"}"),
		S("gateway_relays_total{outcome=\"tested\"}"), S("gateway_retries_total"),
		S("gateway_tls_failures_total"), S("gateway_events_ignored_total") };
	const uint64_t more[] = { 2, 1, 1, 1, 1, 3, 1, 1 };
	uint64_t before[countof(series)];
	for (size_t i = 0; i < countof(series); i++)
		before[i] = value(series[i]);
	metrics_request(S("test"), 200, 1);
	metrics_request(S("test"), 503, 1);
	metrics_request(S("test"), 200, 1);
	metrics_invoke("tested", "", 1, 1);
	metrics_invoke("tested", "Throttled", 4, 1);
	metrics_relay("tested");
	metrics_tls_failure();
	metrics_event_ignored();
	for (size_t i = 0; i < countof(series); i++) {
		context("%.*s", (int)series[i].n, series[i].p);
		expect_int(value(series[i]) - before[i], more[i]);
	}
}

TEST(metrics_put_times_into_buckets)
{
	start();
	static const struct {
		int64_t ms;
		const char *first; /* bound of the first bucket that has it */
	} cases[] = { { -1, "0.005" }, { 0, "0.005" }, { 5, "0.005" }, { 6, "0.01" }, { 2500, "2.5" },
		{ 2501, "3" }, { 10000, "10" }, { 10001, "+Inf" } };
	static const char *const bounds[] = { "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5",
		"1", "2", "2.5", "3", "10", "+Inf" };
	for (size_t i = 0; i < countof(cases); i++) {
		uint64_t before[countof(bounds)];
		bool in = false;
		for (int pass = 0; pass < 2; pass++) {
			for (size_t j = 0; j < countof(bounds); j++) {
				char name[64];
				struct buf b = BUF(name);
				buf_format(&b, "gateway_request_seconds_bucket{le=\"%s\"}", str_c(bounds[j]));
				uint64_t now = value(buf_str(&b));
				in = in || str_eq(str_c(bounds[j]), str_c(cases[i].first));
				context("%d ms, le %s", (int)cases[i].ms, bounds[j]);
				if (pass)
					expect_int(now - before[j], in);
				before[j] = now;
			}
			in = false;
			if (!pass)
				metrics_request(S("test"), 200, cases[i].ms);
		}
	}
	expect(value(S("gateway_request_seconds_count")) >= countof(cases));
}

TEST(metrics_show_what_is_counted_elsewhere)
{
	start();
	expect_int(value(S("gateway_connections")), 3);
	expect_int(value(S("gateway_inflight")), 2);
	expect_int(value(S("gateway_queue")), 1);
	expect_int(value(S("process_start_time_seconds")), 1764460800);
	expect(value(S("process_resident_memory_bytes")) > 4096);
}

/* Names of errors are AWS's to choose: those that find no place are counted together. */
TEST(metrics_run_out_of_places)
{
	start();
	uint64_t before = value(S("gateway_invokes_total{outcome=\"other\",error=\"other\"}"));
	for (size_t i = 0; i < 200; i++) {
		char name[24];
		struct buf b = BUF(name);
		buf_format(&b, "Error%d%s", NUM(i), (struct str){ "", 1 });
		metrics_invoke("not started", name, 1, 1);
	}
	expect(value(S("gateway_invokes_total{outcome=\"other\",error=\"other\"}")) > before + 100);
	expect_int(value(S("gateway_invokes_total{outcome=\"not started\",error=\"Error1\"}")), 1);
}

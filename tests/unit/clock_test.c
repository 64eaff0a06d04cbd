#include "base/clock.h"

#include "check.h"

#include <string.h>
#include <time.h>

TEST(clock_goes_forward)
{
	int64_t before = clock_mono_ms();
	clock_sleep_ms(20);
	int64_t passed = clock_mono_ms() - before;
	expect(passed >= 19 && passed < 5000);
	clock_sleep_ms(0);
	clock_sleep_ms(-5);
	expect(clock_mono_ms() >= before + passed);
	int64_t drift = clock_wall_ms() - (int64_t)time(NULL) * 1000;
	expect(drift > -2000 && drift < 2000);
}

TEST(utc_agrees_with_the_library)
{
	static const int64_t edges[] = {
		0,
		59,
		60,
		86399,
		86400,
		68169599,
		68169600,
		951782399,
		951782400,
		951868800,
		1078012800,
		4107542399,
		4107542400,
		253402300799,
	};
	for (int i = 0; i < 20000; i++) {
		int64_t seconds =
			(size_t)i < countof(edges) ? edges[i] : (int64_t)(test_random64() % 253402300800);
		time_t t = (time_t)seconds;
		struct tm want;
		gmtime_r(&t, &want);
		struct utc got = utc_from_seconds(seconds);
		context("%lld", (long long)seconds);
		expect_int(got.year, want.tm_year + 1900);
		expect_int(got.month, want.tm_mon + 1);
		expect_int(got.day, want.tm_mday);
		expect_int(got.hour, want.tm_hour);
		expect_int(got.minute, want.tm_min);
		expect_int(got.second, want.tm_sec);
		expect_int(utc_to_seconds(got), seconds);
	}
}

TEST(utc_every_day_follows_the_last)
{
	struct utc last = { 1969, 12, 31, 0, 0, 0 };
	int bad = 0;
	for (int64_t day = 0; day < 366 * 800; day++) {
		struct utc t = utc_from_seconds(day * 86400);
		bool next_day = t.year == last.year && t.month == last.month && t.day == last.day + 1;
		bool next_month =
			t.year == last.year && t.month == last.month + 1 && t.day == 1 && last.day >= 28;
		bool next_year = t.year == last.year + 1 && t.month == 1 && t.day == 1 &&
			last.month == 12 && last.day == 31;
		bad += !next_day && !next_month && !next_year;
		last = t;
	}
	expect_int(bad, 0);
}

TEST(utc_forms)
{
	char text[64];
	struct buf b = BUF(text);
	utc_put_rfc3339_ms(&b, 0);
	expect_str(buf_str(&b), S("1970-01-01T00:00:00.000Z"));
	buf_reset(&b);
	utc_put_rfc3339_ms(&b, 1531420618123);
	expect_str(buf_str(&b), S("2018-07-12T18:36:58.123Z"));
	buf_reset(&b);
	utc_put_rfc3339_ms(&b, 253402300799999);
	expect_str(buf_str(&b), S("9999-12-31T23:59:59.999Z"));
	buf_reset(&b);
	utc_put(&b, 1440938160, UTC_BASIC);
	expect_str(buf_str(&b), S("20150830T123600Z"));
}

TEST(utc_from_http_date_is_strict)
{
	static const struct {
		struct str text;
		int64_t want; /* -1 when it is refused */
	} cases[] = {
		{ STR("Thu, 01 Jan 1970 00:00:00 GMT"), 0 },
		{ STR("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777 },
		{ STR("Thu, 29 Feb 2024 23:59:60 GMT"), 1709251200 },
		{ STR("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799 },
		{ STR("sun, 06 Nov 1994 08:49:37 GMT"), 784111777 },
		{ STR(""), -1 },
		{ STR("Sun, 06 Nov 1994 08:49:37"), -1 },
		{ STR("Sun, 06 Nov 1994 08:49:37 GMT "), -1 },
		{ STR("Sun, 06 Nov 1994 08:49:37 gmt"), -1 },
		{ STR("Sun, 06 Nov 1994 08:49:37 UTC"), -1 },
		{ STR("Sun, 6 Nov 1994 08:49:37 GMT"), -1 },
		{ STR("Sun,  6 Nov 1994 08:49:37 GMT"), -1 },
		{ STR("Sunday, 06-Nov-94 08:49:37 GMT"), -1 },
		{ STR("Sun Nov  6 08:49:37 1994"), -1 },
		{ STR("Sun, 06 nov 1994 08:49:37 GMT"), -1 },
		{ STR("Sun, 06 anF 1994 08:49:37 GMT"), -1 },
		{ STR("Sun, 06 Xyz 1994 08:49:37 GMT"), -1 },
		{ STR("Sun, 00 Nov 1994 08:49:37 GMT"), -1 },
		{ STR("Sun, 32 Nov 1994 08:49:37 GMT"), -1 },
		{ STR("Wed, 31 Dec 1969 23:59:59 GMT"), -1 },
		{ STR("Sun, 06 Nov 1994 24:00:00 GMT"), -1 },
		{ STR("Sun, 06 Nov 1994 08:60:37 GMT"), -1 },
		{ STR("Sun, 06 Nov 1994 08:49:61 GMT"), -1 },
		{ STR("Sun, 06 Nov 1994 08:49:3x GMT"), -1 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t got = 42;
		context("%s", cases[i].text.p);
		expect_int(utc_from_http_date(&got, guard_copy(cases[i].text)), cases[i].want >= 0);
		expect_int(got, cases[i].want >= 0 ? cases[i].want : 42);
	}
}

TEST(utc_from_rfc3339_takes_the_forms_that_are_in_use)
{
	static const struct {
		struct str text;
		int64_t want; /* -1 when it is refused */
	} cases[] = {
		{ STR("1970-01-01T00:00:00Z"), 0 },
		{ STR("2026-01-01T00:00:00Z"), 1767225600 },
		{ STR("2026-01-01T00:00:00.5Z"), 1767225600 },
		{ STR("2026-01-01T00:00:00.123456789Z"), 1767225600 },
		{ STR("2026-01-01T01:30:00+01:30"), 1767225600 },
		{ STR("2025-12-31T23:00:00-01:00"), 1767225600 },
		{ STR("2026-01-01T00:00:00.123+00:00"), 1767225600 },
		{ STR("0001-01-01T00:00:00Z"), 0 },
		{ STR("1970-01-01T00:00:00+01:00"), 0 },
		{ STR("9999-12-31T23:59:59Z"), 253402300799 },
		{ STR(""), -1 },
		{ STR("2026-01-01T00:00:00"), -1 },
		{ STR("2026-01-01T00:00:00z"), -1 },
		{ STR("2026-01-01 00:00:00Z"), -1 },
		{ STR("2026-01-01T00:00:00ZZ"), -1 },
		{ STR("2026-01-01T00:00:00.Zx"), -1 },
		{ STR("2026-01-01T00:00:00+0100"), -1 },
		{ STR("2026-13-01T00:00:00Z"), -1 },
		{ STR("2026-00-01T00:00:00Z"), -1 },
		{ STR("2026-01-00T00:00:00Z"), -1 },
		{ STR("2026-01-32T00:00:00Z"), -1 },
		{ STR("2026-01-01T24:00:00Z"), -1 },
		{ STR("1767225600"), -1 },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("%s", cases[i].text.p);
		int64_t got = 42;
		expect_int(utc_from_rfc3339(&got, guard_copy(cases[i].text)), cases[i].want >= 0);
		expect_int(got, cases[i].want >= 0 ? cases[i].want : 42);
	}
}

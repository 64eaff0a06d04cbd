#include "base/clock.h"

#include <errno.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec t;
	check(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

void clock_sleep_ms(int64_t ms)
{
	if (ms <= 0)
		return;
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };
	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* Days are counted from 0000-03-01, so that the leap day is the last of its year. */
enum { DAYS_TO_1970 = 719468, DAYS_PER_ERA = 146097 };

struct utc utc_from_seconds(int64_t seconds)
{
	int64_t days = seconds / 86400 + DAYS_TO_1970;
	int rest = (int)(seconds % 86400);
	int64_t era = days / DAYS_PER_ERA;
	int day = (int)(days % DAYS_PER_ERA);
	int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	int month = (5 * day + 2) / 153; /* from March */
	return (struct utc){
		.year = (int)era * 400 + year + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = day - (153 * month + 2) / 5 + 1,
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60,
	};
}

int64_t utc_to_seconds(struct utc t)
{
	int64_t year = t.year - (t.month <= 2);
	int month = t.month > 2 ? t.month - 3 : t.month + 9;
	int64_t era = year / 400, y = year % 400;
	int64_t days = era * DAYS_PER_ERA + y * 365 + y / 4 - y / 100 + (153 * month + 2) / 5 + t.day - 1 - DAYS_TO_1970;
	return days * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
}

#define months S("JanFebMarAprMayJunJulAugSepOctNovDec")

static void put_digits(struct buf *b, int v, int width)
{
	char digits[4];
	check(width <= 4);
	for (int i = width; i-- > 0; v /= 10)
		digits[i] = (char)('0' + v % 10);
	buf_put(b, (struct str){ digits, (size_t)width });
}

static void put_date_time(struct buf *b, int64_t seconds, struct str dash, struct str colon)
{
	struct utc t = utc_from_seconds(seconds);
	put_digits(b, t.year, 4);
	buf_put(b, dash);
	put_digits(b, t.month, 2);
	buf_put(b, dash);
	put_digits(b, t.day, 2);
	buf_put_char(b, 'T');
	put_digits(b, t.hour, 2);
	buf_put(b, colon);
	put_digits(b, t.minute, 2);
	buf_put(b, colon);
	put_digits(b, t.second, 2);
}

void utc_put_rfc3339_ms(struct buf *b, int64_t wall_ms)
{
	put_date_time(b, wall_ms / 1000, S("-"), S(":"));
	buf_put_char(b, '.');
	put_digits(b, (int)(wall_ms % 1000), 3);
	buf_put_char(b, 'Z');
}

void utc_put_basic(struct buf *b, int64_t seconds)
{
	put_date_time(b, seconds, S(""), S(""));
	buf_put_char(b, 'Z');
}

/* In `form`, A stands for a letter, # for a digit, everything else for itself. */
static bool has_form(struct str s, struct str form)
{
	if (s.n != form.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool ok = form.p[i] == '#' ? is_digit(c) : form.p[i] == 'A' ? is_alpha(c) : c == (unsigned char)form.p[i];
		if (!ok)
			return false;
	}
	return true;
}

static int digits_at(struct str s, size_t at, size_t width)
{
	int v = 0;
	for (size_t i = at; i < at + width; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

static bool take_utc(int64_t *seconds, struct utc t)
{
	if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.hour > 23 || t.minute > 59 || t.second > 60)
		return false;
	*seconds = utc_to_seconds(t);
	return true;
}

bool utc_from_http_date(int64_t *seconds, struct str s)
{
	if (!has_form(s, S("AAA, ## AAA #### ##:##:## GMT")))
		return false;
	size_t month = str_find_str(months, str_sub(s, 8, 11));
	struct utc t = {
		.year = digits_at(s, 12, 4),
		.month = (int)month / 3 + 1,
		.day = digits_at(s, 5, 2),
		.hour = digits_at(s, 17, 2),
		.minute = digits_at(s, 20, 2),
		.second = digits_at(s, 23, 2),
	};
	return month % 3 == 0 && t.year >= 1970 && take_utc(seconds, t);
}

bool utc_from_rfc3339(int64_t *seconds, struct str s)
{
	struct str zone = str_skip(s, 19);
	int offset = 0;
	if (!has_form(str_sub(s, 0, 19), S("####-##-##T##:##:##")))
		return false;
	if (str_starts(zone, S(".")))
		for (zone = str_skip(zone, 1); zone.n && is_digit((unsigned char)zone.p[0]);)
			zone = str_skip(zone, 1);
	if (has_form(zone, S("+##:##")) || has_form(zone, S("-##:##")))
		offset = (zone.p[0] == '-' ? -60 : 60) * (digits_at(zone, 1, 2) * 60 + digits_at(zone, 4, 2));
	else if (!str_eq(zone, S("Z")))
		return false;
	struct utc t = {
		.year = digits_at(s, 0, 4),
		.month = digits_at(s, 5, 2),
		.day = digits_at(s, 8, 2),
		.hour = digits_at(s, 11, 2),
		.minute = digits_at(s, 14, 2),
		.second = digits_at(s, 17, 2),
	};
	bool early = t.year < 1970;
	if (early)
		t.year = 1970;
	if (!take_utc(seconds, t))
		return false;
	*seconds = early || *seconds < offset ? 0 : *seconds - offset;
	return true;
}

void utc_put_http_date(struct buf *b, int64_t seconds)
{
	struct utc t = utc_from_seconds(seconds);
	buf_format(b, "%, ",
		str_sub(S("ThuFriSatSunMonTueWed"), (size_t)(seconds / 86400 % 7) * 3, (size_t)(seconds / 86400 % 7) * 3 + 3));
	put_digits(b, t.day, 2);
	buf_format(b, " % ", str_sub(months, (size_t)t.month * 3 - 3, (size_t)t.month * 3));
	put_digits(b, t.year, 4);
	buf_put(b, S(" "));
	put_digits(b, t.hour, 2);
	buf_put(b, S(":"));
	put_digits(b, t.minute, 2);
	buf_put(b, S(":"));
	put_digits(b, t.second, 2);
	buf_put(b, S(" GMT"));
}

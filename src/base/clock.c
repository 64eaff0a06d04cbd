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
	int64_t days = era * DAYS_PER_ERA + y * 365 + y / 4 - y / 100 + (153 * month + 2) / 5 + t.day -
		1 - DAYS_TO_1970;
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

/* The number that a letter of a form stands for, which takes four digits for a year and two
 * otherwise; or NULL. A form has, besides, n for the name of the month and w for that of the
 * weekday, and all else for itself. */
static int *number_of(struct utc *t, char letter)
{
	switch (letter) {
	case 'y': return &t->year;
	case 'o': return &t->month;
	case 'd': return &t->day;
	case 'h': return &t->hour;
	case 'm': return &t->minute;
	case 's': return &t->second;
	default: return NULL;
	}
}

void utc_put(struct buf *b, int64_t seconds, const char *form)
{
	struct utc t = utc_from_seconds(seconds);
	for (; *form; form++) {
		size_t day = (size_t)(seconds / 86400 % 7) * 3;
		const int *number = number_of(&t, *form);
		if (number)
			put_digits(b, *number, *form == 'y' ? 4 : 2);
		else if (*form == 'n')
			buf_put(b, str_sub(months, (size_t)t.month * 3 - 3, (size_t)t.month * 3));
		else if (*form == 'w')
			buf_put(b, str_sub(S("ThuFriSatSunMonTueWed"), day, day + 3));
		else
			buf_put_char(b, *form);
	}
}

void utc_put_rfc3339_ms(struct buf *b, int64_t wall_ms)
{
	utc_put(b, wall_ms / 1000, "y-o-dTh:m:s.");
	put_digits(b, (int)(wall_ms % 1000), 3);
	buf_put_char(b, 'Z');
}

static bool read_digits(int *out, struct str *s, size_t width)
{
	uint64_t v;
	if (s->n < width || !str_to_u64(&v, str_sub(*s, 0, width), 9999))
		return false;
	*out = (int)v;
	*s = str_skip(*s, width);
	return true;
}

/* Takes three letters; *month is 13 unless they are the name of one. */
static bool read_month(int *month, struct str *s)
{
	struct str name = str_sub(*s, 0, 3);
	*s = str_skip(*s, 3);
	for (size_t i = 0; i < 3; i++)
		if (i == name.n || !is_alpha((unsigned char)name.p[i]))
			return false;
	size_t at = str_find_str(months, name);
	*month = at % 3 ? 13 : (int)at / 3 + 1;
	return true;
}

/* Whether all of `s` has that form; sets the members of *t that the form has. */
static bool scan(struct utc *t, struct str s, const char *form)
{
	int ignored;
	bool ok = true;
	for (; ok && *form; form++) {
		int *number = number_of(t, *form);
		if (number)
			ok = read_digits(number, &s, *form == 'y' ? 4 : 2);
		else if (*form == 'n' || *form == 'w')
			ok = read_month(*form == 'n' ? &t->month : &ignored, &s);
		else
			ok = s.n && s.p[0] == *form, s = str_skip(s, 1);
	}
	return ok && s.n == 0;
}

static bool take_utc(int64_t *seconds, struct utc t)
{
	if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.hour > 23 || t.minute > 59 ||
		t.second > 60)
		return false;
	*seconds = utc_to_seconds(t);
	return true;
}

bool utc_from_http_date(int64_t *seconds, struct str s)
{
	struct utc t;
	return scan(&t, s, UTC_HTTP_DATE) && t.year >= 1970 && take_utc(seconds, t);
}

bool utc_from_rfc3339(int64_t *seconds, struct str s)
{
	struct utc t, ahead = { 0 };
	struct str zone = str_skip(s, 19);
	if (!scan(&t, str_sub(s, 0, 19), "y-o-dTh:m:s"))
		return false;
	if (str_starts(zone, S(".")))
		for (zone = str_skip(zone, 1); zone.n && is_digit((unsigned char)zone.p[0]);)
			zone = str_skip(zone, 1);
	bool west = str_starts(zone, S("-"));
	if (!str_eq(zone, S("Z")) && !scan(&ahead, zone, west ? "-h:m" : "+h:m"))
		return false;
	int offset = (west ? -60 : 60) * (ahead.hour * 60 + ahead.minute);
	bool early = t.year < 1970;
	if (early)
		t.year = 1970;
	if (!take_utc(seconds, t))
		return false;
	*seconds = early || *seconds < offset ? 0 : *seconds - offset;
	return true;
}

/* clock.h - the only place that reads time.
 *
 * Monotonic time is for deadlines, wall time for signatures, certificates and logs. Both in
 * milliseconds; neither is ever derived from the other. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"

int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void); /* since 1970-01-01T00:00:00Z */

/* Sleeps; a signal does not cut it short. */
void clock_sleep_ms(int64_t ms);

struct utc {
	int year, month, day, hour, minute, second; /* month and day from 1 */
};

/* Gregorian calendar, no leap seconds, years 1970 to 9999. */
struct utc utc_from_seconds(int64_t seconds);
int64_t utc_to_seconds(struct utc t);

/* Appends 2026-01-01T00:00:00.000Z (RFC 3339). */
void utc_put_rfc3339_ms(struct buf *b, int64_t wall_ms);

/* Appends a time as `form` says: y o d h m s stand for year, month, day, hour, minute and second, n
 * for the month's name, w for the weekday's; every other character stands for itself. */
void utc_put(struct buf *b, int64_t seconds, const char *form);
#define UTC_BASIC "yodThmsZ"               /* 20260101T000000Z (ISO 8601 basic, as in X-Amz-Date) */
#define UTC_RFC3339 "y-o-dTh:m:sZ"           /* 2026-01-01T00:00:00Z */
#define UTC_HTTP_DATE "w, d n y h:m:s GMT" /* Thu, 01 Jan 2026 00:00:00 GMT */

/* Reads UTC_HTTP_DATE, the only form of an HTTP Date that senders may still use (RFC 9110, section
 * 5.6.7). The weekday is not compared with the date. False for any other form; *seconds is then
 * unchanged. */
must_check bool utc_from_http_date(int64_t *seconds, struct str s);

/* Reads 2026-01-01T00:00:00Z (RFC 3339), with an offset such as +00:00 instead of Z, and with a
 * fraction, which is dropped. A time before 1970 becomes 0. False for any other form; *seconds is
 * then unchanged. */
must_check bool utc_from_rfc3339(int64_t *seconds, struct str s);

#endif

#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static enum log_level least_level = LOG_INFO;
static bool never_wait;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* between asking for room and using it; only if never_wait */
static int64_t dropped;

void log_set_level(enum log_level least)
{
	least_level = least;
}

bool log_wants(enum log_level level)
{
	return level >= least_level;
}

/* Bytes outside printable ASCII come out one by one as \u00xx: a log line stays one line of valid JSON
 * whatever a peer managed to get into it. */
static void put_text(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			buf_add(b, S("\\"), (struct str){ s.p + i, 1 });
		else if (c >= 0x20 && c < 0x7f)
			buf_put_char(b, (char)c);
		else
			buf_add(b, S("\\u00"), (struct str){ hex + (c >> 4), 1 }, (struct str){ hex + (c & 15), 1 });
	}
}

static void put_field(struct buf *b, const struct log_field *field)
{
	size_t start = b->n;
	buf_add(b, S(",\""), field->key, S("\":"));
	if (field->is_number) {
		buf_put(b, NUM(field->number));
	} else {
		buf_put_char(b, '"');
		put_text(b, field->text);
		buf_put_char(b, '"');
	}
	if (b->full) {
		b->n = start;
		b->full = false;
	}
}

static bool put_line(const char *line, size_t n)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	/* A pipe that is ready takes a whole line: LOG_LINE_MAX is less than PIPE_BUF. */
	if (never_wait && poll(&out, 1, 0) != 1)
		return false;
	while (write(STDERR_FILENO, line, n) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

void log_never_wait(void)
{
	never_wait = true;
}

static void finish_line(struct buf *b)
{
	b->p[b->n++] = '}';
	b->p[b->n++] = '\n';
}

static struct buf begin_line(char line[static LOG_LINE_MAX], enum log_level level)
{
	static const struct str names[] = { STR("DEBUG"), STR("INFO"), STR("WARN"), STR("ERROR") };
	struct buf b = { line, 0, LOG_LINE_MAX - 2, false };
	buf_put(&b, S("{\"timestamp\":\""));
	utc_put_rfc3339_ms(&b, clock_wall_ms());
	buf_add(&b, S("\",\"level\":\""), names[level], S("\""));
	return b;
}

static void tell_dropped(char line[static LOG_LINE_MAX])
{
	struct buf b = begin_line(line, LOG_WARN);
	buf_add(&b, S(",\"message\":\"log lines were dropped because nobody took them\",\"lines\":"), NUM(dropped));
	finish_line(&b);
	if (put_line(line, b.n))
		dropped = 0;
}

void log_line(enum log_level level, const struct log_field *fields, size_t count)
{
	char line[LOG_LINE_MAX];
	struct buf b = begin_line(line, level);
	for (size_t i = 0; i < count; i++)
		if (fields[i].is_number || fields[i].text.n)
			put_field(&b, &fields[i]);
	finish_line(&b);
	if (never_wait)
		pthread_mutex_lock(&lock);
	if (!put_line(line, b.n))
		dropped++;
	else if (dropped)
		tell_dropped(line);
	if (never_wait)
		pthread_mutex_unlock(&lock);
}

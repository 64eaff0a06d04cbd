#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

static enum log_level least_level = LOG_INFO;

static void write_line(const char *line, size_t n)
{
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

static void (*writer)(const char *line, size_t n) = write_line;

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

void log_set_writer(void (*put)(const char *line, size_t n))
{
	writer = put;
}

size_t log_format(char line[static LOG_LINE_MAX], enum log_level level, const struct log_field *fields, size_t count)
{
	static const struct str names[] = { STR("DEBUG"), STR("INFO"), STR("WARN"), STR("ERROR") };
	struct buf b = { line, 0, LOG_LINE_MAX - 2, false };
	buf_put(&b, S("{\"timestamp\":\""));
	utc_put_rfc3339_ms(&b, clock_wall_ms());
	buf_add(&b, S("\",\"level\":\""), names[level], S("\""));
	for (size_t i = 0; i < count; i++)
		if (fields[i].is_number || fields[i].text.n)
			put_field(&b, &fields[i]);
	line[b.n++] = '}';
	line[b.n++] = '\n';
	return b.n;
}

void log_line(enum log_level level, const struct log_field *fields, size_t count)
{
	char line[LOG_LINE_MAX];
	writer(line, log_format(line, level, fields, count));
}

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

/* Bytes outside printable ASCII come out one by one as \u00xx: a log line stays one line of valid JSON
 * whatever a peer managed to get into it. */
static void put_text(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			buf_format(b, "\\%s", (struct str){ s.p + i, 1 });
		else if (c >= 0x20 && c < 0x7f)
			buf_put_char(b, (char)c);
		else
			buf_format(b, "\\u00%s%s", (struct str){ hex + (c >> 4), 1 }, (struct str){ hex + (c & 15), 1 });
	}
}

/* A field that does not fit is left out whole. */
static void put_field(struct buf *b, struct str name, struct str text)
{
	struct buf start = *b;
	bool is_number = str_ends(name, S("#"));
	buf_format(b, is_number ? ",\"%s\":" : ",\"%s\":\"", str_sub(name, 0, name.n - is_number));
	put_text(b, text);
	if (!is_number)
		buf_put_char(b, '"');
	if (b->full)
		*b = start;
}

void log_set_writer(void (*put)(const char *line, size_t n))
{
	writer = put;
}

size_t log_format(char line[static LOG_LINE_MAX], enum log_level level, const char *message, const char *names,
                          struct arguments arguments)
{
	static const char levels[] = "DEBUGINFO WARN ERROR";
	struct buf b = { line, 0, LOG_LINE_MAX - 2, false };
	char scratch[24];
	struct str name, rest = str_c(names);
	buf_put(&b, S("{\"timestamp\":\""));
	utc_put_rfc3339_ms(&b, clock_wall_ms());
	buf_format(&b, "\",\"level\":\"%s\"", str_trim((struct str){ levels + 5 * level, 5 }));
	put_field(&b, S("message"), str_c(message));
	for (size_t i = 0; i < arguments.count; i++) {
		struct str argument = arguments.list[i];
		str_next(&name, &rest, ' ');
		check(name.n && str_ends(name, S("#")) == is_num(argument));
		if (is_num(argument))
			argument = str_of_int(scratch, (int64_t)argument.n);
		if (argument.n)
			put_field(&b, name, argument);
	}
	check(!rest.n);
	line[b.n++] = '}';
	line[b.n++] = '\n';
	return b.n;
}

void log_line(enum log_level level, const char *message, const char *names, struct arguments arguments)
{
	char line[LOG_LINE_MAX];
	if (level >= least_level)
		writer(line, log_format(line, level, message, names, arguments));
}

void log_failure(const char *message, struct str request_id, const struct fault *f)
{
	LOG(LOG_ERROR, message, "request_id reason", request_id, fault_text(f));
}

#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

static enum log_level least_level = LOG_INFO;
static enum log_style style = LOG_JSON;
static bool with_priority;

static void write_line(const char *line, size_t n)
{
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

static void (*writer)(const char *line, size_t n) = write_line;

void log_set_style(enum log_style wanted, bool priority)
{
	style = wanted;
	with_priority = priority;
}

void log_set_level(enum log_level least)
{
	least_level = least;
}

/* Bytes outside printable ASCII come out one by one as \u00xx: a log line stays one line of valid
 * JSON whatever a peer managed to get into it. */
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
			buf_format(b, "\\u00%s%s", (struct str){ hex + (c >> 4), 1 },
				(struct str){ hex + (c & 15), 1 });
	}
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			return true;
	}
	return s.n == 0;
}

static void put_quoted(struct buf *b, struct str s)
{
	buf_put_char(b, '"');
	put_text(b, s);
	buf_put_char(b, '"');
}

/* A field that does not fit is left out whole. */
static void put_field(struct buf *b, struct str name, struct str text, bool is_number)
{
	struct buf start = *b;
	buf_format(b, style == LOG_TEXT ? " %s=" : ",\"%s\":", name);
	if (is_number || (style == LOG_TEXT && !needs_quotes(text)))
		buf_put(b, text);
	else
		put_quoted(b, text);
	if (b->full)
		*b = start;
}

static void put_fields(struct buf *b, const char *names, struct arguments arguments)
{
	char scratch[24];
	struct str name, rest = str_c(names);
	for (size_t i = 0; i < arguments.count; i++) {
		struct str argument = arguments.list[i];
		bool is_number = is_num(argument);
		str_next(&name, &rest, ' ');
		check(name.n && str_ends(name, S("#")) == is_number);
		if (is_number)
			argument = str_of_int(scratch, num_value(argument));
		if (argument.n)
			put_field(b, str_sub(name, 0, name.n - is_number), argument, is_number);
	}
	check(!rest.n);
}

static const struct {
	struct str name;
	char priority; /* of syslog(3) */
} levels[] = {
	[LOG_DEBUG] = { STR("DEBUG"), '7' }, [LOG_INFO] = { STR("INFO"), '6' },
	[LOG_WARN] = { STR("WARN"), '4' }, [LOG_ERROR] = { STR("ERROR"), '3' },
};

size_t log_format(char line[static LOG_LINE_MAX], enum log_level level, const char *message,
	const char *names, struct arguments arguments)
{
	struct buf b = { line, 0, LOG_LINE_MAX - 2, false };
	if (with_priority)
		buf_format(&b, "<%s>", (struct str){ &levels[level].priority, 1 });
	if (style == LOG_TEXT) {
		utc_put_rfc3339_ms(&b, clock_wall_ms());
		buf_format(
			&b, level == LOG_INFO || level == LOG_WARN ? " %s  " : " %s ", levels[level].name);
		put_text(&b, str_c(message));
		put_fields(&b, names, arguments);
	} else {
		buf_put(&b, S("{\"timestamp\":\""));
		utc_put_rfc3339_ms(&b, clock_wall_ms());
		buf_format(&b, "\",\"level\":\"%s\"", levels[level].name);
		put_field(&b, S("message"), str_c(message), false);
		put_fields(&b, names, arguments);
		line[b.n++] = '}';
	}
	line[b.n++] = '\n';
	return b.n;
}

void log_set_writer(void (*put)(const char *line, size_t n))
{
	writer = put;
}

void log_line(
	enum log_level level, const char *message, const char *names, struct arguments arguments)
{
	char line[LOG_LINE_MAX];
	if (level >= least_level)
		writer(line, log_format(line, level, message, names, arguments));
}

void log_failure(const char *message, struct str request_id, const struct fault *f)
{
	LOG(LOG_ERROR, message, "request_id reason", request_id, fault_text(f));
}

#include "base/log.h"

#include "check.h"
#include "codec/json_read.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file, saved;

static void capture(void)
{
	memory_file = memfd_create("log", 0);
	saved = dup(STDERR_FILENO);
	expect(memory_file >= 0 && saved >= 0 && dup2(memory_file, STDERR_FILENO) >= 0);
}

/* What was logged since capture(). */
static struct str captured(void)
{
	static char text[8 * LOG_LINE_MAX];
	expect(dup2(saved, STDERR_FILENO) >= 0);
	ssize_t n = pread(memory_file, text, sizeof(text), 0);
	close(memory_file);
	close(saved);
	expect(n >= 0);
	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}

/* The one line as JSON, its time stamp looked at and left out. */
static struct json line_of(struct str text)
{
	struct json v;
	size_t position;
	expect(str_ends(text, S("}\n")));
	expect_int(str_find(text, '\n'), text.n - 1);
	expect_int(json_check(&v, &position, text), OK);
	expect_int(json_member(v, S("timestamp")).text.n, S("\"2026-01-01T00:00:00.000Z\"").n);
	expect(str_starts(text, S("{\"timestamp\":\"2")));
	return v;
}

TEST(log_line_is_one_object)
{
	capture();
	LOG(LOG_WARN, "invoke failed", "function status# empty zero#", S("deploy"), NUM(503), S(""),
		NUM(0));
	struct str text = captured();
	struct json v = line_of(text);
	expect_str(json_member(v, S("level")).text, S("\"WARN\""));
	struct str rest = str_skip(text, str_find_str(text, S(",\"level\"")));
	expect_str(rest,
		S(",\"level\":\"WARN\",\"message\":\"invoke "
		  "failed\",\"function\":\"deploy\",\"status\":503,\"zero\":0}\n"));
}

TEST(log_line_stays_one_line_whatever_is_in_it)
{
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		capture();
		LOG(LOG_ERROR, "x", "text", (struct str){ &byte, 1 });
		struct json text = json_member(line_of(captured()), S("text"));
		static char memory[16];
		struct arena arena = { memory, 0, sizeof(memory) };
		struct str got;
		context("byte %d", c);
		expect_int(json_string(&got, text, &arena), OK);
		if (c < 0x80)
			expect_str(got, ((struct str){ &byte, 1 }));
		for (size_t i = 0; i < text.text.n; i++)
			expect(text.text.p[i] >= ' ' && text.text.p[i] <= '~');
	}
}

TEST(log_leaves_out_the_field_that_is_too_long)
{
	static char long_text[LOG_LINE_MAX + 100];
	memset(long_text, 'a', sizeof(long_text));
	for (size_t n = LOG_LINE_MAX - 150; n < sizeof(long_text); n++) {
		capture();
		LOG(LOG_INFO, "m", "long after#", (struct str){ long_text, n }, NUM(7));
		struct str text = captured();
		struct json v = line_of(text);
		context("%zu bytes", n);
		expect(text.n <= LOG_LINE_MAX);
		expect_str(json_member(v, S("message")).text, S("\"m\""));
		struct json field = json_member(v, S("long"));
		expect(field.text.n == 0 || field.text.n == n + 2);
		/* Another field is left out only if it had no room itself. */
		if (field.text.n == 0 || text.n + S(",\"after\":7").n <= LOG_LINE_MAX)
			expect_str(json_member(v, S("after")).text, S("7"));
	}
}

TEST(log_level_filters)
{
	static const struct str names[] = { STR("\"DEBUG\""), STR("\"INFO\""), STR("\"WARN\""),
		STR("\"ERROR\"") };
	for (enum log_level least = LOG_DEBUG; least <= LOG_ERROR; least++)
		for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
			log_set_level(least);
			capture();
			LOG(level, "x", "");
			struct str text = captured();
			context("%d at %d", (int)level, (int)least);
			if (level < least)
				expect_str(text, S(""));
			else
				expect_str(json_member(line_of(text), S("level")).text, names[level]);
		}
	log_set_level(LOG_INFO);
}

#include "cli/report.h"

#include "cli/console.h"

#include <unistd.h>

enum { NAME_SIZE = 16, NAME_COLUMNS = 13 };

static const struct {
	struct str word, mark, colour, json;
} looks[] = {
	[STEP_OK] = { STR("ok  "), STR("\xe2\x9c\x93"), STR("\x1b[32m"), STR("ok") },
	[STEP_FAIL] = { STR("FAIL"), STR("\xe2\x9c\x97"), STR("\x1b[31m"), STR("fail") },
	[STEP_WARN] = { STR("warn"), STR("!"), STR("\x1b[33m"), STR("warn") },
	[STEP_SKIP] = { STR("skip"), STR("\xe2\x80\x93"), STR("\x1b[2m"), STR("skip") },
};

/* Columns that `s` takes: a byte each, but for those that go on a UTF-8 sequence. */
static size_t columns(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static struct str mark_of(const struct report *r, enum step_result result)
{
	return r->utf8 ? looks[result].mark : looks[result].word;
}

static bool names_utf8(const struct environment *env)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	struct str v = { 0 };
	for (size_t i = 0; i < countof(variables) && !v.n; i++)
		v = environment_get(env, variables[i]);
	struct str language, set;
	str_cut(&language, &set, v, '.');
	return str_eq_nocase(str_sub(set, 0, 5), S("UTF-8")) ||
		str_eq_nocase(str_sub(set, 0, 4), S("utf8"));
}

void report_begin(
	struct report *r, char memory[static REPORT_SIZE], bool as_json, const struct environment *env)
{
	bool dumb = str_eq(environment_get(env, "TERM"), S("dumb"));
	*r = (struct report){
		.as_json = as_json, .utf8 = names_utf8(env), .out = { memory, 0, REPORT_SIZE, false },
		.colour = isatty(STDOUT_FILENO) && !dumb && !environment_get(env, "NO_COLOR").n,
	};
	r->indent = columns(mark_of(r, STEP_OK)) + NAME_COLUMNS + 3;
	r->json = json_writer(&r->out);
}

/* What a peer says must not reach the terminal's control. */
static void put_visible(struct report *r, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool shown = c >= ' ' && c != 0x7f && (c < 0x7f || r->utf8);
		buf_put_char(&r->out, shown ? (char)c : '?');
	}
}

static void put_blanks(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_put_char(b, ' ');
}

/* Words from the column `at` on; a line goes on below the first. What is longer than a line is cut
 * into lines. */
static void put_wrapped(struct report *r, struct str text, size_t at)
{
	struct str word, rest = text;
	bool first = true;
	while (rest.n || first) {
		str_next(&word, &rest, ' ');
		size_t room = at + !first < REPORT_WIDTH ? REPORT_WIDTH - at - !first : 0;
		if (columns(word) > room && !first) {
			buf_put_char(&r->out, '\n');
			put_blanks(&r->out, r->indent);
			at = r->indent;
		} else if (!first) {
			buf_put_char(&r->out, ' ');
			at++;
		}
		while (columns(word) > REPORT_WIDTH - at) {
			struct str part = str_sub(word, 0, REPORT_WIDTH - at);
			put_visible(r, part);
			word = str_skip(word, part.n);
			buf_put_char(&r->out, '\n');
			put_blanks(&r->out, r->indent);
			at = r->indent;
		}
		put_visible(r, word);
		at += columns(word);
		first = false;
	}
	buf_put_char(&r->out, '\n');
}

static void put_line(
	struct report *r, enum step_result result, struct str name, struct str found, struct str advice)
{
	struct str mark = mark_of(r, result);
	buf_put(&r->out, r->colour ? looks[result].colour : S(""));
	buf_put(&r->out, mark);
	buf_put(&r->out, r->colour ? S("\x1b[0m ") : S(" "));
	size_t at = columns(mark) + 1 + columns(name);
	buf_put(&r->out, name);
	do {
		buf_put_char(&r->out, ' ');
		at++;
	} while (at < r->indent);
	put_wrapped(r, found, at);
	if (advice.n) {
		put_blanks(&r->out, r->indent - 2);
		buf_put(&r->out, r->utf8 ? S("\xe2\x86\x92 ") : S("> "));
		put_wrapped(r, advice, r->indent);
	}
}

static void flush(struct report *r)
{
	console_put(STDOUT_FILENO, buf_str(&r->out));
	buf_reset(&r->out);
}

static void put_json(struct report *r, const struct step_report *step)
{
	json_open(&r->json, '{');
	json_fields(&r->json, "name result reason found advice", step->name, looks[step->result].json,
		str_c(step->reason), step->found, step->advice);
	json_close(&r->json, '}');
}

static void keep_skipped(struct report *r, const struct step_report *step)
{
	check(r->skipped_count < REPORT_SKIPS);
	struct skipped *s = &r->skipped[r->skipped_count++];
	struct buf why = BUF(s->why);
	buf_put(&why, str_sub(step->found, 0, sizeof(s->why)));
	s->name = step->name;
	s->why_n = why.n;
}

void report_step(struct report *r, const struct step_report *step)
{
	r->problems += step->result == STEP_FAIL;
	if (r->as_json) {
		put_json(r, step);
	} else if (step->result == STEP_SKIP) {
		keep_skipped(r, step);
	} else {
		put_line(r, step->result, step->name, step->found, step->advice);
		flush(r);
	}
}

/* What was skipped for one reason is one line. */
static void put_skipped(struct report *r)
{
	for (size_t i = 0; i < r->skipped_count; i++) {
		struct str why = { r->skipped[i].why, r->skipped[i].why_n };
		char memory[REPORT_SKIPS * NAME_SIZE + sizeof(r->skipped[i].why) + 4];
		struct buf names = BUF(memory);
		if (!r->skipped[i].name.n)
			continue;
		for (size_t j = i; j < r->skipped_count; j++) {
			struct skipped *other = &r->skipped[j];
			if (!other->name.n || !str_eq((struct str){ other->why, other->why_n }, why))
				continue;
			buf_format(&names, "%s%s", names.n ? S(", ") : S(""), other->name);
			other->name.n = 0;
		}
		buf_format(&names, " (%s)", why);
		put_line(r, STEP_SKIP, S("not checked"), buf_str(&names), S(""));
	}
}

bool report_end(struct report *r)
{
	bool well = r->problems == 0;
	if (r->as_json) {
		console_put(
			STDOUT_FILENO, well ? S("{\"ok\":true,\"steps\":[") : S("{\"ok\":false,\"steps\":["));
		buf_put(&r->out, S("]}\n"));
	} else {
		put_skipped(r);
		if (well)
			buf_put(&r->out, S("everything works\n"));
		else
			buf_format(
				&r->out, "%d problem%s\n", NUM(r->problems), r->problems == 1 ? S("") : S("s"));
	}
	flush(r);
	return well;
}

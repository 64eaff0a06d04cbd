#include "aws/profile.h"

enum { PATH_SHOWN = 100 };

/* What a line says. */
enum kind {
	SECTION,  /* a header; whatever stands between its brackets */
	SETTING,  /* a key with what its value has so far */
	INNER,    /* a key inside another one */
	BAD,      /* nothing that could be read */
	BAD_HEADER,
};

struct reader {
	struct str rest;
	struct str whole;      /* this line, as it is */
	size_t line, indent;   /* its number; indentation of the key */
	enum kind kind;
	struct str section;
	struct str key, value;
	struct str inner;      /* the key inside `key` */
	bool nests;            /* `key` has no value of its own */
};

static bool is_comment(char c)
{
	return c == '#' || c == ';';
}

static bool read_setting(struct str *key, struct str *value, struct str line)
{
	size_t n = 1;
	while (
		n < line.n && !(is_comment(line.p[n]) && (line.p[n - 1] == ' ' || line.p[n - 1] == '\t')))
		n++;
	line = str_sub(line, 0, n);
	char separator = str_find(line, ':') < str_find(line, '=') ? ':' : '=';
	bool complete = str_cut(key, value, line, separator);
	*key = str_trim(*key);
	*value = str_trim(*value);
	return complete && key->n;
}

/* A value cannot go on behind a comment. */
static bool read_continuation(struct reader *r, struct str line)
{
	if (r->nests) {
		r->kind = INNER;
		return read_setting(&r->inner, &r->value, line);
	}
	const char *end = r->value.p + r->value.n;
	if (str_trim_lines((struct str){ end, (size_t)(line.p - end) }).n)
		return false;
	r->value.n = (size_t)(line.p + line.n - r->value.p);
	r->kind = SETTING;
	return true;
}

static void read_line(struct reader *r, struct str line, size_t indent)
{
	if (r->key.n && indent > r->indent) {
		if (!read_continuation(r, line))
			r->kind = BAD;
		return;
	}
	r->indent = indent;
	r->key = r->inner = r->value = S("");
	if (line.p[0] == '[') {
		size_t end = str_find(line, ']');
		r->section = str_trim(str_sub(line, 1, end));
		r->kind = end < line.n && r->section.n ? SECTION : BAD_HEADER;
		return;
	}
	struct str key;
	r->kind = read_setting(&key, &r->value, line) ? SETTING : BAD;
	if (r->kind == SETTING)
		r->key = key;
	r->nests = r->value.n == 0;
}

/* Goes to the next line that is neither empty nor a comment. False at the end. */
static bool next(struct reader *r)
{
	struct str line;
	do {
		if (r->rest.n == 0)
			return false;
		str_next(&r->whole, &r->rest, '\n');
		line = str_trim_lines(r->whole);
		r->line++;
	} while (line.n == 0 || is_comment(line.p[0]));
	read_line(r, line, (size_t)(line.p - r->whole.p));
	return true;
}

/* Whether a header is [kind name], or [name] if there is no kind. */
static bool is_section(struct str header, struct str kind, struct str name)
{
	if (str_eq(header, S("default")) && str_eq(kind, S("profile")))
		header = S("profile default");
	if (!str_starts(header, kind))
		return false;
	header = str_skip(header, kind.n);
	struct str own = str_trim(header);
	if (kind.n && own.n == header.n)
		return false;
	if (own.n > 1 && own.p[0] == own.p[own.n - 1] && (own.p[0] == '"' || own.p[0] == '\''))
		own = str_sub(own, 1, own.n - 1);
	return str_eq(own, name);
}

/* What stands before every header, and a header that cannot be read and has the name in it, may
 * have been meant for the profile. */
static void find_section(
	struct profile_section *out, struct str text, struct str kind, struct str name)
{
	struct reader r = { .rest = text };
	bool inside = false, before = true;
	*out = (struct profile_section){ .exists = false };
	while (next(&r)) {
		bool header = r.kind == SECTION || r.kind == BAD_HEADER;
		if (header && inside)
			out->body.n = (size_t)(r.whole.p - out->body.p);
		if (header)
			inside = before = false;
		if (r.kind == SECTION && is_section(r.section, kind, name)) {
			*out = (struct profile_section){
				.exists = true, .body = r.rest, .line = r.line + 1, .bad_line = out->bad_line
			};
			inside = true;
		}
		bool named = name.n && str_find_str(r.section, name) < r.section.n;
		bool concerns = before || (r.kind == BAD_HEADER && named);
		if (concerns && !out->bad_line)
			out->bad_line = r.line;
	}
	if (!out->exists)
		return;
	r = (struct reader){ .rest = out->body };
	for (size_t bad = out->bad_line; !bad && next(&r);)
		bad = out->bad_line = r.kind == BAD ? r.line + out->line - 1 : 0;
}

void profile_find(struct profile *out, const struct profile_files *files, struct str name)
{
	out->name = name;
	out->files = files;
	find_section(&out->config, files->config, S("profile"), name);
	find_section(&out->credentials, files->credentials, S(""), name);
	struct str services = profile_get(out, S("services"));
	out->services = (struct profile_section){ .exists = false };
	if (services.n)
		find_section(&out->services, files->config, S("services"), services);
}

enum err profile_check(const struct profile *p, struct fault *f)
{
	size_t line = p->config.bad_line ? p->config.bad_line : p->services.bad_line;
	struct str path = p->files->config_path, usual = S("~/.aws/config");
	if (!line) {
		line = p->credentials.bad_line;
		path = p->files->credentials_path;
		usual = S("~/.aws/credentials");
	}
	return !line ? OK
				 : fault_set(f, E_FILE, 0,
					   "line %d of %s is neither `[section]` nor `key = value` below one",
					   NUM(line), path.n ? str_sub(path, 0, PATH_SHOWN) : usual);
}

static bool find(struct str *value, struct str body, struct str key, struct str inner)
{
	bool found = false;
	struct reader r = { .rest = body };
	while (next(&r))
		if ((r.kind == SETTING || r.kind == INNER) && str_eq_nocase(r.key, key) &&
			str_eq_nocase(r.inner, inner)) {
			*value = r.value;
			found = true;
		}
	return found;
}

struct str profile_section_get(const struct profile_section *s, struct str key)
{
	struct str value = S("");
	find(&value, s->body, key, S(""));
	return value;
}

struct str profile_get(const struct profile *p, struct str key)
{
	struct str value = profile_section_get(&p->credentials, key);
	return value.n ? value : profile_section_get(&p->config, key);
}

struct str profile_service_get(const struct profile *p, struct str service, struct str key)
{
	struct str value = S("");
	find(&value, p->services.body, service, key);
	return value;
}

size_t profile_bad_lines(size_t *first, struct str text)
{
	struct reader r = { .rest = text };
	size_t count = 0;
	*first = 0;
	while (next(&r)) {
		if (r.kind != BAD && r.kind != BAD_HEADER && r.section.n)
			continue;
		if (count++ == 0)
			*first = r.line;
	}
	return count;
}

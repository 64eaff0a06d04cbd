#include "aws/profile.h"

struct reader {
	struct str rest;
	size_t line, indent;   /* number of this line; indentation of the key */
	struct str section;    /* what stands between its brackets */
	struct str key, value; /* both empty on the line of a section */
	struct str inner;      /* the key inside `key` */
	bool nests;            /* `key` has no value of its own */
	bool ok;               /* all has been read */
};

static bool is_comment(char c)
{
	return c == '#' || c == ';';
}

static bool read_setting(struct str *key, struct str *value, struct str line)
{
	size_t n = 1;
	while (n < line.n && !(is_comment(line.p[n]) && (line.p[n - 1] == ' ' || line.p[n - 1] == '\t')))
		n++;
	bool complete = str_cut(key, value, str_sub(line, 0, n), '=');
	*key = str_trim(*key);
	*value = str_trim(*value);
	return complete && key->n;
}

/* A value cannot go on behind a comment. */
static bool read_continuation(struct reader *r, struct str line)
{
	if (r->nests)
		return read_setting(&r->inner, &r->value, line);
	const char *end = r->value.p + r->value.n;
	r->value.n = (size_t)(line.p + line.n - r->value.p);
	return str_trim_lines((struct str){ end, (size_t)(line.p - end) }).n == 0;
}

static bool read_line(struct reader *r, struct str line, size_t indent)
{
	if (r->key.n && indent > r->indent)
		return read_continuation(r, line);
	r->indent = indent;
	r->inner = S("");
	if (line.p[0] == '[') {
		size_t end = str_find(line, ']');
		r->section = str_trim(str_sub(line, 1, end));
		r->key = r->value = S("");
		return end < line.n && r->section.n;
	}
	bool ok = read_setting(&r->key, &r->value, line);
	r->nests = r->value.n == 0;
	return ok && r->section.n;
}

/* Goes to the next line that says something: a section, a key with its value so far, a key inside another one. False at the
 * end, and where it cannot be read. */
static bool next(struct reader *r)
{
	struct str whole, line;
	do {
		r->ok = r->rest.n == 0;
		if (r->ok)
			return false;
		str_next(&whole, &r->rest, '\n');
		line = str_trim_lines(whole);
		r->line++;
	} while (line.n == 0 || is_comment(line.p[0]));
	return read_line(r, line, (size_t)(line.p - whole.p));
}

enum err profile_check(struct str text, struct str file, struct fault *f)
{
	struct reader r = { .rest = text };
	while (next(&r))
		;
	return r.ok ? OK : fault_set(f, E_CONFIG, 0, "line %d of %s is neither `[section]` nor `key = value` below one", NUM(r.line), file);
}

/* What is looked for: `inner` in `key` in [kind name], or [name] if there is no kind. */
struct wanted {
	struct str kind, name, key, inner;
};

static bool is_section(const struct wanted *w, struct str section)
{
	if (str_eq(section, S("default")) && w->kind.n)
		section = S("profile default");
	if (!str_starts(section, w->kind))
		return false;
	section = str_skip(section, w->kind.n);
	struct str name = str_trim(section);
	if (w->kind.n && name.n == section.n)
		return false;
	if (name.n > 1 && name.p[0] == name.p[name.n - 1] && (name.p[0] == '"' || name.p[0] == '\''))
		name = str_sub(name, 1, name.n - 1);
	return str_eq(name, w->name);
}

static bool find(struct str *value, struct str text, const struct wanted *w)
{
	bool found = false;
	struct reader r = { .rest = text };
	while (next(&r))
		if (is_section(w, r.section) && str_eq_nocase(r.key, w->key) && str_eq_nocase(r.inner, w->inner)) {
			*value = r.value;
			found = true;
		}
	return found;
}

static bool find_in_both(struct str *value, const struct profile_files *files, struct str profile, struct str key)
{
	struct wanted w = { .name = profile, .key = key };
	*value = S("");
	bool found = find(value, files->credentials, &w);
	w.kind = S("profile");
	return (value->n == 0 && find(value, files->config, &w)) || found;
}

bool profile_exists(const struct profile_files *files, struct str profile)
{
	struct str none;
	return find_in_both(&none, files, profile, S(""));
}

struct str profile_get(const struct profile_files *files, struct str profile, struct str key)
{
	struct str value;
	find_in_both(&value, files, profile, key);
	return value;
}

struct str profile_service_get(const struct profile_files *files, struct str name, struct str service, struct str key)
{
	struct str value = S("");
	find(&value, files->config, &(struct wanted){ S("services"), name, service, key });
	return value;
}

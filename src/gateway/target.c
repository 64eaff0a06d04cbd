#include "gateway/target.h"

#include "aws/names.h"
#include "codec/form.h"

struct str path_trim(struct str path)
{
	while (str_starts(path, S("/")))
		path = str_skip(path, 1);
	while (str_ends(path, S("/")))
		path.n--;
	return path;
}

/* Whether `path` begins with the segments of `prefix`; then *rest is what follows them. */
static bool starts_with(struct str *rest, struct str path, struct str prefix)
{
	bool whole = path.n == prefix.n || (path.n > prefix.n && path.p[prefix.n] == '/');
	if (prefix.n == 0 || !whole || !str_starts(path, prefix))
		return false;
	*rest = str_skip(path, prefix.n + 1);
	return true;
}

bool target_ok(const struct target *t)
{
	if (str_eq(t->region, TARGET_LOCAL))
		return aws_function_ok(t->function, S("us-east-1")) &&
		       str_find(t->function, ':') == t->function.n;
	return aws_region_ok(t->region) && aws_function_ok(t->function, t->region);
}

static void add_reading(
	struct request_path *out, struct str path, struct str base_path, struct arena *a)
{
	(void)starts_with(&path, path, base_path);
	out->coded[out->count] = path;
	if (percent_decode(&out->decoded[out->count], path, a) != OK)
		out->decoded[out->count] = path;
	out->count++;
}

void request_path_read(struct request_path *out, struct str path, struct str stage,
	struct str base_path, struct arena *arena)
{
	struct str rest;
	path = path_trim(path);
	*out = (struct request_path){ 0 };
	add_reading(out, path, base_path, arena);
	if (starts_with(&rest, path, stage))
		add_reading(out, rest, base_path, arena);
}

struct str request_path_shown(const struct request_path *path)
{
	return path->decoded[path->count - 1];
}

static enum err read_target(struct target *out, struct str path, struct arena *arena)
{
	struct str region, function;
	if (!str_cut(&region, &function, path, '/') || str_find(function, '/') < function.n)
		return E_SYNTAX;
	enum err e = percent_decode(&out->region, region, arena);
	if (e == OK)
		e = percent_decode(&out->function, function, arena);
	if (e != OK)
		return e;
	/* What may stand in a name leaves no room for a '%', a '/' or a control byte. */
	if (!target_ok(out))
		return E_SYNTAX;
	struct buf name = arena_buf(arena, out->region.n + 1 + out->function.n);
	buf_format(&name, "%s/%s", out->region, out->function);
	out->name = buf_str(&name);
	return name.full ? E_LIMIT : OK;
}

enum err target_from_path(struct target *out, const struct request_path *path, struct arena *arena)
{
	enum err e = E_SYNTAX;
	for (size_t i = 0; e == E_SYNTAX && i < path->count; i++)
		e = read_target(out, path->coded[i], arena);
	return e;
}

#include "gateway/target.h"

#include "aws/names.h"
#include "codec/form.h"

static size_t count_segments(struct str path)
{
	size_t n = 1;
	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '/';
	return n;
}

static struct str without_prefix(struct str path, struct str prefix)
{
	bool whole_segments = str_starts(path, prefix) && path.n > prefix.n && path.p[prefix.n] == '/';
	return prefix.n && whole_segments ? str_skip(path, prefix.n + 1) : path;
}

bool target_ok(const struct target *t)
{
	if (str_eq(t->region, TARGET_LOCAL))
		return aws_function_ok(t->function, S("us-east-1")) && str_find(t->function, ':') == t->function.n;
	return aws_region_ok(t->region) && aws_function_ok(t->function, t->region);
}

enum err target_from_path(struct target *out, struct str *shown, struct str path, struct str stage,
                          struct str base_path, struct arena *arena)
{
	struct str region, function;
	if (str_starts(path, S("/")))
		path = str_skip(path, 1);
	/* A stage may be called like a region, and REST APIs do not put it into the path. */
	if (count_segments(path) > 2)
		path = without_prefix(path, stage);
	path = without_prefix(path, base_path);
	if (percent_decode(shown, path, arena) != OK)
		*shown = path;
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

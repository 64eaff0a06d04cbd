#include "os/accounts.h"

#include "os/file.h"
#include "os/memory.h"

enum { FILE_MAX = 64 * 1024 };

/* The line whose first field is `name` or, if that is a number, whose third is;
 * NAME:PASSWORD:NUMBER:... */
static bool find_account(struct str fields[static 4], struct str text, struct str name)
{
	struct str line;
	while (text.n) {
		str_next(&line, &text, '\n');
		for (size_t i = 0; i < 4; i++)
			str_next(&fields[i], &line, ':');
		if (fields[0].n && (str_eq(fields[0], name) || str_eq(fields[2], name)))
			return true;
	}
	return false;
}

/* One at a time, while the process starts. */
static enum err read_account(
	struct str fields[static 4], const char *path, struct str name, struct fault *f)
{
	struct buf text = { memory_map(FILE_MAX), 0, FILE_MAX, false };
	enum err e = file_read(NULL, &text, str_c(path), f);
	if (e != OK)
		return e;
	return find_account(fields, buf_str(&text), name) ? OK : E_MORE;
}

static enum err bad(struct str name, const char *path, struct fault *f)
{
	return fault_set(f, E_FILE, 0, "%s is not in %s", str_sub(name, 0, 60), str_c(path));
}

enum err account_of_user(struct account *out, struct str name, struct fault *f)
{
	static const char path[] = "/etc/passwd";
	struct str fields[4];
	uint64_t uid, gid;
	bool number = str_to_u64(&uid, name, UINT32_MAX - 1);
	gid = uid;
	enum err e = read_account(fields, path, name, f);
	if (e != OK && !number)
		return e == E_MORE ? bad(name, path, f) : e;
	if (e == OK &&
		(!str_to_u64(&uid, fields[2], UINT32_MAX - 1) ||
			!str_to_u64(&gid, fields[3], UINT32_MAX - 1)))
		return bad(name, path, f);
	*out = (struct account){ (uid_t)uid, (gid_t)gid };
	return OK;
}

enum err account_of_group(gid_t *out, struct str name, struct fault *f)
{
	static const char path[] = "/etc/group";
	struct str fields[4];
	uint64_t gid;
	enum err e = OK;
	if (!str_to_u64(&gid, name, UINT32_MAX - 1)) {
		e = read_account(fields, path, name, f);
		if (e == E_MORE || (e == OK && !str_to_u64(&gid, fields[2], UINT32_MAX - 1)))
			return bad(name, path, f);
	}
	*out = (gid_t)gid;
	return e;
}

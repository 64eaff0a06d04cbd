/* no_files.h - what a source of credentials reads on a machine without any file. */
#ifndef TESTS_NO_FILES_H
#define TESTS_NO_FILES_H

#include "base/fault.h"
#include "check.h"

#include <errno.h>

static enum err no_file(void *ctx, struct buf *out, struct str path, struct fault *f)
{
	(void)ctx, (void)out;
	return fault_set(f, E_CONFIG, ENOENT, "%s cannot be read", path);
}

static enum err nothing_to_load(
	void *ctx, struct str *out, struct str path, size_t max, struct fault *f)
{
	(void)ctx, (void)max;
	*out = S("");
	return fault_set(f, E_FILE, ENOENT, "%s cannot be read", path);
}

static void nothing_to_unload(void *ctx, struct str text)
{
	(void)ctx;
	expect_int(text.n, 0);
}

#endif

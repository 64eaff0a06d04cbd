#include "listener/functions.h"

#include "os/file.h"

#include <string.h>
#include <unistd.h>

bool function_name_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!is_alnum((unsigned char)name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
			return false;
	return name.n > 0 && name.n <= FUNCTION_NAME_MAX;
}

enum err function_find(
	char path[static FILE_PATH_MAX], const char *directory, struct str name, struct fault *f)
{
	char asked[FILE_PATH_MAX];
	struct buf b = BUF(asked);
	struct stat st;
	buf_format(&b, "%s/%s", str_c(directory), name);
	if (!function_name_ok(name))
		return fault_set(f, E_REFUSED, 0, "a function's name has letters, digits, - and _ only");
	if (b.full || !file_real_path(path, &st, buf_str(&b)))
		return fault_set(f, E_REFUSED, 0, "there is no function %s here", name);
	struct str real = str_c(path);
	if (!str_starts(real, str_c(directory)) ||
		str_sub(real, strlen(directory), strlen(directory) + 1).p[0] != '/')
		return fault_set(f, E_REFUSED, 0,
			"the function %s is a link that leaves the directory of the functions", name);
	if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		return fault_set(
			f, E_REFUSED, 0, "the function %s is not an executable file (chmod +x)", name);
	return OK;
}

#include "directory.h"

#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

void directory_empty(const char *path)
{
	char name[400];
	struct dirent *entry;
	DIR *d = opendir(path);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
			unlink(name);
		}
	if (d)
		closedir(d);
}

void directory_remove(const char *path)
{
	directory_empty(path);
	expect(rmdir(path) == 0);
}

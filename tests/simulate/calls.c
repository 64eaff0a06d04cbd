/* calls.c - calls of the system that can fail: counted by name, and the one that a fault sweep has
 * chosen fails. */
#include "world.h"

#include <string.h>

bool call_fails(const char *name)
{
	struct fault_plan *p = &world->plan;
	if (!p->name || strcmp(p->name, name) != 0)
		return false;
	if (++p->seen != p->at)
		return false;
	p->struck = true;
	trace("%s fails", name);
	return true;
}

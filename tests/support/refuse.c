#include "refuse.h"

#include <stdint.h>
#include <sys/prctl.h>

/* linux/filter.h and linux/seccomp.h, which musl's headers lack. */
enum {
	LOAD = 0x20,
	JUMP_IF_EQUAL = 0x15,
	RETURN = 0x06,
	RETURN_ERRNO = 0x00050000,
	RETURN_ALLOW = 0x7fff0000,
	FILTER = 2
};

struct instruction {
	uint16_t code;
	uint8_t yes, no;
	uint32_t k;
};

struct program {
	uint16_t n;
	struct instruction *filter;
};

bool refuse_calls(const long *numbers, size_t count, int sys)
{
	struct instruction filter[REFUSED_MAX + 3];
	struct program program = { 0, filter };
	if (count > REFUSED_MAX)
		return false;
	filter[program.n++] = (struct instruction){ LOAD, 0, 0, 0 };
	for (size_t i = 0; i < count; i++)
		filter[program.n++] =
			(struct instruction){ JUMP_IF_EQUAL, (uint8_t)(count - i), 0, (uint32_t)numbers[i] };
	filter[program.n++] = (struct instruction){ RETURN, 0, 0, RETURN_ALLOW };
	filter[program.n++] = (struct instruction){ RETURN, 0, 0, RETURN_ERRNO | (uint32_t)sys };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, FILTER, &program, 0, 0) == 0;
}

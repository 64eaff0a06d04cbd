#include "os/process.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

struct children process_children;

/* Where the linker put the ELF header, which is the first byte of the program in memory. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* A dynamic loader would do this; musl's start code for static programs does not. */
static void protect_relocated(void)
{
	const ElfW(Ehdr) *header = (const void *)__ehdr_start;
	const ElfW(Phdr) *segment = (const void *)(__ehdr_start + header->e_phoff);
	size_t page = (size_t)getpagesize();
	for (size_t i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_type != PT_GNU_RELRO)
			continue;
		uintptr_t begin = ((uintptr_t)__ehdr_start + segment->p_vaddr) & -page;
		uintptr_t end = ((uintptr_t)__ehdr_start + segment->p_vaddr + segment->p_memsz) & -page;
		check(mprotect((void *)begin, end - begin, PROT_READ) == 0);
	}
}

void process_prepare(void)
{
	protect_relocated();
	struct pollfd standard[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };
	/* One system call for all three: with nothing asked for, only what is wrong is told. */
	if (poll(standard, 3, 0) > 0)
		for (int fd = 0; fd < 3; fd++)
			if (standard[fd].revents & POLLNVAL)
				(void)!open("/dev/null", O_RDWR);
	signal(SIGPIPE, SIG_IGN);
}

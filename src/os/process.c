#include "os/process.h"

#include "os/log_writer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What __builtin_trap makes of itself. */
#if defined(__x86_64__) || defined(__arm__)
enum { TRAP_SIGNAL = SIGILL };
#else
enum { TRAP_SIGNAL = SIGTRAP };
#endif

enum { HAS_RESTORER = 0x04000000, SIGNALS_SIZE = 8 };

/* rt_sigaction(2), without what libc would do besides. Nobody returns from a handler, so there is
 * no restorer; on riscv64, which has none, the mask is in its place. */
struct action {
	union {
		void (*handle)(int, siginfo_t *, void *);
		void (*plain)(int); /* without SA_SIGINFO: SIG_IGN */
	};
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

struct children process_children;

void process_need(bool done, const char *call)
{
	struct fault f;
	if (done)
		return;
	fault_set(&f, E_SYSTEM, errno, "the kernel or a sandbox refuses %s", str_c(call));
	log_failure("cannot go on", S(""), &f);
	_exit(1);
}

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
		process_need(mprotect((void *)begin, end - begin, PROT_READ) == 0, "mprotect");
	}
}

static void set_action(int signal, struct action action)
{
	action.flags |= HAS_RESTORER;
	syscall(SYS_rt_sigaction, signal, &action, NULL, SIGNALS_SIZE);
}

static const char *program;

/* Takes no lock: whoever trapped may have it. The signal is blocked here, so that the second trap
 * is the end. */
static void report_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	char line[LOG_LINE_MAX], digits[2 * sizeof(uintptr_t)];
	struct str version = str_c(program);
	/* Another process may have sent it, which has no address. */
	uintptr_t at = info->si_code > 0 ? (uintptr_t)info->si_addr - (uintptr_t)__ehdr_start : 0;
	for (size_t i = sizeof(digits); i-- > 0; at >>= 4)
		digits[i] = "0123456789abcdef"[at & 15];
	size_t n = log_format(line, LOG_ERROR, "a bug in this program ends it; please report this line",
		"version address",
		ARGUMENTS("", str_sub(version, 0, version.n - 1),
			((struct str){ digits, sizeof(digits) }), S("")));
	(void)log_writer_put(line, n);
	__builtin_trap();
}

void process_prepare(const char *version)
{
	protect_relocated();
	program = version;
	set_action(TRAP_SIGNAL, (struct action){ .handle = report_trap, .flags = SA_SIGINFO });
	set_action(SIGPIPE, (struct action){ .plain = SIG_IGN });
	struct pollfd standard[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };
	/* One system call for all three: with nothing asked for, only what is wrong is told. */
	if (poll(standard, 3, 0) > 0)
		for (int fd = 0; fd < 3; fd++)
			if (standard[fd].revents & POLLNVAL)
				(void)!open("/dev/null", O_RDWR);
}

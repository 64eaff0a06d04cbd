#include "crypto/cpu.h"

#include "check.h"

#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__aarch64__)
/* Whether the kernel says that the CPU can do `what`. */
static bool kernel_says(struct str what)
{
	static char text[16384];
	int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	struct str line, rest = { text, n > 0 ? (size_t)n : 0 };
	while (rest.n > 0) {
		str_cut(&line, &rest, rest, '\n');
		if (!str_starts(line, S("flags")) && !str_starts(line, S("Features")))
			continue;
		struct str flag;
		while (line.n > 0) {
			str_cut(&flag, &line, line, ' ');
			if (str_eq(flag, what))
				return true;
		}
	}
	return false;
}
#endif

TEST(cpu_can_what_the_kernel_says)
{
	unsigned features = cpu_features();
#if defined(__x86_64__)
	bool sse = kernel_says(S("ssse3")) && kernel_says(S("sse4_1"));
	expect_int(
		(features & CPU_GCM) != 0, sse && kernel_says(S("aes")) && kernel_says(S("pclmulqdq")));
	expect_int((features & CPU_SHA256) != 0, sse && kernel_says(S("sha_ni")));
#elif defined(__aarch64__)
	/* Every one has "fp", unless an emulator shows the /proc/cpuinfo of the machine under it. */
	if (kernel_says(S("fp"))) {
		expect_int((features & CPU_SHA256) != 0, kernel_says(S("sha2")));
		expect_int((features & CPU_GCM) != 0, kernel_says(S("aes")) && kernel_says(S("pmull")));
	}
#endif
	expect(features & CPU_ASKED);
}

TEST(cpu_is_asked_once)
{
	unsigned features = cpu_features();
	expect_int(cpu_known(), features);
	expect_int(cpu_features(), features);
}

#include "crypto/cpu.h"

#include <stdatomic.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* The registers that the kernel saves when another thread runs, XCR0: these are those of AVX-512.
 */
enum { ZMM_KEPT = 0xe6 };

static unsigned xcr0(void)
{
	unsigned low, high;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static unsigned query_cpuid(void)
{
	const unsigned sse = bit_SSSE3 | bit_SSE4_1, gcm = bit_AES | bit_PCLMUL,
				   ifma = bit_AVX512F | bit_AVX512IFMA;
	unsigned found = 0, a, b, c, d;
	__cpuid(1, a, b, c, d);
	const bool saves = c & bit_OSXSAVE;
	if ((c & sse) != sse)
		return 0;
	if ((c & gcm) == gcm)
		found |= CPU_GCM;
	/* XSAVE has a leaf of its own behind the 7th: where it is, the question for the number of
	 * leaves can be saved. */
	if (c & bit_XSAVE) {
		__cpuid_count(7, 0, a, b, c, d);
		if (b & bit_SHA)
			found |= CPU_SHA256;
		if (saves && (b & ifma) == ifma && (xcr0() & ZMM_KEPT) == ZMM_KEPT)
			found |= CPU_IFMA;
	}
	return found;
}

#elif defined(CPU_ARM_CRYPTO)

#include <sys/auxv.h>

static unsigned query_cpuid(void)
{
	enum { AES = 1 << 3, PMULL = 1 << 4, SHA2 = 1 << 6 }; /* HWCAP_... */
	unsigned long has = getauxval(AT_HWCAP);
	return (has & SHA2 ? CPU_SHA256 : 0U) | ((has & AES) && (has & PMULL) ? CPU_GCM : 0U);
}

#else

static unsigned query_cpuid(void)
{
	return 0;
}

#endif

/* Written by the first thread that asks; another that comes meanwhile writes the same. */
static atomic_uint known;

unsigned cpu_known(void)
{
	return atomic_load_explicit(&known, memory_order_relaxed);
}

unsigned cpu_features(void)
{
	unsigned features = cpu_known();
	if (features == 0) {
		features = CPU_ASKED | query_cpuid();
		atomic_store_explicit(&known, features, memory_order_relaxed);
	}
	return features;
}

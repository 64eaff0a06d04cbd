/* Options of the sanitizers. They cannot be variables: tests give the program an environment of
 * their own. */

#include "base/base.h"

const char *__asan_default_options(void);
const char *__tsan_default_options(void);

/* Nothing is allocated, so nothing leaks. Looking for leaks needs rights that the program gives
 * up. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0:detect_stack_use_after_return=1:allow_user_segv_handler=1";
}

const char *__tsan_default_options(void)
{
	return "report_signal_unsafe=0:allow_user_segv_handler=1:atexit_sleep_ms=0";
}

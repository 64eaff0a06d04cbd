#include "cli/version.h"

#include "base/version.h"

/* The build knows the commit where it has the repository. */
#ifndef COMMIT
#define COMMIT "unknown commit"
#endif

#if defined(__x86_64__)
#define TARGET "x86_64-linux"
#elif defined(__aarch64__)
#define TARGET "aarch64-linux"
#elif defined(__arm__)
#define TARGET "arm-linux"
#elif defined(__riscv)
#define TARGET "riscv64-linux"
#else
#define TARGET "linux"
#endif

const char version_line[] = "slack-lambda-gateway " VERSION " (" COMMIT ", " TARGET ")\n";

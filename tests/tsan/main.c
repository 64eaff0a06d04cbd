/* The listener alone. The program's own main belongs to its own link: it has no allocator, which
 * the sanitizer needs. */

#include "os/process.h"
#include "cli/serve.h"

int main(int argc, char **argv)
{
	process_prepare();
	return argc > 1 ? serve_run(argv + 2) : 2;
}

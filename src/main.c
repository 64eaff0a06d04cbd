/* Which of the things that this program can be, by how it was started. */

#include "base/version.h"
#include "host/check.h"
#include "host/console.h"
#include "host/environment.h"
#include "host/lambda.h"
#include "host/process.h"
#include "host/send.h"
#include "host/serve.h"

#include "base/str.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char usage[] =
	"slack-lambda-gateway " VERSION " - starts AWS Lambda functions from Slack, in time\n"
	"\n"
	"POST /REGION/FUNCTION with a valid Slack signature starts FUNCTION in REGION.\n"
	"\n"
	"  (no arguments)   in AWS Lambda: a custom runtime, `bootstrap` in a ZIP, provided.al2023\n"
	"  serve [OPTIONS]  an HTTP or HTTPS listener; POST /local/NAME runs DIR/NAME of --functions DIR\n"
	"  send URL ...     signs a request as Slack would and sends it; send --help says more\n"
	"  check [REGION/FUNCTION] [--json]   looks what is wrong: settings, credentials, network, clock, permission\n"
	"  --help, --version\n"
	"\n"
	"SLACK_SIGNING_SECRET is required: the Signing Secret of the Slack app; several by comma.\n"
	"What follows is a variable, GATEWAY_ALLOW, and an option of serve, --allow VALUE, alike:\n"
	"  ALLOW                 region/function patterns that may be started (*/*)\n"
	"  CONFIG                routes and apps, JSON or @FILE\n"
	"  PAYLOAD               event (default) or slack: what the function gets\n"
	"  ACK                   confirmed (default): answer when AWS accepted; first: at once\n"
	"  ACK_TEXT              the answer; may name {function} {region} {command} {text} {user_name}\n"
	"                        {request_id}; empty: an empty answer\n"
	"  ACK_TYPE              ephemeral (default) or in_channel\n"
	"  TIMEOUT_MS            when Slack is answered at the latest, 100 to 2900 (2500)\n"
	"  BASE_PATH             beginning of the path to take off, such as /slack\n"
	"  RESPONSE_HOSTS        where messages may be posted (hooks.slack.com,hooks.slack-gov.com)\n"
	"  LOG_LEVEL             debug, info (default), warn, error\n"
	"  INSECURE_SKIP_VERIFY  1: check no signatures\n"
	"and of the listener alone:\n"
	"  LISTEN                ADDRESS:PORT or unix:PATH (127.0.0.1:8080); PORT=n is 0.0.0.0:n\n"
	"  METRICS_LISTEN        address for /metrics\n"
	"  TLS_CERT, TLS_KEY     PEM files: HTTPS; read again on SIGHUP\n"
	"  WORKERS               invocations at once (64)\n"
	"  FUNCTIONS             directory of executables for region local\n"
	"  FUNCTION_TIMEOUT, FUNCTION_LIMIT, FUNCTION_ENV   900 s, 16 at once, variables they get\n"
	"AWS_* variables work as in the AWS SDKs; SSL_CERT_FILE and AWS_CA_BUNDLE name roots to trust.\n";

/* What holds addresses and was relocated with them, by src/program.ld. */
extern char relro_begin[], relro_end[];

int main(int argc, char **argv)
{
	struct environment env = environment_of_process();
	struct str api = environment_get(&env, "AWS_LAMBDA_RUNTIME_API");
	struct str argument = argc > 1 ? str_c(argv[1]) : S("");
	/* A loader would have done that; a static program has none. */
	check(mprotect(relro_begin, (size_t)(relro_end - relro_begin), PROT_READ) == 0);
	process_prepare();
	if (argc == 1 && api.n)
		return lambda_run();
	if (str_eq(argument, S("serve")))
		return serve_run(argv + 2);
	if (str_eq(argument, S("send")))
		return send_run(argv + 2);
	if (str_eq(argument, S("check")))
		return check_run(argv + 2);
	if (str_eq(argument, S("--help"))) {
		console_put(STDOUT_FILENO, str_c(usage));
		return 0;
	}
	if (str_eq(argument, S("--version"))) {
		console_put(STDOUT_FILENO, S("slack-lambda-gateway " VERSION "\n"));
		return 0;
	}
	if (argc == 1) {
		console_put(STDERR_FILENO, S("slack-lambda-gateway: AWS_LAMBDA_RUNTIME_API is not set, so this is not Lambda; did you mean serve? See --help\n"));
	} else {
		console_put(STDERR_FILENO, S("slack-lambda-gateway: "));
		console_put(STDERR_FILENO, argument);
		console_put(STDERR_FILENO, S("? There are serve, send, check, --help and --version\n"));
	}
	return 2;
}

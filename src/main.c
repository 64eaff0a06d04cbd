/* Which of the things that this program can be, by how it was started. */

#include "base/version.h"
#include "cli/check.h"
#include "cli/console.h"
#include "cli/send.h"
#include "cli/serve.h"
#include "lambda/runtime.h"
#include "os/process.h"
#include "os/variables.h"

#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
	"slack-lambda-gateway " VERSION " - starts AWS Lambda functions from Slack, in time\n"
	"\n"
	"  (no arguments)\tin AWS Lambda: a custom runtime, `bootstrap` of a ZIP\n"
	"  serve [OPTIONS]\tan HTTP or HTTPS listener\n"
	"  send URL ...\t\tsends what Slack would; see send --help\n"
	"  check [REGION/FUNCTION] [--json]\n"
	"\t\t\twhat is wrong: settings, credentials, network, clock, permission\n"
	"  --help, --version\n"
	"\n"
	"POST /REGION/FUNCTION with a valid Slack signature starts FUNCTION in REGION.\n"
	"SLACK_SIGNING_SECRET is required: of the Slack app; several by comma.\n"
	"Variables, as GATEWAY_ALLOW, and options of serve, as --allow VALUE:\n"
	"  ALLOW\t\t\tregion/function patterns that may be started (*/*)\n"
	"  CONFIG\t\troutes and apps, JSON or @FILE\n"
	"  PAYLOAD\t\twhat the function gets: event, or slack\n"
	"  ACK\t\t\tanswer when AWS accepted: confirmed, or at once: first\n"
	"  ACK_TEXT\t\tmay hold {function} {region} {command} {text} {user_name} {request_id}\n"
	"  ACK_TYPE\t\tephemeral, or in_channel\n"
	"  TIMEOUT_MS\t\tuntil Slack is answered, 100 to 2900 (2500)\n"
	"  BASE_PATH\t\tto take off the path, such as /slack\n"
	"  RESPONSE_HOSTS\twhere messages may be posted (hooks.slack.com,hooks.slack-gov.com)\n"
	"  LOG_LEVEL\t\tdebug, info (default), warn, error\n"
	"  INSECURE_SKIP_VERIFY\t1: check no signatures\n"
	"for the listener alone:\n"
	"  LISTEN\t\tADDRESS:PORT or unix:PATH (127.0.0.1:8080); PORT=n is 0.0.0.0:n\n"
	"  METRICS_LISTEN\taddress for /metrics\n"
	"  TLS_CERT, TLS_KEY\tPEM files: HTTPS; read again on SIGHUP\n"
	"  WORKERS\t\tinvocations at once (64)\n"
	"  FUNCTIONS\t\tdirectory: POST /local/NAME runs its executable NAME\n"
	"  FUNCTION_TIMEOUT, FUNCTION_LIMIT, FUNCTION_ENV\n"
	"\t\t\tseconds (900), how many at once (16), variables they get\n"
	"AWS_* variables are those of the AWS SDKs; SSL_CERT_FILE, AWS_CA_BUNDLE: roots to trust.\n";

static const struct {
	char name[8];
	int (*run)(char **arguments); /* what follows the name, NULL at the end; exit code */
} commands[] = { { "serve", serve_run }, { "send", send_run }, { "check", check_run } };

int main(int argc, char **argv)
{
	struct fault f;
	struct environment env = variables_of_process();
	struct str argument = argc > 1 ? str_c(argv[1]) : S("");
	process_prepare();
	if (argc == 1 && environment_get(&env, "AWS_LAMBDA_RUNTIME_API").n)
		return runtime_run();
	for (size_t i = 0; i < countof(commands); i++)
		if (str_eq(argument, str_c(commands[i].name)))
			return commands[i].run(argv + 2);
	bool help = str_eq(argument, S("--help"));
	if (help || str_eq(argument, S("--version"))) {
		console_put(STDOUT_FILENO, help ? str_c(usage) : S("slack-lambda-gateway " VERSION "\n"));
		return 0;
	}
	if (argc == 1)
		fault_set(&f, E_CONFIG, 0, "AWS_LAMBDA_RUNTIME_API is not set, so this is not Lambda; did you mean serve? See --help");
	else
		fault_set(&f, E_CONFIG, 0, "%s? There are serve, send, check, --help and --version", str_sub(argument, 0, 100));
	return console_fail(2, &f);
}

/* simulate.c - runs of the program in a simulated world, each decided by a 64-bit seed.
 *
 *	simulate [--seed X] [--seeds N] [--from X] [--trace] [--bug NAME] [--seconds N]
 *
 *	simulate --sweep
 *	simulate --scenario N --call NAME --at K [--trace]
 *
 * The last line counts the runs. A run that breaks a rule ends it all: its seed is printed, with
 * which it can be repeated. With --bug the program has a bug that was put in on purpose, and to
 * find it is success. Without arguments: RUNS seeds, the
 * fault sweep (sweep.c), then every bug. */
#include "world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 10000 };

struct settings {
	uint64_t seed;
	long seeds;
	int seconds;
	bool one, sweep;
	const char *call; /* the one that fails, to be looked at */
	int scenario;
	unsigned at;
};

void machine_prepare(void);

/* ---- the environment ---- */

__attribute__((format(printf, 1, 2)))
static void set(const char *format, ...)
{
	va_list arguments;
	size_t i = 0;
	while (world->environment[i])
		i++;
	char *at = world->environment_text + world->environment_n;
	va_start(arguments, format);
	int n =
		vsnprintf(at, sizeof(world->environment_text) - world->environment_n, format, arguments);
	va_end(arguments);
	world->environment_n += (size_t)n + 1;
	check(i + 1 < countof(world->environment));
	world->environment[i] = at;
}

void change_secret(void)
{
	char secret[33];
	snprintf(secret, sizeof(secret), "5ec2e75ec2e75ec2e75ec2e7%08x", ++world->secret_serial);
	world->secrets.count = 0;
	check(slack_secrets_add(&world->secrets, (struct str){ secret, 32 }, S("")));
}

void set_up_process(void)
{
	const struct scenario *s = &world->scenario;
	memset(world->environment, 0, sizeof(world->environment));
	world->environment_n = 0;
	set("AWS_REGION=eu-west-1");
	set("AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:%d", 9000 + ROLE_TARGET);
	set("AWS_ENDPOINT_URL_SECRETS_MANAGER=http://127.0.0.1:%d", 9000 + ROLE_SECRETS);
	set("GATEWAY_RESPONSE_HOSTS=http://127.0.0.1:%d", 9000 + ROLE_HOOKS);
	set("GATEWAY_PAYLOAD=slack");
	if (s->routes)
		set("GATEWAY_CONFIG={\"routes\":["
			"{\"path\":\"/sync\",\"invoke\":\"eu-west-1/my-fn\",\"mode\":\"sync\"}%s]}",
			s->functions
				? ",{\"path\":\"/here\",\"invoke\":\"local/my-fn\",\"mode\":\"sync\"}" : "");
	if (s->functions) {
		set("GATEWAY_FUNCTIONS=/functions");
		set("GATEWAY_FUNCTION_LIMIT=4");
		set("GATEWAY_FUNCTION_TIMEOUT=5");
	}
	set("GATEWAY_LOG_LEVEL=debug");
	if (s->fetched_secret)
		set("SLACK_SIGNING_SECRET=secretsmanager:slack");
	else
		set("SLACK_SIGNING_SECRET=5ec2e75ec2e75ec2e75ec2e7%08x", world->secret_serial);
	if (s->fetched_keys) {
		set("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:%d/k", 9000 + ROLE_CREDENTIALS);
	} else {
		set("AWS_ACCESS_KEY_ID=AKIA%04u", change_keys(0));
		set("AWS_SECRET_ACCESS_KEY=zkzk0001");
	}
	if (s->first)
		set("GATEWAY_ACK=first");
	static char name[] = "gateway", serve[] = "serve";
	world->arguments[0] = name;
	if (s->lambda) {
		set("AWS_LAMBDA_RUNTIME_API=127.0.0.1:%d", 9000 + ROLE_RUNTIME);
		if (s->workers > 1)
			set("AWS_LAMBDA_MAX_CONCURRENCY=%d", s->workers);
		return;
	}
	world->arguments[1] = serve;
	set("GATEWAY_WORKERS=%d", s->workers);
	set("GATEWAY_CONNECTIONS=64");
	if (s->journal)
		set("GATEWAY_JOURNAL=/journal");
}

/* ---- what happens to the process ---- */

enum { NOT_BEFORE_END = 75 }; /* seconds of quiet, in which all is settled that can be */

static void extend(int64_t us)
{
	if (world->scenario.end < world->now + us)
		world->scenario.end = world->now + us;
}

static void start_again(size_t what, uint64_t serial)
{
	(void)what, (void)serial;
	if (world->process == PROCESS_UP)
		return;
	set_up_process();
	process_start();
	extend(NOT_BEFORE_END * (int64_t)SECOND);
}

/* Looks after the process as systemd would, or Lambda. */
static void look_after(size_t what, uint64_t serial)
{
	(void)what, (void)serial;
	if (world->process != PROCESS_UP)
		later(between(1 * MS, 2 * SECOND), start_again, 0, 0);
	later(world->frozen ? 60 * SECOND : 3 * SECOND, look_after, 0, 0);
}

/* An event that has left the Runtime API has its time stamp, and has not come whole. */
static bool is_event_under_way(void)
{
	for (size_t i = 0; i < LINKS_MAX; i++) {
		const struct link_state *l = &world->links[i];
		if (l->used && l->role == ROLE_RUNTIME && l->fd >= 0 && (l->said < l->script_n || l->in.n))
			return true;
	}
	return false;
}

enum outage { OUTAGE_KILL, OUTAGE_POWER, OUTAGE_TERM, OUTAGE_RELOAD, OUTAGE_SECRET, OUTAGE_CLOCK,
	OUTAGES };

static void outage(size_t what, uint64_t serial)
{
	(void)serial;
	switch ((enum outage)what) {
	case OUTAGE_KILL:
	case OUTAGE_POWER:
		process_kill(what == OUTAGE_POWER);
		later(between(1 * MS, 3 * SECOND), start_again, 0, 0);
		break;
	case OUTAGE_TERM:
		trace("SIGTERM");
		if (!world->scenario.lambda)
			signal_raise(SIGTERM);
		break;
	case OUTAGE_RELOAD:
		trace("SIGHUP");
		if (!world->scenario.lambda)
			signal_raise(SIGHUP);
		break;
	case OUTAGE_SECRET:
		/* Not before the last one was noticed: the store keeps only the one before it. */
		if (!world->scenario.fetched_secret || world->secret_told != world->secret_serial)
			break;
		trace("the signing secret is rotated");
		change_secret();
		break;
	default:
		/* How old an event is that came while the clock was set, nobody can know. */
		if (is_event_under_way())
			later(SECOND, outage, what, 0);
		else
			world->wall += between(-3 * SECOND, 3 * SECOND);
	}
}

static void plan_outages(void)
{
	size_t n = world->scenario.peaceful ? 0 : below(4);
	for (size_t i = 0; i < n; i++)
		later(between(20 * MS, world->scenario.last_ask + 20 * (int64_t)SECOND), outage,
			below(OUTAGES), 0);
}

/* ---- a run ---- */

static int some(int most)
{
	return happens(50) ? 0 : 1 + (int)below((uint64_t)most);
}

static void plan(void)
{
	struct scenario *s = &world->scenario;
	struct weather *w = &world->weather;
	bool calm = happens(15);
	s->lambda = happens(25);
	s->journal = !s->lambda && happens(60);
	s->first = happens(40);
	s->fetched_secret = happens(50);
	s->fetched_keys = happens(50);
	s->routes = happens(60);
	s->functions = !s->lambda && happens(30);
	s->key_life_s = happens(50) ? (int)between(40, 120) : (int)between(120, 900);
	s->workers = 1 + (int)below(4);
	s->asks = 1 + (int)below(12);
	s->last_ask = between(1, happens(20) ? 400 : 12) * SECOND;
	s->freezes = s->lambda && happens(60);
	if (s->freezes) {
		calm |= happens(30);
		s->workers = 1; /* one with several loops is not frozen */
		s->last_ask = between(10, happens(50) ? 120 : 3 * 3600) * SECOND;
	}
	/* At most half of the workers wait for a secret, and whoever else needs it is refused. */
	bool quick =
		s->freezes || (!s->lambda && !s->routes && !s->functions && !s->fetched_secret);
	s->peaceful = calm && quick && s->fetched_keys && happens(50);
	w->switches = (int)below(30);
	if (!calm)
		*w = (struct weather){ .refuse = some(30), .hang = some(10), .slow = some(40),
			.cut = some(40), .fail = some(50), .lose = some(20), .disk_slow = some(30),
			.switches = w->switches, .disk_fault = happens(20) ? some(20) : 0,
			.disk_stall = happens(20) ? some(30) : 0,
			.fork_fault = happens(20) ? some(30) : 0 };
	change_secret();
	set_up_process();
	extend(s->last_ask + NOT_BEFORE_END * (int64_t)SECOND);
}

static bool is_over(void)
{
	return slack_is_done();
}

static bool has_ended(void)
{
	return world->process != PROCESS_UP || world->now >= world->scenario.end;
}

/* Work that is done every few minutes may be under way. Files of the journal whose records are all
 * settled are promised to be gone within a minute, and the last record of an earlier process may
 * only just have been settled. */
static bool is_under_way(void)
{
	return world->lent || (world->process == PROCESS_UP && disk_files("requests-"));
}

static void come_to_rest(void)
{
	world->weather = (struct weather){ .switches = world->weather.switches };
	for (int i = 0; i < 60 && is_under_way(); i++) {
		world->scenario.end = world->now + SECOND;
		world_run(is_over);
	}
}

static void run_seed(uint64_t seed)
{
	world_reset(seed);
	plan();
	process_start();
	slack_plan();
	plan_outages();
	later(3 * SECOND, look_after, 0, 0);
	world_run(is_over);
	if (world->failed)
		return;
	come_to_rest();
	leaks_check();
	slack_check();
	if (world->process != PROCESS_UP || world->scenario.lambda)
		return;
	trace("SIGTERM, in the end");
	signal_raise(SIGTERM);
	extend(20 * (int64_t)SECOND);
	world->events_n = 0;
	world_run(has_ended);
	if (!world->failed && world->process == PROCESS_UP)
		violation("it does not end on SIGTERM");
	if (!world->failed && world->exit_code != 0)
		violation("at rest, it ends with exit code %d", world->exit_code);
}

/* ---- many runs ---- */

static void tell_failure(void)
{
	printf("seed 0x%016llx: %s\nrepeat it: make simulate ARGS='--seed 0x%016llx --trace%s%s'\n",
		(unsigned long long)world->seed, world->why, (unsigned long long)world->seed,
		world->bug ? " --bug " : "", world->bug ? bug_names[world->bug - 1] : "");
}

/* A trap in the program. */
static void on_trap(int number)
{
	violation("the program was ended by signal %d", number);
	tell_failure();
	fflush(stdout);
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_traps(void)
{
	static char memory[64 * 1024];
	static const int numbers[] = { SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGTRAP };
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };
	struct sigaction action = { .sa_handler = on_trap, .sa_flags = SA_ONSTACK | SA_NODEFER };
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < countof(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

int __real_clock_gettime(clockid_t id, struct timespec *t);

static double seconds_now(void)
{
	struct timespec t;
	__real_clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The number of runs until one fails. */
static long run_seeds(const struct settings *s)
{
	double begin = seconds_now();
	for (long i = 0; i < s->seeds; i++) {
		if (s->seconds && seconds_now() - begin >= s->seconds)
			return i;
		run_seed(s->one ? s->seed : s->seed + (uint64_t)i * 0x9e3779b97f4a7c15);
		if (world->failed)
			return i;
	}
	return s->seeds;
}

/* Each showed a fault of the program when it was mended. */
static const uint64_t faults_found[] = {
	0x645dd6b5b14d4471, /* the key of events was not on disk yet when a process had been killed */
	0xfff85ba3a78dd8b3, /* a request was on disk, its event was not */
	0x02b75758a91a64a0,
};

static void run_found(long *passed)
{
	for (size_t i = 0; i < countof(faults_found) && !world->failed; i++) {
		run_seed(faults_found[i]);
		*passed += !world->failed;
	}
}

/* Whether a bug that was put in is found. */
static bool find_bug(const struct settings *s)
{
	double begin = seconds_now();
	long runs = run_seeds(s);
	bool found = world->failed;
	printf("%s %s: %s in run %ld, after %.1f s%s%s\n", found ? "ok" : "FAILED",
		bug_names[world->bug - 1], found ? "found" : "not found", runs, seconds_now() - begin,
		found ? ": " : "", found ? world->why : "");
	return found;
}

/* All of them, each within a minute. */
static void find_bugs(long *passed, long *failed)
{
	const struct settings s = { .seed = 1, .seeds = LONG_MAX, .seconds = 60 };
	for (int i = 0; bug_names[i]; i++) {
		world->bug = i + 1;
		*(find_bug(&s) ? passed : failed) += 1;
	}
}

static int run_all(const struct settings *s, bool bugs)
{
	double begin = seconds_now();
	long passed = s->sweep ? 0 : run_seeds(s);
	if (bugs && !world->failed)
		run_found(&passed);
	long failed = world->failed;
	if (failed)
		tell_failure();
	if (bugs || s->sweep)
		sweep_all(&passed, &failed);
	if (bugs)
		find_bugs(&passed, &failed);
	printf("%ld passed, %ld failed, in %.1f s\n", passed, failed, seconds_now() - begin);
	return failed != 0;
}

/* exit(3) is the simulated process's. */
_Noreturn void __real__exit(int code);

_Noreturn static void refuse_argument(const char *argument)
{
	fprintf(stderr, "simulate: %s is no argument\n", argument);
	__real__exit(2);
}

static int number_of_bug(const char *name)
{
	for (int i = 0; bug_names[i]; i++)
		if (strcmp(bug_names[i], name) == 0)
			return i + 1;
	refuse_argument(name);
}

static void read_arguments(struct settings *s, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		world->trace |= strcmp(name, "--trace") == 0;
		s->sweep |= strcmp(name, "--sweep") == 0;
		if (strcmp(name, "--trace") == 0 || strcmp(name, "--sweep") == 0)
			continue;
		i++;
		if (strcmp(name, "--seed") == 0)
			s->seed = strtoull(value, NULL, 0), s->seeds = 1, s->one = true;
		else if (strcmp(name, "--from") == 0)
			s->seed = strtoull(value, NULL, 0);
		else if (strcmp(name, "--call") == 0)
			s->call = value;
		else if (strcmp(name, "--at") == 0)
			s->at = (unsigned)atoi(value);
		else if (strcmp(name, "--scenario") == 0)
			s->scenario = atoi(value);
		else if (strcmp(name, "--seeds") == 0)
			s->seeds = atol(value);
		else if (strcmp(name, "--seconds") == 0)
			s->seconds = atoi(value);
		else if (strcmp(name, "--bug") == 0)
			world->bug = number_of_bug(value);
		else
			refuse_argument(name);
	}
}

int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv)
{
	struct settings s = { .seed = 1, .seeds = RUNS };
	machine_prepare();
	read_arguments(&s, argc, argv);
	catch_traps();
	int code = s.call ? !sweep_one(s.scenario, s.call, s.at)
		: world->bug  ? !find_bug(&s)
					  : run_all(&s, argc == 1);
	fflush(stdout);
	/* exit(3) is the simulated process's. */

	__real__exit(code);
}

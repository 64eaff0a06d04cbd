#include "os/variables.h"

#include <string.h>
#include <unistd.h>

enum {
	INDEX_SIZE = 256,
	INDEX_MAX = 192, /* so that a look-up ends soon */
};

/* Some sixty names are looked up at start among twenty or thirty variables, nearly all of which
 * begin alike: comparing them all would be half of the start. This finds a variable by the hash of
 * its name; 1 is the first variable. */
static struct {
	uint8_t numbers[INDEX_SIZE];
	bool made, too_many; /* more than fit: each look-up goes through all first */
	const char *_Atomic in_utf16; /* NAME=value */
} names;

/* Of some characters only: enough to tell apart names that begin alike, and no more than a start
 * should pay for. */
static size_t hash_of_name(const char *name, size_t n)
{
	const unsigned char *p = (const unsigned char *)name;
	return n ? n + p[n / 4] * 7u + p[n / 2] * 31u + p[n - 1] * 13u + p[n - n / 4 - 1] * 61u : 0;
}

/* What comes first counts, as for libc. */
static void make_index(void)
{
	for (size_t i = 0; environ[i] && !names.too_many; i++) {
		size_t n = 0;
		while (environ[i][n] && environ[i][n] != '=')
			n++;
		size_t at = hash_of_name(environ[i], n);
		while (names.numbers[at % INDEX_SIZE])
			at++;
		names.numbers[at % INDEX_SIZE] = (uint8_t)(i + 1);
		names.too_many = i == INDEX_MAX;
	}
	names.made = true;
}

static const char *value_if(const char *variable, const char *name, size_t n)
{
	return strncmp(variable, name, n) == 0 && variable[n] == '=' ? variable + n + 1 : NULL;
}

static const char *get(void *ctx, const char *name)
{
	size_t n = strlen(name), at = hash_of_name(name, n), number;
	const char *value = NULL;
	(void)ctx;
	for (size_t i = 0; names.too_many && environ[i] && !value; i++)
		value = value_if(environ[i], name, n);
	for (; !value && (number = names.numbers[at % INDEX_SIZE]) != 0; at++)
		value = value_if(environ[number - 1], name, n);
	if (value && (unsigned char)*value >= 0xfe && str_is_utf16(str_c(value)))
		names.in_utf16 = value - n - 1;
	return value;
}

enum err variables_check(enum err e, struct fault *f)
{
	struct str name, value;
	if (!names.in_utf16)
		return e;
	str_cut(&name, &value, str_c(names.in_utf16), '=');
	return fault_set(f, E_CONFIG, 0, "%s is UTF-16; save what it comes from as UTF-8", name);
}

struct environment variables_of_process(void)
{
	if (!names.made)
		make_index();
	return (struct environment){ get, NULL };
}

bool variables_find_unknown(struct str *name, struct str prefix,
                            bool (*known)(struct str name, struct str value))
{
	struct str value;
	for (char **variable = environ; *variable; variable++) {
		if (strncmp(*variable, prefix.p, prefix.n) != 0)
			continue;
		str_cut(name, &value, str_c(*variable), '=');
		if (!known(*name, value))
			return true;
	}
	return false;
}

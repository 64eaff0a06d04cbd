#include "chain.h"

#include "check.h"
#include "codec/pem.h"

#include <stdio.h>

static struct str file_of(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "vectors/x509/%s.pem", name);
	return test_file(path);
}

struct chain chain_load(const char *name)
{
	struct chain c = { .count = 0 };
	struct str pem = file_of(name), label;
	static char bytes[40000];
	for (;;) {
		struct buf der = BUF(bytes);
		if (!expect_int(pem_next(&label, &der, &pem), OK) || !label.p)
			return c;
		check(c.count < CHAIN_MAX);
		c.der[c.count++] = guard_copy(buf_str(&der));
	}
}

struct certificate chain_first(const char *name)
{
	struct certificate c;
	struct chain chain = chain_load(name);
	context("%s", name);
	expect_int(certificate_read(&c, chain.der[0]), OK);
	return c;
}

struct trust chain_trust(const char *names)
{
	static char text[1 << 16], memory[1 << 17];
	struct buf pem = BUF(text);
	struct arena arena = { memory, 0, sizeof(memory) };
	struct trust trust = { .count = 0 };
	struct fault f;
	for (struct str rest = str_c(names), name; rest.n > 0;) {
		char file[64];
		str_next(&name, &rest, ' ');
		snprintf(file, sizeof(file), "%.*s", (int)name.n, name.p);
		buf_put(&pem, file_of(file));
	}
	check(!pem.full);
	if (!expect_int(trust_from_pem(&trust, buf_str(&pem), &arena, &f), OK))
		context("%.*s", (int)f.n, f.text);
	return trust;
}

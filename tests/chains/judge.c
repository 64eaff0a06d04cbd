/* Says what the program makes of certificates. Each line of the input is a question:
 *
 *	ROLE HOST SECONDS ANCHORS CHAIN
 *
 * server or client; a name, an address, or - for a client; the time; two PEM files. Each line of
 *the output is an answer: "accepted LENGTH" or "refused CODE REASON", with the number of an enum
 *path_code; "unusable" for a bundle without an anchor. */
#include "codec/pem.h"
#include "net/address.h"
#include "x509/verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char bundle_text[1 << 20], chain[1 << 20], memory[1 << 22];
static struct verifier verifier;

static struct str file(char *room, size_t size, const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(2);
	}
	size_t n = fread(room, 1, size, f);
	fclose(f);
	return (struct str){ room, n };
}

/* As BearSSL's engine does, in pieces of at most 256 bytes. */
static unsigned feed(struct str pem)
{
	static char der[1 << 20];
	const br_x509_class **class = &verifier.vtable;
	struct str label;
	(*class)->start_chain(class, NULL);
	for (;;) {
		struct buf b = BUF(der);
		check(pem_next(&label, &b, &pem) == OK);
		if (!label.p)
			return (*class)->end_chain(class);
		(*class)->start_cert(class, (uint32_t)b.n);
		for (size_t i = 0; i < b.n; i += 256) {
			struct str piece = str_sub(buf_str(&b), i, i + 256);
			(*class)->append(class, (const unsigned char *)piece.p, piece.n);
		}
		(*class)->end_cert(class);
	}
}

static void answer(
	const char *role, const char *host, long long now, struct str bundle, struct str pem)
{
	struct arena arena = { memory, 0, sizeof(memory) };
	struct trust trust;
	struct fault f;
	struct address a;
	char text[512];
	struct buf reason = BUF(text);
	struct reference_identifier whom = { .dns_name = S("") };
	if (trust_from_pem(&trust, bundle, &arena, &f) != OK) {
		printf("unusable\n");
		return;
	}
	if (address_parse(&a, str_c(host)))
		whom.address =
			str_skip((struct str){ (const char *)a.ip.s6_addr, 16 }, address_is_v4(&a) ? 12 : 0);
	else if (strcmp(host, "-") != 0)
		whom.dns_name = str_c(host);
	verifier_init(
		&verifier, strcmp(role, "client") == 0 ? PATH_CLIENT : PATH_SERVER, &whom, &trust, now);
	unsigned error = feed(pem);
	if (error == 0) {
		printf("accepted %zu\n", verifier.answer.length);
		return;
	}
	verifier_put_reason(&reason, &verifier, str_c(host));
	printf("refused %u %.*s\n", error - VERIFIER_ERROR, (int)reason.n, reason.p);
}

int main(void)
{
	char role[16], host[256], anchors_path[1024], chain_path[1024];
	long long now;
	while (
		scanf("%15s %255s %lld %1023s %1023s", role, host, &now, anchors_path, chain_path) == 5) {
		answer(role, host, now, file(bundle_text, sizeof(bundle_text), anchors_path),
			file(chain, sizeof(chain), chain_path));
		fflush(stdout);
	}
	return 0;
}

/* Whatever AWS, or what stands in for it, sends: one sentence comes out, fit for a message and a
 * log line. */
#include "aws/refusal.h"

#include "codec/utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str field, body;
	str_cut(&field, &body, (struct str){ (const char *)data, size }, '\n');
	struct http_head head = { .status = 403, .count = 1 };
	head.fields[0].name = S("x-amzn-errortype");
	head.fields[0].value = field;
	char name[REFUSAL_NAME_MAX];
	struct fault f;
	refusal_read(name, &f, 403, field.n ? &head : NULL, body, S("lambda:InvokeFunction"));

	check(strlen(name) < sizeof(name));
	for (const char *p = name; *p; p++)
		check(is_alnum((unsigned char)*p) || strchr("-_.", *p));
	struct str text = fault_text(&f);
	check(f.code == E_REFUSED && text.n > 0 && utf8_check(text) == text.n);
	for (size_t i = 0; i < text.n; i++)
		check((unsigned char)text.p[i] >= ' ');
	check(str_starts(text, *name ? str_c(name) : S("answered 403")));
	check(str_find_str(text, S("Signature=")) == text.n);
	return 0;
}

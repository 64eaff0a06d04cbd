#include "check.h"
#include "codec/nearest.h"

#include <string.h>

TEST(nearest_finds_what_was_meant)
{
	static const struct str names =
		STR("ALLOW,ACK,ACK_TEXT,LISTEN,TIMEOUT_MS,FUNCTIONS,FUNCTION_ENV");
	static const struct {
		struct str word, want;
	} rows[] = {
		{ STR("ALOW"), STR("ALLOW") },           /* one less */
		{ STR("ALLOWW"), STR("ALLOW") },         /* one more */
		{ STR("ALLOV"), STR("ALLOW") },          /* another */
		{ STR("LSITEN"), STR("LISTEN") },        /* exchanged */
		{ STR("lisen"), STR("LISTEN") },
		{ STR("ack-text"), STR("ACK_TEXT") },
		{ STR("timeout"), STR("TIMEOUT_MS") },
		{ STR("FUNCTION"), STR("FUNCTIONS") },
		{ STR("ACK"), STR("ACK") },
		{ STR("AKC"), STR("ACK") },
		{ STR("AXX"), STR("") },
		{ STR("WORKERS"), STR("") },
		{ STR(""), STR("") },
		{ STR("ALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOWALLOW"), STR("") },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		context("%.*s", (int)rows[i].word.n, rows[i].word.p);
		expect_str(nearest_word(guard_copy(names), guard_copy(rows[i].word)), rows[i].want);
	}
	expect_str(nearest_word(S(""), S("A")), S(""));
}

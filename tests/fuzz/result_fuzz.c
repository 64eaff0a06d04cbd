/* A byte for the kind and the time, then what a function returned. Whatever it is, what Slack is
 * answered can stand in a head and a message is an object. */
#include "codec/json_read.h"
#include "gateway/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char memory[1 << 22];

static bool is_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static void check_reply(const struct reply *reply)
{
	check(reply->status == 0 || (reply->status >= 200 && reply->status <= 599));
	check(is_line(reply->content_type) && reply->headers_count <= REPLY_HEADERS_MAX);
	for (size_t i = 0; reply->status && i < reply->headers_count; i++) {
		struct str name = reply->headers[i].name;
		check(is_line(reply->headers[i].value) && is_line(name) && name.n);
		check(str_find(name, ':') == name.n && str_find(name, ' ') == name.n);
		check(!str_eq_nocase(name, S("content-length")) &&
			!str_eq_nocase(name, S("transfer-encoding")));
	}
	check((reply->status != 204 && reply->status != 304) || reply->body.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct result result;
	struct json v;
	size_t position;
	if (n < 1 || n > 1 << 14)
		return 0;
	const struct result_use use = {
		.kind = (enum slack_kind)((data[0] & 0x3f) % SLACK_KINDS),
		.in_time = data[0] & 0x40,
		.has_url = data[0] & 0x80,
		.function = { S("eu-west-1"), S("f"), S("eu-west-1/f") },
	};
	struct str text = { (const char *)data + 1, n - 1 };
	bool json = json_check(&v, &position, text) == OK;
	check(result_read(&result,
			  &(struct function_result){ .json = json ? text : S(""), .text = json ? S("") : text },
			  &use, &a) == OK);
	check(result.message.n == 0 ||
		(json_check(&v, &position, result.message) == OK && json_type(v) == JSON_OBJECT));
	check(result.failed == (result.reason.n > 0));
	check(use.has_url || result.message.n == 0);
	check(use.in_time || result.reply.status == 0);
	check_reply(&result.reply);
	return 0;
}

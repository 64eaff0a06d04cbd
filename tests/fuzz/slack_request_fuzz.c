/* A body as Slack signs it: JSON if it begins with '{', else a form. JSON means the same when it
 * comes as the form field `payload`. */
#include "codec/form.h"
#include "codec/json_read.h"
#include "slack/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool same(const struct slack_request *a, const struct slack_request *b)
{
	return a->kind == b->kind && str_eq(a->type, b->type) && str_eq(a->command, b->command) &&
		str_eq(a->text, b->text) && str_eq(a->user_id, b->user_id) &&
		str_eq(a->user_name, b->user_name) && str_eq(a->team_id, b->team_id) &&
		str_eq(slack_channel_id(a), slack_channel_id(b)) &&
		a->channels_count == b->channels_count && str_eq(a->api_app_id, b->api_app_id) &&
		str_eq(a->response_url, b->response_url) && str_eq(a->callback_id, b->callback_id) &&
		str_eq(a->action_id, b->action_id) && str_eq(a->event_type, b->event_type) &&
		str_eq(a->event_id, b->event_id) && str_eq(a->challenge, b->challenge) &&
		str_eq(a->json, b->json);
}

static enum err read(
	struct slack_request *r, struct str content_type, struct str body, struct arena *a)
{
	struct fault f = { 0 };
	enum err e = slack_request_read(r, content_type, body, a, &f);
	check(e == OK || (e == E_SYNTAX && f.code == e && f.n > 0));
	check(e != OK || r->kind < SLACK_KINDS);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char memory[1 << 20];
	struct arena a = { memory, 0, sizeof(memory) };
	struct str body = { (const char *)data, n };
	struct slack_request r, wrapped;
	bool is_json = slack_is_json(body);
	if (n > 1 << 16)
		return 0;
	enum err e = read(
		&r, is_json ? S("application/json") : S("application/x-www-form-urlencoded"), body, &a);
	if (!is_json) {
		check((e == OK) <= form_check(body));
		check(e != OK || (r.kind == SLACK_COMMAND) <= (r.command.n > 0 && r.json.n == 0));
		return 0;
	}
	check(e != OK || (r.kind != SLACK_COMMAND && r.json.n > 0 && r.command.n == 0));
	struct buf b = arena_buf(&a, 3 * n + 16);
	form_put(&b, S("payload"), body);
	check(!b.full && read(&wrapped, S(""), buf_str(&b), &a) == e);
	check(e != OK || same(&r, &wrapped));
	return 0;
}

/* A configuration, a NUL, a request's body, a NUL, a path. What is refused says why; of what is
 * taken, every route is whole, and the one that is found is the first of which every condition
 * holds. */
#include "gateway/pattern.h"
#include "gateway/route.h"
#include "gateway/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char memory[1 << 20];

static void check_route(const struct route *r)
{
	enum template_name name;
	struct str piece;
	check(
		target_ok(&r->target) && r->target.name.n == r->target.region.n + 1 + r->target.function.n);
	check(r->command.n || r->callback_id.n || r->action_id.n || r->event.n || r->path.n ||
		r->function.n || r->subtype.n || r->channel_type.n || r->kind.n || r->app.n ||
		r->writer != WRITER_ANYBODY);
	check(r->kinds && !(r->kinds & (1u << SLACK_URL_VERIFICATION | 1u << SLACK_RATE_LIMITED)));
	check(!str_starts(r->path, S("/")) && !str_ends(r->path, S("/")));
	check(r->ack_message.n == 0 || r->ack_message.p[0] == '{');
	for (struct str rest = r->ack_text; template_next(&name, &piece, &rest);)
		check(name != TEMPLATE_UNKNOWN);
}

static bool holds(struct str pattern, struct str value)
{
	return !pattern.n || (value.n && pattern_matches(pattern, value));
}

static bool fits(const struct route *r, const struct slack_request *slack, struct str path)
{
	return (r->kinds >> slack->kind & 1) && holds(r->command, slack->command) &&
		holds(r->callback_id, slack->callback_id) && holds(r->action_id, slack->action_id) &&
		holds(r->event, slack->event_type) && holds(r->function, slack->function) &&
		holds(r->subtype, slack->subtype) && holds(r->channel_type, slack->channel_type) &&
		holds(r->kind, slack->type) && holds(r->app, S("A1")) &&
		(r->writer == WRITER_ANYBODY || (r->writer == WRITER_APP) == slack->bot) &&
		(!r->path.n || (path.n && pattern_matches_path(r->path, path)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct routes routes;
	struct slack_request slack;
	struct fault f = { 0 };
	struct str text, body, path;
	if (n > 1 << 14)
		return 0;
	str_cut(&text, &body, (struct str){ (const char *)data, n }, '\0');
	str_cut(&body, &path, body, '\0');
	enum err e = routes_read(&routes, text, PAYLOAD_EVENT, &a, &f);
	check(e == OK ||
		(e == E_CONFIG && f.code == e && str_starts(fault_text(&f), S("GATEWAY_CONFIG"))));
	if (e != OK || slack_request_read(&slack, S(""), body, &a, &f) != OK)
		return 0;
	struct request_path readings = { .count = 1, .coded = { path }, .decoded = { path } };
	const struct route *found = route_find(&routes, &slack, S("A1"), &readings), *first = NULL;
	for (size_t i = 0; i < routes.count; i++) {
		check_route(&routes.list[i]);
		bool warned = route_warning(&routes, i, &f);
		check(!warned || str_starts(fault_text(&f), S("GATEWAY_CONFIG")));
		if (!first && fits(&routes.list[i], &slack, path))
			first = &routes.list[i];
	}
	check(found == first);
	if (found)
		check((route_refusal(found, &slack).n == 0) >=
			(!found->teams.text.n && !found->user_teams.text.n && !found->channels.text.n &&
				!found->users.text.n));
	return 0;
}

/* Who and where, in a sample of every event type of https://docs.slack.dev/reference/events that
 * the Events API delivers, and of every kind of interaction. */
#include "check.h"
#include "slack/request.h"

static char memory[1 << 16], body_memory[1 << 14];
static struct slack_request request;

static void read(struct str body)
{
	struct arena a = { memory, 0, sizeof(memory) };
	struct fault f = { .n = 0 };
	expect_int(slack_request_read(&request, S(""), guard_copy(body), &a, &f), OK);
}

/* The members of an object, in the single quotes that are easier to read here. */
static struct str quoted(const char *text)
{
	static char out[1 << 13];
	struct buf b = BUF(out);
	for (; *text; text++)
		buf_put_char(&b, *text == '\'' ? '"' : *text);
	expect(!b.full);
	return buf_str(&b);
}

static struct str joined_channels(void)
{
	static char out[256];
	struct buf b = BUF(out);
	for (size_t i = 0; i < request.channels_count; i++)
		buf_format(&b, "%s%s", i ? S(" ") : S(""), request.channels[i]);
	if (request.channel_list.text.n)
		buf_format(&b, "%s%s", b.n ? S(" ") : S(""), request.channel_list.text);
	return buf_str(&b);
}

#define IN_USER_OBJECT "'user':{'id':'U1','team_id':'T2','name':'lotte','profile':{'team':'T3'}}"
#define INVITE                                                                                     \
	"'invite':{'id':'I1','inviting_team':{'id':'T9'},'inviting_user':{'id':'U8','team_id':'T9'},'" \
	"recipient_user_id':'U7'}"
#define SHARED                                                                                     \
	"'channel':{'id':'C1','is_private':false,'name':'pier'},'teams_in_channel':[{'id':'T9'}]"
#define CHANNEL_OBJECT "'channel':{'id':'C1','name':'pier','created':1,'creator':'U1'}"
#define STEPS                                                                                      \
	"'workflow_id':'W1','workflow_draft_configuration':{'app_steps':[{'app_id':'A1','callback_id'" \
	":'x'}]}"
#define MESSAGE                                                                                    \
	"'type':'message','channel':'C1','channel_type':'channel','text':'x','ts':'1.2','event_ts':'"  \
	"1.2'"

static const struct {
	const char *event;    /* its members */
	const char *channels; /* in order */
	const char *user, *user_team;
	bool bot;
} events[] = {
	{ "'type':'agent_session_stopped','channel':'D1','user':'U1','thread_ts':'1.2',"
	  "'streaming_message_ts':['1.3']", "D1", "U1", "", false },
	{ "'type':'agent_session_title_changed','channel':'D1','user':'U1','team_id':'T9',"
	  "'thread_ts':'1.2','title':'x'", "D1", "U1", "", false },
	{ "'type':'app_context_changed','channel':'D1','user':'U1',"
	  "'context':{'entities':[{'type':'slack#/types/channel_id','value':'C9',"
	  "'team_id':'T9'}]}", "D1", "U1", "", false },
	{ "'type':'app_deleted','app_id':'A1','app_owner_id':'U9','team_id':'T1'", "", "", "",
	  false },
	{ "'type':'app_home_opened','user':'U1','channel':'D1','tab':'home','view':{'id':'V1',"
	  "'team_id':'T9','callback_id':'x'}", "D1", "U1", "", false },
	{ "'type':'app_installed','app_id':'A1','app_owner_id':'U9','user_id':'U1','team_id':'T1'",
	  "", "U1", "", false },
	{ "'type':'app_mention','user':'U1','text':'<@U9>','ts':'1.2','channel':'C1',"
	  "'event_ts':'1.2','user_team':'T2','source_team':'T3','files':[{'user':'U8',"
	  "'user_team':'T9'}]", "C1", "U1", "T2", false },
	{ "'type':'app_mention','bot_id':'B1','user':'U1','channel':'C1'", "C1", "U1", "", true },
	{ "'type':'app_requested','app_request':{'id':'A1','app':{'id':'A1'}},'user':{'id':'U1',"
	  "'name':'x'},'team':{'id':'T9'}", "", "U1", "", false },
	{ "'type':'app_uninstalled'", "", "", "", false },
	{ "'type':'app_uninstalled_team','app_owner_id':'U9','user_id':'U1','team_id':'T1'", "",
	  "U1", "", false },
	{ "'type':'assistant_thread_context_changed','assistant_thread':{'user_id':'U1',"
	  "'context':{'channel_id':'C1','team_id':'T9'},'channel_id':'D1','thread_ts':'1.2'}",
	  "D1 C1", "U1", "", false },
	{ "'type':'assistant_thread_started','assistant_thread':{'context':{},'thread_ts':'1.2',"
	  "'channel_id':'D1','user_id':'U1'}", "D1", "U1", "", false },
	{ "'type':'call_rejected','call_id':'R1','user_id':'U1','channel_id':'D1'", "D1", "U1", "",
	  false },
	{ "'type':'channel_archive','channel':'C1','user':'U1'", "C1", "U1", "", false },
	{ "'type':'channel_created'," CHANNEL_OBJECT, "C1", "U1", "", false },
	{ "'type':'channel_deleted','channel':'C1','actor_id':'U1'", "C1", "U1", "", false },
	{ "'type':'channel_history_changed','channel':'C1','latest':'1.2','ts':'1.3'", "C1", "",
	  "", false },
	{ "'type':'channel_id_changed','old_channel_id':'G1','new_channel_id':'C1'", "C1 G1", "",
	  "", false },
	{ "'type':'channel_left','channel':'C1','actor_id':'U1'", "C1", "U1", "", false },
	{ "'type':'channel_rename'," CHANNEL_OBJECT, "C1", "", "", false },
	{ "'type':'channel_shared','connected_team_id':'E9','channel':'C1'", "C1", "", "", false },
	{ "'type':'channel_unarchive','channel':'C1','user':'U1'", "C1", "U1", "", false },
	{ "'type':'channel_unshared','previously_connected_team_id':'E9','channel':'C1',"
	  "'is_ext_shared':false", "C1", "", "", false },
	{ "'type':'dnd_updated','user':'U1','dnd_status':{'dnd_enabled':true}", "", "U1", "",
	  false },
	{ "'type':'dnd_updated_user','user':'U1','dnd_status':{'dnd_enabled':true}", "", "U1", "",
	  false },
	{ "'type':'email_domain_changed','email_domain':'example.com'", "", "", "", false },
	{ "'type':'emoji_changed','subtype':'add','name':'anchor','value':'https://example.com/x'",
	  "", "", "", false },
	{ "'type':'entity_details_requested','user':'U1','trigger_id':'1.2',"
	  "'link':{'url':'https://example.com'},'channel':'C1'", "C1", "U1", "", false },
	{ "'type':'file_change','file_id':'F1','file':{'id':'F1'}", "", "", "", false },
	{ "'type':'file_comment_added','comment':{'id':'Fc1','user':'U1'},'file_id':'F1',"
	  "'file':{'id':'F1'}", "", "U1", "", false },
	{ "'type':'file_comment_deleted','comment':'Fc1','file_id':'F1','file':{'id':'F1'}", "",
	  "", "", false },
	{ "'type':'file_comment_edited','comment':{'id':'Fc1','user':'U1'},'file_id':'F1'", "",
	  "U1", "", false },
	{ "'type':'file_created','file_id':'F1','user_id':'U1','file':{'id':'F1'}", "", "U1", "",
	  false },
	{ "'type':'file_deleted','file_id':'F1','channel_ids':['C1','C2']", "['C1','C2']", "", "",
	  false },
	{ "'type':'file_public','file_id':'F1','user_id':'U1','file':{'id':'F1'}", "", "U1", "",
	  false },
	{ "'type':'file_shared','file_id':'F1','user_id':'U1','file':{'id':'F1'},"
	  "'channel_id':'C1'", "C1", "U1", "", false },
	{ "'type':'file_unshared','file_id':'F1','user_id':'U1','file':{'id':'F1'},"
	  "'channel_id':'C1'", "C1", "U1", "", false },
	{ "'type':'function_executed','function':{'id':'Fn1','callback_id':'pilot'},"
	  "'inputs':{'user':'U9','channel':'C9'},'function_execution_id':'Fx1'", "", "", "",
	  false },
	{ "'type':'grid_migration_finished','enterprise_id':'E9'", "", "", "", false },
	{ "'type':'grid_migration_started','enterprise_id':'E9'", "", "", "", false },
	{ "'type':'group_archive','channel':'G1','user':'U1'", "G1", "U1", "", false },
	{ "'type':'group_close','user':'U1','channel':'G1'", "G1", "U1", "", false },
	{ "'type':'group_deleted','channel':'G1','date_deleted':1,'actor_id':'U1'", "G1", "U1", "",
	  false },
	{ "'type':'group_history_changed','channel':'G1','latest':'1.2','ts':'1.3'", "G1", "", "",
	  false },
	{ "'type':'group_left','channel':'G1','actor_id':'U1'", "G1", "U1", "", false },
	{ "'type':'group_open','user':'U1','channel':'G1'", "G1", "U1", "", false },
	{ "'type':'group_rename','channel':{'id':'G1','name':'pier','created':1}", "G1", "", "",
	  false },
	{ "'type':'group_unarchive','channel':'G1','actor_id':'U1'", "G1", "U1", "", false },
	{ "'type':'im_close','user':'U1','channel':'D1'", "D1", "U1", "", false },
	{ "'type':'im_created','user':'U1','channel':{'id':'D1'}", "D1", "U1", "", false },
	{ "'type':'im_history_changed','channel':'D1','latest':'1.2','ts':'1.3'", "D1", "", "",
	  false },
	{ "'type':'im_open','user':'U1','channel':'D1'", "D1", "U1", "", false },
	{ "'type':'invite_requested','invite_request':{'id':'I1','requester_ids':['U1','U2'],"
	  "'channel_ids':['C1'],'team':{'id':'T9'}}", "['C1']", "U1", "", false },
	{ "'type':'link_shared','channel':'C1','user':'U1','message_ts':'1.2',"
	  "'links':[{'domain':'example.com'}],'source':'conversations_history'", "C1", "U1", "",
	  false },
	{ "'type':'member_joined_channel','user':'U1','channel':'C1','channel_type':'C',"
	  "'team':'T9','inviter':'U9'", "C1", "U1", "", false },
	{ "'type':'member_left_channel','user':'U1','channel':'G1','channel_type':'G','team':'T9'",
	  "G1", "U1", "", false },
	{ "'user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'bot_message','bot_id':'B1'," MESSAGE, "C1", "", "", true },
	{ "'subtype':'bot_message'," MESSAGE, "C1", "", "", true },
	{ "'subtype':'channel_archive','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'channel_join','user':'U1','inviter':'U9'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'channel_leave','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'channel_name','user':'U1','old_name':'quay'," MESSAGE, "C1", "U1", "",
	  false },
	{ "'subtype':'channel_posting_permissions','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'channel_purpose','user':'U1','purpose':'x'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'channel_topic','user':'U1','topic':'x'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'channel_unarchive','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'ekm_access_denied','user':'UREVOKEDU'," MESSAGE, "C1", "UREVOKEDU", "",
	  false },
	{ "'subtype':'file_share','user':'U1','files':[{'id':'F1','user':'U9',"
	  "'channels':['C9']}]," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'me_message','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'message_changed','hidden':true,'message':{'type':'message','user':'U1',"
	  "'text':'y','edited':{'user':'U9'},'source_team':'T2'},"
	  "'previous_message':{'user':'U1'}," MESSAGE, "C1", "U1", "T2", false },
	{ "'previous_message':{'user':'U1'},'subtype':'message_changed','message':{'bot_id':'B1',"
	  "'user':'U2'}," MESSAGE, "C1", "U2", "", true },
	{ "'subtype':'message_deleted','deleted_ts':'1.1','previous_message':{'type':'message',"
	  "'user':'U1','user_team':'T2','ts':'1.1'}," MESSAGE, "C1", "U1", "T2", false },
	{ "'subtype':'message_replied','message':{'user':'U1','thread_ts':'1.1',"
	  "'replies':[{'user':'U9'}]}," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'thread_broadcast','user':'U1','root':{'user':'U9','bot_id':'B9'}," MESSAGE,
	  "C1", "U1", "", false },
	{ "'subtype':'group_join','user':'U1','inviter':'U9'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'pinned_item','user':'U1','item':{}," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'reminder_add','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'subtype':'assistant_app_thread','user':'U1'," MESSAGE, "C1", "U1", "", false },
	{ "'type':'message_metadata_deleted','channel_id':'C1',"
	  "'previous_metadata':{'event_payload':{'user':'U9'}},'bot_id':'B1','user_id':'U1',"
	  "'team_id':'T9','message_ts':'1.2'", "C1", "U1", "", true },
	{ "'type':'message_metadata_posted','app_id':'A1','user_id':'U1','team_id':'T9',"
	  "'channel_id':'C1','metadata':{'event_payload':{'channel':'C9'}},'message_ts':'1.2'",
	  "C1", "U1", "", false },
	{ "'type':'message_metadata_updated','channel_id':'C1','user_id':'U1','team_id':'T9',"
	  "'message_ts':'1.2'", "C1", "U1", "", false },
	{ "'type':'pin_added','user':'U1','channel_id':'C1','item':{'type':'message',"
	  "'channel':'C1','created_by':'U9','message':{'user':'U8'}},'item_user':'U8',"
	  "'pinned_info':{'channel':'C1'}", "C1", "U1", "", false },
	{ "'type':'pin_removed','user':'U1','item':{'type':'message','channel':'C1'},"
	  "'channel_id':'C1','item_user':'U8'", "C1", "U1", "", false },
	{ "'type':'reaction_added','user':'U1','reaction':'anchor','item_user':'U9',"
	  "'item':{'type':'message','channel':'C1','ts':'1.2'}", "C1", "U1", "", false },
	{ "'type':'reaction_removed','user':'U1','reaction':'anchor','item_user':'U9',"
	  "'item':{'type':'message','channel':'C1','ts':'1.2'}", "C1", "U1", "", false },
	{ "'type':'reaction_added','user':'U1','item':{'type':'file','file':'F1'}", "", "U1", "",
	  false },
	{ "'type':'resources_added','resources':[]", "", "", "", false },
	{ "'type':'resources_removed','resources':[]", "", "", "", false },
	{ "'type':'scope_denied','scopes':['files:read'],'trigger_id':'1.2'", "", "", "", false },
	{ "'type':'scope_granted','scopes':['files:read'],'trigger_id':'1.2'", "", "", "", false },
	{ "'type':'shared_channel_invite_accepted','approval_required':false," INVITE "," SHARED
	  ",'accepting_user':{'id':'U1','team_id':'T2'}", "C1", "U1", "T2", false },
	{ "'type':'shared_channel_invite_approved'," INVITE "," SHARED ",'approving_team_id':'T2'"
	  ",'approving_user':{'id':'U1','team_id':'T2'}", "C1", "U1", "T2", false },
	{ "'type':'shared_channel_invite_declined','declining_user':{'id':'U1','team_id':'T2'}," INVITE
	  "," SHARED, "C1", "U1", "T2", false },
	{ "'type':'shared_channel_invite_received'," INVITE "," SHARED, "C1", "U8", "T9", false },
	{ "'type':'shared_channel_invite_requested','actor':{'id':'U1','team_id':'T2',"
	  "'is_bot':false},'channel_id':'C1','channel_type':'public',"
	  "'target_users':[{'email':'x'}]", "C1", "U1", "T2", false },
	{ "'type':'star_added','user':'U1','item':{'type':'message','channel':'C1',"
	  "'message':{'user':'U9'}}", "C1", "U1", "", false },
	{ "'type':'star_removed','user':'U1','item':{'type':'channel','channel':'C1'}", "C1", "U1",
	  "", false },
	{ "'type':'subteam_created','subteam':{'id':'S1','team_id':'T9','created_by':'U1',"
	  "'updated_by':null,'users':['U9']}", "", "U1", "", false },
	{ "'type':'subteam_members_changed','subteam_id':'S1','team_id':'T9','added_users':['U9']",
	  "", "", "", false },
	{ "'type':'subteam_self_added','subteam_id':'S1'", "", "", "", false },
	{ "'type':'subteam_self_removed','subteam_id':'S1'", "", "", "", false },
	{ "'type':'subteam_updated','subteam':{'id':'S1','team_id':'T9','created_by':'U9',"
	  "'updated_by':'U1','prefs':{'channels':['C9']}}", "", "U1", "", false },
	{ "'type':'team_access_granted','team_ids':['T9']", "", "", "", false },
	{ "'type':'team_access_revoked','team_ids':['T9']", "", "", "", false },
	{ "'type':'team_domain_change','url':'https://harbour.example.com','domain':'harbour'", "",
	  "", "", false },
	{ "'type':'team_join'," IN_USER_OBJECT, "", "U1", "T2", false },
	{ "'type':'team_rename','name':'Harbour'", "", "", "", false },
	{ "'type':'tokens_revoked','tokens':{'oauth':['U1','U2'],'bot':['U9']}", "", "U1", "",
	  false },
	{ "'type':'tokens_revoked','tokens':{'bot':['U1']}", "", "U1", "", false },
	{ "'type':'user_change'," IN_USER_OBJECT, "", "U1", "T2", false },
	{ "'type':'user_connection','subtype':'connect','user':'U1','trigger_id':'1.2'", "", "U1",
	  "", false },
	{ "'type':'user_huddle_changed'," IN_USER_OBJECT, "", "U1", "T2", false },
	{ "'type':'user_profile_changed'," IN_USER_OBJECT, "", "U1", "T2", false },
	{ "'type':'user_resource_denied','user':'U1','scopes':[]", "", "U1", "", false },
	{ "'type':'user_resource_granted','user':'U1','scopes':[]", "", "U1", "", false },
	{ "'type':'user_resource_removed','user':'U1'", "", "U1", "", false },
	{ "'type':'user_status_changed'," IN_USER_OBJECT, "", "U1", "T2", false },
	{ "'type':'workflow_deleted'," STEPS, "", "", "", false },
	{ "'type':'workflow_published'," STEPS, "", "", "", false },
	{ "'type':'workflow_step_deleted'," STEPS, "", "", "", false },
	{ "'type':'workflow_step_execute','callback_id':'pilot',"
	  "'workflow_step':{'inputs':{'user':{'value':'U9'}}}", "", "", "", false },
	{ "'type':'workflow_unpublished'," STEPS, "", "", "", false },
};

TEST(slack_events_say_who_and_where)
{
	for (size_t i = 0; i < countof(events); i++) {
		struct buf body = BUF(body_memory);
		buf_format(&body,
			"{\"token\":\"x\",\"team_id\":\"T1\",\"api_app_id\":\"A1\",\"event\":{%s},"
			"\"type\":\"event_callback\",\"event_id\":\"Ev1\"}",
			quoted(events[i].event));
		context("%s", events[i].event);
		read(buf_str(&body));
		expect_int(request.kind, SLACK_EVENT);
		expect(request.event_type.n > 0);
		struct str channels = joined_channels();
		expect_str(channels, quoted(events[i].channels));
		expect_str(request.user_id, str_c(events[i].user));
		expect_str(request.user_team_id, str_c(events[i].user_team));
		expect_str(request.team_id, S("T1"));
		expect_int(request.bot, events[i].bot);
	}
}

TEST(slack_events_name_custom_steps)
{
	read(quoted("{'type':'event_callback','event':{'type':'function_executed','function':{'"
				"callback_id':'pilot'},'callback_id':'x'}}"));
	expect_str(request.function, S("pilot"));
	read(quoted("{'type':'event_callback','event':{'type':'workflow_step_execute','callback_id':'"
				"pilot'}}"));
	expect_str(request.callback_id, S("pilot"));
	expect_str(request.function, S(""));
}

TEST(slack_events_keep_what_routes_ask_for)
{
	read(quoted("{'type':'event_callback','event':{" MESSAGE ",'subtype':'file_share'}}"));
	expect_str(request.channel_type, S("channel"));
	expect_str(request.subtype, S("file_share"));
	expect_str(request.message_ts, S("1.2"));
}

#define PERSON "'user':{'id':'U1','username':'lotte','team_id':'T2'}"

static const struct {
	const char *payload; /* its members */
	const char *channels, *user, *user_team, *team, *enterprise;
	bool link;
} interactions[] = {
	{ "'type':'block_actions','team':{'id':'T1'},'channel':{'id':'C1'},"
	  "'container':{'type':'message','channel_id':'C1'}," PERSON ",'actions':[{'action_id':'x"
	  "','url':'https://example.com'}]", "C1", "U1", "T2", "T1", "", true },
	{ "'type':'block_actions','team':null,'enterprise':{'id':'E1'},"
	  "'container':{'type':'message_attachment','channel_id':'C1'}," PERSON, "C1", "U1", "T2",
	  "T2", "E1", false },
	{ "'type':'block_actions','team':null,'view':{'team_id':'T3'}," PERSON, "", "U1", "T2",
	  "T2", "", false },
	{ "'type':'block_actions','view':{'team_id':'T3'},'user':{'id':'U1'}", "", "U1", "", "T3",
	  "", false },
	{ "'type':'shortcut','team':{'id':'T1','enterprise_id':'E9'},'enterprise':{'id':'E1'}," PERSON,
	  "", "U1", "T2", "T1", "E1", false },
	{ "'type':'message_action','team':{'id':'T1'},'channel':{'id':'C1'},"
	  "'message':{'user':'U9','bot_id':'B1'}," PERSON, "C1", "U1", "T2", "T1", "", false },
	{ "'type':'view_submission','team':{'id':'T4'},'view':{'team_id':'T3',"
	  "'app_installed_team_id':'T1'}," PERSON, "", "U1", "T2", "T1", "", false },
	{ "'type':'view_submission'," PERSON ",'team':{'id':'T1'},"
	  "'response_urls':[{'channel_id':'C1','response_url':'x'}]", "C1", "U1", "T2", "T1", "",
	  false },
	{ "'type':'view_closed','view':{'app_installed_team_id':'T1'},'is_cleared':false," PERSON,
	  "", "U1", "T2", "T1", "", false },
	{ "'type':'block_suggestion','team':{'id':'T1'},'container':{'type':'message',"
	  "'channel_id':'C1'},'channel':{'id':'C1'}," PERSON, "C1", "U1", "T2", "T1", "", false },
	{ "'type':'interactive_message','team':{'id':'T1'},'channel':{'id':'C1'},"
	  "'user':{'id':'U1','name':'lotte'},'original_message':{'user':'U9'}", "C1", "U1", "",
	  "T1", "", false },
	{ "'type':'dialog_submission','team':{'id':'T1'},'channel':{'id':'C1'},"
	  "'user':{'id':'U1'},'submission':{'user':'U9','channel':'C9'}", "C1", "U1", "", "T1", "",
	  false },
	{ "'type':'dialog_cancellation','team':{'id':'T1'},'channel':{'id':'C1'},"
	  "'user':{'id':'U1'}", "C1", "U1", "", "T1", "", false },
	{ "'type':'dialog_suggestion','team':{'id':'T1'},'channel':{'id':'C1'},'user':{'id':'U1'}",
	  "C1", "U1", "", "T1", "", false },
	{ "'type':'workflow_step_edit','team':{'id':'T1'}," PERSON ",'workflow_step':{'workflow_i"
	  "d':'W1'}", "", "U1", "T2", "T1", "", false },
};

TEST(slack_interactions_say_who_and_where)
{
	for (size_t i = 0; i < countof(interactions); i++) {
		struct buf body = BUF(body_memory);
		buf_format(&body, "{%s}", quoted(interactions[i].payload));
		context("%s", interactions[i].payload);
		read(buf_str(&body));
		expect(request.kind != SLACK_UNKNOWN_KIND);
		expect_str(joined_channels(), str_c(interactions[i].channels));
		expect_str(request.user_id, str_c(interactions[i].user));
		expect_str(request.user_team_id, str_c(interactions[i].user_team));
		expect_str(request.team_id, str_c(interactions[i].team));
		expect_str(request.enterprise_id, str_c(interactions[i].enterprise));
		expect_int(request.link, interactions[i].link);
		expect(!request.bot);
	}
}

/* The workspace in which the app is installed, in the order of what tells it best, whatever the
 * order of the members. */
TEST(slack_requests_find_the_team)
{
	static const char *const members[] = {
		"'view':{'app_installed_team_id':'T1'}",
		"'context_team_id':'T2'",
		"'authorizations':[{'team_id':'T3'},{'team_id':'T9'}]",
		"'team':{'id':'T4'}",
		"'team_id':'T5'",
		"'user':{'id':'U1','team_id':'T6'}",
		"'view':{'team_id':'T7'}",
	};
	static const char *const enterprises[] = {
		"'context_enterprise_id':'E1'",
		"'authorizations':[{'enterprise_id':'E2','team_id':null}]",
		"'enterprise':{'id':'E3'}",
		"'enterprise_id':'E4'",
	};
	for (size_t i = 0; i < countof(members); i++)
		for (size_t j = 0; j < countof(members); j++) {
			struct buf body = BUF(body_memory);
			char want[2] = { 'T', (char)('1' + (i < j ? i : j)) };
			buf_format(&body, "{\"type\":\"shortcut\",%s,", quoted(members[i]));
			buf_format(&body, "%s}", quoted(members[j]));
			context("%s, %s", members[i], members[j]);
			read(buf_str(&body));
			expect_str(request.team_id, ((struct str){ want, 2 }));
		}
	for (size_t i = 0; i < countof(enterprises); i++)
		for (size_t j = 0; j < countof(enterprises); j++) {
			struct buf body = BUF(body_memory);
			char want[2] = { 'E', (char)('1' + (i < j ? i : j)) };
			buf_format(&body, "{\"type\":\"event_callback\",%s,", quoted(enterprises[i]));
			buf_format(&body, "%s}", quoted(enterprises[j]));
			context("%s, %s", enterprises[i], enterprises[j]);
			read(buf_str(&body));
			expect_str(request.enterprise_id, ((struct str){ want, 2 }));
		}
}

TEST(slack_commands_say_who_and_where)
{
	read(S("command=/x&user_id=U1&channel_id=C1&team_id=T1&enterprise_id=E1&trigger_id=1.2"));
	expect_str(request.user_team_id, S("T1"));
	expect_str(request.team_id, S("T1"));
	expect_str(request.enterprise_id, S("E1"));
	expect_str(request.trigger_id, S("1.2"));
	expect_str(joined_channels(), S("C1"));
}

/* No more channels are kept than there is room for, and each once. */
TEST(slack_requests_bound_the_channels)
{
	read(quoted("{'type':'event_callback','event':{'channel_id':'C2','channel':'C1','item':{'"
				"channel':'C3'},"
				"'old_channel_id':'C5','new_channel_id':'C4'},'channel':'C1'}"));
	expect_int(request.channels_count, SLACK_CHANNELS_MAX);
	expect_str(slack_channel_id(&request), S("C1"));
}

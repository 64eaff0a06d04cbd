#include "aws/refusal.h"

#include "aws/names.h"
#include "codec/json_read.h"
#include "codec/utf8.h"
#include "codec/xml.h"

enum {
	PLAIN_MAX = 120, /* of a body that is plain text: it comes from somebody else */
	HINT_MAX = 120,
};

_Static_assert(REFUSAL_NAME_MAX + 2 + REFUSAL_MESSAGE_MAX + HINT_MAX <= FAULT_TEXT_MAX,
	"a refusal fits a fault");

/* As Lambda, STS, the services behind targets, and those that hold secrets call them; botocore
 * takes the same for throttling. */
static const struct {
	char name[39]; /* not a pointer, which the start would have to relocate */
	uint8_t refusal;
} refusals[] = {
	{ "ExpiredToken", REFUSAL_EXPIRED },
	{ "ExpiredTokenException", REFUSAL_EXPIRED },
	{ "UnrecognizedClientException", REFUSAL_UNKNOWN_KEY },
	{ "InvalidClientTokenId", REFUSAL_UNKNOWN_KEY },
	{ "InvalidSignatureException", REFUSAL_SIGNATURE },
	{ "SignatureDoesNotMatch", REFUSAL_SIGNATURE },
	{ "AuthFailure", REFUSAL_SIGNATURE },
	{ "RequestTimeTooSkewed", REFUSAL_CLOCK },
	{ "RequestExpired", REFUSAL_CLOCK },
	{ "RequestInTheFuture", REFUSAL_CLOCK },
	{ "Throttling", REFUSAL_THROTTLED },
	{ "ThrottlingException", REFUSAL_THROTTLED },
	{ "ThrottledException", REFUSAL_THROTTLED },
	{ "RequestThrottled", REFUSAL_THROTTLED },
	{ "RequestThrottledException", REFUSAL_THROTTLED },
	{ "TooManyRequestsException", REFUSAL_THROTTLED },
	{ "ProvisionedThroughputExceededException", REFUSAL_THROTTLED },
	{ "TransactionInProgressException", REFUSAL_THROTTLED },
	{ "RequestLimitExceeded", REFUSAL_THROTTLED },
	{ "BandwidthLimitExceeded", REFUSAL_THROTTLED },
	{ "LimitExceededException", REFUSAL_THROTTLED },
	{ "ExecutionLimitExceeded", REFUSAL_THROTTLED },
	{ "SlowDown", REFUSAL_THROTTLED },
	{ "PriorRequestNotComplete", REFUSAL_THROTTLED },
	{ "EC2ThrottledException", REFUSAL_THROTTLED },
	{ "KMSThrottling", REFUSAL_THROTTLED },
	{ "KmsThrottled", REFUSAL_THROTTLED },
	{ "AccessDenied", REFUSAL_DENIED },
	{ "AccessDeniedException", REFUSAL_DENIED },
	{ "AuthorizationError", REFUSAL_DENIED },
	{ "ResourceNotFoundException", REFUSAL_MISSING },
	{ "QueueDoesNotExist", REFUSAL_MISSING },
	{ "NotFound", REFUSAL_MISSING },
	{ "StateMachineDoesNotExist", REFUSAL_MISSING },
	{ "ResourceConflictException", REFUSAL_PENDING },
	{ "SnapStartNotReadyException", REFUSAL_PENDING },
	{ "RequestTimeout", REFUSAL_PASSING },
	{ "RequestTimeoutException", REFUSAL_PASSING },
	{ "IDPCommunicationError", REFUSAL_PASSING },
	{ "InvalidIdentityToken", REFUSAL_PASSING },
};

enum refusal refusal_of(struct str name)
{
	for (size_t i = 0; i < countof(refusals); i++)
		if (str_eq(str_c(refusals[i].name), name))
			return (enum refusal)refusals[i].refusal;
	return REFUSAL_OTHER;
}

/* What to do. */
static const char hints[][56] = {
	[REFUSAL_MISSING] = "; check its name and region",
	[REFUSAL_UNKNOWN_KEY] = "; AWS does not know the gateway's access key",
	[REFUSAL_SIGNATURE] = "; check the gateway's secret access key and clock",
	[REFUSAL_CLOCK] = "; check the clock of this machine",
	[REFUSAL_EXPIRED] = "; the gateway's credentials have expired",
	[REFUSAL_THROTTLED] = "; it is being throttled",
	[REFUSAL_PASSING] = "",
};

static void put_hint(struct buf *b, int status, enum refusal refusal, struct str action)
{
	if (action.n && refusal == REFUSAL_DENIED)
		buf_format(b, "; the gateway's role needs %s on it", action);
	else if (refusal == REFUSAL_MISSING && status == 404)
		buf_put(b, S("; check its name, region and alias"));
	else if (action.n && hints[refusal][0])
		buf_put(b, str_c(hints[refusal]));
	else if (status / 100 == 3)
		buf_put(b, S("; redirects are not followed; is AWS_ENDPOINT_URL right?"));
	else if (status == 413)
		buf_put(b, S("; the request is larger than AWS takes"));
}

/* At most `max` bytes, not ending inside a UTF-8 sequence. */
static struct str cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_sub(s, 0, max);
}

/* What is fit for people, without its full stop; empty if nothing is. */
static struct str presentable(struct str s)
{
	s = str_trim_lines(s);
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != '\t') ||
			s.p[i] == 0x7f)
			return S("");
	if (str_find_str(s, S("Signature=")) < s.n || str_find_str(s, S("Authorization=")) < s.n ||
		utf8_check(s) < s.n)
		return S("");
	return str_sub(s, 0, str_ends(s, S(".")) ? s.n - 1 : s.n);
}

static struct str first_line(struct str s)
{
	s = str_trim_lines(s);
	s = str_trim_lines(str_sub(s, 0, str_find(s, '\n')));
	return str_sub(s, 0, str_ends(s, S(".")) ? s.n - 1 : s.n);
}

/* Its lines in one, with a space between them. */
static void put_joined(struct buf *b, struct str s)
{
	bool blank = false;
	for (size_t i = 0; i < s.n; i++) {
		bool is_blank = s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == '\t';
		if (!is_blank)
			buf_put_char(b, s.p[i]);
		else if (!blank)
			buf_put_char(b, ' ');
		blank = is_blank;
	}
}

static struct str string_or_empty(struct json v, struct arena *arena)
{
	struct str s;
	return json_string(&s, v, arena) == OK ? s : S("");
}

static void read_refusal(
	struct str *type, struct str *message, struct str body, struct arena *arena)
{
	struct json json;
	size_t position;
	*type = *message = S("");
	body = str_trim_lines(body);
	if (str_starts(body, S("<"))) {
		*type = xml_text(body, S("Code"), arena);
		*message = xml_text(body, S("Message"), arena);
		return;
	}
	if (json_check(&json, &position, body) != OK) {
		/* Cut JSON would only puzzle. */
		if (body.n && body.p[0] != '{')
			*message = cut(first_line(body), PLAIN_MAX);
		return;
	}
	struct str text = S("");
	for (struct json_walk w = json_walk(json); json_next(&w);) {
		if (json_is(w.key, S("__type")))
			*type = string_or_empty(w.value, arena);
		else if (aws_name_listed(S("\"message\",\"Message\",\"errorMessage\""), w.key.text))
			text = string_or_empty(w.value, arena);
	}
	*message = text;
}

enum refusal refusal_read(char name[static REFUSAL_NAME_MAX], struct fault *f, int status,
	const struct http_head *head, struct str body, struct str action)
{
	char memory[REFUSAL_BODY_MAX];
	struct arena arena = { memory, 0, sizeof(memory) };
	struct str type, message;
	read_refusal(&type, &message, body, &arena);
	struct str field = head ? http_field_get(head, S("x-amzn-errortype")) : S("");
	if (field.n)
		type = field;
	type = str_sub(type, 0, str_find(type, ':'));
	size_t namespace = str_find(type, '#');
	if (namespace < type.n)
		type = str_skip(type, namespace + 1);
	aws_name_copy(name, REFUSAL_NAME_MAX, type);
	enum refusal refusal = refusal_of(str_c(name));
	if (refusal == REFUSAL_OTHER && status == 429)
		refusal = REFUSAL_THROTTLED;

	/* What follows the first line of these quotes the request, the session token included. */
	if (refusal == REFUSAL_SIGNATURE || refusal == REFUSAL_CLOCK ||
		str_find_str(message, S("x-amz-security-token")) < message.n)
		message = first_line(message);
	struct str whole = presentable(message);
	message = cut(whole.n ? whole : presentable(first_line(message)), REFUSAL_MESSAGE_MAX);
	char text_memory[FAULT_TEXT_MAX];
	struct buf text = BUF(text_memory);
	if (*name)
		buf_put(&text, str_c(name));
	else
		buf_format(&text, "answered %d", NUM(status));
	if (message.n)
		buf_put(&text, S(": "));
	put_joined(&text, message);
	put_hint(&text, status, refusal, action);
	check(!text.full);
	fault_set(f, E_REFUSED, 0, "%s", buf_str(&text));
	return refusal;
}

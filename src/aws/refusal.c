#include "aws/refusal.h"

#include "aws/names.h"
#include "codec/json_read.h"
#include "codec/utf8.h"
#include "codec/xml.h"

enum {
	DECODED_MAX = 2048, /* memory for a message with escapes in it */
	PLAIN_MAX = 120,    /* of a body that is plain text */
	HINT_MAX = 80,
};

static void put_hint(struct buf *b, int status, struct str name, struct str action)
{
	if (!action.n)
		name = S("");
	if (aws_name_listed(S("AccessDeniedException,AccessDenied"), name))
		buf_format(b, "; the gateway's role needs %s on it", action);
	else if (status == 404 && aws_name_listed(S("ResourceNotFoundException"), name))
		buf_put(b, S("; check its name, region and alias"));
	else if (aws_name_listed(S("UnrecognizedClientException,InvalidClientTokenId"), name))
		buf_put(b, S("; AWS does not know the gateway's access key"));
	else if (aws_name_listed(S("InvalidSignatureException,SignatureDoesNotMatch"), name))
		buf_put(b, S("; check the gateway's secret access key and clock"));
	else if (aws_name_listed(S("ExpiredTokenException,ExpiredToken"), name))
		buf_put(b, S("; the gateway's credentials have expired"));
	else if (status / 100 == 3)
		buf_put(b, S("; redirects are not followed; is AWS_ENDPOINT_URL right?"));
	else if (status == 413)
		buf_put(b, S("; the request is larger than Lambda takes"));
	else if (status == 429)
		buf_put(b, S("; it is being throttled"));
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

/* The first line, without its full stop, if it is fit for people. */
static struct str presentable(struct str s)
{
	s = str_trim_lines(s);
	s = str_trim_lines(str_sub(s, 0, str_find(s, '\n')));
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return S("");
	if (str_find_str(s, S("Signature=")) < s.n || str_find_str(s, S("Authorization=")) < s.n || utf8_check(s) < s.n)
		return S("");
	return str_sub(s, 0, str_ends(s, S(".")) ? s.n - 1 : s.n);
}

static struct str string_or_empty(struct json v, struct arena *arena)
{
	struct str s;
	return json_string(&s, v, arena) == OK ? s : S("");
}

static void read_body(struct str *type, struct str *message, struct str body, struct arena *arena)
{
	struct json json;
	size_t position;
	*type = *message = S("");
	body = str_trim_lines(body);
	if (str_starts(body, S("<"))) {
		*type = xml_text(body, S("Code"), arena);
		*message = presentable(xml_text(body, S("Message"), arena));
		return;
	}
	if (json_check(&json, &position, body) != OK) {
		/* Cut JSON would only puzzle. */
		if (body.n && body.p[0] != '{')
			*message = cut(presentable(body), PLAIN_MAX);
		return;
	}
	struct str text = S("");
	for (struct json_walk w = json_walk(json); json_next(&w);) {
		if (json_is(w.key, S("__type")))
			*type = string_or_empty(w.value, arena);
		else if (aws_name_listed(S("\"message\",\"Message\",\"errorMessage\""), w.key.text))
			text = string_or_empty(w.value, arena);
	}
	*message = presentable(text);
}

void refusal_read(char name[static REFUSAL_NAME_MAX], struct fault *f, int status, const struct http_head *head, struct str body,
                  struct str action)
{
	char memory[DECODED_MAX];
	struct arena arena = { memory, 0, sizeof(memory) };
	struct str type, message;
	read_body(&type, &message, body, &arena);
	struct str field = head ? http_field_get(head, S("x-amzn-errortype")) : S("");
	if (field.n)
		type = field;
	type = str_sub(type, 0, str_find(type, ':'));
	size_t namespace = str_find(type, '#');
	if (namespace < type.n)
		type = str_skip(type, namespace + 1);
	aws_name_copy(name, REFUSAL_NAME_MAX, type);

	char lead_memory[REFUSAL_NAME_MAX], hint_memory[HINT_MAX];
	struct buf lead = BUF(lead_memory), hint = BUF(hint_memory);
	if (*name)
		buf_put(&lead, str_c(name));
	else
		buf_format(&lead, "answered %d", NUM(status));
	put_hint(&hint, status, str_c(name), action);
	message = cut(message, sizeof(f->text) - lead.n - hint.n - 2);
	fault_set(f, E_REFUSED, 0, message.n ? "%s: %s%s" : "%s%s%s", buf_str(&lead), message, buf_str(&hint));
}

#include "aws/secrets.h"

#include "aws/names.h"
#include "codec/base64.h"
#include "codec/json_read.h"
#include "codec/json_write.h"

enum { PAYLOAD_MAX = 16 * 1024 };

enum err aws_secret_read(struct str *out, struct str answer, struct str key, struct arena *scratch, struct fault *f)
{
	struct json v;
	size_t position;
	if (json_check(&v, &position, answer) != OK)
		return fault_set(f, E_SYNTAX, 0, "the answer is not JSON");
	struct json text = json_member(json_member(v, S("Parameter")), S("Value"));
	if (json_type(text) == JSON_ABSENT)
		text = json_member(v, S("SecretString"));
	bool binary = json_type(text) != JSON_STRING;
	if (binary)
		text = json_member(v, S("SecretBinary"));
	enum err e = json_string(out, text, scratch);
	if (e == OK && binary) {
		struct buf b = arena_buf(scratch, BASE64_DECODED_MAX(out->n));
		e = base64_decode(&b, *out);
		*out = buf_str(&b);
	}
	if (e != OK)
		return fault_set(f, e, 0, e == E_LIMIT ? "it is too large for a secret" : "the answer holds no text");
	bool object = json_check(&v, &position, *out) == OK && json_type(v) == JSON_OBJECT;
	if (!key.n)
		return object ? fault_set(f, E_CONFIG, 0, "it is a JSON object; the #KEY in secretsmanager:ID#KEY names what counts of it") : OK;
	e = object ? json_string(out, json_member(v, key), scratch) : E_SYNTAX;
	return e == OK ? OK : fault_set(f, E_CONFIG, 0, "it is no JSON object with a string % in it", str_sub(key, 0, 60));
}

/* With the keys of the moment; once more when AWS says that these are no good and others can be had. */
static enum err ask(struct aws_answer *out, struct credential_chain *chain, struct aws_call *call, struct arena *scratch,
                    struct deadline *d, struct fault *f)
{
	size_t before = scratch->n;
	for (bool first = true;; first = false) {
		enum err e = credentials_hold(&call->keys, chain, d, f);
		if (e != OK)
			return e;
		scratch->n = before;
		e = aws_call(out, chain->client, call, scratch, d, f);
		bool again = first && e == E_REFUSED &&
			aws_name_listed(S("ExpiredTokenException,ExpiredToken,UnrecognizedClientException,InvalidClientTokenId"), str_c(out->error_name)) &&
			credentials_reject(chain, call->keys);
		credentials_release(chain, call->keys);
		if (!again)
			return e;
	}
}

/* One version; of a parameter there is none to choose. */
static enum err fetch(struct aws_answer *out, struct credential_chain *chain, enum aws_service service, struct str region,
                      struct str name, struct str stage, struct arena *scratch, struct deadline *d, struct fault *f)
{
	bool parameter = service == AWS_SSM;
	struct buf payload = arena_buf(scratch, PAYLOAD_MAX);
	struct json_writer w = json_writer(&payload);
	json_open(&w, '{');
	json_field(&w, parameter ? S("Name") : S("SecretId"), name);
	json_key(&w, parameter ? S("WithDecryption") : S("VersionStage"));
	if (parameter)
		json_put_bool(&w, true);
	else
		json_put_string(&w, stage);
	json_close(&w, '}');
	if (payload.full)
		return fault_set(f, E_LIMIT, 0, "that name is too long");
	const struct sigv4_header fields[] = {
		{ S("content-type"), S("application/x-amz-json-1.1") },
		{ S("x-amz-target"), parameter ? S("AmazonSSM.GetParameter") : S("secretsmanager.GetSecretValue") },
	};
	struct aws_call call = {
		.service = service, .region = region, .path = S("/"), .fields = fields, .fields_count = countof(fields), .payload = buf_str(&payload),
		.action = parameter ? S("ssm:GetParameter and kms:Decrypt") : S("secretsmanager:GetSecretValue"),
	};
	return ask(out, chain, &call, scratch, d, f);
}

/* arn:partition:service:region:account:... */
static struct str region_of(struct str name, struct str own)
{
	struct str part = own, rest = name;
	for (int i = 0; str_starts(name, S("arn:")) && i < 4; i++)
		str_cut(&part, &rest, rest, ':');
	return part;
}

static enum err fetch_all(struct buf *out, struct credential_chain *chain, enum aws_service service, struct str name, struct str key,
                          struct arena *scratch, struct deadline *d, struct fault *f)
{
	struct aws_answer answer;
	struct str text, region = region_of(name, chain->client->region);
	if (!aws_region_ok(region))
		return fault_set(f, E_CONFIG, 0, "no region to ask in; set AWS_REGION, or give its ARN");
	enum err e = fetch(&answer, chain, service, region, name, S("AWSCURRENT"), scratch, d, f);
	if (e == OK)
		e = aws_secret_read(&text, answer.body, key, scratch, f);
	if (e != OK)
		return e;
	buf_put(out, text);
	if (service == AWS_SECRETS_MANAGER) {
		e = fetch(&answer, chain, service, region, name, S("AWSPREVIOUS"), scratch, d, f);
		if (e == OK && aws_secret_read(&text, answer.body, key, scratch, f) == OK)
			buf_format(out, "\n%", text);
		/* Before the first rotation there is none. */
		if (e == E_REFUSED && str_eq(str_c(answer.error_name), S("ResourceNotFoundException")))
			e = OK;
	}
	return e == OK && out->full ? fault_set(f, E_LIMIT, 0, "it is too large for a secret") : e;
}

enum err aws_secret_fetch(struct buf *out, struct credential_chain *chain, enum aws_service service, struct str name,
                          struct arena *scratch, struct deadline *d, struct fault *f)
{
	struct str id, key;
	str_cut(&id, &key, name, '#');
	enum err e = fetch_all(out, chain, service, id, key, scratch, d, f);
	return e == OK ? OK : fault_set(f, e, 0, "%:%: %", aws_service_name(service), str_sub(name, 0, 60), fault_text(f));
}

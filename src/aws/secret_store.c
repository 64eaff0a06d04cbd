#include "aws/secret_store.h"

#include "aws/names.h"
#include "codec/base64.h"
#include "codec/json_read.h"

enum err secret_store_read(
	struct str *out, struct str answer, struct str key, struct arena *scratch, struct fault *f)
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
		return fault_set(
			f, e, 0, e == E_LIMIT ? "it is too large for a secret" : "the answer holds no text");
	bool object = json_check(&v, &position, *out) == OK && json_type(v) == JSON_OBJECT;
	if (!key.n)
		return object
			? fault_set(f, E_CONFIG, 0,
				  "it is a JSON object; name its member, as in secretsmanager:ID#KEY")
			: OK;
	e = object ? json_string(out, json_member(v, key), scratch) : E_SYNTAX;
	return e == OK ? OK
				   : fault_set(f, E_CONFIG, 0, "it is not a JSON object with a string %s",
						 str_sub(key, 0, 60));
}

struct wanted {
	struct credential_chain *chain;
	enum aws_service service;
	struct str region, id, key;
	struct arena *scratch;
};

/* Appends one version and a line end. */
static enum err fetch(
	struct buf *out, const struct wanted *w, bool previous, struct deadline *d, struct fault *f)
{
	struct aws_answer answer;
	struct str text;
	char memory[SECRET_STORE_NAME_MAX + 64];
	struct buf payload = BUF(memory);
	bool parameter = w->service == AWS_SSM;
	if (parameter)
		buf_format(&payload, "{\"Name\":\"%s\",\"WithDecryption\":true}", w->id);
	else
		buf_format(&payload, "{\"SecretId\":\"%s\",\"VersionStage\":\"%s\"}", w->id,
			previous ? S("AWSPREVIOUS") : S("AWSCURRENT"));
	check(!payload.full);
	const struct http_field fields[] = {
		{ S("content-type"), S("application/x-amz-json-1.1") },
		{ S("x-amz-target"),
			parameter ? S("AmazonSSM.GetParameter") : S("secretsmanager.GetSecretValue") },
	};
	struct aws_call call = {
		.service = w->service,
		.post = {
			.chain = w->chain, .region = w->region, .path = S("/"), .fields = fields,
			.fields_count = countof(fields), .payload = buf_str(&payload),
		},
		.action = parameter ? S("ssm:GetParameter and kms:Decrypt")
							: S("secretsmanager:GetSecretValue"),
	};
	enum err e = aws_call(&answer, w->chain->aws, &call, w->scratch, d, f);
	/* Before the first rotation there is none. */
	if (previous && e == E_REFUSED &&
		str_eq(str_c(answer.error_name), S("ResourceNotFoundException")))
		return OK;
	if (e == OK)
		e = secret_store_read(&text, answer.body, w->key, w->scratch, f);
	if (e == OK)
		buf_format(out, "%s\n", text);
	/* Of the previous one that may be an older form. */
	return previous && e == E_CONFIG ? OK : e;
}

enum err secret_store_fetch(struct buf *out, struct credential_chain *chain,
	enum aws_service service, struct str name, struct arena *scratch, struct deadline *d,
	struct fault *f)
{
	struct wanted w = { .chain = chain, .service = service, .scratch = scratch };
	str_cut(&w.id, &w.key, name, '#');
	w.region = str_starts(w.id, S("arn:")) ? aws_arn_region(w.id) : chain->aws->region;
	if (!aws_region_ok(w.region))
		return fault_set(f, E_CONFIG, 0, "no region to ask in; set AWS_REGION, or give its ARN");
	enum err e = fetch(out, &w, false, d, f);
	return e == OK && service == AWS_SECRETS_MANAGER ? fetch(out, &w, true, d, f) : e;
}

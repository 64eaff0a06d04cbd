/* secret_store.h - secrets that AWS keeps: parameters of Systems Manager, secrets of Secrets
 * Manager.
 *
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */
#ifndef AWS_SECRET_STORE_H
#define AWS_SECRET_STORE_H

#include "aws/call.h"
#include "aws/credential_chain.h"

enum {
	SECRET_STORE_NAME_MAX = 2048, /* of an ARN; parameters have 1,011 bytes, secrets 512 */
	/* For a call's answer and once more with other keys, the same for the previous version, and
	   what is decoded. */
	SECRET_STORE_SCRATCH = 7 * AWS_CALL_ANSWER_MAX,
};

/* Appends the text of `name` and a line end. For AWS_SSM that is a parameter, decrypted; for
 * AWS_SECRETS_MANAGER a secret's current version, then its previous one if there is one. With
 * ID#KEY the texts are JSON objects, and that member counts; a previous version without it is
 * passed over. Overflow shows in `out`. A name that is an ARN is asked for in the ARN's region.
 * `name` has at most SECRET_STORE_NAME_MAX bytes of visible ASCII, without '"' or '\\' before the
 * '#'. `scratch` has SECRET_STORE_SCRATCH bytes, which the caller wipes. E_CONFIG: no region, no
 * such member; else as credentials_hold, aws_call and secret_store_read. The text says which
 * permissions it takes. */
must_check enum err secret_store_fetch(struct buf *out, struct credential_chain *chain,
	enum aws_service service, struct str name, struct arena *scratch, struct deadline *d,
	struct fault *f);

/* Reads an answer of GetParameter or GetSecretValue: its text, or the decoded bytes; with a key,
 * the string of that name in the JSON object that it is. A view into the answer or into `scratch`.
 * E_SYNTAX, E_CONFIG, E_LIMIT; nothing of the text enters the message. */
must_check enum err secret_store_read(
	struct str *out, struct str answer, struct str key, struct arena *scratch, struct fault *f);

#endif

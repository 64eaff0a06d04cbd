/* names.h - what may be called a region or a function before it gets near a host name or a path.
 *
 * Both come from the path of a request. The forms are those of the Invoke API
 * (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html); nothing here asks whether the
 * thing exists. */
#ifndef AWS_NAMES_H
#define AWS_NAMES_H

#include "base/str.h"

enum {
	AWS_REGION_MAX = 32,    /* ours; the longest one there is has 15 bytes */
	AWS_FUNCTION_MAX = 256, /* of a whole reference */
	AWS_NAME_MAX = 140,
	AWS_QUALIFIER_MAX = 128,
};

/* Whether `region` looks like an AWS region: two to four letters, one or more words, a number of
 * one or two digits, joined by '-' (eu-west-1, us-gov-east-1, eusc-de-east-1), all in lower case.
 */
bool aws_region_ok(struct str region);

/* Whether `function` has one of the forms that the Invoke API takes: name, name:qualifier,
 * account:function:name, account:name, region:account:function:name, or a full ARN, each with an
 * optional qualifier (alias, version, $LATEST, $LATEST.PUBLISHED). If it names a region, that must
 * be `region`. The names "." and "..", which the API's own pattern admits, are not: they would walk
 * up the path. `function` is decoded text. */
bool aws_function_ok(struct str function, struct str region);

/* The region inside a function reference that names one (an ARN, region:account:...), else empty.
 */
struct str aws_function_region(struct str function);

/* The plain name inside any form of a valid reference, without account, region and qualifier; else
 * empty. */
struct str aws_function_name(struct str function);

/* The account inside the name of a target that holds one: any ARN, or a function reference. Else
 * empty. */
struct str aws_account(struct str target);

/* What stands where an ARN has its region; empty if nothing does. */
struct str aws_arn_region(struct str arn);

/* Copies what AWS sent as the name or id of something, so that it can go anywhere: its leading
 * letters, digits, '-', '_' and '.', cut to what fits, to `out`, NUL-terminated. */
void aws_name_copy(char *out, size_t cap, struct str name);

/* Whether `name` is one of `names`, which stand in a row with commas between them. */
bool aws_name_listed(struct str names, struct str name);

#endif

/* names.h - what may be called a region or a function before it gets near a host name or a path. */
#ifndef AWS_NAMES_H
#define AWS_NAMES_H

#include "base/str.h"

/* Whether `region` looks like an AWS region: two to four letters, one or more words, a number of one or two
 * digits, joined by '-' (eu-west-1, us-gov-east-1, eusc-de-east-1). Says nothing about its existence. */
bool aws_region_ok(struct str region);

/* Whether `function` has one of the forms that the Invoke API takes: name, name:qualifier,
 * account:function:name, account:name, region:account:function:name, or a full ARN, each with an optional
 * qualifier (alias, version, $LATEST, $LATEST.PUBLISHED); at most 256 bytes, a name at most 140, an alias at most 128. If it
 * names a region, that must be `region`. `function` is decoded text. */
bool aws_function_ok(struct str function, struct str region);

/* The region inside a function reference that names one (an ARN, region:account:...), else empty. */
struct str aws_function_region(struct str function);

/* The plain name inside any form of a valid reference, without account, region and qualifier. */
struct str aws_function_name(struct str function);

#endif

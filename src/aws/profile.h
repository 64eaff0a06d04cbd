/* profile.h - the two files that the AWS SDKs and tools share, read in place.
 *
 * ~/.aws/config has sections [default], [profile name] and [services name], ~/.aws/credentials has [name]
 * (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html). A section has lines `key = value`; those below a key
 * without a value, and further to the right than it, are settings inside it. A line that is further to the right than
 * a key with a value goes on with that value; not behind a comment. Lines may end in CR LF. Lines that begin with # or ; are comments, and so
 * is what follows a value, a blank and one of these. Keys have no case. Sections of the same name are one, the
 * last line for a key counts, and an empty value is as good as none.
 *
 * A text is checked whole first, then each look-up walks through it: the files are small and few things are looked up. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/fault.h"

struct profile_files {
	struct str config, credentials; /* texts that passed profile_check; empty if there is no such file */
};

/* Whether `text` can be read. E_CONFIG names the line; `file` is what the text is called in the message. */
must_check enum err profile_check(struct str text, struct str file, struct fault *f);

/* Whether one of the files has a section for `profile`. */
bool profile_exists(const struct profile_files *files, struct str profile);

/* The value of a key of a profile, as a view into the texts; empty if there is none. What the credentials file says comes
 * before what the other one says. A value that goes on in further lines has their line ends and indentation in it. */
struct str profile_get(const struct profile_files *files, struct str profile, struct str key);

/* The value of a key inside `service` in [services NAME]; empty if there is none. */
struct str profile_service_get(const struct profile_files *files, struct str name, struct str service, struct str key);

/* The profile that AWS_PROFILE names, or else "default". */
struct profile_in_use {
	struct profile_files files;
	struct str name;
	bool named; /* by a variable: then it must be there */
};

#endif

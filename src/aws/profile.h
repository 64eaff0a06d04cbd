/* profile.h - the two files that the AWS SDKs and tools share, read in place.
 *
 * ~/.aws/config has sections [default], [profile name] and [services name]; ~/.aws/credentials has
 * [name].
 * https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 *
 * A section has lines `key = value` or `key: value`. Lines below a key without a value, and
 * indented further than it, are settings inside it. A line that is indented further than a key with
 * a value continues that value, unless a comment came between. Lines may end in CR LF, and a file
 * may begin with a byte order mark. Lines that begin with # or ; are comments, and so is what
 * follows a value, a blank and one of these. Case of keys does not matter. Of several sections of
 * one name the last one counts, whole; [default] and [profile default] are one name. Of several
 * lines for one key the last counts. An empty value counts as none.
 *
 * Any other line is passed over, unless it is in the section of a profile that is used. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/fault.h"

/* Texts; empty if there is no such file. */
struct profile_files {
	struct str config, credentials;
	struct str config_path, credentials_path; /* for messages; empty for the usual ones */
};

/* What a file says of a profile: a view into its text. */
struct profile_section {
	bool exists;
	struct str body;  /* the lines below its header */
	size_t line;      /* number of the first of them */
	size_t bad_line;  /* the first unreadable one that may concern this profile; 0 for none */
};

struct profile {
	struct str name;
	const struct profile_files *files;
	struct profile_section config, credentials;
	struct profile_section services; /* [services NAME], if it names one */
};

/* `files` is borrowed by `out`. */
void profile_find(struct profile *out, const struct profile_files *files, struct str name);

static inline bool profile_exists(const struct profile *p)
{
	return p->config.exists || p->credentials.exists;
}

/* Whether all of it can be read. E_FILE names the file and the line. */
must_check enum err profile_check(const struct profile *p, struct fault *f);

/* The value of a key, as a view into the texts; empty if there is none. What the credentials file
 * says comes before what the other one says. A value that goes on in further lines has their line
 * ends and indentation in it. */
struct str profile_get(const struct profile *p, struct str key);

/* The same in one file. */
struct str profile_section_get(const struct profile_section *s, struct str key);

/* The value of a key inside `service` in the section of services that the profile names; empty if
 * there is none. */
struct str profile_service_get(const struct profile *p, struct str service, struct str key);

/* How many lines of a file are none of the above. *first is the number of the first. */
size_t profile_bad_lines(size_t *first, struct str text);

#endif

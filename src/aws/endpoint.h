/* endpoint.h - where a service of AWS is reached: partitions, and the overrides that the SDKs know. Pure. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "base/fault.h"

enum { ENDPOINT_URL_MAX = 512 };

struct endpoint {
	bool secure;
	uint16_t port;
	struct str host;       /* lower case, an address without brackets; views into `memory`, so an endpoint is not */
	struct str authority;  /* copied by assignment. For the Host field: with the port unless it is the scheme's own */
	struct str base_path;  /* of an override, without a trailing '/'; usually empty */
	char memory[ENDPOINT_URL_MAX];
};

/* The endpoint of `service` ("lambda") in `region` (must pass aws_region_ok), by partition. A region of no
 * pattern that is known belongs to the partition aws, as in the SDKs: new ones appear every year. */
void endpoint_of_service(struct endpoint *out, struct str service, struct str region);

/* From a URL: http or https, host name or address (IPv6 in brackets), optional port and path; no user
 * information ('@' anywhere), query or fragment. E_CONFIG with a text that says what is wrong and what is allowed, to stand behind
 * the name of the setting; the URL is not in it. */
must_check enum err endpoint_from_url(struct endpoint *out, struct str url, struct fault *f);

#endif

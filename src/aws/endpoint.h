/* endpoint.h - where a service of AWS is reached: partitions, and the overrides that the SDKs know.
 * Pure. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "aws/profile.h"
#include "base/environment.h"
#include "base/fault.h"

enum { ENDPOINT_URL_MAX = 512 };

struct endpoint {
	bool secure;
	uint16_t port;
	struct str host; /* lower case, an address without brackets; views into `memory`, so an endpoint
						is not */
	struct str authority;  /* copied by assignment. For the Host field: with the port unless it is
							  the scheme's own */
	struct str base_path;  /* of an override, without a trailing '/'; usually empty */
	char memory[ENDPOINT_URL_MAX];
};

/* The services that are asked for something. */
enum aws_service {
	AWS_LAMBDA,
	AWS_STS,
	AWS_SSM,
	AWS_SECRETS_MANAGER,
	AWS_ROLES_ANYWHERE,
	AWS_SERVICES
};

/* The name that `service` has in host names and signatures ("lambda"). */
struct str aws_service_name(enum aws_service service);

/* The settings that apply; zeroed: none. */
struct endpoints {
	bool fips, dual_stack;
	bool sts_legacy; /* AWS_STS_REGIONAL_ENDPOINTS=legacy */
	struct str urls[AWS_SERVICES]; /* overrides; empty if none */
};

/* Reads AWS_ENDPOINT_URL_LAMBDA and its like for the other services, AWS_ENDPOINT_URL,
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and
 * AWS_STS_REGIONAL_ENDPOINTS, and what `profile` (NULL: none) says about these. Views into both.
 * E_CONFIG, also for FIPS or dual stack together with an override: nobody could say whether that is
 * such an endpoint. */
must_check enum err endpoints_read(struct endpoints *out, const struct environment *env,
	const struct profile *profile, struct fault *f);

/* Takes the mark of FIPS off a region such as fips-us-east-1 or us-east-1-fips, which means the
 * region without it and AWS_USE_FIPS_ENDPOINT. E_CONFIG together with an override. */
must_check enum err endpoints_take_region(struct endpoints *e, struct str *region, struct fault *f);

/* Whether STS for that region is the original global endpoint, signed as us-east-1. */
bool endpoints_sts_is_global(const struct endpoints *e, struct str region);

/* The endpoint of `service` in `region` (must pass aws_region_ok): its override, else by partition.
 * A region that fits no known pattern belongs to the partition aws, as in the SDKs, because new
 * regions appear every year. */
void endpoint_get(struct endpoint *out, const struct endpoints *endpoints, enum aws_service service,
	struct str region);

/* Whether it lies outside AWS's own domains, such as an emulator or a proxy. */
bool endpoint_is_foreign(const struct endpoint *e);

/* From a URL: http or https, host name or address (IPv6 in brackets), optional port and path; no
 * user information ('@' anywhere), query or fragment. E_CONFIG with a text that says what is wrong
 * and what is allowed, to stand behind the name of the setting; the URL is not in it. */
must_check enum err endpoint_from_url(struct endpoint *out, struct str url, struct fault *f);

#endif

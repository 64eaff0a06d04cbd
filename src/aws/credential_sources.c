#include "aws/credential_sources.h"

enum err credential_sources_fetch(
	struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	static enum err (*const sources[])(
		struct credential_set *, struct credential_chain *, struct deadline *, struct fault *) = {
		roles_anywhere_fetch,
		named_profile_fetch,
		web_identity_fetch,
		default_profile_fetch,
		container_fetch,
		instance_metadata_fetch,
	};
	enum err e = E_MORE;
	size_t i = 0;
	/* Without a deadline nobody is asked, and all that the last one can do is ask. */
	while (e == E_MORE && i < countof(sources) - !d)
		e = sources[i++](out, c, d, f);
	if (!d)
		return e == E_MORE || e == E_TIMEOUT ? OK : e;
	/* The last one is asked when nothing is configured. */
	if (e != OK && i == countof(sources))
		e = fault_set(f, E_CONFIG, 0,
			"there are no AWS credentials: none in the environment (AWS_ACCESS_KEY_ID, "
			"AWS_SECRET_ACCESS_KEY), "
			"no web identity, profile or container; %s",
			fault_text(f));
	return e;
}

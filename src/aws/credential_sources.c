#include "aws/credential_sources.h"

enum err credential_sources_fetch(struct credential_set *out, struct credential_chain *c, struct deadline *d, struct fault *f)
{
	static enum err (*const sources[])(struct credential_set *, struct credential_chain *, struct deadline *, struct fault *) = {
		container_fetch, instance_metadata_fetch,
	};
	enum err e = E_MORE;
	for (size_t i = 0; e == E_MORE && i < countof(sources); i++)
		e = sources[i](out, c, d, f);
	if (e == E_MORE)
		e = fault_set(f, E_CONFIG, 0, "there are no AWS credentials: nothing in the environment (AWS_ACCESS_KEY_ID and "
			"AWS_SECRET_ACCESS_KEY), no web identity, profile or container, and no EC2 instance metadata");
	return e;
}

#include "net/place.h"

#include "net/listen.h"

/* Octal, up to 777. */
static bool parse_mode(int *out, struct str text)
{
	*out = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		*out = *out * 8 + (text.p[i] - '0');
		if (*out > 0777)
			return false;
	}
	return text.n > 0;
}

enum err place_parse(struct place *out, struct str text, struct fault *f)
{
	struct str option, rest = text, name, value;
	*out = (struct place){ .address = text, .mode = -1 };
	if (!str_starts(text, S("unix:")))
		return listen_check(text, f);
	str_next(&out->address, &rest, ',');
	while (rest.n) {
		str_next(&option, &rest, ',');
		str_cut(&name, &value, option, '=');
		if (str_eq(name, S("group")) && value.n)
			out->group = value;
		else if (!str_eq(name, S("mode")) || !parse_mode(&out->mode, value))
			return fault_set(f, E_CONFIG, 0,
				"cannot listen on %s: only ,mode=0660 (octal) and ,group=NAME may follow the path "
				"of a unix socket",
				str_sub(text, 0, 100));
	}
	return listen_check(out->address, f);
}

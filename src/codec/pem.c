#include "codec/pem.h"

#include "codec/base64.h"

/* Whether only blanks follow the last line end of `before`. */
static bool at_line_start(struct str before)
{
	size_t n = before.n;
	while (n > 0 && (before.p[n - 1] == ' ' || before.p[n - 1] == '\t'))
		n--;
	return n == 0 || before.p[n - 1] == '\n';
}

/* Takes the line off *text, which begins with `mark`; *label is what stands between it and five
 * dashes. */
static bool take_boundary(struct str *label, struct str *text, struct str mark)
{
	struct str line, dashes = S("-----");
	str_next(&line, text, '\n');
	line = str_trim_lines(line);
	if (!str_starts(line, mark) || !str_ends(line, dashes) || line.n <= mark.n + dashes.n)
		return false;
	*label = str_sub(line, mark.n, line.n - dashes.n);
	return true;
}

static enum err decode(struct buf *der, struct str body)
{
	if (der->n == der->cap)
		return E_LIMIT;
	/* The digits are gathered where the bytes will be, and decoded in place. */
	struct buf digits = { der->p + der->n, 0, der->cap - der->n, false };
	while (body.n > 0) {
		struct str line;
		str_next(&line, &body, '\n');
		buf_put(&digits, str_trim_lines(line));
	}
	if (digits.full)
		return E_LIMIT;
	return digits.n > 0 ? base64_decode(der, buf_str(&digits)) : E_SYNTAX;
}

enum err pem_next(struct str *label, struct buf *der, struct str *text)
{
	struct str begin = S("-----BEGIN "), end = S("-----END "), opened, closed;
	size_t at = str_find_str(*text, begin);
	struct str before = str_sub(*text, 0, at), rest = str_skip(*text, at);
	size_t stray = str_find_str(before, end);
	*label = (struct str){ NULL, 0 };
	*text = str_skip(*text, stray);
	if (stray < before.n)
		return E_SYNTAX;
	if (rest.n == 0)
		return OK;
	if (!at_line_start(before) || !take_boundary(&opened, &rest, begin))
		return E_SYNTAX;

	struct str body = str_sub(rest, 0, str_find_str(rest, S("-----")));
	rest = str_skip(rest, body.n);
	if (!at_line_start(body) || !take_boundary(&closed, &rest, end) || !str_eq(opened, closed))
		return E_SYNTAX;
	enum err e = decode(der, body);
	if (e != OK)
		return e;
	*label = opened;
	*text = rest;
	return OK;
}

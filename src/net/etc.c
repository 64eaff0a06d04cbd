#include "net/etc.h"

#include "net/dns.h"
#include "os/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 }; /* lists of hosts to be blocked are long */

/* ---- files of words ---- */

enum token { WORD, LINE_END, FILE_END };

struct reader {
	struct str text, rest;
	unsigned line;
	struct str word;
};

/* What is not there says nothing. */
static enum err reader_open(struct reader *r, const char *path, struct fault *f)
{
	*r = (struct reader){ .line = 1 };
	enum err e = file_load(NULL, &r->text, str_c(path), FILE_MAX, f);
	r->rest = r->text;
	return e != OK && f->sys == ENOENT ? OK : e;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static void skip_comment(struct reader *r)
{
	r->rest = str_skip(r->rest, str_find(r->rest, '\n'));
}

/* The next word of the line, or its end. A comment begins at any of `comment` in front of a word.
 */
static enum token next(struct reader *r, struct str comment)
{
	size_t n = 0;
	while (r->rest.n && is_blank(*r->rest.p))
		r->rest = str_skip(r->rest, 1);
	if (r->rest.n && str_find(comment, *r->rest.p) < comment.n)
		skip_comment(r);
	while (n < r->rest.n && r->rest.p[n] != '\n' && !is_blank(r->rest.p[n]))
		n++;
	r->word = str_sub(r->rest, 0, n);
	bool ends = n == 0 && r->rest.n > 0;
	enum token t = n ? WORD : ends ? LINE_END : FILE_END;
	r->line += ends;
	r->rest = str_skip(r->rest, n + ends);
	return t;
}

/* ---- hosts ---- */

/* A '#' ends the line, even inside of a word. */
static enum token next_of_host(struct reader *r, struct str *w)
{
	enum token t = next(r, S("#"));
	*w = r->word;
	if (t == WORD && str_find(*w, '#') < w->n) {
		*w = str_sub(*w, 0, str_find(*w, '#'));
		skip_comment(r);
	}
	return t;
}

enum err etc_find_host(
	struct addresses *out, const char *path, struct str name, struct fault *f)
{
	struct reader r;
	struct address a;
	struct str w;
	enum token t;
	enum err e = reader_open(&r, path, f);
	while ((t = next_of_host(&r, &w)) != FILE_END) {
		bool usable = t == WORD && address_parse(&a, w), named = false;
		while (t == WORD && (t = next_of_host(&r, &w)) == WORD)
			named = named || str_eq_nocase(w, name);
		if (usable && named)
			addresses_add(out, a);
	}
	file_unload(NULL, r.text);
	return e;
}

/* ---- resolv.conf ---- */

struct conf_reader {
	struct reader r;
	struct resolv_conf *conf;
	struct buf skipped;
	struct str variable; /* that is read instead of a line; or empty */
	bool names_server; /* a line does, usable or not */
};

static enum token next_of_conf(struct conf_reader *c)
{
	return next(&c->r, S("#;"));
}

static void skip_line(struct conf_reader *c, struct str why)
{
	buf_format(&c->skipped, "%s%s%s: %s", c->skipped.n ? S("; ") : S(""),
		c->variable.n ? c->variable : S("line "), c->variable.n ? S("") : DIGITS(c->r.line), why);
}

static void take_server(struct conf_reader *c, struct str text)
{
	struct address a;
	c->names_server = true;
	if (c->conf->servers.count == ETC_SERVERS_MAX)
		skip_line(c, S("more than three name servers"));
	else if (address_parse_scoped(&a, text))
		addresses_add(&c->conf->servers, a);
	else
		skip_line(c,
			str_find(text, '%') < text.n ? S("not an address on an interface of this machine")
										 : S("not an address"));
}

/* Appends a domain to the search list. */
static void take_domain(struct conf_reader *c, struct str domain)
{
	struct buf list = { c->conf->search, c->conf->search_n, sizeof(c->conf->search), false };
	if (!str_eq(domain, S(".")))
		domain = str_sub(domain, 0, domain.n - str_ends(domain, S(".")));
	if (!str_eq(domain, S(".")) && !dns_is_name(domain)) {
		skip_line(c, S("not a domain"));
		return;
	}
	buf_format(&list, "%s%s", list.n ? S(" ") : S(""), domain);
	if (list.full)
		skip_line(c, S("the search list is too long"));
	else
		c->conf->search_n = list.n;
}

/* The number behind `key`, kept between `least` and `most`. */
static void take_number(
	unsigned *out, struct str option, struct str key, unsigned least, unsigned most)
{
	uint64_t v;
	if (str_starts(option, key) && str_to_u64(&v, str_skip(option, key.n), UINT64_MAX))
		*out = v < least ? least : v > most ? most : (unsigned)v;
}

static void take_option(struct resolv_conf *conf, struct str option)
{
	take_number(&conf->ndots, option, S("ndots:"), 0, 15);
	take_number(&conf->attempts, option, S("attempts:"), 1, 5);
	take_number(&conf->timeout_s, option, S("timeout:"), 1, 30);
	conf->rotate = conf->rotate || str_eq(option, S("rotate"));
	conf->use_tcp = conf->use_tcp || str_eq(option, S("use-vc"));
	conf->no_aaaa = conf->no_aaaa || str_eq(option, S("no-aaaa"));
	conf->no_tld_query = conf->no_tld_query || str_eq(option, S("no-tld-query")) ||
		str_eq(option, S("no_tld_query"));
}

/* What stands behind `key`, the first word of a line. Returns how the line ends. */
static enum token take_line(struct conf_reader *c, struct str key)
{
	bool server = str_eq(key, S("nameserver")), domain = str_eq(key, S("domain")),
		 options = str_eq(key, S("options"));
	bool search = domain || str_eq(key, S("search"));
	enum token t;
	if (search)
		c->conf->search_n = 0; /* the last such line counts */
	for (size_t i = 0; (t = next_of_conf(c)) == WORD; i++) {
		if (server && i == 0)
			take_server(c, c->r.word);
		if (search && (i == 0 || !domain))
			take_domain(c, c->r.word);
		if (options)
			take_option(c->conf, c->r.word);
	}
	return t;
}

/* One that is set stands for a line behind all others, even when it is empty. */
static bool take_variable(
	struct conf_reader *c, const struct environment *env, const char *name, struct str key)
{
	const char *value = env->get ? env->get(env->ctx, name) : NULL;
	c->variable = str_c(name);
	c->r.rest = str_c(value);
	if (value)
		take_line(c, key);
	return value;
}

/* Where a machine's own name is a.b.c, its domain is b.c. */
static void take_own_domain(struct conf_reader *c)
{
	char name[DNS_NAME_MAX + 1] = { 0 };
	struct str host, domain;
	if (gethostname(name, sizeof(name) - 1) == 0 && str_cut(&host, &domain, str_c(name), '.') &&
		dns_is_name(domain))
		take_domain(c, domain);
}

enum err etc_read_resolv_conf(struct resolv_conf *out, const char *path,
	const struct environment *env, struct fault *f)
{
	struct conf_reader c = { .conf = out, .skipped = BUF(out->skipped) };
	memset(out, 0, offsetof(struct resolv_conf, search));
	memset(&out->ndots, 0,
		offsetof(struct resolv_conf, skipped) - offsetof(struct resolv_conf, ndots));
	out->ndots = 1;
	out->attempts = 2;
	out->timeout_s = 5;
	enum err e = reader_open(&c.r, path, f);
	for (enum token t = LINE_END; t != FILE_END;)
		if ((t = next_of_conf(&c)) == WORD)
			t = take_line(&c, c.r.word);
	take_variable(&c, env, "RES_OPTIONS", S("options"));
	bool listed = take_variable(&c, env, "LOCALDOMAIN", S("search"));
	file_unload(NULL, c.r.text);
	if (!c.names_server)
		addresses_add(&out->servers, address_v4((const uint8_t[]){ 127, 0, 0, 1 }));
	if (out->search_n == 0 && !listed)
		take_own_domain(&c);
	out->skipped_n = c.skipped.n;
	return e;
}

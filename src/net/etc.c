#include "net/etc.h"

#include "net/dns.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- files of words ---- */

enum token { WORD, LINE_END, FILE_END };

struct reader {
	int fd; /* -1: cannot be read */
	size_t at, n; /* bytes [at, n) are read but not taken */
	unsigned line;
	struct buf word; /* full: it was longer than any that means something */
	char word_memory[ETC_WORD_MAX];
	char bytes[1024];
};

static void reader_open(struct reader *r, const char *path)
{
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	r->at = r->n = 0;
	r->line = 1;
}

static void reader_close(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
}

/* The byte at hand, -1 at the end. */
static int peek(struct reader *r)
{
	if (r->at == r->n) {
		ssize_t got = r->fd < 0 ? 0 : read(r->fd, r->bytes, sizeof(r->bytes));
		r->at = 0;
		r->n = got > 0 ? (size_t)got : 0;
	}
	return r->n ? (unsigned char)r->bytes[r->at] : -1;
}

static void skip_comment(struct reader *r)
{
	for (int c; (c = peek(r)) >= 0 && c != '\n';)
		r->at++;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* The next word of the line, or its end. A comment begins at any of `comment` in front of a word.
 */
static enum token next(struct reader *r, struct str comment)
{
	int c;
	while (is_blank(c = peek(r)))
		r->at++;
	if (c >= 0 && str_find(comment, (char)c) < comment.n)
		skip_comment(r);
	r->word = BUF(r->word_memory);
	for (; (c = peek(r)) >= 0 && c != '\n' && !is_blank(c); r->at++)
		buf_put_char(&r->word, (char)c);
	if (r->word.n > 0)
		return WORD;
	if (c < 0)
		return FILE_END;
	r->at++;
	r->line++;
	return LINE_END;
}

static struct str word(const struct reader *r)
{
	struct str mark = S("\xef\xbb\xbf"), w = r->word.full ? S("") : buf_str(&r->word);
	return str_skip(w, r->line == 1 && str_starts(w, mark) ? mark.n : 0);
}

/* ---- hosts ---- */

/* A '#' ends the line, even inside of a word. */
static enum token next_of_host(struct reader *r, struct str *w)
{
	enum token t = next(r, S("#"));
	*w = word(r);
	if (t == WORD && str_find(*w, '#') < w->n) {
		*w = str_sub(*w, 0, str_find(*w, '#'));
		skip_comment(r);
	}
	return t;
}

void etc_find_host(struct addresses *out, const char *path, struct str name)
{
	struct reader r;
	struct address a;
	struct str w;
	enum token t;
	reader_open(&r, path);
	while ((t = next_of_host(&r, &w)) != FILE_END) {
		bool usable = t == WORD && address_parse(&a, w), named = false;
		while (t == WORD && (t = next_of_host(&r, &w)) == WORD)
			named = named || str_eq_nocase(w, name);
		if (usable && named)
			addresses_add(out, a);
	}
	reader_close(&r);
}

/* ---- resolv.conf ---- */

struct conf_reader {
	struct reader r;
	struct resolv_conf *conf;
	struct buf skipped;
	bool names_server; /* a line does, usable or not */
};

static enum token next_of_conf(struct conf_reader *c)
{
	return next(&c->r, S("#;"));
}

static void skip_line(struct conf_reader *c, struct str why)
{
	buf_format(&c->skipped, "%sline %d: %s", c->skipped.n ? S("; ") : S(""), NUM(c->r.line), why);
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

/* The line that begins with the word at hand. Returns how it ends. */
static enum token take_line(struct conf_reader *c)
{
	struct str key = word(&c->r);
	bool server = str_eq(key, S("nameserver")), domain = str_eq(key, S("domain")),
		 options = str_eq(key, S("options"));
	bool search = domain || str_eq(key, S("search"));
	enum token t;
	if (search)
		c->conf->search_n = 0; /* the last such line counts */
	for (size_t i = 0; (t = next_of_conf(c)) == WORD; i++) {
		if (server && i == 0)
			take_server(c, word(&c->r));
		if (search && (i == 0 || !domain))
			take_domain(c, word(&c->r));
		if (options)
			take_option(c->conf, word(&c->r));
	}
	return t;
}

/* Where a machine's own name is a.b.c, its domain is b.c. */
static void take_own_domain(struct conf_reader *c)
{
	char name[ETC_WORD_MAX] = { 0 };
	struct str host, domain;
	if (gethostname(name, sizeof(name) - 1) == 0 && str_cut(&host, &domain, str_c(name), '.') &&
		dns_is_name(domain))
		take_domain(c, domain);
}

void etc_read_resolv_conf(struct resolv_conf *out, const char *path)
{
	struct conf_reader c = { .conf = out, .skipped = BUF(out->skipped) };
	memset(out, 0, offsetof(struct resolv_conf, search));
	memset(&out->ndots, 0,
		offsetof(struct resolv_conf, skipped) - offsetof(struct resolv_conf, ndots));
	out->ndots = 1;
	out->attempts = 2;
	out->timeout_s = 5;
	reader_open(&c.r, path);
	for (enum token t = LINE_END; t != FILE_END;)
		if ((t = next_of_conf(&c)) == WORD)
			t = take_line(&c);
	reader_close(&c.r);
	if (!c.names_server)
		addresses_add(&out->servers, address_v4((const uint8_t[]){ 127, 0, 0, 1 }));
	if (out->search_n == 0)
		take_own_domain(&c);
	out->skipped_n = c.skipped.n;
}

#include "net/etc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The lines of a file, one after another. */
struct lines {
	int fd; /* -1: cannot be read */
	size_t start, n; /* bytes [start, n) are read but not given out */
	char bytes[ETC_LINE_MAX];
};

static struct lines lines_open(const char *path)
{
	return (struct lines){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
}

static void lines_close(struct lines *l)
{
	if (l->fd >= 0)
		close(l->fd);
}

/* Reads more behind what is there; false at the end of the file, or without room. */
static bool lines_fill(struct lines *l)
{
	l->n -= l->start;
	memmove(l->bytes, l->bytes + l->start, l->n);
	l->start = 0;
	ssize_t got = l->fd < 0 ? 0 : read(l->fd, l->bytes + l->n, sizeof(l->bytes) - l->n);
	l->n += got > 0 ? (size_t)got : 0;
	return got > 0;
}

static bool lines_next(struct lines *l, struct str *line)
{
	struct str rest;
	bool too_long = false;
	for (;;) {
		if (str_cut(line, &rest, (struct str){ l->bytes + l->start, l->n - l->start }, '\n')) {
			l->start += line->n + 1;
			if (!too_long)
				return true;
			too_long = false;
		} else if (!lines_fill(l)) {
			bool full = l->n == sizeof(l->bytes);
			*line = (struct str){ l->bytes, l->n };
			l->start = l->n;
			if (!full)
				return !too_long && line->n > 0;
			too_long = true;
		}
	}
}

bool etc_word(struct str *word, struct str *rest)
{
	size_t n = 0;
	*rest = str_trim_lines(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	*word = str_sub(*rest, 0, n);
	*rest = str_skip(*rest, n);
	return n > 0;
}

void etc_find_host(struct addresses *out, const char *path, struct str name)
{
	struct lines l = lines_open(path);
	struct str line, rest, word;
	struct address a;
	while (lines_next(&l, &line)) {
		str_cut(&line, &rest, line, '#');
		if (!etc_word(&word, &line) || !address_parse(&a, word))
			continue;
		bool named = false;
		while (etc_word(&word, &line))
			named = named || str_eq_nocase(word, name);
		if (named)
			addresses_add(out, a);
	}
	lines_close(&l);
}

/* The number behind `key`, kept between 1 and `most`. */
static void take_option(unsigned *out, struct str word, struct str key, unsigned most)
{
	uint64_t v;
	if (str_starts(word, key) && str_to_u64(&v, str_skip(word, key.n), UINT64_MAX))
		*out = v < 1 ? 1 : v > most ? most : (unsigned)v;
}

static void take_line(struct resolv_conf *c, struct str line)
{
	struct str key, word;
	struct address a;
	if (!etc_word(&key, &line))
		return;
	if (str_eq(key, S("nameserver"))) {
		if (etc_word(&word, &line) && address_parse(&a, word) && c->servers.count < ETC_SERVERS_MAX)
			addresses_add(&c->servers, a);
	} else if (str_eq(key, S("search")) || str_eq(key, S("domain"))) {
		/* The last such line counts. */
		struct str domains = str_trim_lines(line);
		c->search_n = domains.n <= sizeof(c->search) ? domains.n : 0;
		memcpy(c->search, domains.p, c->search_n);
	} else if (str_eq(key, S("options"))) {
		while (etc_word(&word, &line)) {
			take_option(&c->attempts, word, S("attempts:"), 5);
			take_option(&c->timeout_s, word, S("timeout:"), 10);
		}
	}
}

void etc_read_resolv_conf(struct resolv_conf *out, const char *path)
{
	struct lines l = lines_open(path);
	struct str line;
	out->servers.count = out->search_n = 0;
	out->attempts = 2;
	out->timeout_s = 5;
	while (lines_next(&l, &line))
		take_line(out, line);
	lines_close(&l);
	if (out->servers.count == 0)
		addresses_add(&out->servers, address_v4((const uint8_t[]){ 127, 0, 0, 1 }));
}

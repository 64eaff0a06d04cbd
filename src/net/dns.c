#include "net/dns.h"

enum { HEADER_SIZE = 12, CLASS_IN = 1, TYPE_CNAME = 5, TYPE_SOA = 6, CNAMES_MAX = 16 };
enum {
	FLAG_ANSWER = 0x8000,
	OPCODE = 0x7800,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSION_DESIRED = 0x0100,
	RCODE = 0x000f
};

/* A name as on the wire, uncompressed and in lower case: labels with their lengths, then a zero. */
struct wire_name {
	size_t n;
	uint8_t bytes[DNS_NAME_MAX + 2];
};

struct resource_record {
	struct wire_name owner;
	unsigned type, class;
	uint32_t ttl;
	size_t data, data_n; /* offset and length of its data in the message */
};

struct reader {
	const uint8_t *p;
	size_t n, at;
	bool bad; /* sticky: something reached past the end or was malformed */
};

bool dns_is_name(struct str name)
{
	struct str label = { NULL, 0 };
	bool digits = true;
	if (name.n == 0 || name.n > DNS_NAME_MAX)
		return false;
	for (bool more = true; more;) {
		more = str_next(&label, &name, '.');
		if (label.n == 0 || label.n > 63)
			return false;
		digits = true;
		for (size_t i = 0; i < label.n; i++) {
			unsigned char c = (unsigned char)label.p[i];
			if (!is_alnum(c) && c != '-' && c != '_')
				return false;
			digits = digits && is_digit(c);
		}
	}
	return !digits;
}

static void put_u16(struct buf *b, unsigned v)
{
	buf_put_char(b, (char)(v >> 8));
	buf_put_char(b, (char)v);
}

static void put_labels(struct buf *b, struct str name)
{
	struct str label;
	while (name.n > 0) {
		str_next(&label, &name, '.');
		buf_put_char(b, (char)label.n);
		buf_put(b, label);
	}
	buf_put_char(b, 0);
}

void dns_put_query(struct buf *b, const struct dns_question *q)
{
	put_u16(b, q->id);
	put_u16(b, FLAG_RECURSION_DESIRED);
	put_u16(b, 1); /* one question */
	put_u16(b, 0);
	put_u16(b, 0);
	put_u16(b, 0);
	put_labels(b, q->name);
	put_u16(b, q->type);
	put_u16(b, CLASS_IN);
}

static unsigned read_u8(struct reader *r)
{
	if (r->at >= r->n) {
		r->bad = true;
		return 0;
	}
	return r->p[r->at++];
}

static unsigned read_u16(struct reader *r)
{
	unsigned high = read_u8(r);
	return high << 8 | read_u8(r);
}

static uint32_t read_u32(struct reader *r)
{
	uint32_t high = read_u16(r);
	return high << 16 | read_u16(r);
}

static void put_byte(struct reader *r, struct wire_name *name, unsigned byte)
{
	if (name->n < sizeof(name->bytes))
		name->bytes[name->n++] = lower((unsigned char)byte);
	else
		r->bad = true;
}

/* Reads a name, which may end in a pointer to an earlier one (RFC 1035, 4.1.4). Every pointer must
 * lead to before the place where the one it was found in begins: so the walk ends. */
static void read_name(struct reader *r, struct wire_name *name)
{
	size_t begin = r->at, resume = 0;
	name->n = 0;
	for (;;) {
		unsigned n = read_u8(r);
		if (n >= 0xc0) {
			size_t to = (n & 0x3f) << 8 | read_u8(r);
			if (resume == 0)
				resume = r->at;
			if (to >= begin)
				r->bad = true;
			begin = r->at = to;
		} else if (n > 63) {
			r->bad = true;
		} else {
			put_byte(r, name, n);
			for (unsigned i = 0; i < n; i++)
				put_byte(r, name, read_u8(r));
			if (n == 0)
				break;
		}
		if (r->bad)
			return;
	}
	if (resume != 0)
		r->at = resume;
}

static void read_record(struct reader *r, struct resource_record *out)
{
	read_name(r, &out->owner);
	out->type = read_u16(r);
	out->class = read_u16(r);
	out->ttl = read_u32(r);
	out->data_n = read_u16(r);
	out->data = r->at;
	if (out->data_n > r->n - r->at)
		r->bad = true;
	else
		r->at += out->data_n;
}

/* Whether `name` from its byte `at` on is `other`. */
static bool same_from(const struct wire_name *name, size_t at, const struct wire_name *other)
{
	size_t i = 0;
	while (at < name->n && i < other->n && name->bytes[at] == other->bytes[i])
		at++, i++;
	return at == name->n && i == other->n;
}

/* Whether `zone` is `name` itself or stands above it. */
static bool is_within(const struct wire_name *name, const struct wire_name *zone)
{
	size_t at = 0;
	while (at < name->n && !same_from(name, at, zone))
		at += name->bytes[at] + 1u;
	return at < name->n;
}

/* RFC 2181, 8: the top bit set means 0. */
static uint32_t sound_ttl(uint32_t ttl)
{
	return ttl >> 31 ? 0 : ttl;
}

static void use_ttl(struct dns_answer *a, const struct resource_record *from)
{
	uint32_t ttl = sound_ttl(from->ttl);
	if (ttl < a->ttl)
		a->ttl = ttl;
}

static void take_address(struct dns_answer *a, struct reader r, const struct resource_record *from)
{
	uint8_t data[16];
	r.at = from->data;
	for (size_t i = 0; i < from->data_n; i++)
		data[i] = (uint8_t)read_u8(&r);
	use_ttl(a, from);
	addresses_add(&a->found, from->type == DNS_A ? address_v4(data) : address_v6(data));
}

/* Goes once through the answer section at `r`: takes the addresses of `name`, or, where it is an
 * alias, makes it the name it stands for and returns true. */
static bool follow(
	struct dns_answer *a, struct reader r, unsigned records, unsigned type, struct wire_name *name)
{
	struct resource_record found;
	while (records-- > 0) {
		read_record(&r, &found);
		if (found.class != CLASS_IN || !same_from(&found.owner, 0, name))
			continue;
		if (found.type == type && found.data_n == (type == DNS_A ? 4u : 16u))
			take_address(a, r, &found);
		if (found.type == TYPE_CNAME) {
			r.at = found.data;
			read_name(&r, name);
			use_ttl(a, &found);
			return !r.bad;
		}
	}
	return false;
}

/* How long it holds that `name` has nothing: what the SOA record of its zone says, in the authority
 * section that begins at `r` (RFC 2308, 5). 0 when it has none. */
static uint32_t negative_ttl(struct reader r, unsigned records, const struct wire_name *name)
{
	struct resource_record found;
	while (records-- > 0 && !r.bad) {
		read_record(&r, &found);
		if (r.bad || found.class != CLASS_IN || found.type != TYPE_SOA || found.data_n < 4 ||
			!is_within(name, &found.owner))
			continue;
		struct reader last = { r.p, r.n, found.data + found.data_n - 4, false };
		uint32_t minimum = sound_ttl(read_u32(&last)), ttl = sound_ttl(found.ttl);
		return ttl < minimum ? ttl : minimum;
	}
	return 0;
}

enum err dns_read_answer(struct dns_answer *a, struct str message, const struct dns_question *q)
{
	char bytes[DNS_NAME_MAX + 2];
	struct buf question = BUF(bytes);
	put_labels(&question, q->name);
	check(!question.full);
	struct reader own = { (const uint8_t *)bytes, question.n, 0, false };
	struct reader r = { (const uint8_t *)message.p, message.n, 0, false };
	struct wire_name name, asked;
	read_name(&own, &name);
	*a = (struct dns_answer){ .ttl = UINT32_MAX };
	unsigned id = read_u16(&r), flags = read_u16(&r), questions = read_u16(&r),
			 records = read_u16(&r);
	unsigned authorities = read_u16(&r);
	r.at = HEADER_SIZE;
	read_name(&r, &asked);
	unsigned type = read_u16(&r), class = read_u16(&r);
	if (r.bad || id != q->id || (flags & (FLAG_ANSWER | OPCODE)) != FLAG_ANSWER || questions != 1 ||
		type != q->type || class != CLASS_IN || !same_from(&asked, 0, &name))
		return E_SYNTAX;
	a->status = flags & RCODE;
	a->truncated = flags & FLAG_TRUNCATED;
	/* To the letter, capitals included. */
	struct str repeated = str_sub(message, HEADER_SIZE, HEADER_SIZE + question.n);
	a->same_case = str_eq(repeated, buf_str(&question));

	/* All of it must be sound, except what truncation cut off. */
	struct reader answers = r;
	struct resource_record skipped;
	unsigned whole = 0;
	for (; whole < records && !r.bad; whole++)
		read_record(&r, &skipped);
	if (r.bad && !a->truncated)
		return E_SYNTAX;
	if (r.bad)
		whole--;
	for (unsigned i = 0; i < CNAMES_MAX && follow(a, answers, whole, type, &name);)
		i++;
	if (a->found.count == 0)
		a->ttl = r.bad ? 0 : negative_ttl(r, authorities, &name);
	return OK;
}

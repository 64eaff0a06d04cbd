#include "codec/der.h"

static unsigned byte_at(struct str s, size_t i)
{
	return (unsigned char)s.p[i];
}

bool der_take_any(struct str *rest, unsigned *tag, struct str *value)
{
	if (rest->n < 2 || (byte_at(*rest, 0) & 0x1f) == 0x1f)
		return false;
	size_t head = 2, n = byte_at(*rest, 1);
	if (n >= 0x80) {
		head += n - 0x80;
		if (head < 3 || head > 5 || rest->n < head)
			return false;
		n = 0;
		for (size_t i = 2; i < head; i++)
			n = n << 8 | byte_at(*rest, i);
		if (n < 0x80 || n >> (8 * (head - 3)) == 0)
			return false;
	}
	if (n > rest->n - head)
		return false;
	*tag = byte_at(*rest, 0);
	*value = str_sub(*rest, head, head + n);
	*rest = str_skip(*rest, head + n);
	return true;
}

bool der_take(struct str *rest, unsigned tag, struct str *value)
{
	unsigned got;
	return der_take_any(rest, &got, value) && got == tag;
}

bool der_skip(struct str *rest, unsigned tag)
{
	struct str value;
	return der_take(rest, tag, &value);
}

bool der_is_one(struct str der, unsigned tag, struct str *value)
{
	return der_take(&der, tag, value) && der.n == 0;
}

bool der_take_element(struct str *rest, unsigned tag, struct str *element)
{
	struct str before = *rest;
	if (!der_skip(rest, tag))
		return false;
	*element = str_sub(before, 0, before.n - rest->n);
	return true;
}

bool der_take_integer(struct str *rest, struct str *value)
{
	if (!der_take(rest, DER_INTEGER, value) || value->n == 0)
		return false;
	unsigned first = byte_at(*value, 0);
	return value->n == 1 || (first != 0 && first != 0xff) || first >> 7 != byte_at(*value, 1) >> 7;
}

bool der_take_small(struct str *rest, int *value, int most)
{
	struct str bytes;
	if (!der_take_integer(rest, &bytes) || byte_at(bytes, 0) >= 0x80 || bytes.n > sizeof(uint32_t))
		return false;
	uint32_t n = 0;
	for (size_t i = 0; i < bytes.n; i++)
		n = n << 8 | byte_at(bytes, i);
	*value = (int)n;
	return *value <= most;
}

bool der_take_oid(struct str *rest, struct str *oid)
{
	if (!der_take(rest, DER_OID, oid) || oid->n == 0)
		return false;
	bool first = true;
	for (size_t i = 0; i < oid->n; i++) {
		if (first && byte_at(*oid, i) == 0x80)
			return false;
		first = byte_at(*oid, i) < 0x80;
	}
	return first;
}

bool der_take_flag(struct str *rest, bool *flag)
{
	struct str value;
	*flag = false;
	if (!der_next_is(*rest, DER_BOOLEAN))
		return true;
	if (!der_take(rest, DER_BOOLEAN, &value) || value.n != 1 ||
		(byte_at(value, 0) != 0 && byte_at(value, 0) != 0xff))
		return false;
	*flag = byte_at(value, 0) != 0;
	return true;
}

bool der_take_bytes(struct str *rest, struct str *bytes)
{
	if (!der_take(rest, DER_BIT_STRING, bytes) || bytes->n == 0 || byte_at(*bytes, 0) != 0)
		return false;
	*bytes = str_skip(*bytes, 1);
	return true;
}

bool der_take_number(struct str *rest, struct str *value)
{
	if (!der_take(rest, DER_INTEGER, value) || value->n == 0 || byte_at(*value, 0) >= 0x80)
		return false;
	if (value->p[0] != 0)
		return true;
	*value = str_skip(*value, 1);
	return value->n == 0 || byte_at(*value, 0) >= 0x80;
}

bool der_next_is(struct str rest, unsigned tag)
{
	return rest.n > 0 && byte_at(rest, 0) == tag;
}

bool der_skip_if(struct str *rest, unsigned tag)
{
	return !der_next_is(*rest, tag) || der_skip(rest, tag);
}

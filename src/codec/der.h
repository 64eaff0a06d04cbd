/* der.h - reading DER (X.690): the elements of certificates and keys, as views. */
#ifndef CODEC_DER_H
#define CODEC_DER_H

#include "base/str.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0xa0, /* [0] EXPLICIT; [1] is one more */
};

/* Takes the next element off *rest. Tags have one byte; lengths must be definite, of the shortest
 * form, and below 16 MiB. False when there is none; *rest is then as it was. */
must_check bool der_take_any(struct str *rest, unsigned *tag, struct str *value);

/* The same for an element that must have this tag. When it has another, *rest is behind it. */
must_check bool der_take(struct str *rest, unsigned tag, struct str *value);
must_check bool der_skip(struct str *rest, unsigned tag);

/* The same, but *element is the whole element, its tag and length included. */
must_check bool der_take_element(struct str *rest, unsigned tag, struct str *element);

/* Whether `der` is one such element and nothing else. */
must_check bool der_is_one(struct str der, unsigned tag, struct str *value);

/* Takes an INTEGER that is not negative and has the shortest form (X.690, 8.3.2). *value leaves out
 * the leading zero byte, so that 0 is empty. */
must_check bool der_take_number(struct str *rest, struct str *value);

/* Takes an INTEGER of the shortest form, negative ones included; *value is its contents. */
must_check bool der_take_integer(struct str *rest, struct str *value);

/* Takes an INTEGER from 0 to `most`, which is below 2^31. */
must_check bool der_take_small(struct str *rest, int *value, int most);

/* Takes an OBJECT IDENTIFIER whose numbers are complete and of the shortest form. */
must_check bool der_take_oid(struct str *rest, struct str *oid);

/* Takes a BOOLEAN if one comes next; without one the value is false. An explicit FALSE is accepted,
 * although DER forbids it, because certificates contain it. */
must_check bool der_take_flag(struct str *rest, bool *flag);

/* Takes a BIT STRING of whole bytes. */
must_check bool der_take_bytes(struct str *rest, struct str *bytes);

/* For elements that may be left out. */
bool der_next_is(struct str rest, unsigned tag);
must_check bool der_skip_if(struct str *rest, unsigned tag);

#endif

/* pem.h - the blocks of a PEM text (RFC 7468): certificates, bundles of them, private keys.
 *
 * Text between blocks is passed over, because real bundles have it. Spaces at either end of a line
 * and CRLF make no difference. A block itself must be right: its lines stand alone, BEGIN and END
 * have the same label, and what is between them is base64 and not empty. An END without BEGIN, a
 * second BEGIN inside a block, a block that is not closed and the headers of encrypted keys (RFC
 * 1421) are refused, so that nothing that looks like a block is silently left out. */
#ifndef CODEC_PEM_H
#define CODEC_PEM_H

#include "base/buf.h"
#include "base/fault.h"

/* Takes the next block off the front of *text: *label is its label ("CERTIFICATE"), a view, and its
 * contents are appended to `der`, which must have room for their base64 form. When there is no
 * block left, label->p is NULL and nothing is appended. On failure *text begins with the line of
 * the block that is wrong, and what `der` has room for may be overwritten. E_SYNTAX; E_LIMIT when
 * the block does not fit. */
must_check enum err pem_next(struct str *label, struct buf *der, struct str *text);

#endif

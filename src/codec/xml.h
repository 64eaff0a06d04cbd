/* xml.h - as much of XML as the answers of AWS's old services need: the text of the first element of a name.
 *
 * No parser: elements stand at any depth and in any order, attributes are passed over; comments, CDATA and name spaces are not known. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/arena.h"

/* The text of the first element `name`, up to the next tag. References to characters (&amp; &lt; &gt; &quot; &apos; &#233; &#xe9;)
 * are decoded, into `arena`; what else stands behind a '&' stays as it is. Empty if there is no such element, it is not closed, or
 * `arena` is exhausted. */
struct str xml_text(struct str xml, struct str name, struct arena *arena);

#endif

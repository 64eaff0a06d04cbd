/* xml.h - as much of XML 1.0 as the answers of AWS's old services need: the text of the first element of a name.
 *
 * No parser: elements stand at any depth and in any order; attributes, comments and name spaces are passed over; whether what is opened
 * is closed is not looked at. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/arena.h"

/* The text of the first element `name`, up to the next tag, in `arena`: references to characters (&amp; &lt; &gt; &quot; &apos;
 * &#233; &#xe9;) decoded, CDATA sections as they are. Empty if there is no such element, the text does not end, a '&' stands before
 * anything else, or `arena` is exhausted. */
struct str xml_text(struct str xml, struct str name, struct arena *arena);

#endif

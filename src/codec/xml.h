/* xml.h - as much of XML 1.0 as the answers of AWS's old services need: the text of the first element of a name.
 *
 * No parser: elements stand at any depth and in any order; attributes, comments and name spaces are passed over;
 * whether end tags match is not looked at. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/arena.h"

/* The text of the first element `name`, in `arena`: references to characters (&amp; &lt; &gt; &quot; &apos; &#233; &#xe9;) decoded,
 * CDATA sections as they are. Empty if there is no such element, there are others in it, it is not closed, a '&' stands before
 * anything else, or `arena` is exhausted. */
struct str xml_text(struct str xml, struct str name, struct arena *arena);

#endif

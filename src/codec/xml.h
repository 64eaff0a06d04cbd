/* xml.h - as much of XML 1.0 as AWS's old services send: the text of the first element of a name.
 *
 * No parser: elements stand at any depth and in any order, their tags without attributes or name
 * spaces; whether end tags match is not looked at. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/arena.h"

/* The text of the first element `name`, in `arena`, with &amp; &lt; &gt; &quot; &apos; decoded.
 * Empty if there is no such element, there are others in it, it is not closed, a '&' stands before
 * anything else, or `arena` is exhausted. */
struct str xml_text(struct str xml, struct str name, struct arena *arena);

#endif

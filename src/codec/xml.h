/* xml.h - as much of XML 1.0 as AWS's old services send: the text of the first element of a name.
 *
 * This is not a parser. Elements may stand at any depth and in any order; their tags have neither
 * attributes nor name spaces. Whether end tags match is not checked. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/arena.h"

/* The text of the first element `name`, in `arena`, with &amp; &lt; &gt; &quot; &apos; decoded.
 * Empty if there is no such element, if it has elements in it, is not closed or contains any other
 * '&', or if `arena` is exhausted. */
struct str xml_text(struct str xml, struct str name, struct arena *arena);

#endif

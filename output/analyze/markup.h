/* SPDX-License-Identifier: MIT */
/*
 * markup.h - untrusted text within SVG and HTML.
 */
#ifndef ALLOCPTRACE_ANALYZE_MARKUP_H
#define ALLOCPTRACE_ANALYZE_MARKUP_H

#include <stdio.h>

/*
 * Prints text as the content of an element or as an attribute's value in quotes of either kind,
 * the same in XML 1.0 and in HTML: the five characters that are markup (XML 1.0, section 4.6)
 * become references, and what misleads the eye or is no UTF-8 becomes \xNN (text.h), which leaves
 * only characters that XML allows. Neither a script's nor a style's content may hold names:
 * no escape works there.
 */
void markup_text(FILE *out, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
#include "output/analyze/markup.h"

#include <string.h>

#include "output/log/text.h"

/* The reference that stands for a character, NULL for one that stands for itself. */
static const char *reference_of(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;"; /* &apos; is unknown to HTML 4 */
    default:
        return NULL;
    }
}

void markup_text(FILE *out, const char *text)
{
    for (size_t left = strlen(text); left;) {
        const char *reference = reference_of(*text);
        size_t length = 1;
        if (reference)
            fputs(reference, out);
        else
            length = text_print_character(out, text, left);
        text += length;
        left -= length;
    }
}

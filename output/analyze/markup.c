/* SPDX-License-Identifier: MIT */
#include "output/analyze/markup.h"

#include <stdbool.h>
#include <string.h>

#include "output/log/text.h"
#include "output/log/utf8.h"

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

/* U+FFFE and U+FFFF are no characters, and no XML document may hold them. */
static bool is_allowed(const char *text, size_t length)
{
    return length != 3 || (utf8_code_point(text, length) & 0xfffe) != 0xfffe;
}

void markup_text(FILE *out, const char *text)
{
    for (size_t left = strlen(text); left;) {
        bool safe;
        size_t length = text_character(text, left, &safe);
        const char *reference = reference_of(*text);
        if (reference)
            fputs(reference, out);
        else if (safe && is_allowed(text, length))
            fwrite(text, 1, length, out);
        else
            for (size_t i = 0; i < length; i++)
                fprintf(out, "\\x%02x", (unsigned char)text[i]);
        text += length;
        left -= length;
    }
}

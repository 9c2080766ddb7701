/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_text.h"

#include <string.h>

#include "output/log/text.h"

void json_text_print(FILE *out, const char *text)
{
    fputc('"', out);
    for (size_t left = strlen(text); left;) {
        bool safe;
        size_t length = text_character(text, left, &safe);
        for (size_t i = 0; !safe && i < length; i++)
            fprintf(out, "\\\\x%02x", (unsigned char)text[i]);
        if (safe && (*text == '"' || *text == '\\'))
            fputc('\\', out);
        if (safe)
            fwrite(text, 1, length, out);
        text += length;
        left -= length;
    }
    fputc('"', out);
}

/* SPDX-License-Identifier: MIT */
#include "output/analyze/csv.h"

#include <stdbool.h>
#include <string.h>

#include "output/log/text.h"

/* What formulas begin with; also the full-width forms, which some spreadsheets take as well. */
static bool is_formula(const char *text)
{
    static const char *const beginnings[] = {
        "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

void csv_text(FILE *out, const char *text)
{
    fputs(is_formula(text) ? "\"'" : "\"", out);
    for (size_t left = strlen(text); left;) {
        size_t length = text_print_character(out, text, left);
        if (*text == '"')
            fputc('"', out);
        text += length;
        left -= length;
    }
    fputc('"', out);
}

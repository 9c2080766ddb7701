/* SPDX-License-Identifier: MIT */
#include "output/log/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/log/utf8.h"

/* First and last of each range of characters that are not shown. */
static const uint32_t unsafe[][2] = {
    {0x0000, 0x001f}, /* C0 */
    {0x007f, 0x009f}, /* DEL, C1 */
    {0x061c, 0x061c}, /* ARABIC LETTER MARK */
    {0x200e, 0x200f}, /* LEFT-TO-RIGHT MARK, RIGHT-TO-LEFT MARK */
    {0x2028, 0x202e}, /* line and paragraph separators, embeddings and overrides */
    {0x2066, 0x2069}, /* isolates */
    {0xfffe, 0xffff}, /* no characters; XML cannot hold them */
};

size_t text_character(const char *text, size_t size, bool *safe)
{
    size_t length = utf8_character(text, size);
    *safe = length > 0;
    if (!length)
        return 1;
    uint32_t code = utf8_code_point(text, length);
    for (size_t i = 0; *safe && i < sizeof unsafe / sizeof *unsafe; i++)
        *safe = code < unsafe[i][0] || code > unsafe[i][1];
    return length;
}

/* Text that is being made, in a stream or in a buffer which may be too small. */
struct output {
    FILE *stream; /* NULL: the buffer is meant */
    char *out;
    size_t size, used;
    size_t total; /* length of the whole result */
    bool cut;
};

static void append(struct output *output, const char *text, size_t length)
{
    output->total += length;
    if (output->stream) {
        fwrite(text, 1, length, output->stream);
        return;
    }
    if (!output->size || length >= output->size - output->used)
        output->cut = true;
    if (output->cut)
        return;
    memcpy(output->out + output->used, text, length);
    output->used += length;
}

static unsigned long finish(struct output *output)
{
    if (output->size)
        output->out[output->used] = '\0';
    return output->total;
}

static void append_escaped(struct output *output, const char *text, size_t length)
{
    char escaped[4 * sizeof "\\xNN"];
    size_t written = 0;
    for (size_t i = 0; i < length; i++)
        written += (size_t)snprintf(escaped + written, sizeof escaped - written, "\\x%02x",
                                    (unsigned char)text[i]);
    append(output, escaped, written);
}

static void sanitize(struct output *output, const char *text)
{
    for (size_t left = strlen(text); left;) {
        bool safe;
        size_t length = text_character(text, left, &safe);
        while (safe && length < left && text[length] >= ' ' && text[length] <= '~')
            length++;
        if (safe)
            append(output, text, length);
        else
            append_escaped(output, text, length);
        text += length;
        left -= length;
    }
}

unsigned long text_sanitize(char *out, unsigned long size, const char *text)
{
    struct output output = {.out = out, .size = size};
    sanitize(&output, text);
    return finish(&output);
}

char *text_neutralized(const char *text)
{
    unsigned long size = text_sanitize(NULL, 0, text) + 1;
    char *clean = malloc(size);
    if (clean)
        text_sanitize(clean, size, text);
    return clean;
}

void text_print(FILE *out, const char *text)
{
    struct output output = {.stream = out};
    sanitize(&output, text);
}

size_t text_print_character(FILE *out, const char *text, size_t size)
{
    struct output output = {.stream = out};
    bool safe;
    size_t length = text_character(text, size, &safe);
    if (safe)
        append(&output, text, length);
    else
        append_escaped(&output, text, length);
    return length;
}

static bool is_safe(const char *text)
{
    bool safe = true;
    for (size_t left = strlen(text); left && safe;) {
        size_t length = text_character(text, left, &safe);
        text += length;
        left -= length;
    }
    return safe;
}

static void quote(struct output *output, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/._-+=:,@%";
    bool all_safe = is_safe(word);
    bool quoted = !*word || word[strspn(word, plain)];
    if (quoted)
        append(output, all_safe ? "'" : "$'", all_safe ? 1 : 2);
    for (size_t left = strlen(word); left;) {
        bool safe;
        size_t length = text_character(word, left, &safe);
        if (!safe)
            append_escaped(output, word, length);
        else if (*word == '\'')
            append(output, all_safe ? "'\\''" : "\\'", all_safe ? 4 : 2);
        else if (*word == '\\' && !all_safe)
            append(output, "\\\\", 2);
        else
            append(output, word, length);
        word += length;
        left -= length;
    }
    if (quoted)
        append(output, "'", 1);
}

unsigned long text_quote(char *out, unsigned long size, const char *word)
{
    struct output output = {.out = out, .size = size};
    quote(&output, word);
    return finish(&output);
}

void text_print_quoted(FILE *out, const char *word)
{
    struct output output = {.stream = out};
    quote(&output, word);
}

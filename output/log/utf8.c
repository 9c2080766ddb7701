/* SPDX-License-Identifier: MIT */
#include "output/log/utf8.h"

#include <string.h>

size_t utf8_character(const char *text, size_t size)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (!size)
        return 0;
    if (byte[0] < 0x80)
        return 1;

    size_t length;
    /* What the second byte may be; it alone rules out overlong forms, surrogates and what lies
     * above U+10FFFF. */
    unsigned low = 0x80, high = 0xbf;
    if (byte[0] >= 0xc2 && byte[0] <= 0xdf) {
        length = 2;
    } else if ((byte[0] & 0xf0) == 0xe0) {
        length = 3;
        if (byte[0] == 0xe0)
            low = 0xa0;
        else if (byte[0] == 0xed)
            high = 0x9f;
    } else if (byte[0] >= 0xf0 && byte[0] <= 0xf4) {
        length = 4;
        if (byte[0] == 0xf0)
            low = 0x90;
        else if (byte[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (size < length || byte[1] < low || byte[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

uint32_t utf8_code_point(const char *text, size_t length)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (length == 1)
        return byte[0];
    uint32_t code = byte[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (byte[i] & 0x3fU);
    return code;
}

bool utf8_valid(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint64_t word;
        if (size - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if (!(word & UINT64_C(0x8080808080808080))) {
                at += sizeof word;
                continue;
            }
        }
        size_t length = utf8_character(text + at, size - at);
        if (!length)
            return false;
        at += length;
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "output/analyze/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define GROUP 3  /* bytes that make */
#define DIGITS 4 /* so many characters */

struct base64 {
    FILE *out;
    unsigned char rest[GROUP]; /* bytes that do not make a group yet */
    size_t rest_size;
};

/* Of one to three bytes. */
static void put_group(FILE *out, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = (uint32_t)bytes[0] << 16 | (size > 1 ? (uint32_t)bytes[1] << 8 : 0) |
                    (size > 2 ? bytes[2] : 0);
    for (size_t i = 0; i < DIGITS; i++)
        putc(i <= size ? digits[bits >> (18 - 6 * i) & 63] : '=', out);
}

static ssize_t on_write(void *cookie, const char *data, size_t size)
{
    struct base64 *base64 = cookie;
    for (size_t i = 0; i < size; i++) {
        base64->rest[base64->rest_size++] = (unsigned char)data[i];
        if (base64->rest_size == GROUP) {
            put_group(base64->out, base64->rest, GROUP);
            base64->rest_size = 0;
        }
    }
    return ferror(base64->out) ? 0 : (ssize_t)size;
}

static int on_close(void *cookie)
{
    struct base64 *base64 = cookie;
    if (base64->rest_size)
        put_group(base64->out, base64->rest, base64->rest_size);
    free(base64);
    return 0;
}

FILE *base64_open(FILE *out)
{
    struct base64 *base64 = calloc(1, sizeof *base64);
    if (!base64)
        return NULL;
    base64->out = out;
    FILE *stream =
        fopencookie(base64, "w", (cookie_io_functions_t){.write = on_write, .close = on_close});
    if (!stream)
        free(base64);
    return stream;
}

/* SPDX-License-Identifier: MIT */
#include "output/log/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/log/utf8.h"

static struct error no_memory = {
    .code = ERROR_MEMORY,
    .errno_value = ENOMEM,
    .message = (char[]){"out of memory"},
};

struct error *error_no_memory(void)
{
    return &no_memory;
}

/* The characters that a terminal acts on: C0, DEL, and C1 (U+0080 to U+009F, ECMA-48). */
static bool is_control(const char *text, size_t length)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (length == 1)
        return byte[0] < 0x20 || byte[0] == 0x7f;
    return length == 2 && byte[0] == 0xc2 && byte[1] < 0xa0;
}

unsigned long text_sanitize(char *out, unsigned long size, const char *text)
{
    size_t left = strlen(text);
    size_t total = 0;
    bool cut = size == 0;
    size_t end = 0;
    while (left) {
        size_t length = utf8_character(text, left);
        bool plain = length && !is_control(text, length);
        char escaped[sizeof "\\xNN\\xNN"];
        size_t written = length;
        if (!plain) {
            length = length ? length : 1;
            written = 0;
            for (size_t i = 0; i < length; i++)
                written += (size_t)snprintf(escaped + written, sizeof escaped - written, "\\x%02x",
                                            (unsigned char)text[i]);
        }
        /* A character or an escape is kept whole or not at all. */
        if (!cut && written < size - end) {
            memcpy(out + end, plain ? text : escaped, written);
            end += written;
        } else {
            cut = true;
        }
        total += written;
        text += length;
        left -= length;
    }
    if (size)
        out[end] = '\0';
    return total;
}

/*
 * The formatted text, followed by ": " and tail if tail is not NULL, neutralized; NULL when out of
 * memory.
 */
__attribute__((format(printf, 1, 0))) static char *make_message(const char *format,
                                                                va_list arguments, const char *tail)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    size_t head = length > 0 ? (size_t)length : 0;
    size_t size = head + (tail ? strlen(tail) + 2 : 0) + 1;
    char *raw = malloc(size);
    char *message = NULL;
    if (raw) {
        raw[0] = '\0';
        vsnprintf(raw, head + 1, format, again);
        if (tail)
            snprintf(raw + head, size - head, ": %s", tail);
        size_t needed = text_sanitize(NULL, 0, raw) + 1;
        message = malloc(needed);
        if (message)
            text_sanitize(message, needed, raw);
    }
    va_end(again);
    free(raw);
    return message;
}

__attribute__((format(printf, 3, 0))) static struct error *
make_error(enum error_code code, int errno_value, const char *format, va_list arguments,
           const char *tail)
{
    struct error *error = malloc(sizeof *error);
    char *message = make_message(format, arguments, tail);
    if (!error || !message) {
        free(error);
        free(message);
        return error_no_memory();
    }
    *error = (struct error){.code = code, .errno_value = errno_value, .message = message};
    return error;
}

struct error *error_format(enum error_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct error *error = make_error(code, 0, format, arguments, NULL);
    va_end(arguments);
    return error;
}

static enum error_code code_of(int errno_value)
{
    switch (errno_value) {
    case ESRCH:
        return ERROR_GONE;
    case EPERM:
    case EACCES:
        return ERROR_DENIED;
    case ENOMEM:
        return ERROR_MEMORY;
    default:
        return ERROR_SYSTEM;
    }
}

struct error *error_errno(int errno_value, const char *format, ...)
{
    char buffer[128];
    const char *text = strerror_r(errno_value, buffer, sizeof buffer);
    va_list arguments;
    va_start(arguments, format);
    struct error *error = make_error(code_of(errno_value), errno_value, format, arguments, text);
    va_end(arguments);
    return error;
}

struct error *error_prefix(struct error *error, const char *format, ...)
{
    if (error == &no_memory)
        return error;
    va_list arguments;
    va_start(arguments, format);
    char *message = make_message(format, arguments, error->message);
    va_end(arguments);
    if (message) {
        free(error->message);
        error->message = message;
    }
    return error;
}

void error_free(struct error *error)
{
    if (!error || error == &no_memory)
        return;
    free(error->message);
    free(error);
}

/* SPDX-License-Identifier: MIT */
#include "output/log/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error no_memory = {
    .code = ERROR_MEMORY,
    .errno_value = ENOMEM,
    .message = (char[]){"out of memory"},
};

struct error *error_no_memory(void)
{
    return &no_memory;
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

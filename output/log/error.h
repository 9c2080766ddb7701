/* SPDX-License-Identifier: MIT */
/*
 * error.h - what a fallible call returns: NULL for success, or an object that says what failed.
 *
 * The caller that gets an error owns it: print it, wrap it or free it. Running out of memory is
 * reported with a static object, so that reporting never fails itself. Messages are one line,
 * without a trailing newline, and name what failed, on what, and why; untrusted bytes in them
 * (names from the target or from a log) are neutralized by error_format() (text.h).
 */
#ifndef ALLOCPTRACE_LOG_ERROR_H
#define ALLOCPTRACE_LOG_ERROR_H

#include <stdbool.h>

#include "output/log/text.h"

enum error_code {
    ERROR_SYSTEM,    /* a system call failed; errno_value says how */
    ERROR_MEMORY,    /* out of memory */
    ERROR_USAGE,     /* the user's words are off */
    ERROR_FORMAT,    /* not a file of the wanted kind, or of an unknown version */
    ERROR_CORRUPT,   /* a file that starts well and breaks its own format later */
    ERROR_GONE,      /* the tracee vanished: an ordinary result, not a failure of ours */
    ERROR_DENIED,    /* not permitted */
    ERROR_NOT_FOUND, /* no such program, symbol, file */
    ERROR_NOT_EXEC,  /* a program that cannot be executed */
    ERROR_UNSUPPORTED,
};

struct error {
    enum error_code code;
    int errno_value; /* 0 where no system call is behind it */
    char *message;
};

/* Both are printf-like. error_errno() appends ": " and the text of errno_value;
 * its code is ERROR_GONE for ESRCH, ERROR_DENIED for EPERM and EACCES, ERROR_MEMORY for ENOMEM,
 * ERROR_SYSTEM for all others. */
struct error *error_format(enum error_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));
struct error *error_errno(int errno_value, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));
/* The static out-of-memory object. */
struct error *error_no_memory(void);
/* Puts "PREFIX: " before the message; returns the same object. */
struct error *error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_free(struct error *error); /* NULL is allowed */

#endif

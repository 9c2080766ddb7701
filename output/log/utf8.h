/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - checks UTF-8 as RFC 3629 section 4 defines it: no overlong forms, no surrogates.
 */
#ifndef ALLOCPTRACE_LOG_UTF8_H
#define ALLOCPTRACE_LOG_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the well-formed character at the start of text, 0 if there is none. */
size_t utf8_character(const char *text, size_t size);

/* The number of a well-formed character of length bytes. */
uint32_t utf8_code_point(const char *text, size_t length);

bool utf8_valid(const char *text, size_t size);

#endif

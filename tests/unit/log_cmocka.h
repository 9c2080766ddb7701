/* SPDX-License-Identifier: MIT */
/*
 * log_cmocka.h - cmocka with what it wants included before it, and the log tests' helpers.
 */
#ifndef ALLOCPTRACE_TESTS_LOG_CMOCKA_H
#define ALLOCPTRACE_TESTS_LOG_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/log/error.h"

#define assert_no_error(call)                                                                      \
    do {                                                                                           \
        struct error *error_of_call = (call);                                                      \
        if (error_of_call)                                                                         \
            fail_msg("%s: %s", #call, error_of_call->message);                                     \
    } while (0)

#endif

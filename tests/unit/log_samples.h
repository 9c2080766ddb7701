/* SPDX-License-Identifier: MIT */
/*
 * log_samples.h - a log with each kind of record and with extreme values, for several tests.
 */
#ifndef ALLOCPTRACE_TESTS_LOG_SAMPLES_H
#define ALLOCPTRACE_TESTS_LOG_SAMPLES_H

#include "output/log/record.h"

extern const struct log_header log_samples_header;
extern const struct log_record log_samples[];
extern const size_t log_samples_count;

/* cmocka assertions that all fields are the same. */
void assert_same_header(const struct log_header *expected, const struct log_header *actual);
void assert_same_record(const struct log_record *expected, const struct log_record *actual);

#endif

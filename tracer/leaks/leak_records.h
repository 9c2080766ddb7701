/* SPDX-License-Identifier: MIT */
/*
 * leak_records.h - what a check has found, as records of the log and as a line for people.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_RECORDS_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_RECORDS_H

#include <stdint.h>

#include "output/log/error.h"
#include "tracer/leaks/leak_job.h"
#include "tracer/leaks/leak_names.h"
#include "tracer/leaks/reach.h"
#include "tracer/leaks/roots.h"

struct leak_sums {
    uint64_t blocks[LOG_REACH_KINDS], bytes[LOG_REACH_KINDS];
};

/* Writes the roots that blocks were reached from and all verdicts. *roots_written is how many roots
 * were written by all checks so far, and counts on. */
struct error *leak_records_put(struct recorder *recorder, const struct leak_job *job,
                               const struct roots *roots, const struct reach_result *result,
                               struct leak_names *names, uint32_t *roots_written,
                               struct leak_sums *sums);
/* The check's last record. The job's held_ns is known. */
void leak_records_end(struct recorder *recorder, const struct leak_job *job,
                      const struct reach_result *result, uint64_t scan_ns);
/* On standard error. */
void leak_records_tell(const struct leak_job *job, const struct leak_sums *sums);

#endif

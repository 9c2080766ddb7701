/* SPDX-License-Identifier: MIT */
/*
 * parking.h - the place in a target from which it makes system calls for us.
 *
 * A thread that is left there by a tracer that dies must do no harm: in the resident code, or in
 * the four bytes at the program's entry that are borrowed while there is no resident code yet, the
 * system call is followed by a jump to itself. The guardian then gives the thread its registers
 * back. Without either, any system call instruction of the target's will do.
 */
#ifndef ALLOCPTRACE_TRACER_PARKING_H
#define ALLOCPTRACE_TRACER_PARKING_H

#include "tracer/guardian.h"

struct tracee;

/* Finds, or makes, the place; ERROR_UNSUPPORTED if there is none. registers are the thread's own.
 */
struct error *parking_begin(struct tracee *tracee, const struct arch_registers *registers,
                            struct guardian_parked *parked);
/* The thread has its registers back, or is gone. */
void parking_end(struct tracee *tracee, const struct guardian_parked *parked);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * text_check.h - the proof that a detached process has its own code: compares the pages that held
 * breakpoints with the files that they were mapped from.
 */
#ifndef ALLOCPTRACE_TRACER_TEXT_CHECK_H
#define ALLOCPTRACE_TRACER_TEXT_CHECK_H

#include "tracer/counters.h"
#include "tracer/space.h"

/*
 * Adds the bytes compared, and those that differ, to the counters. Code that is of no file is left
 * out. A program that changes its own code (text relocations) differs from its file all the same.
 */
void text_check(const struct space *space, struct counters *counters);

#endif

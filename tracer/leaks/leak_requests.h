/* SPDX-License-Identifier: MIT */
/*
 * leak_requests.h - SIGUSR1 and --leak-interval, which interrupt the tracing thread's wait.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_REQUESTS_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_REQUESTS_H

#include "output/log/error.h"

/* From now on SIGUSR1 is a request, and each interval (seconds, 0 for none) has its signal. */
struct error *leak_requests_start(double interval);

/* What has come since the last call: 1 << LOG_MOMENT_REQUEST, 1 << LOG_MOMENT_INTERVAL. */
unsigned leak_requests_take(void);

/* What was taken has been served: the next interval begins. */
void leak_requests_go_on(void);

/* Interrupts the tracing thread's wait again and again, for as long as this is called now and
 * then. */
void leak_requests_ring(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * symbol_thread.h - names code addresses in the background, each distinct one once.
 *
 * Slow symbol sources (large DWARF, a debuginfod server) hold up neither the tracee nor the
 * unwinder; what is named is written into the log as soon as it is known.
 */
#ifndef ALLOCPTRACE_TRACER_SYMBOL_THREAD_H
#define ALLOCPTRACE_TRACER_SYMBOL_THREAD_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "output/log/error.h"
#include "output/log/record.h"

struct symbol_thread;

/* put writes a record; it is called on the symbol thread and does its own locking. cpus: where the
 * thread may run, or NULL. */
struct error *symbol_thread_start(void (*put)(const struct log_record *record, void *data),
                                  void *data, const cpu_set_t *cpus, struct symbol_thread **thread);

/* Takes over fd. Texts are copied. */
void symbol_thread_module(struct symbol_thread *thread, uint32_t module, int fd, const char *path,
                          const char *root);
void symbol_thread_frame(struct symbol_thread *thread, uint32_t frame, uint32_t module,
                         uint64_t address, bool exact);

/* Waits until all frames are named, ends the thread and frees it. */
void symbol_thread_finish(struct symbol_thread *thread);

#endif

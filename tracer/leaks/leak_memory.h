/* SPDX-License-Identifier: MIT */
/*
 * leak_memory.h - the memory of a stopped process, or of a copy of one, for struct reach_input.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_MEMORY_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/proc_maps.h"
#include "tracer/leaks/reach.h"

struct leak_memory {
    pid_t pid;
    const struct proc_maps *maps;
    int pagemap;
    int fd; /* /proc/PID/mem once process_vm_readv(2) has been refused, else -1 */
    bool refused;
};

/* maps, the process's mappings, stay the caller's. */
void leak_memory_init(struct leak_memory *memory, pid_t pid, const struct proc_maps *maps);
void leak_memory_deinit(struct leak_memory *memory);

/* As read and touched of struct reach_input; data is the struct leak_memory. All of a process that
 * is gone is unreadable; what is in no mapping counts as never touched. */
uint64_t leak_memory_read(const struct reach_piece *pieces, size_t count, void *out, void *data);
void leak_memory_touched(uint64_t start, uint64_t end, reach_visit *visit, void *visit_data,
                         void *data);

#endif

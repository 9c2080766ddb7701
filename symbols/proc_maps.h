/* SPDX-License-Identifier: MIT */
/*
 * proc_maps.h - parses the text of /proc/PID/maps (proc_pid_maps(5)).
 */
#ifndef ALLOCPTRACE_SYMBOLS_PROC_MAPS_H
#define ALLOCPTRACE_SYMBOLS_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct proc_mapping {
    uint64_t start, end; /* addresses, end is one past */
    uint64_t offset;     /* bytes into the file */
    uint64_t inode;      /* 0: no file */
    uint32_t dev_major, dev_minor;
    bool readable, writable, executable, shared;
    bool deleted;     /* the kernel's " (deleted)" suffix, removed from path */
    const char *path; /* "" if none; "[stack]", "[vdso]" and the like otherwise; unescaped */
};

struct proc_maps {
    struct proc_mapping *mappings; /* ascending */
    size_t count;
    char *text; /* what the paths point into */
};

/* Reads PROC/PID/maps; ERROR_GONE if the process is gone. */
struct error *proc_maps_read(int pid, struct proc_maps *maps);
/* Takes over text (malloc'd, size bytes, terminated); a line that cannot be parsed is an error. */
struct error *proc_maps_parse(char *text, struct proc_maps *maps);
void proc_maps_deinit(struct proc_maps *maps);

/* Index of the first mapping that ends above address, or count. */
size_t proc_maps_from(const struct proc_maps *maps, uint64_t address);
/* The mapping that holds address, or NULL. */
const struct proc_mapping *proc_maps_find(const struct proc_maps *maps, uint64_t address);

#endif

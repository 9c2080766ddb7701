/* SPDX-License-Identifier: MIT */
/*
 * space.h - a traced address space: its modules, breakpoints and scratch memory.
 *
 * Threads share one, and so does a vfork child until its exec; fork makes a copy, exec a new one.
 * Each is a process of the log.
 */
#ifndef ALLOCPTRACE_TRACER_SPACE_H
#define ALLOCPTRACE_TRACER_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "tracer/breakpoint.h"
#include "tracer/leaks/leak_moments.h"
#include "tracer/leaks/own_memory.h"
#include "tracer/module.h"
#include "tracer/scratch.h"
#include "tracer/sigtrap.h"

struct guardian;
struct session;
struct tracee;

/* A module where a space maps it. */
struct space_module {
    struct module *module;
    uint64_t start, end, bias;
    uint64_t inode;
    uint32_t dev_major, dev_minor;
    bool seen; /* by the running scan */
};

struct space {
    uint32_t id;         /* process id in the log; 0 for one that is to be let go */
    int users;           /* tracees in it */
    int users_ever;      /* and those that have left it */
    pid_t pid;           /* thread-group id of the process it was made for */
    int mem;             /* /proc/PID/mem; stays good when the leading thread ends. -1 if it could
                            not be opened, or is not needed any more */
    uint64_t initial_sp; /* RSP at the program's start, 0 if unknown: nothing to unwind above */
    struct breakpoint_table breakpoints;
    struct space_module *modules;
    size_t module_count;
    struct scratch *scratches;
    size_t scratch_count;
    struct sigtrap sigtrap;
    struct guardian *guardian; /* not owned; NULL if there is none */
    size_t functions;          /* entries that have a breakpoint */
    bool text_checked;         /* see detach.c */
    bool slotless_told;        /* that some breakpoints could not be set */
    struct leak_moments leaks;
    struct own_memory own; /* empty without --leak-check=reachable */
};

/* A new space with id in process pid. */
struct error *space_create(uint32_t id, pid_t pid, struct guardian *guardian, struct space **space);
/* A copy for a fork's child, whose memory has all our bytes already. Without an id, for a child
 * that is to be let go, only lack of memory is an error. */
struct error *space_fork(const struct space *parent, uint32_t id, pid_t pid, struct space **space);
void space_destroy(struct space *space);
/* The process is gone: what is kept of it needs no descriptor. */
void space_close(struct space *space);

/*
 * Before the first scan: takes over what an earlier tracer left in the process, puts back the code
 * that it left changed, and gets ready to be killed (sigtrap.h). tracee is a stopped thread, and
 * all others of the space are stopped too.
 */
void space_prepare(struct session *session, struct space *space, struct tracee *tracee,
                   bool trap_ignored);

/*
 * Compares the mappings with the modules known: makes new ones known to the recorder and puts
 * breakpoints on their functions, and forgets those that are gone. tracee is a stopped thread of
 * the space.
 */
struct error *space_scan(struct session *session, struct space *space, struct tracee *tracee);

/* Tells the recorder of modules and slots: of a copy it knows those itself while the original is in
 * use. */
void space_tell(struct session *session, const struct space *space);

/*
 * Puts a breakpoint at address, or adds role to the one there; NULL if that is impossible (no
 * memory is mapped there, say). One whose byte the program has overwritten is set anew. tracee is
 * a stopped thread of the space.
 */
struct breakpoint *space_break(struct session *session, struct space *space, struct tracee *tracee,
                               uint64_t address, enum breakpoint_role role);

/* Whether all the breakpoints that are set are in memory. */
bool space_is_planted(const struct space *space);

/* Writes the original or the breakpoint's byte. Returns an errno value. */
int space_write_original(const struct space *space, const struct breakpoint *breakpoint);
int space_write_breakpoint(const struct space *space, const struct breakpoint *breakpoint);

/*
 * Puts all original bytes back, wherever the byte in memory is still ours. Returns how many of
 * the places do not hold the original byte afterwards.
 */
size_t space_restore_text(const struct space *space);
/* The same for the breakpoints that scratch_adopt() has found and that were not set anew. */
void space_restore_adopted(const struct space *space);

/* Where the files of the space's process are seen from here, "" if it has our root directory. */
void space_root(const struct space *space, char *out, size_t size);

/* The module at address, or NULL. */
const struct space_module *space_module_at(const struct space *space, uint64_t address);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * record.h - the log's records as the writer takes them and the reader gives them.
 *
 * A log is a CBOR sequence (RFC 8742). Its first item is the header, self-described
 * (tag 55799, RFC 8949 section 3.4.6); each further item is one record: an array whose first
 * element is the record's kind and whose further elements are the fields below, in this order.
 * A reader ignores elements after those it knows and records of kinds that it does not know, so
 * that fields and kinds can be added without a new version. docs/log-format.cddl is the same
 * definition for other languages.
 *
 * In the file, times and addresses of events are differences from the previous event (see the
 * fields marked DELTA); in these structs they are absolute. Differences wrap modulo 2^64 and are
 * taken in file order over all threads and processes.
 *
 * Ids (process, thread, module, frame, stack) are small integers that the tracer hands out from
 * 1 upwards; 0 means none. A record that defines an id precedes each record that uses it, except
 * LOG_SYMBOL, which may come at any time after its frame and may be missing.
 */
#ifndef ALLOCPTRACE_LOG_RECORD_H
#define ALLOCPTRACE_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_MAGIC "allocptrace-log"
#define LOG_VERSION 1

enum log_kind {
    /* Definitions. */
    LOG_PROCESS = 1,
    LOG_THREAD = 2,
    LOG_MODULE = 3,
    LOG_MAP = 4,
    LOG_UNMAP = 5,
    LOG_FRAME = 6,
    LOG_SYMBOL = 7,
    LOG_STACK = 8,
    LOG_PROCESS_END = 9,
    LOG_THREAD_END = 10,
    LOG_NOTE = 11,
    /* Events: these carry the time since the previous event. */
    LOG_ALLOC = 16,
    LOG_FREE = 17,
    LOG_REALLOC = 18,
    LOG_REALLOC_BEGIN = 19,
    LOG_FAILED = 20,
    LOG_MMAP = 21,
    LOG_MUNMAP = 22,
    LOG_END = 23,
    LOG_FOUND = 24,
    /* A leak check, see struct log_check. */
    LOG_CHECK = 25,
    LOG_ROOT = 26,
    LOG_VERDICT = 27,
    LOG_CHECK_END = 28,
};

/* Text and bytes are not terminated; they stay valid until the next call on the reader. */
struct log_text {
    const char *data;
    size_t size;
};

struct log_header {
    uint64_t version;
    uint64_t tick_ns;    /* length of a time unit in nanoseconds; 0: the log has no times */
    uint64_t started_ns; /* CLOCK_REALTIME at the start of tracing, ns since the epoch; 0 unknown */
    uint64_t page_size;  /* bytes */
    uint64_t depth;      /* most frames kept for a stack */
    bool attached;       /* blocks allocated before the start of tracing exist */
    bool mappings;       /* --mmap was given: LOG_MMAP and LOG_MUNMAP are complete */
    struct log_text tool; /* "allocptrace 0.1.0" */
    struct log_text arch; /* "x86_64" */
    size_t command_count; /* what was asked for: the program's words, or none for attach */
    const struct log_text *command;
};

/* How an address space came to be traced. */
enum log_process_origin {
    LOG_ORIGIN_LAUNCH = 0,
    LOG_ORIGIN_ATTACH = 1,
    LOG_ORIGIN_FORK = 2, /* starts with a copy of the parent's live blocks */
    LOG_ORIGIN_EXEC = 3, /* same pid as its parent, whose heap ended with the exec */
    LOG_ORIGIN_CLONE = 4,
};

/* One address space: an exec begins a new one under the same pid. */
struct log_process {
    uint32_t process;
    uint32_t parent; /* process id in this log, 0 for none */
    uint32_t origin; /* enum log_process_origin */
    int64_t pid;
    struct log_text executable;
    size_t argument_count;
    const struct log_text *arguments;
};

struct log_thread {
    uint32_t thread;
    uint32_t process;
    int64_t tid;
    struct log_text name; /* /proc/PID/task/TID/comm when first seen */
};

/* A distinct ELF file (or the vdso). */
struct log_module {
    uint32_t module;
    struct log_text path;
    struct log_text build_id; /* raw bytes, empty for none */
};

/* A module's place in a process; LOG_UNMAP has the same fields. */
struct log_map {
    uint32_t process;
    uint32_t module;
    uint64_t start, end; /* addresses */
    uint64_t bias;       /* load bias: address minus the ELF file's virtual address */
};

enum log_frame_flags {
    LOG_FRAME_ALLOCATOR = 1,  /* the entry of a traced allocation function */
    LOG_FRAME_EXACT = 2,      /* address is the instruction itself, not a return address */
    LOG_FRAME_INCOMPLETE = 4, /* stands for the callers that could not be found */
    LOG_FRAME_DEPTH = 8,      /* stands for the callers left out by --depth */
};

/* A distinct code address. */
struct log_frame {
    uint32_t frame;
    uint32_t module; /* 0: not in a module; address is then absolute */
    uint64_t
        address; /* the ELF file's virtual address: the instruction, or the byte after a call */
    uint32_t flags;
};

/* Where a frame is in the source, innermost inlined function first. */
struct log_location {
    struct log_text function; /* demangled; empty if unknown */
    struct log_text file;     /* empty if unknown */
    uint64_t line;            /* 0 if unknown */
};

struct log_symbol {
    uint32_t frame;
    size_t location_count;
    const struct log_location *locations;
};

/* A node of the stack trie: parent is the caller's node, 0 at the outermost frame. */
struct log_stack {
    uint32_t stack;
    uint32_t parent;
    uint32_t frame;
};

struct log_process_end {
    uint32_t process;
    uint64_t time;  /* ticks since the start; not a DELTA */
    int64_t status; /* as waitpid(2) gives it; -1 when tracing ended first, -2 for an exec */
};

struct log_thread_end {
    uint32_t thread;
    uint64_t time; /* ticks since the start; not a DELTA */
};

/* Something a reader of the report should know, for instance a function that was not found. */
struct log_note {
    struct log_text text;
};

/* A block came to be. Written when the call returned. */
struct log_alloc {
    uint64_t time; /* ticks since the start of tracing, DELTA */
    uint32_t thread;
    uint64_t address; /* signed DELTA from the previous event's address */
    uint64_t size;    /* bytes asked for */
    uint32_t stack;
    uint64_t slack; /* bytes that the block has beyond size: malloc_usable_size(3) minus size */
    bool has_slack; /* slack is known: an optional last element; false: the allocator does not tell
                     */
};

/* A block ended. Written when the call began; a call with a null pointer is not logged. */
struct log_free {
    uint64_t time; /* DELTA */
    uint32_t thread;
    uint64_t address; /* signed DELTA */
    uint32_t stack;   /* optional last element; 0 if absent */
};

/*
 * A block was resized, perhaps in place. Written when the call returned. If the same thread's last
 * LOG_REALLOC_BEGIN is still open, that one says which block ends, and old_address repeats it.
 */
struct log_realloc {
    uint64_t time; /* DELTA */
    uint32_t thread;
    uint64_t old_address; /* signed DELTA */
    uint64_t new_address; /* signed DELTA from old_address */
    uint64_t size;
    uint32_t stack;
    uint64_t slack; /* of the new block, as in log_alloc */
    bool has_slack;
};

/*
 * The block at address may be freed at any moment from here on: written only when another
 * thread's event falls between a reallocation's call and its return. It is closed by the thread's
 * next LOG_REALLOC, or by a LOG_FAILED, after which the block is alive as before.
 */
struct log_realloc_begin {
    uint64_t time; /* DELTA */
    uint32_t thread;
    uint64_t address; /* signed DELTA */
};

/* An allocation or reallocation returned a null pointer; it changes no block. */
struct log_failed {
    uint64_t time; /* DELTA */
    uint32_t thread;
    uint64_t size;
    uint32_t stack;
};

/* A mapping came to be or grew (mmap, mremap, brk) under --mmap. */
struct log_mmap {
    uint64_t time; /* DELTA */
    uint32_t thread;
    uint64_t address; /* signed DELTA */
    uint64_t size;    /* bytes */
    uint32_t stack;
};

/* Part of the address space was unmapped; it may split or span earlier mappings. */
struct log_munmap {
    uint64_t time; /* DELTA */
    uint32_t thread;
    uint64_t address; /* signed DELTA */
    uint64_t size;    /* bytes */
};

struct log_count {
    struct log_text name;
    uint64_t value;
};

/* A block of a process that was attached to was alive before: found in its allocator's own data. It
 * comes before all events of its process. */
struct log_found {
    uint32_t process;
    uint64_t address; /* signed DELTA */
    uint64_t size;    /* usable bytes: what was asked for is not known */
};

/* When a leak check was made. */
enum log_moment {
    LOG_MOMENT_EXIT = 0,     /* exit(3) was called; its handlers have not run */
    LOG_MOMENT_END = 1,      /* the process is about to lose its memory */
    LOG_MOMENT_FATAL = 2,    /* a signal is about to end it */
    LOG_MOMENT_REQUEST = 3,  /* the user asked (SIGUSR1 to the tracer) */
    LOG_MOMENT_INTERVAL = 4, /* --leak-interval */
    LOG_MOMENT_DETACH = 5,   /* tracing is about to end */
};

/*
 * A leak check of a process begins: which of the blocks that are alive at this place in the order
 * of events can the program still reach? LOG_ROOT and LOG_VERDICT records with its id follow, then
 * LOG_CHECK_END; events that happened later may stand between them.
 */
struct log_check {
    uint32_t check; /* id, from 1 */
    uint32_t process;
    uint64_t time;   /* ticks since the start; not a DELTA */
    uint32_t moment; /* enum log_moment */
};

/* Where the program keeps pointers that need none to be found. */
enum log_root_kind {
    LOG_ROOT_REGISTER = 0,
    LOG_ROOT_STACK = 1,
    LOG_ROOT_GLOBAL = 2,  /* writable data of a module */
    LOG_ROOT_TLS = 3,     /* thread-local variables and the thread's descriptor */
    LOG_ROOT_MAPPING = 4, /* other memory outside the heap */
};

/* A word of a root that a block is reached from. */
struct log_root {
    uint32_t root; /* id, from 1, over all checks */
    uint32_t check;
    uint32_t kind;    /* enum log_root_kind */
    uint32_t thread;  /* of registers, stacks and TLS; 0 otherwise */
    uint32_t module;  /* of globals; 0 otherwise */
    uint64_t address; /* of the word: the ELF file's virtual address for globals, 0 for registers */
    struct log_text name; /* a register's name, or a variable's and the offset; empty if unknown */
};

/* As memcheck and LeakSanitizer classify, from the best case to the worst. */
enum log_reach {
    LOG_REACHABLE = 0,       /* a chain of pointers to the beginnings of blocks leads to it */
    LOG_POSSIBLY_LOST = 1,   /* only chains with a pointer into the middle of a block do */
    LOG_INDIRECTLY_LOST = 2, /* only lost blocks point to it */
    LOG_DEFINITELY_LOST = 3, /* nothing does */
};
#define LOG_REACH_KINDS 4

/* What a check says of a block. */
struct log_verdict {
    uint32_t check;
    uint64_t address; /* signed DELTA */
    uint64_t size;    /* bytes asked for; of a block that was found, usable */
    uint32_t stack;   /* that it was allocated at, 0 if it was found */
    uint32_t thread;  /* that allocated it, 0 if it was found */
    uint32_t reach;   /* enum log_reach */
    uint32_t root;    /* that it was first reached from; 0 if it was from a block, or not at all */
    uint64_t holder;  /* signed DELTA; address of the word that it was first reached from: in the
                         root, or in another block of this check. Its own address if there is none:
                         in a register, or definitely lost */
};

/* A check's last record. Counts are numbers by name, see docs/log-format.md. */
struct log_check_end {
    uint32_t check;
    size_t count_count;
    const struct log_count *counts;
};

/* The last record of a log that was not cut off: the tracer's own counters by name. */
struct log_end {
    uint64_t time; /* ticks since the start; not a DELTA */
    size_t count_count;
    const struct log_count *counts;
};

struct log_record {
    enum log_kind kind; /* a kind that this reader does not know is never returned */
    union {
        struct log_process process;
        struct log_thread thread;
        struct log_module module;
        struct log_map map; /* LOG_MAP and LOG_UNMAP */
        struct log_frame frame;
        struct log_symbol symbol;
        struct log_stack stack;
        struct log_process_end process_end;
        struct log_thread_end thread_end;
        struct log_note note;
        struct log_alloc alloc;
        struct log_free free;
        struct log_realloc realloc;
        struct log_realloc_begin realloc_begin;
        struct log_failed failed;
        struct log_mmap mmap;
        struct log_munmap munmap;
        struct log_end end;
        struct log_found found;
        struct log_check check;
        struct log_root root;
        struct log_verdict verdict;
        struct log_check_end check_end;
    };
};

#endif

/* SPDX-License-Identifier: MIT */
#include "tracer/limits.h"

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>

/* Standard streams, log, pipes, and what is opened for a moment by each of the threads. */
#define DESCRIPTORS_KEPT_FREE 32
/* A dynamic program maps itself, the vdso, the dynamic linker, libc, and perhaps a few more. */
#define DESCRIPTORS_LEAST (DESCRIPTORS_KEPT_FREE + LIMITS_PROCESS + 6 * LIMITS_MODULE)
/* libdw ends a program in which it finds no memory. */
#define ADDRESS_SPACE_LEAST (UINT64_C(256) << 20)

static size_t taken;

static rlim_t hard_limit(int resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 ? limit.rlim_max : RLIM_INFINITY;
}

static rlim_t descriptor_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

struct error *limits_check(void)
{
    rlim_t descriptors = hard_limit(RLIMIT_NOFILE);
    if (descriptors < DESCRIPTORS_LEAST)
        return error_format(ERROR_UNSUPPORTED,
                            "the limit of open files (ulimit -n) is %llu: at least %d are needed",
                            (unsigned long long)descriptors, DESCRIPTORS_LEAST);
    rlim_t address_space = hard_limit(RLIMIT_AS);
    if (address_space < ADDRESS_SPACE_LEAST)
        return error_format(ERROR_UNSUPPORTED,
                            "the limit of virtual memory (ulimit -v) is %llu KiB: at least %llu "
                            "are needed",
                            (unsigned long long)address_space / 1024,
                            (unsigned long long)ADDRESS_SPACE_LEAST / 1024);
    return NULL;
}

void limits_raise(void)
{
    static const int resources[] = {RLIMIT_NOFILE, RLIMIT_AS};
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        struct rlimit limit;
        if (getrlimit(resources[i], &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
            limit.rlim_cur = limit.rlim_max;
            setrlimit(resources[i], &limit);
        }
    }
}

struct error *limits_take(size_t count)
{
    rlim_t limit = descriptor_limit();
    if (taken + count + DESCRIPTORS_KEPT_FREE > limit)
        return error_errno(EMFILE, "the limit of %llu open files (ulimit -n) is used up",
                           (unsigned long long)limit);
    taken += count;
    return NULL;
}

void limits_give_back(size_t count)
{
    taken -= count;
}

/* SPDX-License-Identifier: MIT */
#include "tracer/affinity.h"

#include "tracer/guardian.h"
#include "tracer/tracee.h"

/* A thread is busy if AFFINITY_STOPS stops took less than this: the switches then cost it more
 * than a tenth of its time. It is idle again above the other bound; between them nothing changes.
 */
#define BUSY_NS 100000000
#define IDLE_NS 1000000000

void affinity_init(struct affinity *affinity, enum affinity_mode mode)
{
    cpu_set_t allowed;
    *affinity = (struct affinity){.mode = mode};
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return;
    int core = sched_getcpu();
    if (core < 0 || !CPU_ISSET(core, &allowed))
        return;
    affinity->core = core;
    affinity->allowed = allowed;
    affinity->others = allowed;
    if (CPU_COUNT(&allowed) > 1)
        CPU_CLR(core, &affinity->others);
    if (mode == AFFINITY_FREE)
        return;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(core, &own);
    affinity->enabled = sched_setaffinity(0, sizeof own, &own) == 0;
}

static void pin(const struct affinity *affinity, struct tracee *tracee)
{
    if (!tracee->saved_affinity_valid) {
        if (sched_getaffinity(tracee->tid, sizeof tracee->saved_affinity, &tracee->saved_affinity) <
            0)
            return;
        tracee->saved_affinity_valid = true;
    }
    /* A tracee that was bound elsewhere on purpose stays there. */
    if (!CPU_ISSET(affinity->core, &tracee->saved_affinity))
        return;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(affinity->core, &own);
    /* First: whoever kills us in between does no harm. */
    guardian_pinned(tracee->space->guardian, tracee->tid, &tracee->saved_affinity);
    tracee->pinned = sched_setaffinity(tracee->tid, sizeof own, &own) == 0;
    if (!tracee->pinned)
        guardian_unpinned(tracee->space->guardian, tracee->tid);
}

void affinity_consider(const struct affinity *affinity, struct tracee *tracee, uint64_t now_ns)
{
    if (!affinity->enabled)
        return;
    uint64_t passed = now_ns - tracee->recent_since_ns;
    tracee->recent_since_ns = now_ns;
    tracee->recent_stops = 0;
    if (tracee->pinned) {
        if (affinity->mode == AFFINITY_AUTO && passed > IDLE_NS)
            affinity_release(tracee);
    } else if (affinity->mode == AFFINITY_SHARE || passed < BUSY_NS) {
        pin(affinity, tracee);
    }
}

void affinity_inherited(struct tracee *child, const struct tracee *parent)
{
    if (!parent->pinned)
        return;
    child->saved_affinity = parent->saved_affinity;
    child->saved_affinity_valid = true;
    child->pinned = true;
    affinity_release(child);
}

void affinity_take_over(struct tracee *tracee, const struct tracee *former)
{
    tracee->saved_affinity = former->saved_affinity;
    tracee->saved_affinity_valid = former->saved_affinity_valid;
    tracee->pinned = former->pinned;
}

void affinity_release(struct tracee *tracee)
{
    if (!tracee->pinned)
        return;
    sched_setaffinity(tracee->tid, sizeof tracee->saved_affinity, &tracee->saved_affinity);
    if (tracee->space)
        guardian_unpinned(tracee->space->guardian, tracee->tid);
    tracee->pinned = false;
    tracee->saved_affinity_valid = false;
}

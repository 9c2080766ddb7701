/* SPDX-License-Identifier: MIT */
#include "tracer/sigtrap.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/remote.h"
#include "tracer/scratch.h"
#include "tracer/session.h"

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

static bool has_handler(const struct resident_action *action)
{
    return action->handler != RESIDENT_SIG_DFL && action->handler != RESIDENT_SIG_IGN;
}

/* rt_sigaction(SIGTRAP, ...) in the target; addresses are 0 or in its memory. */
static struct error *call_sigaction(struct tracee *tracee, uint64_t action, uint64_t old)
{
    const uint64_t arguments[6] = {SIGTRAP, action, old, sizeof(uint64_t)};
    int64_t result;
    struct error *error = remote_syscall(tracee, SYS_rt_sigaction, arguments, &result);
    if (!error && result < 0)
        error = error_errno((int)-result, "cannot change the SIGTRAP action of process %d",
                            (int)tracee->tgid);
    return error;
}

/* The kernel writes the action below the thread's stack, where nothing is kept. */
static struct error *query(struct tracee *tracee, struct resident_action *action)
{
    struct arch_registers registers;
    if (pt_get_registers(tracee->tid, &registers))
        return error_format(ERROR_GONE, "thread %d is gone", (int)tracee->tid);
    uint64_t place = (arch_sp(&registers) - ARCH_RED_ZONE - sizeof *action) & ~UINT64_C(15);
    struct error *error = call_sigaction(tracee, 0, place);
    if (!error && mem_read(tracee->tid, place, action, sizeof *action) != sizeof *action)
        error = error_format(ERROR_UNSUPPORTED, "cannot read the SIGTRAP action of process %d",
                             (int)tracee->tgid);
    return error;
}

static struct error *put(const struct space *space, struct tracee *tracee, size_t field,
                         const struct resident_action *action)
{
    const struct scratch *scratch = scratch_main(space);
    if (!scratch)
        return error_format(ERROR_UNSUPPORTED, "process %d has no memory for our code",
                            (int)tracee->tgid);
    int failure = mem_write(space->mem, scratch->start + field, action, sizeof *action);
    if (failure)
        return error_errno(failure, "cannot write into process %d", (int)tracee->tgid);
    return NULL;
}

/* Our handler in force. It passes on what is not a breakpoint's, so it takes after the program's.
 */
static struct error *arm(struct space *space, struct tracee *tracee)
{
    const struct scratch *scratch = scratch_main(space);
    struct error *error =
        put(space, tracee, offsetof(struct resident_header, own), &space->sigtrap.own);
    if (error)
        return error;
    struct resident_action ours = {
        .handler = scratch_code(scratch, (const void *)(uintptr_t)resident_handler),
        .flags = RESIDENT_SA_SIGINFO | RESIDENT_SA_RESTORER | RESIDENT_SA_ONSTACK,
        .restorer = scratch_code(scratch, resident_return),
    };
    if (has_handler(&space->sigtrap.own)) {
        ours.flags = RESIDENT_SA_SIGINFO | RESIDENT_SA_RESTORER |
                     (space->sigtrap.own.flags & ~RESIDENT_SA_RESETHAND);
        ours.mask = space->sigtrap.own.mask;
    }
    error = put(space, tracee, offsetof(struct resident_header, ours), &ours);
    if (!error)
        error = call_sigaction(tracee, scratch->start + offsetof(struct resident_header, ours), 0);
    space->sigtrap.armed = !error;
    return error;
}

/* The program's own action in force. */
static struct error *disarm(struct space *space, struct tracee *tracee)
{
    const struct scratch *scratch = scratch_main(space);
    struct error *error =
        put(space, tracee, offsetof(struct resident_header, own), &space->sigtrap.own);
    if (!error)
        error = call_sigaction(tracee, scratch->start + offsetof(struct resident_header, own), 0);
    return error;
}

/* The handler of another region is a dead tracer's, and that region tells what was there before. */
static void look_behind(struct space *space, pid_t tid)
{
    struct resident_action *own = &space->sigtrap.own;
    for (size_t i = 0; i < space->scratch_count; i++) {
        uint64_t start = space->scratches[i].start;
        if (own->handler < start || own->handler >= start + RESIDENT_SIZE)
            continue;
        space->sigtrap.armed = true;
        if (mem_read(tid, start + offsetof(struct resident_header, own), own, sizeof *own) !=
            sizeof *own)
            *own = (struct resident_action){.handler = RESIDENT_SIG_DFL};
        return;
    }
}

static struct error *find_out(struct space *space, struct tracee *tracee)
{
    space->sigtrap = (struct sigtrap){.armed = false};
    if (proc_ignores(tracee->tid, SIGTRAP)) {
        space->sigtrap.own.handler = RESIDENT_SIG_IGN;
        return NULL;
    }
    if (!proc_catches(tracee->tid, SIGTRAP))
        return NULL;
    struct error *error = query(tracee, &space->sigtrap.own);
    if (!error)
        look_behind(space, tracee->tid);
    return error;
}

bool sigtrap_ignored(const struct space *space)
{
    return space->sigtrap.own.handler == RESIDENT_SIG_IGN;
}

void sigtrap_begin(struct session *session, struct space *space, struct tracee *tracee,
                   bool ignored)
{
    struct error *error = find_out(space, tracee);
    if (ignored)
        space->sigtrap.own = (struct resident_action){.handler = RESIDENT_SIG_IGN};
    if (!error && (!session->launched || sigtrap_ignored(space)))
        error = arm(space, tracee);
    if (error && error->code != ERROR_GONE && !session->launched)
        session_warn(session, "process %d would not survive if allocptrace was killed: %s",
                     (int)tracee->tgid, error->message);
    error_free(error);
}

void sigtrap_adopt(struct space *space, struct tracee *tracee)
{
    error_free(find_out(space, tracee));
}

void sigtrap_end(struct space *space, struct tracee *tracee)
{
    /* The program may have put another in place of ours. */
    const struct resident_action own = space->sigtrap.own;
    if (!space->sigtrap.armed)
        return;
    struct error *error = find_out(space, tracee);
    if (!error) {
        space->sigtrap.own = own;
        error = space->sigtrap.armed ? disarm(space, tracee) : NULL;
    }
    error_free(error);
}

/*
 * Whether the thread had SIGTRAP blocked when it met the breakpoint. Its mask no longer says so,
 * but who blocks SIGSEGV blocks everything; and who calls the C library to block just this one
 * signal was seen doing it.
 */
static bool was_blocked(const struct tracee *tracee, uint64_t mask)
{
    return !(mask & bit(SIGTRAP)) && (mask & bit(SIGSEGV) || tracee->trap_blocked);
}

/* A SIGTRAP that was pending while it was blocked took the place of ours (kernel/signal.c,
 * legacy_queue) and is pending once more: the thread sends it to itself, for nobody else may use
 * all values of si_code (rt_tgsigqueueinfo(2)). */
static struct error *send_again(struct tracee *tracee, const siginfo_t *info)
{
    struct arch_registers registers;
    if (pt_get_registers(tracee->tid, &registers))
        return NULL;
    uint64_t place = (arch_sp(&registers) - ARCH_RED_ZONE - sizeof *info) & ~UINT64_C(15);
    int failure = mem_write(tracee->space->mem, place, info, sizeof *info);
    if (failure)
        return error_errno(failure, "cannot write into process %d", (int)tracee->tgid);
    const uint64_t arguments[6] = {(uint64_t)tracee->tgid, (uint64_t)tracee->tid, SIGTRAP, place};
    int64_t result;
    return remote_syscall(tracee, SYS_rt_tgsigqueueinfo, arguments, &result);
}

static void put_back(struct session *session, struct tracee *tracee, uint64_t mask)
{
    struct space *space = tracee->space;
    siginfo_t info;
    bool taken = pt_get_siginfo(tracee->tid, &info) == 0 && info.si_code != SI_KERNEL;
    session->counters.forced_traps++;
    if (space->sigtrap.armed || has_handler(&space->sigtrap.own))
        error_free(space->sigtrap.armed ? arm(space, tracee) : disarm(space, tracee));
    pt_set_sigmask(tracee->tid, mask | bit(SIGTRAP));
    if (taken)
        error_free(send_again(tracee, &info));
}

/* The call is over, and what is in force now is what the program wants. */
static void action_changed(struct session *session, struct tracee *tracee)
{
    struct space *space = tracee->space;
    uint64_t mask;
    tracee->action_changing = false;
    struct error *error = query(tracee, &space->sigtrap.own);
    /* Had the trap at the call's return not been, the signal would be ignored. */
    if (tracee->action_ignores)
        space->sigtrap.own = (struct resident_action){.handler = RESIDENT_SIG_IGN};
    space->sigtrap.armed = false;
    if (!error && (!session->launched || sigtrap_ignored(space)))
        error = arm(space, tracee);
    error_free(error);
    if (tracee->trap_was_blocked && pt_get_sigmask(tracee->tid, &mask) == 0)
        pt_set_sigmask(tracee->tid, mask | bit(SIGTRAP));
}

void sigtrap_stopped(struct session *session, struct tracee *tracee,
                     const struct breakpoint *breakpoint)
{
    uint64_t mask;
    if (tracee->action_changing) {
        action_changed(session, tracee);
        return;
    }
    /* The mask does not change between a call's entry and its return. */
    if (!(breakpoint->roles & ~BREAKPOINT_RETURN || tracee->trap_blocked ||
          tracee->trap_was_blocked) ||
        pt_get_sigmask(tracee->tid, &mask))
        return;
    tracee->trap_was_blocked = was_blocked(tracee, mask);
    if (tracee->trap_was_blocked)
        put_back(session, tracee, mask);
}

/* pthread_sigmask(how, set, old): which of the kernel's operations it is, and whether on SIGTRAP.
 */
static void mask_changing(struct tracee *tracee, const struct arch_registers *registers)
{
    uint64_t set;
    uint64_t address = arch_argument(registers, 1);
    if (!address || mem_read(tracee->tid, address, &set, sizeof set) != sizeof set)
        return;
    bool named = set & bit(SIGTRAP);
    switch ((int)arch_argument(registers, 0)) {
    case SIG_BLOCK:
        tracee->trap_blocked = tracee->trap_blocked || named;
        break;
    case SIG_UNBLOCK:
        tracee->trap_blocked = tracee->trap_blocked && !named;
        break;
    case SIG_SETMASK:
        tracee->trap_blocked = named;
        break;
    default:
        break;
    }
}

void sigtrap_calling(struct session *session, struct tracee *tracee,
                     const struct breakpoint *breakpoint, const struct arch_registers *registers)
{
    struct space *space = tracee->space;
    uint64_t return_address;
    if (breakpoint->roles & BREAKPOINT_SIGMASK)
        mask_changing(tracee, registers);
    if (!(breakpoint->roles & BREAKPOINT_SIGACTION) || (int)arch_argument(registers, 0) != SIGTRAP)
        return;
    /* The thread is to stop again at the call's return. */
    if (mem_read(tracee->tid, arch_sp(registers), &return_address, sizeof return_address) !=
            sizeof return_address ||
        !space_break(session, space, tracee, return_address, BREAKPOINT_RETURN))
        return;
    if (space->sigtrap.armed)
        error_free(disarm(space, tracee));
    /* At a trap with the signal blocked the kernel would forget what the call has set. */
    uint64_t mask;
    if (tracee->trap_was_blocked && pt_get_sigmask(tracee->tid, &mask) == 0)
        pt_set_sigmask(tracee->tid, mask & ~bit(SIGTRAP));
    tracee->action_changing = true;
    /* The C libraries' struct sigaction begins with the handler. */
    uint64_t handler;
    uint64_t action = arch_argument(registers, 1);
    tracee->action_ignores =
        action ? mem_read(tracee->tid, action, &handler, sizeof handler) == sizeof handler &&
                     handler == RESIDENT_SIG_IGN
               : sigtrap_ignored(space);
}

int sigtrap_own(struct tracee *tracee)
{
    struct sigtrap *sigtrap = &tracee->space->sigtrap;
    siginfo_t info;
    if (!sigtrap->armed || has_handler(&sigtrap->own))
        return SIGTRAP;
    bool executed = pt_get_siginfo(tracee->tid, &info) == 0 && info.si_code == SI_KERNEL;
    if (sigtrap->own.handler == RESIDENT_SIG_IGN && !executed)
        return 0;
    /* It ends the program, also one that ignores SIGTRAP: the kernel resets the action. Our call
     * ends in another kind of stop, from which the signal is reported once more. */
    sigtrap->own = (struct resident_action){.handler = RESIDENT_SIG_DFL};
    error_free(disarm(tracee->space, tracee));
    sigtrap->armed = false;
    return SIGTRAP;
}

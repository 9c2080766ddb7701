/* SPDX-License-Identifier: MIT */
/*
 * stop.h - tells what a wait status word of a seized tracee means. Pure.
 *
 * Statuses are those of waitpid(2) and ptrace(2) under PTRACE_SEIZE with PTRACE_O_TRACESYSGOOD and
 * the TRACECLONE, TRACEFORK, TRACEVFORK, TRACEVFORKDONE and TRACEEXEC options.
 */
#ifndef ALLOCPTRACE_TRACER_STOP_H
#define ALLOCPTRACE_TRACER_STOP_H

enum stop_kind {
    STOP_EXITED,    /* the thread is gone; signal holds nothing. Not resumed */
    STOP_KILLED,    /* the thread is gone, ended by signal. Not resumed */
    STOP_TRAP,      /* SIGTRAP without an event: a breakpoint, a single-step, or the target's own.
                       Resumed with PTRACE_CONT: 0 for ours, SIGTRAP for the target's */
    STOP_SIGNAL,    /* signal-delivery-stop. PTRACE_CONT with the signal delivers it */
    STOP_GROUP,     /* group-stop by signal. PTRACE_LISTEN keeps the thread stopped until SIGCONT */
    STOP_INTERRUPT, /* PTRACE_INTERRUPT's answer, a new thread's first stop, or the end of a
                       group-stop. PTRACE_CONT with 0 */
    STOP_FORK,      /* event stops: PTRACE_GETEVENTMSG gives the child. PTRACE_CONT with 0 */
    STOP_VFORK,
    STOP_CLONE,
    STOP_EXEC,       /* PTRACE_GETEVENTMSG gives the thread id that called it. PTRACE_CONT with 0 */
    STOP_VFORK_DONE, /* PTRACE_CONT with 0 */
    STOP_EXIT,       /* about to exit. PTRACE_CONT with 0 */
    STOP_SYSCALL,    /* a system call's entry or exit under PTRACE_SYSCALL. PTRACE_CONT with 0 */
    STOP_OTHER,      /* an event that was not asked for. PTRACE_CONT with 0 */
};

struct stop {
    enum stop_kind kind;
    int signal; /* the one that ended, stopped or is to be delivered; 0 for the other kinds */
};

struct stop stop_classify(int status);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * ptrace_io.h - the only door to ptrace(2), wait4(2) and a tracee's memory.
 *
 * Every function returns 0 or an errno value. ESRCH means that the tracee is gone or is no longer
 * stopped: an ordinary result that callers pass on until the wait reports the exit.
 */
#ifndef ALLOCPTRACE_TRACER_PTRACE_IO_H
#define ALLOCPTRACE_TRACER_PTRACE_IO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/arch.h"

struct iovec;
struct sock_filter;

enum seize {
    SEIZE_PLAIN,       /* no options: children are not followed */
    SEIZE_FOLLOW,      /* with the options that the session relies on */
    SEIZE_AND_DESTROY, /* the same, and the tracer's death is the tracee's: PTRACE_O_EXITKILL */
};
/* exits: the thread stops before it ends, too (PTRACE_O_TRACEEXIT). */
int pt_seize(pid_t tid, enum seize how, bool exits);
/* From now on the tracer's death is the tracee's, and nothing else of it is reported. */
int pt_destroy_with_us(pid_t tid);
int pt_interrupt(pid_t tid);
int pt_continue(pid_t tid, int signal);
int pt_continue_to_syscall(pid_t tid, int signal);
int pt_step(pid_t tid, int signal);
int pt_listen(pid_t tid);
int pt_detach(pid_t tid, int signal);
int pt_get_registers(pid_t tid, struct arch_registers *registers);
int pt_set_registers(pid_t tid, const struct arch_registers *registers);
/* The extended state, ARCH_EXTENDED_MAX bytes at most; *size is what there was. */
int pt_get_extended(pid_t tid, void *state, size_t *size);
int pt_set_ip(pid_t tid, uint64_t ip);
int pt_event_message(pid_t tid, unsigned long *message);
int pt_get_siginfo(pid_t tid, siginfo_t *info);
int pt_set_siginfo(pid_t tid, const siginfo_t *info);
/* The blocked signals, bit N - 1 for signal N (PTRACE_GETSIGMASK, since Linux 3.11). */
int pt_get_sigmask(pid_t tid, uint64_t *mask);
int pt_set_sigmask(pid_t tid, uint64_t mask);
/* The thread's seccomp filter number index, counted from 0 for the first installed, into code
 * (BPF_MAXINSNS instructions). ENOENT after the last; EACCES without CAP_SYS_ADMIN. */
int pt_seccomp_filter(pid_t tid, unsigned index, struct sock_filter *code, size_t *count);

/* Waits for one tracee or, with tid -1, for any; __WALL. EINTR is returned to the caller. */
int pt_wait(pid_t tid, bool block, pid_t *stopped, int *status);
/*
 * The same, but a signal-delivery-stop stays to be reported, until the tracee is resumed or
 * the stop is taken. If the tracer dies the kernel then delivers the signal; one that has been
 * waited for is lost (kernel/exit.c, wait_task_stopped; kernel/signal.c, ptrace_stop). Needs Linux
 * 4.7 for __WALL with waitid(2).
 */
int pt_peek(pid_t tid, bool block, pid_t *stopped, int *status);
/* Takes the stop that pt_peek() has left, if there is one. */
void pt_take_stop(pid_t tid);

/* Bytes read (perhaps fewer than size where the range ends in unmapped memory). */
size_t mem_read(pid_t pid, uint64_t address, void *out, size_t size);
/* The same of many places, at most IOV_MAX, one after the other into out, which has room for all of
 * them. Where one cannot be read the rest is left out, and bytes is what was read before it. */
int mem_read_pieces(pid_t pid, const struct iovec *pieces, size_t count, void *out, size_t *bytes);
/* Bytes read through /proc/PID/mem, which needs not the right to process_vm_readv(2). */
size_t mem_read_file(int fd, uint64_t address, void *out, size_t size);
/* Writes through /proc/PID/mem (descriptor fd), which reaches read-only private mappings too. */
int mem_write(int fd, uint64_t address, const void *data, size_t size);
/* Opens /proc/PID/mem for writing; -1 with errno. */
int mem_open(pid_t pid);

/* Whether two processes share their memory (kcmp(2), KCMP_VM); -1 where the kernel cannot tell. */
int mem_shared(pid_t one, pid_t other);

#endif

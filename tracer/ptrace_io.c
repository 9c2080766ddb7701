/* SPDX-License-Identifier: MIT */
#include "tracer/ptrace_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int request(enum __ptrace_request what, pid_t tid, void *address, void *data)
{
    return ptrace(what, tid, address, data) < 0 ? errno : 0;
}

static void *as_data(unsigned long value)
{
    return (void *)value; /* NOLINT(performance-no-int-to-ptr): ptrace takes numbers this way */
}

int pt_seize(pid_t tid, enum seize how, bool exits)
{
    unsigned long options = PTRACE_O_TRACESYSGOOD;
    if (how != SEIZE_PLAIN)
        options |= PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC;
    if (how == SEIZE_AND_DESTROY)
        options |= PTRACE_O_EXITKILL;
    if (exits)
        options |= PTRACE_O_TRACEEXIT;
    return request(PTRACE_SEIZE, tid, NULL, as_data(options));
}

int pt_destroy_with_us(pid_t tid)
{
    return request(PTRACE_SETOPTIONS, tid, NULL, as_data(PTRACE_O_EXITKILL));
}

int pt_interrupt(pid_t tid)
{
    return request(PTRACE_INTERRUPT, tid, NULL, NULL);
}

int pt_continue(pid_t tid, int signal)
{
    return request(PTRACE_CONT, tid, NULL, as_data((unsigned long)signal));
}

int pt_continue_to_syscall(pid_t tid, int signal)
{
    return request(PTRACE_SYSCALL, tid, NULL, as_data((unsigned long)signal));
}

int pt_step(pid_t tid, int signal)
{
    return request(PTRACE_SINGLESTEP, tid, NULL, as_data((unsigned long)signal));
}

int pt_listen(pid_t tid)
{
    return request(PTRACE_LISTEN, tid, NULL, NULL);
}

int pt_detach(pid_t tid, int signal)
{
    return request(PTRACE_DETACH, tid, NULL, as_data((unsigned long)signal));
}

int pt_get_registers(pid_t tid, struct arch_registers *registers)
{
    return request(PTRACE_GETREGS, tid, NULL, &registers->user);
}

int pt_set_registers(pid_t tid, const struct arch_registers *registers)
{
    struct arch_registers copy = *registers;
    return request(PTRACE_SETREGS, tid, NULL, &copy.user);
}

int pt_get_extended(pid_t tid, void *state, size_t *size)
{
    struct iovec out = {.iov_base = state, .iov_len = ARCH_EXTENDED_MAX};
    int failure = request(PTRACE_GETREGSET, tid, as_data(ARCH_EXTENDED_NOTE), &out);
    *size = failure ? 0 : out.iov_len;
    return failure;
}

int pt_set_ip(pid_t tid, uint64_t ip)
{
    return request(PTRACE_POKEUSER, tid, as_data(arch_ip_user_offset), as_data(ip));
}

int pt_event_message(pid_t tid, unsigned long *message)
{
    return request(PTRACE_GETEVENTMSG, tid, NULL, message);
}

int pt_get_siginfo(pid_t tid, siginfo_t *info)
{
    return request(PTRACE_GETSIGINFO, tid, NULL, info);
}

int pt_set_siginfo(pid_t tid, const siginfo_t *info)
{
    siginfo_t copy = *info;
    return request(PTRACE_SETSIGINFO, tid, NULL, &copy);
}

int pt_get_sigmask(pid_t tid, uint64_t *mask)
{
    return request(PTRACE_GETSIGMASK, tid, as_data(sizeof *mask), mask);
}

int pt_set_sigmask(pid_t tid, uint64_t mask)
{
    return request(PTRACE_SETSIGMASK, tid, as_data(sizeof mask), &mask);
}

int pt_seccomp_filter(pid_t tid, unsigned index, struct sock_filter *code, size_t *count)
{
    long length = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, as_data(index), code);
    if (length < 0)
        return errno;
    *count = (size_t)length;
    return 0;
}

int pt_wait(pid_t tid, bool block, pid_t *stopped, int *status)
{
    pid_t got = wait4(tid, status, __WALL | (block ? 0 : WNOHANG), NULL);
    if (got < 0)
        return errno;
    *stopped = got;
    return 0;
}

/* As wait4(2) would give it: waitid(2) takes it apart. */
static int status_of(const siginfo_t *info)
{
    switch (info->si_code) {
    case CLD_EXITED:
        return info->si_status << 8;
    case CLD_KILLED:
        return info->si_status;
    case CLD_DUMPED:
        return info->si_status | WCOREFLAG;
    default:
        return info->si_status << 8 | 0x7f;
    }
}

int pt_peek(pid_t tid, bool block, pid_t *stopped, int *status)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(tid < 0 ? P_ALL : P_PID, (id_t)tid, &info,
               WEXITED | WSTOPPED | WNOWAIT | __WALL | (block ? 0 : WNOHANG)) < 0)
        return errno;
    *stopped = info.si_pid;
    *status = status_of(&info);
    bool delivery =
        info.si_code == CLD_TRAPPED && *status >> 16 == 0 && WSTOPSIG(*status) != (SIGTRAP | 0x80);
    if (!info.si_pid || delivery)
        return 0;
    return pt_wait(info.si_pid, false, stopped, status);
}

void pt_take_stop(pid_t tid)
{
    siginfo_t info;
    waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL);
}

size_t mem_read(pid_t pid, uint64_t address, void *out, size_t size)
{
    struct iovec local = {.iov_base = out, .iov_len = size};
    struct iovec remote = {.iov_base = as_data(address), .iov_len = size};
    ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

int mem_read_pieces(pid_t pid, const struct iovec *pieces, size_t count, void *out, size_t *bytes)
{
    struct iovec local = {.iov_base = out};
    for (size_t i = 0; i < count; i++)
        local.iov_len += pieces[i].iov_len;
    ssize_t got = process_vm_readv(pid, &local, 1, pieces, count, 0);
    *bytes = got < 0 ? 0 : (size_t)got;
    return got < 0 ? errno : 0;
}

size_t mem_read_file(int fd, uint64_t address, void *out, size_t size)
{
    ssize_t got = pread(fd, out, size, (off_t)address);
    return got < 0 ? 0 : (size_t)got;
}

int mem_write(int fd, uint64_t address, const void *data, size_t size)
{
    ssize_t put = pwrite(fd, data, size, (off_t)address);
    if (put < 0)
        return errno;
    return (size_t)put == size ? 0 : EIO;
}

int mem_open(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    return open(path, O_RDWR | O_CLOEXEC);
}

int mem_shared(pid_t one, pid_t other)
{
    long result = syscall(SYS_kcmp, one, other, KCMP_VM, 0, 0);
    if (result < 0)
        return -1;
    return result == 0;
}

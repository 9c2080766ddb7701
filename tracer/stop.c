/* SPDX-License-Identifier: MIT */
#include "tracer/stop.h"

#include <signal.h>
#include <sys/wait.h>

/* PTRACE_EVENT_*, ptrace(2); <sys/ptrace.h> is ptrace_io.c's alone. */
enum {
    EVENT_FORK = 1,
    EVENT_VFORK = 2,
    EVENT_CLONE = 3,
    EVENT_EXEC = 4,
    EVENT_VFORK_DONE = 5,
    EVENT_EXIT = 6,
    EVENT_STOP = 128,
};

struct stop stop_classify(int status)
{
    if (WIFEXITED(status))
        return (struct stop){.kind = STOP_EXITED};
    if (WIFSIGNALED(status))
        return (struct stop){.kind = STOP_KILLED, .signal = WTERMSIG(status)};
    int signal = WSTOPSIG(status);
    switch (status >> 16) {
    case 0:
        if (signal == (SIGTRAP | 0x80))
            return (struct stop){.kind = STOP_SYSCALL};
        if (signal == SIGTRAP)
            return (struct stop){.kind = STOP_TRAP};
        return (struct stop){.kind = STOP_SIGNAL, .signal = signal};
    case EVENT_STOP:
        if (signal == SIGTRAP)
            return (struct stop){.kind = STOP_INTERRUPT};
        return (struct stop){.kind = STOP_GROUP, .signal = signal};
    case EVENT_FORK:
        return (struct stop){.kind = STOP_FORK};
    case EVENT_VFORK:
        return (struct stop){.kind = STOP_VFORK};
    case EVENT_CLONE:
        return (struct stop){.kind = STOP_CLONE};
    case EVENT_EXEC:
        return (struct stop){.kind = STOP_EXEC};
    case EVENT_VFORK_DONE:
        return (struct stop){.kind = STOP_VFORK_DONE};
    case EVENT_EXIT:
        return (struct stop){.kind = STOP_EXIT};
    default:
        return (struct stop){.kind = STOP_OTHER};
    }
}

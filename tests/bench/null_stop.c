/* SPDX-License-Identifier: MIT */
/*
 * The floor under every breakpoint: a child runs into int3 again and again, and its tracer does
 * nothing but wait and let it go on; then the same with the least that a profiler needs, reading
 * the registers and moving the instruction pointer.
 *
 * Usage: bench_null_stop [STOPS [CORE]]; tracer and tracee share the core, by default the first
 * one allowed.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_STOPS 200000
#define MOST_STOPS 1000000000

enum work { WAIT_AND_CONTINUE, READ_AND_MOVE };

static void die(const char *what)
{
    fprintf(stderr, "bench_null_stop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Waits for the tracer, which lets it go on with a byte through the pipe. */
static _Noreturn void run_into_breakpoints(int go, long stops)
{
    char byte;
    if (read(go, &byte, 1) != 1)
        _exit(1);
    for (long i = 0; i < stops; i++)
        __asm__ volatile("int3");
    _exit(0);
}

static void stop_once(pid_t child, enum work work)
{
    struct user_regs_struct registers;
    if (work == READ_AND_MOVE) {
        if (ptrace(PTRACE_GETREGS, child, NULL, &registers))
            die("PTRACE_GETREGS");
        if (ptrace(PTRACE_POKEUSER, child, offsetof(struct user, regs.rip), registers.rip))
            die("PTRACE_POKEUSER");
    }
    if (ptrace(PTRACE_CONT, child, NULL, NULL))
        die("PTRACE_CONT");
}

/* Seconds from the first stop to the child's end. */
static double measure(long stops, enum work work)
{
    int go[2];
    if (pipe(go))
        die("pipe");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        close(go[1]);
        run_into_breakpoints(go[0], stops);
    }
    close(go[0]);
    if (ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_EXITKILL))
        die("PTRACE_SEIZE");
    if (write(go[1], "", 1) != 1)
        die("write");
    close(go[1]);

    double start = now();
    long seen = 0;
    int status;
    for (;;) {
        if (wait4(child, &status, __WALL, NULL) != child)
            die("wait4");
        if (!WIFSTOPPED(status))
            break;
        seen += status >> 8 == SIGTRAP;
        stop_once(child, work);
    }
    double seconds = now() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || seen != stops) {
        fprintf(stderr, "bench_null_stop: %ld stops seen of %ld, status 0x%x\n", seen, stops,
                (unsigned)status);
        exit(1);
    }
    return seconds;
}

static long number(const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < least || value > most) {
        fprintf(stderr, "usage: bench_null_stop [STOPS [CORE]]\n");
        exit(2);
    }
    return value;
}

static int first_core(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        die("sched_getaffinity");
    int core = 0;
    while (core < CPU_SETSIZE - 1 && !CPU_ISSET(core, &allowed))
        core++;
    return core;
}

int main(int argc, char **argv)
{
    long stops = argc > 1 ? number(argv[1], 1, MOST_STOPS) : DEFAULT_STOPS;
    int core = argc > 2 ? (int)number(argv[2], 0, CPU_SETSIZE - 1) : first_core();
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores)) /* the child inherits it */
        die("sched_setaffinity");
    printf("%ld stops on core %d\n", stops, core);
    printf("wait4 + PTRACE_CONT            %.2f us a stop\n",
           measure(stops, WAIT_AND_CONTINUE) / (double)stops * 1e6);
    printf("with GETREGS and POKEUSER(rip) %.2f us a stop\n",
           measure(stops, READ_AND_MOVE) / (double)stops * 1e6);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Status words are composed as wait4(2) and ptrace(2) describe them, by the kernel's own macros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/stop.h"

#define STOPPED(signal) __W_STOPCODE(signal)
#define EVENT(signal, event) (__W_STOPCODE(signal) | (int)((unsigned)(event) << 16))

static const struct {
    const char *what;
    int status;
    struct stop stop;
} cases[] = {
    {"exit with 0", __W_EXITCODE(0, 0), {STOP_EXITED, 0}},
    {"exit with 255", __W_EXITCODE(255, 0), {STOP_EXITED, 0}},
    {"killed", __W_EXITCODE(0, SIGKILL), {STOP_KILLED, SIGKILL}},
    {"killed with a core", __W_EXITCODE(0, SIGSEGV) | WCOREFLAG, {STOP_KILLED, SIGSEGV}},
    {"a trap", STOPPED(SIGTRAP), {STOP_TRAP, 0}},
    {"a signal", STOPPED(SIGUSR1), {STOP_SIGNAL, SIGUSR1}},
    {"the last real-time signal", STOPPED(64), {STOP_SIGNAL, 64}},
    {"a stopping signal on its way", STOPPED(SIGSTOP), {STOP_SIGNAL, SIGSTOP}},
    {"SIGCONT on its way", STOPPED(SIGCONT), {STOP_SIGNAL, SIGCONT}},
    {"group-stop by SIGSTOP", EVENT(SIGSTOP, PTRACE_EVENT_STOP), {STOP_GROUP, SIGSTOP}},
    {"group-stop by SIGTSTP", EVENT(SIGTSTP, PTRACE_EVENT_STOP), {STOP_GROUP, SIGTSTP}},
    {"group-stop by SIGTTIN", EVENT(SIGTTIN, PTRACE_EVENT_STOP), {STOP_GROUP, SIGTTIN}},
    {"group-stop by SIGTTOU", EVENT(SIGTTOU, PTRACE_EVENT_STOP), {STOP_GROUP, SIGTTOU}},
    {"interrupted", EVENT(SIGTRAP, PTRACE_EVENT_STOP), {STOP_INTERRUPT, 0}},
    {"fork", EVENT(SIGTRAP, PTRACE_EVENT_FORK), {STOP_FORK, 0}},
    {"vfork", EVENT(SIGTRAP, PTRACE_EVENT_VFORK), {STOP_VFORK, 0}},
    {"clone", EVENT(SIGTRAP, PTRACE_EVENT_CLONE), {STOP_CLONE, 0}},
    {"exec", EVENT(SIGTRAP, PTRACE_EVENT_EXEC), {STOP_EXEC, 0}},
    {"vfork done", EVENT(SIGTRAP, PTRACE_EVENT_VFORK_DONE), {STOP_VFORK_DONE, 0}},
    {"about to exit", EVENT(SIGTRAP, PTRACE_EVENT_EXIT), {STOP_EXIT, 0}},
    {"a system call", STOPPED(SIGTRAP | 0x80), {STOP_SYSCALL, 0}},
    {"seccomp, not asked for", EVENT(SIGTRAP, PTRACE_EVENT_SECCOMP), {STOP_OTHER, 0}},
};

static void every_status_word_has_one_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stop stop = stop_classify(cases[i].status);
        if (stop.kind != cases[i].stop.kind || stop.signal != cases[i].stop.signal)
            fail_msg("%s (0x%x): kind %d signal %d, not kind %d signal %d", cases[i].what,
                     (unsigned)cases[i].status, (int)stop.kind, stop.signal,
                     (int)cases[i].stop.kind, cases[i].stop.signal);
    }
}

/* The same with the kernel's own words: a child that is seized, interrupted, signalled, stopped as
 * a group, continued and killed. */
static void the_kernel_reports_what_is_expected(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (;;)
            pause();
    }
    int status;
    assert_int_equal(ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
                     0);
    assert_int_equal(ptrace(PTRACE_INTERRUPT, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_INTERRUPT);

    assert_int_equal(kill(child, SIGURG), 0);
    assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_SIGNAL);
    assert_int_equal(stop_classify(status).signal, SIGURG);

    assert_int_equal(ptrace(PTRACE_CONT, child, NULL, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_GROUP);
    assert_int_equal(stop_classify(status).signal, SIGSTOP);

    assert_int_equal(ptrace(PTRACE_LISTEN, child, NULL, NULL), 0);
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_INTERRUPT);

    assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_SIGNAL);
    assert_int_equal(stop_classify(status).signal, SIGCONT);
    assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_SYSCALL);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_int_equal(stop_classify(status).kind, STOP_KILLED);
    assert_int_equal(stop_classify(status).signal, SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_word_has_one_kind),
        cmocka_unit_test(the_kernel_reports_what_is_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tracer/conflicts.h"

#include <stdlib.h>
#include <string.h>

#include "tracer/privileges.h"
#include "tracer/proc_files.h"
#include "tracer/session.h"

/* ptrace(2)'s requests that fail with EPERM for a thread that has a tracer, linux/ptrace.h; the
 * header that names them belongs to ptrace_io.c. */
enum { REQUEST_TRACEME = 0, REQUEST_ATTACH = 16, REQUEST_SEIZE = 0x4206 };

/* "detect_leaks=0:verbosity=1", separated by any of these; the last word for an option counts
 * (compiler-rt, sanitizer_flag_parser.cpp). Returns -1 where it is not said. */
static int detects_leaks(const char *options)
{
    static const char name[] = "detect_leaks=";
    int detects = -1;
    const char *at = options;
    while (at && (at = strstr(at, name))) {
        bool whole = at == options || strchr(" ,:\n\t\r", at[-1]);
        at += sizeof name - 1;
        if (whole)
            detects = *at != '0' && *at != 'n' && *at != 'f'; /* 0, no, false */
    }
    return detects;
}

static bool is_switched_off(pid_t pid)
{
    static const char *const names[] = {"ASAN_OPTIONS", "LSAN_OPTIONS"};
    int detects = -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *options = proc_environment(pid, names[i]);
        int said = detects_leaks(options);
        detects = said < 0 ? detects : said;
        free(options);
    }
    return detects == 0;
}

void conflicts_module(struct session *session, const struct tracee *tracee,
                      const struct module *module)
{
    if (!module->leak_sanitizer || session->conflicts.leak_sanitizer_told ||
        is_switched_off(tracee->tgid))
        return;
    session->conflicts.leak_sanitizer_told = true;
    char name[64];
    proc_thread_name(tracee->tgid, name, sizeof name);
    session_warn(session,
                 "process %d (%s) contains LeakSanitizer, which does not work in a traced program: "
                 "it will fail at the program's end and change its exit status; set "
                 "ASAN_OPTIONS=detect_leaks=0 (or LSAN_OPTIONS) for the program",
                 (int)tracee->tgid, name);
}

void conflicts_ptrace(struct session *session, const struct tracee *tracee,
                      const struct arch_registers *registers)
{
    uint32_t request = (uint32_t)arch_argument(registers, 0);
    if (session->conflicts.ptrace_told ||
        (request != REQUEST_TRACEME && request != REQUEST_ATTACH && request != REQUEST_SEIZE))
        return;
    session->conflicts.ptrace_told = true;
    char name[64];
    proc_thread_name(tracee->tgid, name, sizeof name);
    session_warn(
        session,
        "process %d (%s) calls ptrace to trace a process, as debuggers do: that fails with "
        "\"Operation not permitted\" for every process that allocptrace traces",
        (int)tracee->tgid, name);
}

void conflicts_privileges(struct session *session, const struct tracee *tracee)
{
    if (session->conflicts.privileges_told || !privileges_withheld(tracee->tgid))
        return;
    session->conflicts.privileges_told = true;
    char executable[4096];
    proc_executable(tracee->tgid, executable, sizeof executable);
    session_warn(session,
                 "process %d executes %s without the privileges that its set-user-ID bit, "
                 "set-group-ID bit or capabilities would give it: the kernel grants them to a "
                 "traced program only if the tracer has CAP_SYS_PTRACE; run allocptrace as root "
                 "and let it start the program as the user (setpriv, su)",
                 (int)tracee->tgid, executable);
}

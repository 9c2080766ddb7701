/* SPDX-License-Identifier: MIT */
#include "tracer/launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/ptrace_io.h"
#include "tracer/session.h"

/* Where execvp(3) would find name; malloc'd. *errno_value says why not, ENOENT or EACCES. */
static char *find_program(const char *name, int *errno_value)
{
    const char *path = getenv("PATH");
    *errno_value = ENOENT;
    if (strchr(name, '/'))
        return strdup(name);
    if (!path)
        path = "/bin:/usr/bin";
    while (*name) {
        size_t length = strcspn(path, ":");
        char *candidate = NULL;
        struct stat status;
        if (asprintf(&candidate, "%.*s%s%s", (int)length, path, length ? "/" : "./", name) < 0)
            return NULL;
        if (stat(candidate, &status) == 0 && S_ISREG(status.st_mode)) {
            if (access(candidate, X_OK) == 0)
                return candidate;
            *errno_value = EACCES;
        }
        free(candidate);
        if (!path[length])
            break;
        path += length + 1;
    }
    return NULL;
}

static struct error *not_executable(const char *path, const char *why)
{
    return error_format(ERROR_NOT_EXEC, "cannot execute %s: %s", path, why);
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "32-bit x86";
    case EM_AARCH64:
        return "64-bit ARM";
    case EM_ARM:
        return "32-bit ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "64-bit PowerPC";
    default:
        return "another architecture";
    }
}

/* Says early, and more clearly than the kernel, what cannot be executed or traced. */
static struct error *check_program(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return error_format(errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_NOT_EXEC,
                            "cannot execute %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return not_executable(path, "it is a directory");
    if (access(path, X_OK) < 0)
        return not_executable(path, errno == EACCES ? "it has no permission to be executed"
                                                    : strerror(errno));
    unsigned char header[20] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL; /* may be executable all the same: the kernel will say */
    ssize_t got = read(fd, header, sizeof header);
    close(fd);
    if (got >= 2 && header[0] == '#' && header[1] == '!')
        return NULL;
    if (got < (ssize_t)sizeof header || memcmp(header, ELFMAG, SELFMAG) != 0)
        return not_executable(path, "it is neither an ELF program nor a script with a #! line");
    unsigned machine = header[18] | (unsigned)header[19] << 8;
    if (header[EI_CLASS] != ELFCLASS64 || machine != ARCH_ELF_MACHINE)
        return error_format(ERROR_NOT_EXEC,
                            "cannot trace %s: it is a program for %s, and this "
                            "allocptrace traces %s programs only",
                            path, machine_name(machine), ARCH_NAME);
    return NULL;
}

/* The child's side. */
static _Noreturn void execute(const struct session *session, const char *path, char **command,
                              int start, int failure)
{
    char byte;
    if (session->affinity.enabled)
        sched_setaffinity(0, sizeof session->affinity.allowed, &session->affinity.allowed);
    ssize_t got;
    do
        got = read(start, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(127); /* the tracer has ended */
    execv(path, command);
    int errno_value = errno;
    if (write(failure, &errno_value, sizeof errno_value) < 0)
        _exit(126);
    _exit(127);
}

static struct error *fork_child(struct session *session, char **command, struct launch *launch)
{
    int start[2];
    int failure[2];
    if (pipe2(start, O_CLOEXEC) < 0 || pipe2(failure, O_CLOEXEC) < 0)
        return error_errno(errno, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return error_errno(errno, "cannot start a process");
    if (pid == 0) {
        close(start[1]);
        execute(session, launch->path, command, start[0], failure[1]);
    }
    close(start[0]);
    close(failure[1]);
    launch->start_pipe = start[1];
    launch->failure_pipe = failure[0];
    int seized = pt_seize(pid, SEIZE_AND_DESTROY, session->options->leak_check);
    struct tracee *tracee = seized ? NULL : tracee_add(session->tracees, pid);
    if (!tracee) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return seized ? error_errno(seized, "cannot trace a child process: is ptrace forbidden by "
                                            "a container or sandbox?")
                      : error_no_memory();
    }
    tracee->tgid = pid;
    tracee->state = TRACEE_RUNNING;
    session->main_pid = pid;
    session->launched = true;
    return NULL;
}

struct error *launch_prepare(struct session *session, char **command, struct launch *launch)
{
    *launch = (struct launch){.start_pipe = -1, .failure_pipe = -1};
    int errno_value;
    launch->path = find_program(command[0], &errno_value);
    if (!launch->path)
        return error_format(errno_value == ENOENT ? ERROR_NOT_FOUND : ERROR_NOT_EXEC,
                            errno_value == ENOENT
                                ? "cannot execute %s: there is no such program in PATH"
                                : "cannot execute %s: the one in PATH has no permission for it",
                            command[0]);
    struct error *error = check_program(launch->path);
    return error ? error : fork_child(session, command, launch);
}

void launch_start(struct launch *launch)
{
    /* Should the child be gone already, the session will see that. */
    if (write(launch->start_pipe, "", 1) < 0)
        return;
    close(launch->start_pipe);
    launch->start_pipe = -1;
}

struct error *launch_result(struct launch *launch)
{
    int errno_value;
    if (read(launch->failure_pipe, &errno_value, sizeof errno_value) != sizeof errno_value)
        return NULL;
    return error_format(errno_value == ENOENT ? ERROR_NOT_FOUND : ERROR_NOT_EXEC,
                        "cannot execute %s: %s", launch->path,
                        errno_value == ENOENT
                            ? "its interpreter (the dynamic linker or #! program) does not exist"
                            : strerror(errno_value));
}

void launch_deinit(struct launch *launch)
{
    if (launch->start_pipe >= 0)
        close(launch->start_pipe);
    if (launch->failure_pipe >= 0)
        close(launch->failure_pipe);
    free(launch->path);
    launch->path = NULL;
}

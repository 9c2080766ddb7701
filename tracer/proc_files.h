/* SPDX-License-Identifier: MIT */
/*
 * proc_files.h - small facts about a process from /proc (proc(5)), each read when it is needed.
 */
#ifndef ALLOCPTRACE_TRACER_PROC_FILES_H
#define ALLOCPTRACE_TRACER_PROC_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The executable's path; "?" if it cannot be read. */
void proc_executable(pid_t pid, char *out, size_t size);

#define PROC_WORDS_MAX 64
struct proc_words {
    size_t count; /* at most PROC_WORDS_MAX: later words are left out */
    const char *words[PROC_WORDS_MAX];
    char *text; /* what words point into */
};
void proc_arguments(pid_t pid, struct proc_words *words);
void proc_words_deinit(struct proc_words *words);

/* The value of a variable in the environment that the program was started with, malloc'd; NULL if
 * it is not there, or not within the first 64 KiB. */
char *proc_environment(pid_t pid, const char *name);

/* The thread's name (comm); empty if it cannot be read. */
void proc_thread_name(pid_t tid, char *out, size_t size);

/* The text of the State line of /proc/PID/status, "R (running)"; empty if it cannot be read. */
void proc_state(pid_t pid, char *out, size_t size);

/* The number in a "NAME:\tNUMBER" line of /proc/PID/status; fallback if it is not there. */
long proc_status_number(pid_t pid, const char *name, long fallback);

struct proc_credentials {
    uid_t euid;
    gid_t egid;
    uint64_t permitted, effective; /* capabilities, bit N for number N */
    bool no_new_privileges;
};
/* False if they cannot be read. */
bool proc_credentials(pid_t pid, struct proc_credentials *credentials);

/* The process that a thread belongs to (Tgid). */
pid_t proc_thread_group(pid_t tid, pid_t fallback);

/* Whether a signal has a handler in the process (SigCgt), is ignored by it (SigIgn), or was sent to
 * the thread and is still to be delivered (SigPnd). */
bool proc_catches(pid_t pid, int signal);
bool proc_ignores(pid_t pid, int signal);
bool proc_pending(pid_t tid, int signal);
/* Whether there is any signal for the thread or its process that the thread does not block. */
bool proc_has_signal(pid_t tid);

/* The number of the system call that a thread sleeps in; -1 if it runs, is in none, or that cannot
 * be read (/proc/PID/syscall). */
long proc_syscall(pid_t tid);
/* The process's id in its own pid namespace, the innermost one (NSpid); 0 if unknown. */
pid_t proc_own_pid(pid_t pid);
/* Whether the children that the process makes are in its own pid namespace. */
bool proc_shares_pids(pid_t pid);

/* The address of the program's first instruction (AT_ENTRY of the auxiliary vector), 0 if
 * unknown. */
uint64_t proc_entry(pid_t pid);

/* Calls visit for each child process of the process's threads (/proc/PID/task/TID/children). */
void proc_children(pid_t pid, void (*visit)(pid_t child, void *data), void *data);

/* The stack pointer that the program started with (startstack), 0 if unknown. */
uint64_t proc_initial_sp(pid_t pid);

/* The signal that the process's end sends its parent; -1 if unknown. */
int proc_exit_signal(pid_t pid);

/* Whether the executable is of this tracer's own architecture; true if that cannot be read. */
bool proc_is_native(pid_t pid);

#endif

/* SPDX-License-Identifier: MIT */
#include "tracer/proc_files.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/arch.h"

#define MOST_TEXT 65536

/* Reads a file of /proc/PID into malloc'd, terminated text; NULL if that fails. */
static char *read_text(pid_t pid, const char *name, size_t *size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = malloc(MOST_TEXT + 1);
    size_t used = 0;
    while (text && used < MOST_TEXT) {
        ssize_t got = read(fd, text + used, MOST_TEXT - used);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    close(fd);
    if (text)
        text[used] = 0;
    if (size)
        *size = used;
    return text;
}

void proc_executable(pid_t pid, char *out, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t got = readlink(path, out, size - 1);
    if (got < 0)
        snprintf(out, size, "?");
    else
        out[got] = 0;
}

void proc_arguments(pid_t pid, struct proc_words *words)
{
    size_t size = 0;
    *words = (struct proc_words){.text = read_text(pid, "cmdline", &size)};
    char *at = words->text;
    while (at && at < words->text + size && words->count < PROC_WORDS_MAX) {
        words->words[words->count++] = at;
        at += strlen(at) + 1;
    }
}

void proc_words_deinit(struct proc_words *words)
{
    free(words->text);
    words->text = NULL;
    words->count = 0;
}

char *proc_environment(pid_t pid, const char *name)
{
    size_t size = 0;
    size_t length = strlen(name);
    char *text = read_text(pid, "environ", &size);
    char *value = NULL;
    for (const char *at = text; at && !value && at < text + size; at += strlen(at) + 1) {
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            value = strdup(at + length + 1);
    }
    free(text);
    return value;
}

void proc_thread_name(pid_t tid, char *out, size_t size)
{
    char *text = read_text(tid, "comm", NULL);
    snprintf(out, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
    free(text);
}

/* The value of a line of /proc/PID/status, or NULL; it points into *text, which is to be freed. */
static const char *status_line(pid_t pid, const char *name, char **text)
{
    size_t length = strlen(name);
    *text = read_text(pid, "status", NULL);
    for (char *line = *text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1;
    }
    return NULL;
}

void proc_state(pid_t pid, char *out, size_t size)
{
    char *text;
    const char *value = status_line(pid, "State", &text);
    while (value && (*value == '\t' || *value == ' '))
        value++;
    snprintf(out, size, "%.*s", value ? (int)strcspn(value, "\n") : 0, value ? value : "");
    free(text);
}

long proc_status_number(pid_t pid, const char *name, long fallback)
{
    char *text;
    const char *value = status_line(pid, name, &text);
    long number = value ? strtol(value, NULL, 10) : fallback;
    free(text);
    return number;
}

/* Real, effective, saved, file system's. */
static bool effective_id(pid_t pid, const char *name, unsigned *id)
{
    char *text;
    const char *value = status_line(pid, name, &text);
    bool found = value && sscanf(value, "%*u %u", id) == 1;
    free(text);
    return found;
}

static uint64_t status_bits(pid_t pid, const char *name)
{
    char *text;
    const char *value = status_line(pid, name, &text);
    uint64_t bits = value ? strtoull(value, NULL, 16) : 0;
    free(text);
    return bits;
}

bool proc_credentials(pid_t pid, struct proc_credentials *credentials)
{
    credentials->permitted = status_bits(pid, "CapPrm");
    credentials->effective = status_bits(pid, "CapEff");
    credentials->no_new_privileges = proc_status_number(pid, "NoNewPrivs", 0) != 0;
    return effective_id(pid, "Uid", &credentials->euid) &&
           effective_id(pid, "Gid", &credentials->egid);
}

pid_t proc_thread_group(pid_t tid, pid_t fallback)
{
    return (pid_t)proc_status_number(tid, "Tgid", fallback);
}

static bool in_signal_set(pid_t pid, const char *name, int signal)
{
    return status_bits(pid, name) >> (signal - 1) & 1;
}

bool proc_has_signal(pid_t tid)
{
    uint64_t pending = status_bits(tid, "SigPnd") | status_bits(tid, "ShdPnd");
    return pending & ~status_bits(tid, "SigBlk");
}

bool proc_catches(pid_t pid, int signal)
{
    return in_signal_set(pid, "SigCgt", signal);
}

bool proc_ignores(pid_t pid, int signal)
{
    return in_signal_set(pid, "SigIgn", signal);
}

bool proc_pending(pid_t tid, int signal)
{
    return in_signal_set(tid, "SigPnd", signal);
}

long proc_syscall(pid_t tid)
{
    char *text = read_text(tid, "syscall", NULL);
    char *end = text;
    long number = text ? strtol(text, &end, 10) : -1;
    if (end == text) /* "running" */
        number = -1;
    free(text);
    return number;
}

pid_t proc_own_pid(pid_t pid)
{
    char *text;
    const char *value = status_line(pid, "NSpid", &text);
    pid_t last = 0;
    while (value && (*value == '\t' || *value == ' ')) {
        char *end;
        last = (pid_t)strtol(value, &end, 10);
        value = end > value ? end : NULL;
    }
    free(text);
    return last;
}

bool proc_shares_pids(pid_t pid)
{
    char path[64], own[64], childrens[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    ssize_t own_size = readlink(path, own, sizeof own);
    snprintf(path, sizeof path, "/proc/%d/ns/pid_for_children", (int)pid);
    ssize_t size = readlink(path, childrens, sizeof childrens);
    return size > 0 && size == own_size && memcmp(own, childrens, (size_t)size) == 0;
}

uint64_t proc_entry(pid_t pid)
{
    size_t size = 0;
    char *text = read_text(pid, "auxv", &size);
    uint64_t entry = 0;
    Elf64_auxv_t item;
    for (size_t at = 0; text && !entry && at + sizeof item <= size; at += sizeof item) {
        memcpy(&item, text + at, sizeof item);
        if (item.a_type == AT_ENTRY)
            entry = item.a_un.a_val;
    }
    free(text);
    return entry;
}

void proc_children(pid_t pid, void (*visit)(pid_t child, void *data), void *data)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        snprintf(path, sizeof path, "task/%.20s/children", entry->d_name);
        char *text = read_text(pid, path, NULL);
        char *end = text;
        for (long child; text && (child = strtol(end, &end, 10)) > 0;)
            visit((pid_t)child, data);
        free(text);
    }
    if (directory)
        closedir(directory);
}

/* A field of /proc/PID/stat, counted from 1 as in proc_pid_stat(5); it points into *text, which is
 * to be freed. NULL if it is not there. */
static const char *stat_field(pid_t pid, int wanted, char **text)
{
    *text = read_text(pid, "stat", NULL);
    /* The second field, the name, may hold spaces and parentheses: count from its end. */
    const char *at = *text ? strrchr(*text, ')') : NULL;
    for (int field = 2; at && field < wanted; field++)
        at = strchr(at + 1, ' ');
    return at ? at + 1 : NULL;
}

uint64_t proc_initial_sp(pid_t pid)
{
    char *text;
    const char *field = stat_field(pid, 28, &text);
    uint64_t sp = field ? strtoull(field, NULL, 10) : 0;
    free(text);
    return sp;
}

int proc_exit_signal(pid_t pid)
{
    char *text;
    const char *field = stat_field(pid, 38, &text);
    int signal = field ? (int)strtol(field, NULL, 10) : -1;
    free(text);
    return signal;
}

bool proc_is_native(pid_t pid)
{
    char path[32];
    unsigned char header[20];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t got = read(fd, header, sizeof header);
    close(fd);
    return got != sizeof header ||
           (header[EI_CLASS] == ELFCLASS64 && (header[18] | header[19] << 8) == ARCH_ELF_MACHINE);
}

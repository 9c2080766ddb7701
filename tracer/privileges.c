/* SPDX-License-Identifier: MIT */
#include "tracer/privileges.h"

#include <endian.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tracer/proc_files.h"

/* What a file's security.capability attribute permits (capabilities(7)). */
static uint64_t file_capabilities(const char *path)
{
    struct vfs_ns_cap_data data = {0};
    ssize_t size = getxattr(path, "security.capability", &data, sizeof data);
    uint64_t permitted = 0;
    if (size >= (ssize_t)XATTR_CAPS_SZ_1)
        permitted = le32toh(data.data[0].permitted);
    if (size >= (ssize_t)XATTR_CAPS_SZ_2)
        permitted |= (uint64_t)le32toh(data.data[1].permitted) << 32;
    return permitted;
}

bool privileges_withheld(pid_t pid)
{
    char path[32];
    struct stat file;
    struct statvfs mount;
    struct proc_credentials own, process;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    if (!proc_credentials(getpid(), &own) || own.effective >> CAP_SYS_PTRACE & 1 ||
        !proc_credentials(pid, &process) || process.no_new_privileges || stat(path, &file) < 0 ||
        statvfs(path, &mount) < 0 || mount.f_flag & ST_NOSUID)
        return false;
    /* Without S_IXGRP the bit means mandatory locking, inode(7). */
    mode_t group = S_ISGID | S_IXGRP;
    return (file.st_mode & S_ISUID && file.st_uid != process.euid) ||
           ((file.st_mode & group) == group && file.st_gid != process.egid) ||
           file_capabilities(path) & ~process.permitted;
}

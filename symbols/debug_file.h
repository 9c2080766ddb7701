/* SPDX-License-Identifier: MIT */
/*
 * debug_file.h - finds the separate debug file of a stripped ELF file on this machine.
 *
 * Looked for by GNU build-id, then by .gnu_debuglink, in the places that gdb's manual lists under
 * "Debugging Information in Separate Files": below root first, then on the host. Never asks the
 * network. A candidate counts only if its build-id is the same or, where the stripped file has
 * none, its contents have the debuglink's CRC.
 */
#ifndef ALLOCPTRACE_SYMBOLS_DEBUG_FILE_H
#define ALLOCPTRACE_SYMBOLS_DEBUG_FILE_H

#include <libelf.h>

/*
 * path is elf's own path as the target sees it, root is "" or a /proc/PID/root path. A descriptor
 * that the caller closes, or -1 if there is none.
 */
int debug_file_open(Elf *elf, const char *path, const char *root);

#endif

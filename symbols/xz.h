/* SPDX-License-Identifier: MIT */
/*
 * xz.h - unpacks the xz stream of a .gnu_debugdata section.
 */
#ifndef ALLOCPTRACE_SYMBOLS_XZ_H
#define ALLOCPTRACE_SYMBOLS_XZ_H

#include <stddef.h>

#include "output/log/error.h"

/*
 * Unpacks size bytes into memory that the caller frees. The result and the decoder's own memory
 * are bounded, since the stream comes from the target: ERROR_CORRUPT for a bad or oversized one.
 */
struct error *xz_unpack(const void *packed, size_t size, char **out, size_t *out_size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * hash.h - hash functions for keys from a log, and uthash with them.
 *
 * A log is untrusted, and whoever knows a hash function can write one in which all keys collide, so
 * that tables become lists and the time grows with the square of the log's size. These functions
 * are keyed: each process has a random key of its own. Nothing that is printed may therefore depend
 * on the order in a table (uthash's own order is that of insertion).
 */
#ifndef ALLOCPTRACE_ANALYZE_HASH_H
#define ALLOCPTRACE_ANALYZE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 (Aumasson, Bernstein: SipHash, a fast short-input PRF, 2012). */
uint64_t hash_bytes(const void *data, size_t size);

/* A number: all bits of the result depend on all bits of the word. */
static inline uint64_t hash_word(uint64_t word);

/* For files that use tables of uthash: out of memory is no exit. */
#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, length, result) ((result) = (unsigned)hash_bytes((key), (length)))
#include <uthash.h>

/* ---- Private ---- */

extern uint64_t hash_key[2];

static inline uint64_t hash_word(uint64_t word)
{
    unsigned __int128 product = (unsigned __int128)(word ^ hash_key[0]) * (hash_key[1] | 1);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

#endif

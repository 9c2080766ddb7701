/* SPDX-License-Identifier: MIT */
/*
 * text_pool.h - keeps one copy of each text, so that equal texts are the same pointer.
 */
#ifndef ALLOCPTRACE_ANALYZE_TEXT_POOL_H
#define ALLOCPTRACE_ANALYZE_TEXT_POOL_H

#include <stddef.h>

struct text_pool;

struct text_pool *text_pool_create(void); /* NULL when out of memory */
void text_pool_destroy(struct text_pool *pool);
/* The terminated copy of size bytes of text, which end early at a NUL byte; NULL when out of
 * memory. It lives as long as the pool. */
const char *text_pool_add(struct text_pool *pool, const char *text, size_t size);

#endif

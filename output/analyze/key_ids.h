/* SPDX-License-Identifier: MIT */
/*
 * key_ids.h - finds the id that stands for all things with the same key.
 */
#ifndef ALLOCPTRACE_ANALYZE_KEY_IDS_H
#define ALLOCPTRACE_ANALYZE_KEY_IDS_H

#include <stddef.h>
#include <stdint.h>

/* NULL is an empty table. */
struct key_id;

/* The id that was first added with this key: an earlier one, or id itself, which is not 0; 0 when
 * out of memory. */
uint32_t key_ids_add(struct key_id **table, const void *key, size_t size, uint32_t id);
/* The id of a key; 0 if there is none. */
uint32_t key_ids_find(struct key_id *table, const void *key, size_t size);
void key_ids_deinit(struct key_id **table);

#endif

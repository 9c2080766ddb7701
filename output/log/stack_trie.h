/* SPDX-License-Identifier: MIT */
/*
 * stack_trie.h - interns call stacks: a stack is a node, its parent is the caller's stack.
 *
 * Used by the writing side to hand out the ids of LOG_STACK records. Ids count up from 1; 0 is the
 * empty stack. Memory grows with distinct stacks only.
 */
#ifndef ALLOCPTRACE_LOG_STACK_TRIE_H
#define ALLOCPTRACE_LOG_STACK_TRIE_H

#include <stdbool.h>
#include <stdint.h>

struct stack_trie;

struct stack_trie *stack_trie_create(void); /* NULL when out of memory */
void stack_trie_destroy(struct stack_trie *trie);

/*
 * The id of the stack whose innermost frame is frame and whose callers are parent. *is_new says
 * whether it was made by this call. Returns 0 only when out of memory.
 */
uint32_t stack_trie_child(struct stack_trie *trie, uint32_t parent, uint32_t frame, bool *is_new);

uint32_t stack_trie_count(const struct stack_trie *trie);

#endif

/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/reach_heuristics.h"

#define WORD sizeof(uint64_t)
#define FIRST_PAGE 4096
/* A table of virtual functions is told by the first of these that are not 0. */
#define TABLE_WORDS 21
#define TABLE_FUNCTIONS 2
#define STRING_OFFSET (3 * WORD)

void reach_heuristics_init(struct reach_heuristics *heuristics, const struct reach_input *input)
{
    *heuristics = (struct reach_heuristics){.input = input};
}

static const struct reach_range *find_range(const struct reach_range *ranges, size_t count,
                                            uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && address >= ranges[low].start ? &ranges[low] : NULL;
}

static bool is_code(const struct reach_input *input, uint64_t address)
{
    return input->code_count ? find_range(input->code, input->code_count, address) != NULL
                             : find_range(input->constants, input->constant_count, address) != NULL;
}

static bool look_for_functions(const struct reach_input *input, uint64_t address)
{
    const struct reach_range *range = find_range(input->constants, input->constant_count, address);
    if (!range)
        return false;
    uint64_t words[TABLE_WORDS];
    size_t count = (range->end - address) / WORD;
    if (count > TABLE_WORDS)
        count = TABLE_WORDS;
    struct reach_piece piece = {.address = address, .size = count * WORD};
    if (!count || input->read(&piece, 1, words, input->data))
        return false;
    size_t functions = 0;
    for (size_t i = 0; i < count && functions < TABLE_FUNCTIONS; i++) {
        if (!words[i])
            continue;
        if (!is_code(input, words[i]))
            return false;
        functions++;
    }
    return functions == TABLE_FUNCTIONS;
}

bool reach_is_table(struct reach_heuristics *heuristics, uint64_t address)
{
    if (address % WORD || address < FIRST_PAGE)
        return false;
    size_t slot = (address * UINT64_C(0x9e3779b97f4a7c15)) >> 56;
    struct reach_table *table = &heuristics->tables[slot % REACH_TABLES];
    if (table->address != address)
        *table = (struct reach_table){.address = address,
                                      .is_table = look_for_functions(heuristics->input, address)};
    return table->is_table;
}

unsigned reach_head(struct reach_heuristics *heuristics, const struct live_block *block,
                    const uint64_t words[REACH_HEAD_WORDS])
{
    unsigned head = 0;
    if (block->address % WORD || block->size < WORD)
        return 0;
    if (block->size > WORD && words[0] && (block->size - WORD) % words[0] == 0)
        head |= REACH_HEAD_ARRAY;
    /* The capacity does not count the byte that ends the text. */
    if (block->size > STRING_OFFSET && block->size - STRING_OFFSET - 1 == words[1] &&
        words[0] <= words[1])
        head |= REACH_HEAD_STRING;
    if (reach_is_table(heuristics, words[0]))
        head |= REACH_HEAD_OBJECT;
    return head;
}

enum reach_guess reach_guess(const struct live_block *block, unsigned head, uint64_t pointer)
{
    uint64_t offset = pointer - block->address;
    if ((head & REACH_HEAD_ARRAY && offset == WORD) ||
        (head & REACH_HEAD_STRING && offset == STRING_OFFSET))
        return REACH_GUESS_YES;
    bool has_word = pointer % WORD == 0 && block->size >= WORD && offset <= block->size - WORD;
    return head & REACH_HEAD_OBJECT && has_word ? REACH_GUESS_TABLE : REACH_GUESS_NO;
}

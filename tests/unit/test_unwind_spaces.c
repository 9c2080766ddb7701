/* SPDX-License-Identifier: MIT */
/*
 * What becomes of an unwind when memory is missing, modules come and go, or the stack makes no
 * sense. Code is that of this test; the stacks are its own or made up.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "frames.h"
#include "own_stack.h"

#define DEPTH 128
#define WORDS 4096

static struct own_stack own;

static int set_up(void **state)
{
    (void)state;
    own_stack_init(&own);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    own_stack_deinit(&own);
    return 0;
}

/* ---- A stack of this process, kept ---- */

struct kept {
    struct unwind_registers registers;
    uint64_t start;
    uint64_t words[WORDS];
    size_t count;
    size_t readable; /* words from the start on that reads succeed for */
};

/* AddressSanitizer sees gaps in the stack that a snapshot has as well. */
__attribute__((no_sanitize("address"))) static void copy_words(uint64_t *to, uint64_t from,
                                                               size_t count)
{
    const volatile uint64_t *words = (const volatile uint64_t *)(uintptr_t)from;
    for (size_t i = 0; i < count; i++)
        to[i] = words[i];
}

static void keep(struct unwind_registers *registers, void *data)
{
    struct kept *kept = data;
    uint64_t sp = registers->value[7];
    const struct proc_mapping *stack = proc_maps_find(&own.maps, sp);
    kept->registers = *registers;
    kept->start = sp;
    kept->count = (stack->end - sp) / sizeof *kept->words;
    if (kept->count > WORDS)
        kept->count = WORDS;
    kept->readable = kept->count;
    copy_words(kept->words, sp, kept->count);
}

static void keep_here(void *data)
{
    struct unwind_registers registers = {0};
    own_stack_at_entry(keep, data, &registers);
    __asm__ volatile("");
}

static bool read_kept(uint64_t address, uint64_t *word, void *data)
{
    const struct kept *kept = data;
    uint64_t at = (address - kept->start) / sizeof *word;
    if (address < kept->start || at >= kept->readable)
        return false;
    *word = kept->words[at];
    return true;
}

static struct kept *kept_stack(unsigned int depth)
{
    static struct kept kept;
    frames_descend(depth, depth * 31, keep_here, &kept);
    return &kept;
}

static struct unwind_result unwind_kept(struct unwinder *unwinder, uint32_t space,
                                        struct kept *kept)
{
    struct unwind_memory memory = {.read_word = read_kept, .data = kept};
    struct unwind_result result;
    unwinder_unwind(unwinder, space, &kept->registers, true, &memory, &result);
    return result;
}

/* ---- Memory ---- */

static void missing_memory_shortens_the_stack_and_is_told(void **state)
{
    (void)state;
    for (int walk_only = 0; walk_only < 2; walk_only++) {
        struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, walk_only);
        struct kept *kept = kept_stack(12);
        struct unwind_result whole = unwind_kept(unwinder, OWN_SPACE, kept);
        struct unwind_site *sites[DEPTH];
        size_t needed = (size_t)(whole.highest_read - kept->start) / 8;
        assert_int_equal(whole.end, UNWIND_COMPLETE);
        assert_in_range(whole.count, 14, DEPTH);
        memcpy(sites, whole.sites, whole.count * sizeof *sites);
        for (kept->readable = 0; kept->readable < needed; kept->readable++) {
            struct unwind_result part = unwind_kept(unwinder, OWN_SPACE, kept);
            assert_int_equal(part.end, UNWIND_NO_MEMORY);
            assert_in_range(part.count, 1, whole.count - 1);
            assert_memory_equal(part.sites, sites, part.count * sizeof *sites);
            assert_in_range(part.highest_read, 0, kept->start + 8 * kept->readable);
        }
        whole = unwind_kept(unwinder, OWN_SPACE, kept);
        assert_int_equal(whole.end, UNWIND_COMPLETE);
        unwinder_destroy(unwinder);
    }
}

static void no_more_frames_than_wanted_are_given(void **state)
{
    (void)state;
    struct kept *kept = kept_stack(12);
    for (size_t depth = 1; depth < 10; depth++) {
        struct unwinder *unwinder = own_stack_unwinder(&own, depth, depth & 1);
        struct unwind_result result = unwind_kept(unwinder, OWN_SPACE, kept);
        assert_int_equal(result.count, depth);
        assert_int_equal(result.end, UNWIND_DEPTH);
        unwinder_destroy(unwinder);
    }
}

/* ---- Sites and rows ---- */

static void the_same_stack_gives_the_same_sites_without_new_rows(void **state)
{
    (void)state;
    struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, false);
    struct kept *kept = kept_stack(10);
    struct unwind_site *sites[DEPTH];
    struct unwind_result first = unwind_kept(unwinder, OWN_SPACE, kept);
    size_t count = first.count;
    memcpy(sites, first.sites, count * sizeof *sites);
    sites[0]->tag = 77;
    const struct unwinder_counters before = *unwinder_counters(unwinder);
    struct unwind_result second = unwind_kept(unwinder, OWN_SPACE, kept);
    const struct unwinder_counters *after = unwinder_counters(unwinder);
    assert_int_equal(second.count, count);
    assert_memory_equal(second.sites, sites, count * sizeof *sites);
    assert_int_equal(second.sites[0]->tag, 77);
    assert_true(second.sites[0]->exact);
    assert_false(second.sites[1]->exact);
    assert_int_equal(after->row_misses, before.row_misses);
    assert_int_equal(after->stacks, before.stacks + 1);
    assert_int_equal(after->frames, before.frames + count);
    unwinder_destroy(unwinder);
}

static void a_copied_space_shares_sites_and_changes_on_its_own(void **state)
{
    (void)state;
    const uint32_t child = 2;
    for (int walk_only = 0; walk_only < 2; walk_only++) {
        struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, walk_only);
        struct kept *kept = kept_stack(6);
        struct unwind_site *sites[DEPTH];
        struct unwind_result result = unwind_kept(unwinder, OWN_SPACE, kept);
        size_t count = result.count;
        memcpy(sites, result.sites, count * sizeof *sites);
        assert_null(unwinder_copy_space(unwinder, OWN_SPACE, child));
        result = unwind_kept(unwinder, child, kept);
        assert_int_equal(result.count, count);
        assert_memory_equal(result.sites, sites, count * sizeof *sites);
        unwinder_drop_space(unwinder, child);
        result = unwind_kept(unwinder, child, kept);
        assert_int_equal(result.end, UNWIND_NO_CFI);
        assert_int_equal(result.sites[0]->module, 0);
        assert_int_equal(result.sites[0]->address, kept->registers.value[16]);
        result = unwind_kept(unwinder, OWN_SPACE, kept);
        assert_int_equal(result.end, UNWIND_COMPLETE);
        unwinder_destroy(unwinder);
    }
}

static void an_unmapped_module_is_forgotten_and_a_moved_one_found_again(void **state)
{
    (void)state;
    const uint64_t moved = 0x100000000;
    for (int walk_only = 0; walk_only < 2; walk_only++) {
        struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, walk_only);
        struct kept *kept = kept_stack(8);
        const struct own_module *first = &own.modules[0];
        struct unwind_result result = unwind_kept(unwinder, OWN_SPACE, kept);
        size_t count = result.count;
        struct unwind_site *sites[DEPTH];
        memcpy(sites, result.sites, count * sizeof *sites);
        unwinder_unmap(unwinder, OWN_SPACE, first->start, first->end);
        assert_int_equal(unwind_kept(unwinder, OWN_SPACE, kept).end, UNWIND_NO_CFI);
        assert_null(unwinder_map(unwinder, OWN_SPACE, first->id, first->start + moved,
                                 first->end + moved, first->bias + moved));
        /* The same stack, if the module had been there. */
        for (size_t i = 0; i < kept->count; i++) {
            if (kept->words[i] >= first->start && kept->words[i] < first->end)
                kept->words[i] += moved;
        }
        kept->registers.value[16] += moved;
        result = unwind_kept(unwinder, OWN_SPACE, kept);
        assert_int_equal(result.end, UNWIND_COMPLETE);
        assert_int_equal(result.count, count);
        assert_memory_equal(result.sites, sites, count * sizeof *sites);
        unwinder_destroy(unwinder);
    }
}

static void unknown_modules_are_refused(void **state)
{
    (void)state;
    struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, false);
    struct error *error = unwinder_map(unwinder, OWN_SPACE, 4711, 0x1000, 0x2000, 0);
    assert_non_null(error);
    error_free(error);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    error = unwinder_add_module(unwinder, 4711, fd, "/dev/null");
    assert_non_null(error);
    error_free(error);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken over all the same */
    unwinder_destroy(unwinder);
}

/* ---- Code in no module, such as a JIT compiler's ---- */

#define JIT 0x7000000000
#define JIT_STACK 0x7f0000000000

static struct unwind_result unwind_made_up(struct unwinder *unwinder, struct kept *kept,
                                           uint64_t fp)
{
    kept->start = JIT_STACK;
    kept->count = kept->readable = 16;
    kept->registers = (struct unwind_registers){{0}};
    kept->registers.value[6] = fp;
    kept->registers.value[7] = JIT_STACK;
    kept->registers.value[16] = JIT;
    struct unwind_memory memory = {.read_word = read_kept, .data = kept};
    struct unwind_result result;
    unwinder_unwind(unwinder, OWN_SPACE, &kept->registers, false, &memory, &result);
    return result;
}

static void frame_pointers_lead_through_code_of_no_module(void **state)
{
    (void)state;
    struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, false);
    struct kept kept = {.words = {[2] = JIT_STACK + 40, JIT + 0x10, [5] = 0, JIT + 0x20}};
    struct unwind_result result = unwind_made_up(unwinder, &kept, JIT_STACK + 16);
    assert_int_equal(result.count, 3);
    assert_int_equal(result.end, UNWIND_NO_CFI);
    assert_int_equal(result.sites[1]->address, JIT + 0x10);
    assert_int_equal(result.sites[2]->address, JIT + 0x20);
    unwinder_destroy(unwinder);
}

static void frame_pointers_that_lead_nowhere_are_not_followed(void **state)
{
    (void)state;
    struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, false);
    struct kept kept = {.words = {[2] = JIT_STACK + 16, JIT + 0x10}};
    /* To itself, inwards, unaligned, into nothing, and to where no call is. */
    assert_int_equal(unwind_made_up(unwinder, &kept, JIT_STACK + 16).count, 2);
    kept.words[2] = JIT_STACK - 64;
    assert_int_equal(unwind_made_up(unwinder, &kept, JIT_STACK + 16).count, 2);
    assert_int_equal(unwind_made_up(unwinder, &kept, JIT_STACK + 17).count, 1);
    assert_int_equal(unwind_made_up(unwinder, &kept, JIT_STACK + 4096).count, 1);
    kept.words[3] = (uintptr_t)read_kept; /* a function's first byte follows no call */
    assert_int_equal(unwind_made_up(unwinder, &kept, JIT_STACK + 16).count, 1);
    unwinder_destroy(unwinder);
}

static void a_jit_frame_leads_back_into_a_module(void **state)
{
    (void)state;
    struct unwinder *unwinder = own_stack_unwinder(&own, DEPTH, false);
    struct kept *kept = kept_stack(3);
    /* As if the function that was entered had been the JIT's, with a frame of its own. */
    uint64_t fp = kept->start - 8;
    memmove(kept->words + 1, kept->words, (kept->count - 1) * sizeof *kept->words);
    kept->words[0] = kept->registers.value[6];
    kept->start = fp;
    kept->registers.value[6] = fp;
    kept->registers.value[7] = fp;
    kept->registers.value[16] = JIT;
    struct unwind_memory memory = {.read_word = read_kept, .data = kept};
    struct unwind_result result;
    unwinder_unwind(unwinder, OWN_SPACE, &kept->registers, false, &memory, &result);
    assert_int_equal(result.sites[0]->module, 0);
    assert_in_range(result.count, 2, DEPTH);
    assert_int_equal(result.sites[1]->module, own.modules[0].id);
    unwinder_destroy(unwinder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_memory_shortens_the_stack_and_is_told),
        cmocka_unit_test(no_more_frames_than_wanted_are_given),
        cmocka_unit_test(the_same_stack_gives_the_same_sites_without_new_rows),
        cmocka_unit_test(a_copied_space_shares_sites_and_changes_on_its_own),
        cmocka_unit_test(an_unmapped_module_is_forgotten_and_a_moved_one_found_again),
        cmocka_unit_test(unknown_modules_are_refused),
        cmocka_unit_test(frame_pointers_lead_through_code_of_no_module),
        cmocka_unit_test(frame_pointers_that_lead_nowhere_are_not_followed),
        cmocka_unit_test(a_jit_frame_leads_back_into_a_module),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: MIT */
/*
 * Unwinds through a C library that has no unwind information. The dumper program writes its
 * registers and stacks, and which return addresses are on them.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dump.h"
#include "symbols/elf_file.h"
#include "symbols/proc_maps.h"
#include "symbols/unwind.h"

#define SPACE 1
#define DEPTH 64
#define REGION_LIMIT (1 << 20)

struct dumped {
    FILE *output;
    struct proc_maps maps;
    struct unwinder *by_rows, *by_walk;
    uint64_t bias[16]; /* by module */
    struct dump dump;
    uint8_t *bytes[DUMP_REGIONS];
};

/* ---- Reading what the dumper writes ---- */

static void add_module(struct dumped *dumped, uint32_t module, const struct proc_mapping *mapping,
                       uint64_t end)
{
    struct unwinder *const unwinders[] = {dumped->by_rows, dumped->by_walk};
    struct elf_file *file;
    int fd = open(mapping->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(elf_file_open(fd, mapping->path, &file));
    assert_true(elf_file_bias(file, mapping->start, mapping->offset, &dumped->bias[module]));
    elf_file_close(file);
    for (int i = 0; i < 2; i++) {
        assert_null(unwinder_add_module(unwinders[i], module, dup(fd), mapping->path));
        assert_null(
            unwinder_map(unwinders[i], SPACE, module, mapping->start, end, dumped->bias[module]));
    }
    close(fd);
}

static void read_modules(struct dumped *dumped)
{
    uint32_t module = 0;
    for (size_t i = 0; i < dumped->maps.count; i++) {
        const struct proc_mapping *mapping = &dumped->maps.mappings[i];
        if (mapping->inode == 0 || mapping->offset != 0)
            continue;
        size_t last = i;
        while (last + 1 < dumped->maps.count &&
               dumped->maps.mappings[last + 1].inode == mapping->inode)
            last++;
        assert_in_range(module, 0, 14);
        add_module(dumped, ++module, mapping, dumped->maps.mappings[last].end);
        i = last;
    }
    assert_true(module > 0);
}

static void start(struct dumped *dumped, const char *command)
{
    struct unwind_options rows = {.depth = DEPTH};
    struct unwind_options walk = {.depth = DEPTH, .walk_only = true};
    char *text = calloc(1, DUMP_MAPS + 1);
    memset(dumped, 0, sizeof *dumped);
    dumped->output = popen(command, "r");
    assert_non_null(dumped->output);
    assert_int_equal(fread(text, 1, DUMP_MAPS, dumped->output), DUMP_MAPS);
    assert_null(proc_maps_parse(text, &dumped->maps));
    assert_null(unwinder_create(&rows, &dumped->by_rows));
    assert_null(unwinder_create(&walk, &dumped->by_walk));
    read_modules(dumped);
    for (int i = 0; i < DUMP_REGIONS; i++)
        dumped->bytes[i] = malloc(REGION_LIMIT);
}

static bool next_dump(struct dumped *dumped)
{
    if (fread(&dumped->dump, sizeof dumped->dump, 1, dumped->output) != 1)
        return false;
    for (int i = 0; i < DUMP_REGIONS; i++) {
        uint64_t size = dumped->dump.regions[i].size;
        assert_in_range(size, 0, REGION_LIMIT);
        assert_int_equal(fread(dumped->bytes[i], 1, size, dumped->output), size);
    }
    return true;
}

static void finish(struct dumped *dumped)
{
    assert_int_equal(pclose(dumped->output), 0);
    for (int i = 0; i < DUMP_REGIONS; i++)
        free(dumped->bytes[i]);
    proc_maps_deinit(&dumped->maps);
    unwinder_destroy(dumped->by_rows);
    unwinder_destroy(dumped->by_walk);
}

static bool read_dumped(uint64_t address, uint64_t *word, void *data)
{
    const struct dumped *dumped = data;
    for (int i = 0; i < DUMP_REGIONS; i++) {
        uint64_t at = address - dumped->dump.regions[i].start;
        if (at >= dumped->dump.regions[i].size || dumped->dump.regions[i].size - at < 8)
            continue;
        memcpy(word, dumped->bytes[i] + at, sizeof *word);
        return true;
    }
    return false;
}

/* ---- Checking ---- */

struct stack {
    uint64_t address[DEPTH];
    size_t count;
    enum unwind_end end;
};

static void unwind(struct dumped *dumped, struct unwinder *unwinder, struct stack *stack)
{
    struct unwind_memory memory = {.read_word = read_dumped, .data = dumped};
    struct unwind_registers registers;
    struct unwind_result result;
    memcpy(registers.value, dumped->dump.registers, sizeof registers.value);
    unwinder_unwind(unwinder, SPACE, &registers, dumped->dump.at_entry, &memory, &result);
    stack->count = result.count;
    stack->end = result.end;
    for (size_t i = 0; i < result.count; i++)
        stack->address[i] = result.sites[i]->address + dumped->bias[result.sites[i]->module];
}

/* How many of the true return addresses the stack has, in their order. */
static size_t count_true(const struct dumped *dumped, const struct stack *stack)
{
    size_t found = 0;
    for (size_t i = 0; i < stack->count && found < dumped->dump.truth_count; i++)
        found += stack->address[i] == dumped->dump.truth[found];
    return found;
}

static void print_stack(const struct dumped *dumped, const struct stack *stack)
{
    fprintf(stderr, "%zu frames, end %d\n", stack->count, stack->end);
    for (size_t i = 0; i < stack->count; i++)
        fprintf(stderr, "  %lx\n", (long)stack->address[i]);
    for (size_t i = 0; i < dumped->dump.truth_count; i++)
        fprintf(stderr, "  truth %lx\n", (long)dumped->dump.truth[i]);
}

struct tally {
    unsigned int stacks, whole;
};

static struct tally check_all(const char *command)
{
    static struct dumped dumped;
    struct tally tally = {0};
    start(&dumped, command);
    while (next_dump(&dumped)) {
        struct stack rows, walk;
        unwind(&dumped, dumped.by_rows, &rows);
        unwind(&dumped, dumped.by_walk, &walk);
        size_t found = count_true(&dumped, &rows);
        bool same = rows.count == walk.count && rows.end == walk.end &&
                    memcmp(rows.address, walk.address, rows.count * sizeof *rows.address) == 0;
        bool whole = rows.end == UNWIND_COMPLETE && found == dumped.dump.truth_count;
        /* A stack may stop short, but one that claims to be whole must be so. */
        bool lie = rows.end == UNWIND_COMPLETE && !whole;
        if (!same || lie || (!whole && dumped.dump.at_entry))
            print_stack(&dumped, &rows), print_stack(&dumped, &walk);
        assert_true(same);
        assert_false(lie);
        tally.stacks++;
        tally.whole += whole;
    }
    finish(&dumped);
    return tally;
}

static void check_entries(const char *command)
{
    struct tally tally = check_all(command);
    assert_in_range(tally.stacks, 20, 200);
    assert_int_equal(tally.whole, tally.stacks);
}

static void check_steps(const char *command)
{
    struct tally tally = check_all(command);
    print_message("%u of %u stacks are whole\n", tally.whole, tally.stacks);
    assert_in_range(tally.stacks, 1000, 1000000);
    /* At single instructions of the library the code does not always tell. */
    assert_true(tally.whole >= tally.stacks - tally.stacks / 50);
}

static void static_musl_is_unwound_to_the_end(void **state)
{
    (void)state;
    check_entries(FIXTURES "/dumper_musl_static");
}

static void dynamic_musl_is_unwound_to_the_end(void **state)
{
    (void)state;
    check_entries(FIXTURES "/dumper_musl");
}

static void static_glibc_is_unwound_to_the_end(void **state)
{
    (void)state;
    check_entries(FIXTURES "/dumper_static");
}

static void instructions_of_musl_lead_to_true_stacks(void **state)
{
    (void)state;
    check_steps(FIXTURES "/dumper_musl_static steps");
    check_steps(FIXTURES "/dumper_musl steps");
}

static void instructions_of_static_glibc_lead_to_true_stacks(void **state)
{
    (void)state;
    check_steps(FIXTURES "/dumper_static steps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_MUSL
        cmocka_unit_test(static_musl_is_unwound_to_the_end),
        cmocka_unit_test(dynamic_musl_is_unwound_to_the_end),
        cmocka_unit_test(instructions_of_musl_lead_to_true_stacks),
#endif
        cmocka_unit_test(static_glibc_is_unwound_to_the_end),
        cmocka_unit_test(instructions_of_static_glibc_lead_to_true_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

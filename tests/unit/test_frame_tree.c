/* SPDX-License-Identifier: MIT */
/* Stacks as trees of names: from either end, by process, of two logs, and their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/frame_lines.h"
#include "tests/unit/replay_fixture.h"
#include "tests/unit/report_fixture.h"

/* "name old>new" of all nodes in their order, each with a dash for each level below the root. */
static char *text_of(struct frame_tree *tree)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    const struct frame_node *node = frame_tree_root(tree);
    for (; node; node = frame_node_next(node, true)) {
        for (uint32_t i = 0; i < node->depth; i++)
            fputc('-', out);
        fprintf(out, "%s %d>%d\n", node->name, (int)node->total[FRAME_TREE_OLD].main,
                (int)node->total[FRAME_TREE_NEW].main);
    }
    fclose(out);
    char *copy = strdup(text);
    free(text);
    assert_non_null(copy);
    return copy;
}

static void assert_tree(struct frame_tree *tree, enum frame_tree_order order, const char *wanted)
{
    assert_true(frame_tree_finish(tree, order));
    char *text = text_of(tree);
    assert_string_equal(text, wanted);
    free(text);
    frame_tree_destroy(tree);
}

/* main calls f and g, which allocate through C++'s operator new and directly. */
static void fill(struct replay *replay)
{
    fixture_begin(replay, REPLAY_BY_PROCESS);
    fixture_stack(replay, 1, 0, 0, "main");
    fixture_stack(replay, 2, 1, 0, "g");
    fixture_stack(replay, 3, 2, LOG_FRAME_ALLOCATOR, "malloc");
    fixture_stack(replay, 4, 1, 0, "f");
    fixture_stack(replay, 5, 4, 0, "operator new(unsigned long)");
    fixture_stack(replay, 6, 5, LOG_FRAME_ALLOCATOR, "malloc");
    fixture_stack(replay, 7, 4, 0, "g");
    fixture_alloc(replay, 1, 0x10, 100, 3);
    fixture_alloc(replay, 1, 0x20, 40, 6);
    fixture_alloc(replay, 1, 0x30, 2, 7);
    fixture_alloc(replay, 1, 0x40, 5, 0);
    fixture_finish(replay);
}

static struct frame_tree *tree_of(const struct replay *replay, const struct options *options,
                                  enum frame_direction direction)
{
    struct report report = {.options = options, .replay = replay};
    struct frame_tree *tree;
    assert_null(frame_lines_tree(&report, direction, &tree));
    return tree;
}

static void a_tree_begins_at_the_outermost_frames_or_at_the_sites(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    assert_tree(tree_of(&replay, &options, FRAMES_FROM_OUTERMOST), FRAME_TREE_BY_NAME,
                "all 0>147\n"
                "-[no stack] 0>5\n"
                "-main 0>142\n"
                "--f 0>42\n"
                "---g 0>2\n"
                "---operator new(unsigned long) 0>40\n"
                "--g 0>100\n");
    assert_tree(tree_of(&replay, &options, FRAMES_FROM_SITE), FRAME_TREE_BY_WEIGHT,
                "all 0>147\n"
                "-g 0>102\n"
                "--main 0>100\n"
                "--f 0>2\n"
                "---main 0>2\n"
                "-f 0>40\n"
                "--main 0>40\n"
                "-[no stack] 0>5\n");
    options.verbose = 1;
    options.metric = METRIC_ALLOCATIONS;
    assert_tree(tree_of(&replay, &options, FRAMES_FROM_SITE), FRAME_TREE_BY_NAME,
                "all 0>4\n"
                "-[no stack] 0>1\n"
                "-g 0>1\n"
                "--f 0>1\n"
                "---main 0>1\n"
                "-malloc 0>2\n"
                "--g 0>1\n"
                "---main 0>1\n"
                "--operator new(unsigned long) 0>1\n"
                "---f 0>1\n"
                "----main 0>1\n");
    replay_deinit(&replay);
}

/* Bytes with the number of their blocks or the other way round, of each of what can be weighed. */
static void bytes_and_number_are_beside_each_other(void **state)
{
    (void)state;
    static const struct {
        enum metric metric;
        uint64_t bytes, number;
        bool counts;
    } wanted[] = {
        {METRIC_BYTES, 107, 5, false},  {METRIC_ALLOCATIONS, 107, 5, true},
        {METRIC_PEAK, 105, 3, false},   {METRIC_LEAKED, 105, 3, false},
        {METRIC_TEMPORARY, 2, 2, true},
    };
    struct replay replay;
    struct options options = fixture_report_options();
    fixture_begin(&replay, REPLAY_BY_PROCESS);
    fixture_stack(&replay, 1, 0, 0, "main");
    fixture_stack(&replay, 2, 1, 0, "empty");
    fixture_alloc(&replay, 1, 0x10, 2, 1);
    fixture_free(&replay, 1, 0x10);
    fixture_alloc(&replay, 1, 0x10, 0, 2);
    fixture_free(&replay, 1, 0x10);
    fixture_alloc(&replay, 1, 0x20, 0, 2);
    fixture_alloc(&replay, 1, 0x30, 98, 1);
    fixture_alloc(&replay, 1, 0x40, 7, 1);
    fixture_finish(&replay);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        options.metric = wanted[i].metric;
        struct frame_tree *tree = tree_of(&replay, &options, FRAMES_FROM_OUTERMOST);
        assert_true(frame_tree_finish(tree, FRAME_TREE_BY_NAME));
        const struct frame_weight *total = &frame_tree_root(tree)->total[FRAME_TREE_NEW];
        uint64_t bytes = wanted[i].counts ? total->beside : total->main;
        uint64_t number = wanted[i].counts ? total->main : total->beside;
        print_message("metric %d\n", (int)wanted[i].metric);
        assert_int_equal(bytes, wanted[i].bytes);
        assert_int_equal(number, wanted[i].number);
        /* What is drawn decides whether there is a frame. */
        const struct frame_node *main_node = frame_tree_root(tree)->first_child;
        assert_int_equal(main_node->first_child != NULL, wanted[i].counts);
        frame_tree_destroy(tree);
    }
    replay_deinit(&replay);
}

static void processes_are_the_outermost_frames(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fixture_begin(&replay, REPLAY_BY_PROCESS);
    fixture_stack(&replay, 1, 0, 0, "main");
    fixture_stack(&replay, 2, 1, 0, "f");
    fixture_feed(&replay,
                 (struct log_record){.kind = LOG_PROCESS,
                                     .process = {.process = 2,
                                                 .parent = 1,
                                                 .origin = LOG_ORIGIN_CLONE,
                                                 .pid = 7,
                                                 .executable = fixture_text("/usr/bin/another")}});
    fixture_thread(&replay, 2, 2);
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_alloc(&replay, 1, 0x20, 2, 2);
    fixture_alloc(&replay, 2, 0x10, 4, 2);
    fixture_alloc(&replay, 2, 0x20, 8, 0);
    fixture_finish(&replay);
    assert_tree(tree_of(&replay, &options, FRAMES_FROM_OUTERMOST), FRAME_TREE_BY_NAME,
                "all 0>15\n"
                "-another 0>12\n"
                "--[no stack] 0>8\n"
                "--main 0>4\n"
                "---f 0>4\n"
                "-prog 0>3\n"
                "--main 0>3\n"
                "---f 0>2\n");
    assert_tree(tree_of(&replay, &options, FRAMES_FROM_SITE), FRAME_TREE_BY_NAME,
                "all 0>15\n"
                "-[no stack] 0>8\n"
                "--another 0>8\n"
                "-f 0>6\n"
                "--main 0>6\n"
                "---another 0>4\n"
                "---prog 0>2\n"
                "-main 0>1\n"
                "--prog 0>1\n");
    replay_deinit(&replay);
}

static void add_stack(struct frame_tree *tree, const char *const *texts, enum frame_tree_side side,
                      uint64_t weight)
{
    struct frame_name names[8] = {0};
    size_t count = 0;
    for (; texts[count]; count++) {
        names[count].name = frame_tree_intern(tree, texts[count]);
        assert_non_null(names[count].name);
    }
    assert_true(frame_tree_add(tree, names, count, side, (struct frame_weight){.main = weight}));
}

static void a_baseline_is_the_other_side(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    struct frame_tree *tree = tree_of(&replay, &options, FRAMES_FROM_OUTERMOST);
    add_stack(tree, (const char *const[]){"main", "g", NULL}, FRAME_TREE_OLD, 70);
    add_stack(tree, (const char *const[]){"main", "gone", "x", NULL}, FRAME_TREE_OLD, 9);
    add_stack(tree, (const char *const[]){"[no stack]", NULL}, FRAME_TREE_OLD, 1);
    assert_tree(tree, FRAME_TREE_BY_WEIGHT,
                "all 80>147\n"
                "-main 79>142\n"
                "--g 70>100\n"
                "--f 0>42\n"
                "---operator new(unsigned long) 0>40\n"
                "---g 0>2\n"
                "--gone 9>0\n"
                "---x 9>0\n"
                "-[no stack] 1>5\n");
    replay_deinit(&replay);
}

static void weights_and_depths_have_an_end(void **state)
{
    (void)state;
    struct text_pool *texts = text_pool_create();
    struct frame_tree *tree = frame_tree_create(texts);
    static struct frame_name names[FRAME_TREE_MOST_DEPTH + 100];
    const char *name = frame_tree_intern(tree, "f");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        names[i].name = name;
    for (int i = 0; i < 2; i++)
        assert_true(frame_tree_add(tree, names, sizeof names / sizeof *names, FRAME_TREE_NEW,
                                   (struct frame_weight){UINT64_MAX - 1, UINT64_MAX / 2 + 1}));
    assert_true(frame_tree_finish(tree, FRAME_TREE_BY_NAME));
    assert_int_equal(frame_tree_count(tree), FRAME_TREE_MOST_DEPTH + 1);
    const struct frame_node *node = frame_tree_root(tree);
    for (; node->first_child; node = node->first_child)
        assert_true(node->total[FRAME_TREE_NEW].main == UINT64_MAX &&
                    node->total[FRAME_TREE_NEW].beside == UINT64_MAX);
    assert_string_equal(node->name, "[deeper frames left out]");
    frame_tree_destroy(tree);
    text_pool_destroy(texts);
}

/* Stacks that share nothing: from some number on they are one. */
static void nodes_are_bounded_by_the_number_of_stacks(void **state)
{
    (void)state;
    enum { STACKS = 1000, DEPTH = 1000 };
    struct text_pool *texts = text_pool_create();
    struct frame_tree *tree = frame_tree_create(texts);
    struct frame_name names[DEPTH];
    char text[16];
    for (int i = 0; i < STACKS; i++) {
        snprintf(text, sizeof text, "f%d", i);
        names[0].name = frame_tree_intern(tree, text);
        for (size_t k = 1; k < DEPTH; k++)
            names[k].name = names[0].name;
        assert_true(frame_tree_add(tree, names, DEPTH, FRAME_TREE_NEW,
                                   (struct frame_weight){.main = 3, .beside = 1}));
    }
    assert_true(frame_tree_finish(tree, FRAME_TREE_BY_NAME));
    assert_true(frame_tree_count(tree) < 300000);
    assert_true(frame_tree_root(tree)->total[FRAME_TREE_NEW].main == 3 * STACKS);
    assert_true(frame_tree_root(tree)->total[FRAME_TREE_NEW].beside == STACKS);
    const struct frame_node *first = frame_tree_root(tree)->first_child;
    assert_string_equal(first->name, "[more frames left out]");
    assert_null(first->first_child);
    assert_string_equal(first->next_sibling->name, "f0");
    frame_tree_destroy(tree);
    text_pool_destroy(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_begins_at_the_outermost_frames_or_at_the_sites),
        cmocka_unit_test(bytes_and_number_are_beside_each_other),
        cmocka_unit_test(processes_are_the_outermost_frames),
        cmocka_unit_test(a_baseline_is_the_other_side),
        cmocka_unit_test(weights_and_depths_have_an_end),
        cmocka_unit_test(nodes_are_bounded_by_the_number_of_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

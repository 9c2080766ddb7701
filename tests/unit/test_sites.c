/* SPDX-License-Identifier: MIT */
/* Which function a block is charged to, and how sites are grouped, chosen and put in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/cumulative.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/sites.h"
#include "tests/unit/replay_fixture.h"
#include "tests/unit/report_fixture.h"

static void allocator_internal_functions_are_passed_over(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        bool internal;
    } cases[] = {
        {"operator new(unsigned long)", true},
        {"operator new[](unsigned long)", true},
        {"alloc::raw_vec::RawVec<T,A>::grow_one", true},
        {"alloc::alloc::exchange_malloc", true},
        {"__rust_alloc", true},
        {"calloc", true},
        {"calloc_pages", false},
        {"xcalloc", false},
        {"std::__new_allocator<int>::allocate(unsigned long, void const*)", true},
        {"main", false},
        {"operator_new_user", false},
        {"my::alloc::alloc::thing", false},
        {"std::vector<int, std::allocator<int> >::push_back(int&&)", false},
        {"f(std::allocator<int>)", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct catalog_line line = {.function = cases[i].function, .module = ""};
        if (internal_frame(&line) != cases[i].internal)
            fail_msg("%s", cases[i].function);
    }
    struct catalog_line malloc_line = {.function = "x", .flags = LOG_FRAME_ALLOCATOR};
    assert_true(internal_frame(&malloc_line));
}

static const char *site_function(const struct replay *replay, uint32_t stack)
{
    const struct options options = fixture_report_options();
    struct internal_site *sites = internal_sites(&replay->catalog, &options);
    assert_non_null(sites);
    const char *function = internal_site_line(&replay->catalog, sites[stack]).function;
    free(sites);
    return function;
}

static void site_is_the_innermost_function_that_is_not_internal(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "main");
    fixture_stack(&replay, 2, 1, 0, "operator new(unsigned long)");
    fixture_stack(&replay, 3, 2, LOG_FRAME_ALLOCATOR, "malloc");
    fixture_stack(&replay, 4, 0, 0, "operator new[](unsigned long)");
    fixture_stack(&replay, 5, 4, LOG_FRAME_ALLOCATOR, "malloc");
    assert_string_equal(site_function(&replay, 3), "main");
    assert_string_equal(site_function(&replay, 5), "operator new[](unsigned long)");
    assert_string_equal(site_function(&replay, 0), "[no stack]");
    replay_deinit(&replay);
}

static void inlined_function_is_a_site_of_its_own(void **state)
{
    (void)state;
    struct replay replay;
    struct log_location locations[] = {
        {.function = fixture_text("std::allocator<int>::allocate(unsigned long)")},
        {.function = fixture_text("inlined"), .file = fixture_text("/src/b.h"), .line = 7},
        {.function = fixture_text("outer"), .file = fixture_text("/src/b.c"), .line = 9},
    };
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "");
    fixture_feed(&replay, (struct log_record){
                              .kind = LOG_SYMBOL,
                              .symbol = {.frame = 1, .location_count = 3, .locations = locations}});
    assert_string_equal(site_function(&replay, 1), "inlined");
    replay_deinit(&replay);
}

static void unknown_functions_are_called_by_their_place(void **state)
{
    (void)state;
    static const struct {
        struct log_frame frame;
        const char *name;
    } cases[] = {
        {{.frame = 1, .module = 1, .address = 0xabc}, "prog+0xabc"},
        {{.frame = 2, .module = 0, .address = 0xabc}, "0xabc"},
        {{.frame = 3, .flags = LOG_FRAME_INCOMPLETE}, "[incomplete]"},
        {{.frame = 4, .flags = LOG_FRAME_DEPTH}, "[deeper frames left out]"},
    };
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_feed(&replay, (struct log_record){.kind = LOG_FRAME, .frame = cases[i].frame});
        fixture_feed(&replay, (struct log_record){.kind = LOG_STACK,
                                                  .stack = {i + 1, 0, cases[i].frame.frame}});
        assert_string_equal(site_function(&replay, i + 1), cases[i].name);
    }
    replay_deinit(&replay);
}

/* f allocates at lines 2 and 3 of one file, g at line 4. */
static void fill(struct replay *replay, enum replay_split split)
{
    fixture_begin(replay, split);
    fixture_thread(replay, 2, 1);
    fixture_stack(replay, 1, 0, 0, "main");
    fixture_stack(replay, 2, 1, 0, "f");
    fixture_stack(replay, 3, 1, 0, "f");
    fixture_stack(replay, 4, 1, 0, "g");
    fixture_alloc(replay, 1, 0x10, 100, 2);
    fixture_alloc(replay, 1, 0x20, 10, 3);
    fixture_alloc(replay, 2, 0x30, 5, 4);
    fixture_alloc(replay, 2, 0x40, 5, 4);
    fixture_alloc(replay, 2, 0x50, 5, 4);
    fixture_finish(replay);
}

static void rows_are_grouped_by_any_key(void **state)
{
    (void)state;
    static const struct {
        enum replay_split split;
        enum group_key group;
        size_t count;
        uint64_t heaviest_bytes;
    } cases[] = {
        {REPLAY_BY_STACK, GROUP_LINE, 3, 100},    {REPLAY_BY_STACK, GROUP_FUNCTION, 2, 110},
        {REPLAY_BY_STACK, GROUP_FILE, 1, 125},    {REPLAY_BY_STACK, GROUP_MODULE, 1, 125},
        {REPLAY_BY_THREAD, GROUP_THREAD, 2, 110}, {REPLAY_BY_PROCESS, GROUP_PROCESS, 1, 125},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct replay replay;
        struct sites sites;
        struct options options = fixture_report_options();
        options.group = cases[i].group;
        fill(&replay, cases[i].split);
        assert_null(sites_collect(&replay, &options, &sites));
        sites_sort(&sites, &options, sites_metric_weight(sites_metric(&options)));
        assert_int_equal(sites.count, cases[i].count);
        assert_int_equal(sites.sites[0].sums.bytes, cases[i].heaviest_bytes);
        sites_deinit(&sites);
        replay_deinit(&replay);
    }
}

static void order_follows_the_sort_key(void **state)
{
    (void)state;
    static const struct {
        enum sort_key sort;
        const char *first;
    } cases[] = {{SORT_DEFAULT, "f"}, {SORT_SIZE, "f"}, {SORT_COUNT, "g"}, {SORT_NAME, "f"}};
    struct replay replay;
    fill(&replay, REPLAY_BY_STACK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sites sites;
        struct options options = fixture_report_options();
        options.group = GROUP_FUNCTION;
        options.sort = cases[i].sort;
        assert_null(sites_collect(&replay, &options, &sites));
        sites_sort(&sites, &options, sites_metric_weight(sites_metric(&options)));
        assert_string_equal(sites.sites[0].function, cases[i].first);
        sites_deinit(&sites);
    }
    replay_deinit(&replay);
}

static size_t count_with(const struct replay *replay, const struct options *options)
{
    struct sites sites;
    assert_null(sites_collect(replay, options, &sites));
    size_t count = sites.count;
    sites_deinit(&sites);
    return count;
}

static void filters_choose_sites(void **state)
{
    (void)state;
    struct replay replay;
    fill(&replay, REPLAY_BY_STACK);
    struct options options = fixture_report_options();
    options.min_count = 3;
    assert_int_equal(count_with(&replay, &options), 1);
    options = fixture_report_options();
    options.threshold_bytes = 15;
    assert_int_equal(count_with(&replay, &options), 2);
    options = fixture_report_options();
    options.has_filter = true;
    assert_int_equal(regcomp(&options.filter, "^f$", REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(count_with(&replay, &options), 2);
    /* main calls them all and allocates nothing itself. */
    regfree(&options.filter);
    assert_int_equal(regcomp(&options.filter, "main", REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(count_with(&replay, &options), 0);
    regfree(&options.filter);
    replay_deinit(&replay);
}

static void heaviest_row_is_found_by_the_weight_asked_for(void **state)
{
    (void)state;
    struct replay replay;
    struct sites sites;
    struct options options = fixture_report_options();
    options.group = GROUP_MODULE;
    fill(&replay, REPLAY_BY_STACK);
    assert_null(sites_collect(&replay, &options, &sites));
    uint32_t by_bytes =
        sites_heaviest_row(&sites, &replay, &sites.sites[0], sites_metric_weight(METRIC_BYTES));
    uint32_t by_count = sites_heaviest_row(&sites, &replay, &sites.sites[0],
                                           sites_metric_weight(METRIC_ALLOCATIONS));
    assert_int_equal(replay.rows[by_bytes].stack, 2);
    assert_int_equal(replay.rows[by_count].stack, 4);
    sites_deinit(&sites);
    replay_deinit(&replay);
}

static const struct site *site_named(const struct sites *sites, const char *function)
{
    for (size_t i = 0; i < sites->count; i++) {
        if (strcmp(sites->sites[i].function, function) == 0)
            return &sites->sites[i];
    }
    fail_msg("no site %s", function);
    return NULL;
}

static void skipped_functions_are_not_sites(void **state)
{
    (void)state;
    static const struct {
        const char *skip, *site;
    } cases[] = {{"^x?malloc", "parse"}, {"malloc|parse", "main"}, {"prog", "main"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct replay replay;
        struct sites sites;
        struct options options = fixture_report_options();
        assert_int_equal(regcomp(&options.skip, cases[i].skip, REG_EXTENDED | REG_NOSUB), 0);
        options.has_skip = true;
        fixture_begin(&replay, REPLAY_BY_STACK);
        fixture_stack(&replay, 1, 0, 0, "main");
        fixture_stack(&replay, 2, 1, 0, "parse");
        fixture_stack(&replay, 3, 2, 0, "xmalloc");
        fixture_stack(&replay, 4, 3, LOG_FRAME_ALLOCATOR, "malloc");
        fixture_alloc(&replay, 1, 0x10, 1, 4);
        fixture_finish(&replay);
        assert_null(sites_collect(&replay, &options, &sites));
        assert_int_equal(sites.count, 1);
        assert_string_equal(sites.sites[0].function, cases[i].site);
        sites_deinit(&sites);
        replay_deinit(&replay);
        regfree(&options.skip);
    }
}

/* Of a recursion the whole counts once, and what calls without asking itself is shown as well. */
static void cumulative_weights_are_of_all_that_is_called(void **state)
{
    (void)state;
    struct replay replay;
    struct sites sites;
    struct options options = fixture_report_options();
    options.group = GROUP_FUNCTION;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "main");
    fixture_stack(&replay, 2, 1, 0, "walk");
    fixture_stack(&replay, 3, 2, 0, "walk");
    fixture_stack(&replay, 4, 3, 0, "leaf");
    fixture_stack(&replay, 5, 1, 0, "leaf");
    fixture_alloc(&replay, 1, 0x10, 100, 4); /* main walk walk leaf */
    fixture_alloc(&replay, 1, 0x20, 10, 3);  /* main walk walk */
    fixture_alloc(&replay, 1, 0x30, 1, 5);   /* main leaf */
    fixture_finish(&replay);
    assert_null(sites_collect(&replay, &options, &sites));
    assert_int_equal(sites.count, 2);
    assert_null(
        cumulative_collect(&replay, &options, sites_metric_weight(METRIC_BYTES), true, &sites));
    assert_int_equal(sites.count, 3);
    assert_int_equal(site_named(&sites, "main")->cumulative, 111);
    assert_int_equal(site_named(&sites, "main")->sums.bytes, 0);
    assert_int_equal(site_named(&sites, "walk")->cumulative, 110);
    assert_int_equal(site_named(&sites, "walk")->sums.bytes, 10);
    assert_int_equal(site_named(&sites, "leaf")->cumulative, 101);
    options.sort = SORT_CUMULATIVE;
    sites_sort(&sites, &options, sites_metric_weight(METRIC_BYTES));
    assert_string_equal(sites.sites[0].function, "main");
    assert_string_equal(sites.sites[2].function, "leaf");
    sites_deinit(&sites);
    replay_deinit(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocator_internal_functions_are_passed_over),
        cmocka_unit_test(site_is_the_innermost_function_that_is_not_internal),
        cmocka_unit_test(inlined_function_is_a_site_of_its_own),
        cmocka_unit_test(unknown_functions_are_called_by_their_place),
        cmocka_unit_test(rows_are_grouped_by_any_key),
        cmocka_unit_test(order_follows_the_sort_key),
        cmocka_unit_test(filters_choose_sites),
        cmocka_unit_test(skipped_functions_are_not_sites),
        cmocka_unit_test(cumulative_weights_are_of_all_that_is_called),
        cmocka_unit_test(heaviest_row_is_found_by_the_weight_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

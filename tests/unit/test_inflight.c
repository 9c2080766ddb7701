/* SPDX-License-Identifier: MIT */
/* Each test plays the stops of one thread: entries, returns and handlers, with literal stack
 * pointers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracer/allocators.h"
#include "tracer/inflight.h"

enum {
    STACK = 1, /* ids of regions */
    OTHER_STACK = 2,
    TOP = 0x7000, /* entry RSP of the first call */
    SITE = 0x400100,
    OTHER_SITE = 0x400200,
};

static const struct allocator_function function_malloc = {.name = "malloc"};
static const struct allocator_function function_new = {.name = "_Znwm"};

static struct inflight thread;

static int start(void **state)
{
    (void)state;
    inflight_init(&thread);
    return 0;
}

static int end(void **state)
{
    (void)state;
    inflight_deinit(&thread);
    return 0;
}

/* Enters a call that must be outermost and gives it a ticket to be told by. */
static void outermost(uint64_t stack, uint64_t sp, uint64_t site, uint64_t ticket)
{
    struct inflight_call *call = NULL;
    assert_int_equal(inflight_enter(&thread, stack, sp, site, &function_malloc, &call),
                     INFLIGHT_OUTERMOST);
    assert_non_null(call);
    assert_int_equal(call->sp, sp);
    assert_int_equal(call->return_address, site);
    assert_int_equal(call->stack, stack);
    assert_ptr_equal(call->function, &function_malloc);
    assert_false(call->barrier);
    call->ticket = ticket;
}

static void nested(uint64_t stack, uint64_t sp, uint64_t site)
{
    struct inflight_call *call = NULL;
    assert_int_equal(inflight_enter(&thread, stack, sp, site, &function_malloc, &call),
                     INFLIGHT_NESTED);
}

static void returns(uint64_t stack, uint64_t sp, uint64_t site, uint64_t ticket)
{
    struct inflight_call call;
    assert_true(inflight_return(&thread, stack, sp + 8, site, &call));
    assert_int_equal(call.ticket, ticket);
    assert_int_equal(call.sp, sp);
}

static void returns_from_nothing(uint64_t stack, uint64_t sp, uint64_t site)
{
    struct inflight_call call;
    assert_false(inflight_return(&thread, stack, sp + 8, site, &call));
}

static void a_call_ends_at_its_return_address(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.count, 0);
    assert_int_equal(thread.abandoned, 0);
}

static void another_pass_of_the_return_address_ends_nothing(void **state)
{
    (void)state;
    returns_from_nothing(STACK, TOP, SITE);
    outermost(STACK, TOP, SITE, 1);
    /* Deeper on the stack, as by a recursion through the site. */
    returns_from_nothing(STACK, TOP - 0x100, SITE);
    /* In the same place, but behind another call. */
    returns(STACK, TOP, SITE, 1);
    returns_from_nothing(STACK, TOP, SITE);
    assert_int_equal(thread.abandoned, 0);
}

static void the_wrong_return_address_does_not_end_a_call(void **state)
{
    (void)state;
    struct inflight_call call;
    outermost(STACK, TOP, SITE, 1);
    assert_false(inflight_return(&thread, STACK, TOP + 8, OTHER_SITE, &call));
    /* The return address was popped, so the call is over whatever became of it. */
    assert_int_equal(thread.count, 0);
    assert_int_equal(thread.abandoned, 1);
}

static void nested_calls_are_the_outermost_ones(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    nested(STACK, TOP - 0x20, OTHER_SITE);
    nested(STACK, TOP - 0x80, SITE);
    returns_from_nothing(STACK, TOP - 0x80, SITE);
    returns_from_nothing(STACK, TOP - 0x20, OTHER_SITE);
    nested(STACK, TOP - 0x20, OTHER_SITE);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.abandoned, 0);
}

static void recursion_through_one_site_counts_the_outermost(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    for (uint64_t sp = TOP - 0x40; sp > TOP - 0x400; sp -= 0x40)
        nested(STACK, sp, SITE);
    for (uint64_t sp = TOP - 0x400 + 0x40; sp < TOP; sp += 0x40)
        returns_from_nothing(STACK, sp, SITE);
    returns(STACK, TOP, SITE, 1);
}

static void a_tail_call_continues_the_live_call(void **state)
{
    (void)state;
    struct inflight_call *call;
    assert_int_equal(inflight_enter(&thread, STACK, TOP, SITE, &function_new, &call),
                     INFLIGHT_OUTERMOST);
    call->ticket = 1;
    nested(STACK, TOP, SITE); /* malloc, jumped to from operator new */
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.abandoned, 0);
}

static void the_same_call_again_after_a_longjmp_is_a_new_one(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    outermost(STACK, TOP, SITE, 2);
    assert_int_equal(thread.count, 1);
    assert_int_equal(thread.abandoned, 1);
    returns(STACK, TOP, SITE, 2);
}

static void another_call_in_the_same_place_is_a_new_one(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    outermost(STACK, TOP, OTHER_SITE, 2);
    assert_int_equal(thread.abandoned, 1);
    returns_from_nothing(STACK, TOP - 0x10, SITE);
    returns(STACK, TOP, OTHER_SITE, 2);
}

static void a_call_further_up_proves_a_longjmp(void **state)
{
    (void)state;
    outermost(STACK, TOP - 0x200, SITE, 1);
    outermost(STACK, TOP, OTHER_SITE, 2);
    assert_int_equal(thread.count, 1);
    assert_int_equal(thread.abandoned, 1);
    returns(STACK, TOP, OTHER_SITE, 2);
}

static void an_exception_past_a_call_is_seen_at_the_next_return(void **state)
{
    (void)state;
    outermost(STACK, TOP - 0x200, SITE, 1);
    /* The handler's frame is above, and passes a return address that has a breakpoint. */
    returns_from_nothing(STACK, TOP, OTHER_SITE);
    assert_int_equal(thread.count, 0);
    assert_int_equal(thread.abandoned, 1);
    outermost(STACK, TOP - 0x300, SITE, 2);
    returns(STACK, TOP - 0x300, SITE, 2);
}

static void a_handler_during_a_call_has_outermost_calls(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x80));
    outermost(STACK, TOP - 0x1000, OTHER_SITE, 2);
    nested(STACK, TOP - 0x1100, SITE);
    returns(STACK, TOP - 0x1000, OTHER_SITE, 2);
    outermost(STACK, TOP - 0x1000, OTHER_SITE, 3);
    returns(STACK, TOP - 0x1000, OTHER_SITE, 3);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.count, 0);
    assert_int_equal(thread.abandoned, 0);
}

static void calls_after_the_handler_are_nested_again(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x80));
    outermost(STACK, TOP - 0x1000, OTHER_SITE, 2);
    returns(STACK, TOP - 0x1000, OTHER_SITE, 2);
    /* Too near to the interrupted frame for a signal frame to lie between. */
    nested(STACK, TOP - 0x88, OTHER_SITE);
    returns_from_nothing(STACK, TOP - 0x88, OTHER_SITE);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.abandoned, 0);
}

static void a_signal_between_a_return_and_its_report_loses_nothing(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    /* The return address is popped, the breakpoint on it not yet reached. */
    assert_true(inflight_signal(&thread, STACK, TOP + 8));
    outermost(STACK, TOP - 0x1000, OTHER_SITE, 2);
    returns(STACK, TOP - 0x1000, OTHER_SITE, 2);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.abandoned, 0);
}

static void nested_handlers_have_their_own_outermost_calls(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x80));
    outermost(STACK, TOP - 0x1000, SITE, 2);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x1080));
    outermost(STACK, TOP - 0x2000, SITE, 3);
    nested(STACK, TOP - 0x2100, SITE);
    returns(STACK, TOP - 0x2000, SITE, 3);
    returns(STACK, TOP - 0x1000, SITE, 2);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.abandoned, 0);
}

static void a_handler_that_jumps_out_abandons_its_call_and_the_interrupted_one(void **state)
{
    (void)state;
    outermost(STACK, TOP - 0x100, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x180));
    outermost(STACK, TOP - 0x1000, OTHER_SITE, 2);
    outermost(STACK, TOP, SITE, 3); /* siglongjmp() to above both */
    assert_int_equal(thread.count, 1);
    assert_int_equal(thread.abandoned, 2);
    returns(STACK, TOP, SITE, 3);
}

static void a_handler_on_its_own_stack_that_jumps_out_is_over(void **state)
{
    (void)state;
    outermost(STACK, TOP - 0x100, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x180));
    outermost(OTHER_STACK, 0x90000, OTHER_SITE, 2);
    outermost(STACK, TOP, SITE, 3);
    assert_int_equal(thread.count, 1);
    assert_int_equal(thread.abandoned, 2);
    returns(STACK, TOP, SITE, 3);
}

static void signals_during_one_call_do_not_pile_up(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    for (int i = 0; i < 1000; i++)
        assert_true(inflight_signal(&thread, STACK, TOP - 0x80));
    assert_true(thread.count <= 2);
    nested(STACK, TOP - 0x90, OTHER_SITE);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.abandoned, 0);
}

static void another_stack_is_independent(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    /* Lower in memory and higher: neither is inside the live call, nor proves it dead. */
    outermost(OTHER_STACK, TOP - 0x5000, SITE, 2);
    returns(OTHER_STACK, TOP - 0x5000, SITE, 2);
    outermost(OTHER_STACK, TOP + 0x5000, OTHER_SITE, 3);
    returns_from_nothing(STACK, TOP + 0x5000, OTHER_SITE);
    assert_int_equal(thread.count, 0);
}

static void coroutines_return_in_any_order(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    outermost(OTHER_STACK, TOP + 0x5000, OTHER_SITE, 2);
    returns(OTHER_STACK, TOP + 0x5000, OTHER_SITE, 2);
    returns(STACK, TOP, SITE, 1);
    assert_int_equal(thread.count, 0);
    assert_int_equal(thread.abandoned, 0);
}

static void a_thread_that_exits_in_a_call_abandons_it(void **state)
{
    (void)state;
    outermost(STACK, TOP, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, TOP - 0x80));
    outermost(STACK, TOP - 0x1000, SITE, 2);
    inflight_clear(&thread);
    assert_int_equal(thread.count, 0);
    assert_int_equal(thread.abandoned, 2); /* the handler is no call */
    returns_from_nothing(STACK, TOP, SITE);
    outermost(STACK, TOP, SITE, 3);
    returns(STACK, TOP, SITE, 3);
}

static void a_fork_returns_from_its_parents_calls(void **state)
{
    (void)state;
    struct inflight child;
    struct inflight_call call;
    inflight_init(&child);
    outermost(STACK, TOP, SITE, 1);
    inflight_fork(&thread, &child);
    assert_true(inflight_return(&child, STACK, TOP + 8, SITE, &call));
    assert_int_equal(call.ticket, 1);
    assert_false(inflight_return(&child, STACK, TOP + 8, SITE, &call));
    assert_true(inflight_return(&thread, STACK, TOP + 8, SITE, &call));
    assert_int_equal(call.ticket, 1);
    inflight_deinit(&child);
}

static void arguments_come_back_at_the_return(void **state)
{
    (void)state;
    struct inflight_call *call;
    assert_int_equal(inflight_enter(&thread, STACK, TOP, SITE, &function_malloc, &call),
                     INFLIGHT_OUTERMOST);
    for (uint64_t i = 0; i < 3; i++)
        call->arguments[i] = i + 10;
    struct inflight_call ended;
    assert_true(inflight_return(&thread, STACK, TOP + 8, SITE, &ended));
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(ended.arguments[i], i + 10);
    assert_ptr_equal(ended.function, &function_malloc);
    /* A later call in the same memory starts afresh. */
    assert_int_equal(inflight_enter(&thread, STACK, TOP, SITE, &function_malloc, &call),
                     INFLIGHT_OUTERMOST);
    assert_int_equal(call->arguments[0], 0);
}

static void an_sp_at_the_edge_of_the_address_space_is_no_surprise(void **state)
{
    (void)state;
    outermost(STACK, 0, SITE, 1);
    assert_true(inflight_signal(&thread, STACK, 8));
    returns(STACK, 0, SITE, 1);
    outermost(STACK, UINT64_MAX - 7, SITE, 2);
    returns(STACK, UINT64_MAX - 7, SITE, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_ends_at_its_return_address),
        TEST(another_pass_of_the_return_address_ends_nothing),
        TEST(the_wrong_return_address_does_not_end_a_call),
        TEST(nested_calls_are_the_outermost_ones),
        TEST(recursion_through_one_site_counts_the_outermost),
        TEST(a_tail_call_continues_the_live_call),
        TEST(the_same_call_again_after_a_longjmp_is_a_new_one),
        TEST(another_call_in_the_same_place_is_a_new_one),
        TEST(a_call_further_up_proves_a_longjmp),
        TEST(an_exception_past_a_call_is_seen_at_the_next_return),
        TEST(a_handler_during_a_call_has_outermost_calls),
        TEST(calls_after_the_handler_are_nested_again),
        TEST(a_signal_between_a_return_and_its_report_loses_nothing),
        TEST(nested_handlers_have_their_own_outermost_calls),
        TEST(a_handler_that_jumps_out_abandons_its_call_and_the_interrupted_one),
        TEST(a_handler_on_its_own_stack_that_jumps_out_is_over),
        TEST(signals_during_one_call_do_not_pile_up),
        TEST(another_stack_is_independent),
        TEST(coroutines_return_in_any_order),
        TEST(a_thread_that_exits_in_a_call_abandons_it),
        TEST(a_fork_returns_from_its_parents_calls),
        TEST(arguments_come_back_at_the_return),
        TEST(an_sp_at_the_edge_of_the_address_space_is_no_surprise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Unwinds stacks of this very process and compares rows, libdwfl and libgcc's own unwinder, which
 * shares no code with either.
 */
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "frames.h"
#include "own_stack.h"

#define DEPTH 512
#define TRAP_FLAG 0x100

static struct own_stack own;
static struct unwinder *by_rows, *by_walk;

static int set_up(void **state)
{
    (void)state;
    void *warm[4];
    backtrace(warm, 4); /* loads libgcc_s before the maps are read */
    own_stack_init(&own);
    by_rows = own_stack_unwinder(&own, DEPTH, false);
    by_walk = own_stack_unwinder(&own, DEPTH, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unwinder_destroy(by_rows);
    unwinder_destroy(by_walk);
    own_stack_deinit(&own);
    return 0;
}

struct stack {
    uint64_t address[DEPTH];
    bool exact[DEPTH];
    size_t count;
    enum unwind_end end;
    uint64_t highest_read;
};

static void unwind(struct unwinder *unwinder, const struct unwind_registers *registers,
                   bool at_entry, struct stack *stack)
{
    struct unwind_memory memory = own_stack_memory(&own);
    struct unwind_result result;
    unwinder_unwind(unwinder, OWN_SPACE, registers, at_entry, &memory, &result);
    stack->count = result.count;
    stack->end = result.end;
    stack->highest_read = result.highest_read;
    for (size_t i = 0; i < result.count; i++) {
        stack->address[i] = own_stack_address(&own, result.sites[i]);
        stack->exact[i] = result.sites[i]->exact;
    }
}

static void print_stack(const char *name, const struct stack *stack)
{
    fprintf(stderr, "%s: %zu frames, end %d\n", name, stack->count, stack->end);
    for (size_t i = 0; i < stack->count; i++)
        fprintf(stderr, "  %s%lx\n", stack->exact[i] ? "=" : " ", (long)stack->address[i]);
}

static bool same(const struct stack *a, const struct stack *b)
{
    return a->count == b->count && a->end == b->end &&
           memcmp(a->address, b->address, a->count * sizeof *a->address) == 0 &&
           memcmp(a->exact, b->exact, a->count * sizeof *a->exact) == 0;
}

/* Whether the outer frames of `reference`, from the first address of `stack` on, are `stack`. */
static bool agrees_with_libgcc(const struct stack *stack, void *const *reference, int count,
                               size_t skipped)
{
    for (int first = 0; first < count; first++) {
        if ((uintptr_t)reference[first] != stack->address[skipped])
            continue;
        /* libgcc may show the outermost frame's undefined caller as a null address. */
        while (count > first && !reference[count - 1])
            count--;
        if ((size_t)(count - first) != stack->count - skipped)
            return false;
        for (size_t i = skipped; i < stack->count; i++) {
            if ((uintptr_t)reference[first + (int)(i - skipped)] != stack->address[i])
                return false;
        }
        return true;
    }
    return false;
}

static unsigned int checked;

/* skipped: frames of the stack that libgcc cannot show, having started further out. */
static void check_stack(const struct unwind_registers *registers, bool at_entry, size_t skipped)
{
    static struct stack rows, walk;
    void *reference[DEPTH];
    int count = backtrace(reference, DEPTH);
    unwind(by_rows, registers, at_entry, &rows);
    unwind(by_walk, registers, at_entry, &walk);
    bool good = same(&rows, &walk) && rows.end == UNWIND_COMPLETE && rows.count > skipped &&
                rows.highest_read == walk.highest_read &&
                agrees_with_libgcc(&rows, reference, count, skipped);
    if (!good) {
        print_stack("rows", &rows);
        print_stack("walk", &walk);
        for (int i = 0; i < count; i++)
            fprintf(stderr, "  libgcc %p\n", reference[i]);
    }
    assert_true(good);
    checked++;
}

/* ---- Stacks at a function's entry and in the middle of one ---- */

static void check_at_entry(struct unwind_registers *registers, void *data)
{
    (void)data;
    check_stack(registers, true, 1);
}

static void enter_here(void *data)
{
    struct unwind_registers registers = {0};
    own_stack_at_entry(check_at_entry, data, &registers);
    checked++; /* no tail call above */
}

static void capture_here(void *data)
{
    (void)data;
    ucontext_t context;
    struct unwind_registers registers;
    getcontext(&context);
    own_stack_registers(&context, &registers);
    check_stack(&registers, false, 1);
}

static void rows_libdwfl_and_libgcc_agree_at_function_entries(void **state)
{
    (void)state;
    for (unsigned int seed = 0; seed < 40; seed++)
        frames_descend(seed, seed * 977, enter_here, NULL);
}

static void rows_libdwfl_and_libgcc_agree_within_functions(void **state)
{
    (void)state;
    for (unsigned int seed = 0; seed < 40; seed++)
        frames_descend(seed, seed * 131, capture_here, NULL);
}

static void *on_thread(void *data)
{
    own_stack_refresh(&own);
    frames_descend(9, 5, enter_here, data);
    return NULL;
}

static void a_thread_ends_where_it_was_cloned(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, on_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- Signals ---- */

static void use_alternate_stack(void)
{
    static _Alignas(16) char stack[256 * 1024];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    assert_int_equal(sigaltstack(&alternate, NULL), 0);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    assert_int_equal(sigaction(signal, &action, NULL), 0);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    struct unwind_registers registers = {0};
    own_stack_at_entry(check_at_entry, NULL, &registers);
    checked++;
}

static void raise_here(void *data)
{
    raise(*(int *)data);
}

static void a_signal_handler_is_unwound_into_what_it_interrupted(void **state)
{
    (void)state;
    int signal = SIGUSR1;
    handle(signal, on_signal, 0);
    frames_descend(7, 3, raise_here, &signal);
}

static void a_handler_on_an_alternate_stack_is_unwound_across_the_stacks(void **state)
{
    (void)state;
    int signal = SIGUSR2;
    use_alternate_stack();
    handle(signal, on_signal, SA_ONSTACK);
    frames_descend(12, 8, raise_here, &signal);
}

/* ---- Every instruction ---- */

static unsigned int steps;

static void on_step(int signal, siginfo_t *info, void *data)
{
    (void)signal;
    (void)info;
    ucontext_t *context = data;
    struct unwind_registers registers;
    own_stack_registers(context, &registers);
    steps++;
    check_stack(&registers, false, 0);
}

static void set_trap_flag(uint64_t flag)
{
    __asm__ volatile("sub $128, %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n orq %0, (%%rsp)\n"
                     "popfq\n add $128, %%rsp"
                     :
                     : "r"(flag)
                     : "memory", "cc");
}

static void do_nothing(void *data)
{
    /* Bound lazily here, so the first call goes through the dynamic linker. */
    char text[32];
    snprintf(text, sizeof text, "%d", *(int *)data);
    *(int *)data += ffs(*(int *)data) + (int)strspn(text, "0123456789");
}

static void every_instruction_has_a_stack_that_all_agree_on(void **state)
{
    (void)state;
    int number = 12345;
    use_alternate_stack();
    handle(SIGTRAP, on_step, SA_ONSTACK);
    set_trap_flag(TRAP_FLAG);
    frames_descend(6, 2, do_nothing, &number);
    set_trap_flag(0);
    assert_in_range(steps, 500, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_libdwfl_and_libgcc_agree_at_function_entries, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_libdwfl_and_libgcc_agree_within_functions, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_thread_ends_where_it_was_cloned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_handler_is_unwound_into_what_it_interrupted,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_handler_on_an_alternate_stack_is_unwound_across_the_stacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_instruction_has_a_stack_that_all_agree_on, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

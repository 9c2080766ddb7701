/* SPDX-License-Identifier: MIT */
/*
 * Prints, for some code addresses of its own, what a symbolizer must say of them:
 *   ADDRESS EXACT
 *   FUNCTION|LINE      innermost first
 *   .
 * ADDRESS is a file virtual address, EXACT 1 for that of an instruction, 0 for a return address.
 */
#include <cstdint>
#include <cstdio>

extern "C" char __executable_start;

struct place {
    const char *function;
    int line;
};

/* A macro, so that all of the function has one line number. */
#define RETURN_ADDRESS                                                                             \
    extern "C" __attribute__((noinline)) uintptr_t return_address()                                \
    {                                                                                              \
        return (uintptr_t)__builtin_return_address(0);                                             \
    }
enum { line_of_return_address = __LINE__ + 1 };
RETURN_ADDRESS

static uintptr_t seen;
/* Set on the very line of the call that they are about. */
static int line_of_call, line_in_measure, line_in_caller;

#define INLINED inline __attribute__((always_inline))
#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

INLINED void innermost()
{
    seen = return_address(), line_of_call = __LINE__;
}

namespace shapes
{
template <class T> struct box {
    T side;
    INLINED void measure() const
    {
        line_in_measure = __LINE__, innermost();
    }
    APART int area(int scale, const char *) const;
};

template <class T> APART int box<T>::area(int scale, const char *) const
{
    line_in_caller = __LINE__, measure();
    return scale;
}

namespace
{
APART void hidden(unsigned long)
{
    seen = return_address(), line_of_call = __LINE__;
    __asm__ volatile("");
}
} // namespace
} // namespace shapes

extern "C" APART void plain_c_function(void)
{
    line_in_caller = __LINE__, innermost();
    __asm__ volatile("");
}

static void print(uintptr_t address, bool exact, const place *places, int count)
{
    printf("%lx %d\n", (unsigned long)(address - (uintptr_t)&__executable_start), exact);
    for (int i = 0; i < count; i++)
        printf("%s|%d\n", places[i].function, places[i].line);
    puts(".");
}

int main()
{
    shapes::box<int> box = {3};
    box.area(2, "");
    const place in_area[] = {
        {"innermost()", line_of_call},
        {"shapes::box<int>::measure() const", line_in_measure},
        {"shapes::box<int>::area(int, char const*) const", line_in_caller},
    };
    print(seen, false, in_area, 3);
    plain_c_function();
    const place in_plain[] = {{"innermost()", line_of_call}, {"plain_c_function", line_in_caller}};
    print(seen, false, in_plain, 2);
    shapes::hidden(1);
    const place in_hidden[] = {
        {"shapes::(anonymous namespace)::hidden(unsigned long)", line_of_call}};
    print(seen, false, in_hidden, 1);
    const place in_return_address[] = {{"return_address", line_of_return_address}};
    print((uintptr_t)return_address, true, in_return_address, 1);
    return 0;
}

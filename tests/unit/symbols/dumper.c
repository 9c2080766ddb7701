/* SPDX-License-Identifier: MIT */
/*
 * Dumps stacks of its own to standard output (see dump.h): at each call of its own malloc, from
 * callbacks out of the C library, and, with an argument, at every instruction of some library
 * functions. Functions here keep a list of their return addresses, which an unwinder must find.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "dump.h"

#define THREAD_STACK (64 * 1024)
#define SIGNAL_STACK (64 * 1024)

static char *main_stack_end;
static char *thread_stack, *signal_stack;
static int dumping; /* off while the library sets itself up and while we write */

/* ---- The truth ---- */

static struct truth {
    uint64_t count;
    uint64_t address[DUMP_TRUTH];
} truth;

static void enter(void *return_address)
{
    truth.address[truth.count] = (uintptr_t)return_address;
    __asm__ volatile("" ::: "memory"); /* a step between must not see a count without address */
    truth.count++;
}

#define ENTER enter(__builtin_return_address(0))
#define LEAVE truth.count--
#define APART __attribute__((noinline, noclone))

/* ---- Writing ---- */

static void put(const void *data, size_t size)
{
    while (size) {
        ssize_t done = write(STDOUT_FILENO, data, size);
        if (done <= 0)
            _exit(1);
        data = (const char *)data + done;
        size -= (size_t)done;
    }
}

static void add_region(struct dump *dump, uint64_t from)
{
    char *end = main_stack_end;
    char *start = (char *)(uintptr_t)from;
    if (thread_stack && start >= thread_stack && start < thread_stack + THREAD_STACK)
        end = thread_stack + THREAD_STACK;
    else if (signal_stack && start >= signal_stack && start < signal_stack + SIGNAL_STACK)
        end = signal_stack + SIGNAL_STACK;
    int i = dump->regions[0].size != 0;
    dump->regions[i].start = from;
    dump->regions[i].size = (uint64_t)(end - start);
}

static uint64_t interrupted_sp; /* of the code that a signal handler runs on top of, or 0 */

static void put_dump(struct dump *dump)
{
    /* What was interrupted may use the 128 bytes below RSP, the red zone. */
    add_region(dump, dump->registers[7] - (dump->at_entry ? 0 : 128));
    if (interrupted_sp)
        add_region(dump, interrupted_sp);
    dump->truth_count = truth.count;
    for (uint64_t i = 0; i < truth.count; i++)
        dump->truth[i] = truth.address[truth.count - 1 - i];
    put(dump, sizeof *dump);
    for (int i = 0; i < DUMP_REGIONS; i++)
        put((void *)(uintptr_t)dump->regions[i].start, dump->regions[i].size);
}

/* Called with RDI as the frame of dump_here() has it: registers stored, nothing pushed. */
void dump_registers(struct dump *dump);
void dump_registers(struct dump *dump)
{
    dump->at_entry = 1;
    put_dump(dump);
}

void dump_here(struct dump *dump);
__asm__(".text\n"
        ".globl dump_here\n"
        ".type dump_here, @function\n"
        "dump_here:\n"
        "    mov %rbx, 3*8(%rdi)\n"
        "    mov %rbp, 6*8(%rdi)\n"
        "    mov %rsp, 7*8(%rdi)\n"
        "    mov %r12, 12*8(%rdi)\n"
        "    mov %r13, 13*8(%rdi)\n"
        "    mov %r14, 14*8(%rdi)\n"
        "    mov %r15, 15*8(%rdi)\n"
        "    lea dump_here(%rip), %rax\n"
        "    mov %rax, 16*8(%rdi)\n"
        "    jmp dump_registers\n"
        ".size dump_here, . - dump_here\n");

static APART void dump_stack(void)
{
    struct dump dump = {0};
    if (!dumping)
        return;
    dumping = 0;
    ENTER;
    dump_here(&dump);
    LEAVE;
    dumping = 1;
}

static void put_maps(void)
{
    static char text[DUMP_MAPS];
    int fd = open("/proc/self/maps", O_RDONLY);
    size_t size = 0;
    ssize_t got;
    while ((got = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    close(fd);
    put(text, sizeof text);
}

/* ---- An allocator that dumps ---- */

static _Alignas(16) char heap[1 << 20];
static size_t heap_used;

APART void *malloc(size_t size)
{
    ENTER;
    dump_stack();
    char *block = heap + heap_used;
    heap_used += (size + 31) & ~(size_t)15;
    if (heap_used > sizeof heap)
        abort();
    *(size_t *)(void *)block = size;
    LEAVE;
    return block + 16;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* the heap is zero and never used again */
}

void *realloc(void *old, size_t size)
{
    char *block = malloc(size);
    size_t old_size = old ? *(size_t *)(void *)((char *)old - 16) : 0;
    for (size_t i = 0; i < old_size && i < size; i++)
        block[i] = ((char *)old)[i];
    return block;
}

/* ---- Ways into the library and out again ---- */

static int compare(const void *left, const void *right)
{
    ENTER;
    dump_stack();
    int order = *(const int *)left - *(const int *)right;
    LEAVE;
    return order;
}

static APART int from_sort(void)
{
    int numbers[] = {5, 1, 4, 2, 3};
    ENTER;
    qsort(numbers, 5, sizeof *numbers, compare);
    void *tree = NULL;
    for (int i = 0; i < 3; i++)
        tsearch(&numbers[i], &tree, compare);
    LEAVE;
    return numbers[0];
}

static void once(void)
{
    ENTER;
    dump_stack();
    LEAVE;
}

static APART void from_library_allocations(void)
{
    static pthread_once_t control = PTHREAD_ONCE_INIT;
    char name[64];
    ENTER;
    pthread_once(&control, once);
    free(strdup("text"));
    free(strndup("text", 3));
    setenv("DUMPER", "value", 1);
    FILE *file = fopen("/proc/self/status", "r");
    char *line = NULL;
    size_t size = 0;
    if (file && getline(&line, &size, file) > 0)
        fclose(file);
    if (asprintf(&line, "%d %s %5.2f", 42, "text", 3.25) > 0)
        snprintf(name, sizeof name, "%s", line);
    LEAVE;
}

static void *thread_body(void *data)
{
    ENTER;
    dump_stack();
    free(strdup("text"));
    LEAVE;
    return data;
}

static APART void from_thread(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, thread_stack, THREAD_STACK);
    const struct truth of_main_thread = truth;
    truth.count = 0;
    if (pthread_create(&thread, &attributes, thread_body, NULL) != 0)
        abort();
    pthread_join(thread, NULL);
    truth = of_main_thread;
}

static void on_signal(int number, siginfo_t *info, void *data)
{
    (void)number;
    (void)info;
    ucontext_t *context = data;
    interrupted_sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP] - 128;
    ENTER;
    dump_stack();
    LEAVE;
    interrupted_sp = 0;
}

static APART void from_signal(int flags)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
    sigaction(SIGUSR1, &action, NULL);
    ENTER;
    raise(SIGUSR1);
    LEAVE;
}

/* ---- Every instruction ---- */

static int stepping;

static void on_step(int number, siginfo_t *info, void *data)
{
    static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    (void)number;
    (void)info;
    ucontext_t *context = data;
    if (!stepping)
        return;
    struct dump dump = {0};
    for (int i = 0; i < 17; i++)
        dump.registers[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
    put_dump(&dump);
}

static int quietly(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

static inline __attribute__((always_inline)) void set_trap_flag(uint64_t flag)
{
    __asm__ volatile("sub $128, %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n orq %0, (%%rsp)\n"
                     "popfq\n add $128, %%rsp"
                     :
                     : "r"(flag)
                     : "memory", "cc");
}

static APART void stepped(void)
{
    char text[64];
    int numbers[] = {5, 1, 4};
    ENTER;
    stepping = 1;
    set_trap_flag(0x100);
    qsort(numbers, 3, sizeof *numbers, quietly);
    snprintf(text, sizeof text, "%d %s %g", 42, "text", 3.25);
    free(strdup(text));
    numbers[0] = (int)strtol(text, NULL, 10);
    set_trap_flag(0);
    stepping = 0;
    LEAVE;
}

static APART void from_steps(void)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGTRAP, &action, NULL);
    dumping = 0;
    ENTER;
    stepped();
    LEAVE;
}

static void *new_stack(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void at_exit(void)
{
    truth.count = 0; /* main is left; exit was called by its caller */
    ENTER;
    dump_stack();
    LEAVE;
}

int main(int argc, char **argv)
{
    (void)argc;
    main_stack_end = (char *)(argv + 4);
    thread_stack = new_stack(THREAD_STACK);
    signal_stack = new_stack(SIGNAL_STACK);
    stack_t alternate = {.ss_sp = signal_stack, .ss_size = SIGNAL_STACK};
    sigaltstack(&alternate, NULL);
    put_maps();
    ENTER;
    if (argc > 1) {
        from_steps();
        return 0;
    }
    atexit(at_exit);
    dumping = 1;
    dump_stack();
    from_sort();
    from_library_allocations();
    from_thread();
    from_signal(0);
    from_signal(SA_ONSTACK);
    LEAVE;
    return 0;
}

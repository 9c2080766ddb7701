/* SPDX-License-Identifier: MIT */
/* The roots of a real process: a child of this program that keeps marked words in every place that
 * there is, and tells where. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "log_cmocka.h"
#include "tracer/leaks/glibc_view.h"
#include "tracer/leaks/roots.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"

/* ---- The child ---- */

#define REGISTER_WORD UINT64_C(0x51e6a1f00d10)
#define VECTOR_WORD UINT64_C(0x51e6a1f00d20)
#define ALTERNATE_STACK 65536
#define COROUTINE_STACK 65536

struct told {
    uint64_t *global, *own_tls, *own_stack, *own_dead_stack, *private_map, *shared_map, *file_map;
    uint64_t *thread_tls, *thread_stack, *thread_dead_stack, *thread_key, *thread_descriptor;
    uint64_t *interrupted_stack, *alternate_stack;
    uint64_t *around_coroutine_stack, *coroutine_stack;
    uint64_t *ended_stack, *ended_descriptor;
    uint64_t *read_only_map;
    uint64_t *alive, *freed, *beside_heap;
    uint64_t *sparse;
    char *coroutine_block;
    sem_t ready;
};

static struct told *told;
static uint64_t global_word = 1;
static _Thread_local uint64_t tls_word = 1;

static void say_ready_and_wait(void)
{
    sem_post(&told->ready);
    for (;;)
        pause();
}

/* Returns where they are, below the caller's frame. */
static uint64_t *__attribute__((noinline)) leave_dead_words(void)
{
    volatile uint64_t words[512];
    for (size_t i = 0; i < 512; i++)
        words[i] = i;
    uint64_t *where = (uint64_t *)&words[16];
    __asm__("" : "+r"(where)); /* the compiler knows better than to return it */
    return where;
}

static void *run_thread(void *argument)
{
    (void)argument;
    pthread_key_t keys[40];
    uint64_t stack_word = 1;
    for (size_t i = 0; i < 40; i++)
        pthread_key_create(&keys[i], NULL);
    pthread_setspecific(keys[3], &stack_word);
    tls_word = 2;
    told->thread_tls = &tls_word;
    told->thread_stack = &stack_word;
    told->thread_descriptor = (uint64_t *)pthread_self();
    told->thread_dead_stack = leave_dead_words();
    say_ready_and_wait();
    return NULL;
}

static void *hold_in_registers(void *argument)
{
    (void)argument;
    uint64_t general = REGISTER_WORD;
    uint64_t vector = VECTOR_WORD;
    sem_post(&told->ready);
    __asm__ volatile("mov %0, %%r15\n\tmovq %1, %%xmm13\n\tpunpcklqdq %%xmm13, %%xmm13\n"
                     "1:\tpause\n\tjmp 1b" ::"r"(general),
                     "r"(vector)
                     : "r15", "xmm13");
    return NULL;
}

static void on_signal(int signal)
{
    (void)signal;
    uint64_t word = 1;
    told->alternate_stack = &word;
    say_ready_and_wait();
}

static void *run_handler(void *argument)
{
    uint64_t word = 1;
    stack_t stack = {.ss_sp = argument, .ss_size = ALTERNATE_STACK};
    told->interrupted_stack = &word;
    sigaltstack(&stack, NULL);
    raise(SIGUSR1);
    return NULL;
}

static void coroutine(void)
{
    uint64_t word = 1;
    told->coroutine_stack = &word;
    say_ready_and_wait();
}

static void *run_coroutine(void *argument)
{
    (void)argument;
    static ucontext_t back, there;
    uint64_t word = 1;
    told->around_coroutine_stack = &word;
    getcontext(&there);
    there.uc_stack.ss_sp = told->coroutine_block;
    there.uc_stack.ss_size = COROUTINE_STACK;
    makecontext(&there, coroutine, 0);
    swapcontext(&back, &there);
    return NULL;
}

static void *map(size_t size, int flags)
{
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static void start(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument))
        _exit(1);
}

static void *run_and_end(void *argument)
{
    told->ended_stack = leave_dead_words();
    told->ended_descriptor = (uint64_t *)(uintptr_t)pthread_self();
    return argument;
}

static void start_and_join(void *(*function)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, NULL) || pthread_join(thread, NULL))
        _exit(1);
}

/* Blocks, one of them free, and memory of others within the brk heap. */
static void use_heap(void)
{
    told->alive = malloc(2000);
    told->freed = malloc(2000);
    void *next = malloc(2000);
    told->alive[100] = told->freed[100] = 1;
    free(told->freed);
    told->beside_heap = sbrk(64);
    told->beside_heap[1] = 1;
    for (size_t i = 0; i < 1000; i++)
        *(volatile char *)malloc(1000) = 1;
    free(next);
}

static void run_child(void)
{
    uint64_t stack_word = 1;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    told->global = &global_word;
    told->own_tls = &tls_word;
    tls_word = 3;
    told->own_stack = &stack_word;
    told->private_map = map(65536, MAP_PRIVATE);
    told->shared_map = map(65536, MAP_SHARED);
    told->sparse = map(UINT64_C(100) << 30, MAP_PRIVATE | MAP_NORESERVE);
    told->private_map[1000] = told->shared_map[1000] = told->sparse[UINT64_C(77) << 27] = 1;
    told->read_only_map = map(65536, MAP_PRIVATE);
    told->read_only_map[1000] = 1;
    mprotect(told->read_only_map, 65536, PROT_READ);
    told->coroutine_block = malloc(COROUTINE_STACK);
    use_heap();
    int file = memfd_create("mapped", 0);
    if (ftruncate(file, 65536))
        _exit(1);
    told->file_map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    told->file_map[1000] = 1;
    start(run_thread, NULL);
    start(hold_in_registers, NULL);
    start(run_handler, map(ALTERNATE_STACK, MAP_PRIVATE));
    start(run_coroutine, NULL);
    start_and_join(run_and_end);
    told->own_dead_stack = leave_dead_words();
    say_ready_and_wait();
}

#define THREADS 5

/* ---- The tracer ---- */

struct scene {
    pid_t pid;
    struct session session;
    struct space space;
    struct roots_notes notes;
    struct roots roots;
};

static void add_modules(struct scene *scene)
{
    struct proc_maps maps;
    assert_no_error(proc_maps_read(scene->pid, &maps));
    for (size_t i = 0; i < maps.count; i++) {
        const struct proc_mapping *mapping = &maps.mappings[i];
        int fd = mapping->executable && mapping->inode ? open(mapping->path, O_RDONLY) : -1;
        struct module *module = calloc(1, sizeof *module);
        if (fd < 0 || elf_file_open(fd, mapping->path, &module->elf)) {
            free(module);
            continue;
        }
        close(fd);
        scene->space.modules = realloc(scene->space.modules, (scene->space.module_count + 1) *
                                                                 sizeof *scene->space.modules);
        struct space_module *mapped = &scene->space.modules[scene->space.module_count++];
        *mapped = (struct space_module){.module = module};
        module->id = (uint32_t)scene->space.module_count;
        assert_true(elf_file_bias(module->elf, mapping->start, mapping->offset, &mapped->bias));
    }
    proc_maps_deinit(&maps);
}

static void seize(struct scene *scene, pid_t tid)
{
    int status;
    pid_t stopped;
    assert_int_equal(pt_seize(tid, SEIZE_PLAIN, false), 0);
    assert_int_equal(pt_interrupt(tid), 0);
    assert_int_equal(pt_wait(tid, true, &stopped, &status), 0);
    struct tracee *tracee = tracee_add(scene->session.tracees, tid);
    tracee->space = &scene->space;
    tracee->tgid = scene->pid;
    tracee->stopped = true;
    tracee->thread = (uint32_t)(tid - scene->pid) + 1;
}

/* Threads are numbered as they are created, in a process that creates no others meanwhile. */
static void seize_all(struct scene *scene)
{
    scene->session.tracees = tracee_table_create();
    char path[64];
    size_t found = 0;
    for (pid_t tid = scene->pid; found < THREADS; tid++) {
        snprintf(path, sizeof path, "/proc/%d/task/%d", (int)scene->pid, (int)tid);
        assert_true(tid < scene->pid + 10000);
        if (access(path, F_OK))
            continue;
        seize(scene, tid);
        found++;
    }
}

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1, 0);
    sem_init(&told->ready, 1, 0);
    scene->pid = fork();
    if (scene->pid == 0)
        run_child();
    for (int i = 0; i < THREADS; i++) {
        while (sem_wait(&told->ready) && errno == EINTR)
            ;
    }
    usleep(20000);
    add_modules(scene);
    seize_all(scene);
    assert_no_error(roots_note(&scene->session, &scene->space, NULL, &scene->notes));
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    kill(scene->pid, SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    roots_notes_deinit(&scene->notes);
    for (size_t i = 0; i < scene->space.module_count; i++) {
        elf_file_close(scene->space.modules[i].module->elf);
        free(scene->space.modules[i].module);
    }
    free(scene->space.modules);
    tracee_table_destroy(scene->session.tracees);
    munmap(told, 4096);
    free(scene);
    return 0;
}

static void find(struct scene *scene, unsigned kinds)
{
    struct live_block block = {.address = (uint64_t)(uintptr_t)told->coroutine_block,
                               .size = COROUTINE_STACK};
    assert_no_error(roots_find(&scene->notes, scene->pid, kinds, &block, 1, &scene->roots));
}

/* The kind of the range that has the word, or -1. */
static int kind_of(const struct scene *scene, const void *word)
{
    uint64_t address = (uint64_t)(uintptr_t)word;
    int kind = -1;
    for (size_t i = 0; i < scene->roots.range_count; i++) {
        const struct reach_range *range = &scene->roots.ranges[i];
        if (address >= range->start && address < range->end) {
            assert_int_equal(kind, -1);
            kind = (int)range->kind;
        }
    }
    return kind;
}

static bool has_register(const struct scene *scene, const char *name, uint64_t value)
{
    for (size_t i = 0; i < scene->roots.register_count; i++) {
        const struct reach_register *found = &scene->roots.registers[i];
        if (found->value == value && strcmp(found->name, name) == 0)
            return true;
    }
    return false;
}

static void test_places(void **state)
{
    struct scene *scene = *state;
    find(scene, ROOTS_ALL);
    assert_int_equal(kind_of(scene, told->global), LOG_ROOT_GLOBAL);
    assert_int_equal(kind_of(scene, told->own_tls), LOG_ROOT_TLS);
    assert_int_equal(kind_of(scene, told->own_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, told->thread_tls), LOG_ROOT_TLS);
    assert_int_equal(kind_of(scene, told->thread_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, told->thread_descriptor), LOG_ROOT_TLS);
    assert_int_equal(kind_of(scene, told->interrupted_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, told->alternate_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, told->around_coroutine_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, told->coroutine_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, &told->private_map[1000]), LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, &told->shared_map[1000]), LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, &told->file_map[1000]), LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, &told->read_only_map[1000]), LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, &told->sparse[UINT64_C(77) << 27]), LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, told->ended_descriptor), LOG_ROOT_TLS);
    assert_int_equal(kind_of(scene, &told->beside_heap[1]), LOG_ROOT_MAPPING);
    roots_deinit(&scene->roots);
}

static void test_no_places(void **state)
{
    struct scene *scene = *state;
    find(scene, ROOTS_ALL);
    assert_int_equal(kind_of(scene, told->own_dead_stack), -1);
    assert_int_equal(kind_of(scene, told->thread_dead_stack), -1);
    assert_int_equal(kind_of(scene, told->ended_stack), -1);
    assert_int_equal(kind_of(scene, &told->alive[100]), -1);
    assert_int_equal(kind_of(scene, &told->freed[100]), -1);
    assert_string_equal(scene->roots.problem, "");
    /* Never touched. */
    assert_int_equal(kind_of(scene, &told->sparse[UINT64_C(78) << 27]), -1);
    assert_int_equal(kind_of(scene, &told->file_map[0x1000]), -1);
    uint64_t bytes = 0;
    for (size_t i = 0; i < scene->roots.range_count; i++)
        bytes += scene->roots.ranges[i].end - scene->roots.ranges[i].start;
    assert_in_range(bytes, 1, UINT64_C(64) << 20);
    roots_deinit(&scene->roots);
}

static void test_registers(void **state)
{
    struct scene *scene = *state;
    find(scene, ROOTS_ALL);
    assert_true(has_register(scene, "r15", REGISTER_WORD));
    assert_true(has_register(scene, "xmm13", VECTOR_WORD));
    assert_true(has_register(scene, "rsp", (uint64_t)(uintptr_t)told->coroutine_block));
    roots_deinit(&scene->roots);
}

/* main_arena is in the data of libc, and what it points to is no block's beginning. */
static void test_arena(void **state)
{
    struct scene *scene = *state;
    struct glibc_view view;
    struct glibc_heaps heaps;
    assert_no_error(glibc_view_init(&view, &scene->notes, scene->pid));
    assert_no_error(glibc_heaps_find(&view.process, &heaps));
    assert_int_equal(heaps.states.count, 1);
    find(scene, ROOTS_ALL);
    for (size_t i = 0; i < scene->roots.range_count; i++) {
        const struct reach_range *range = &scene->roots.ranges[i];
        const struct area *arena = &heaps.states.list[0];
        assert_true(range->end <= arena->start || range->start >= arena->end);
    }
    roots_deinit(&scene->roots);
    glibc_heaps_deinit(&heaps);
    glibc_view_deinit(&view);
}

/* Of a thread at a function's first instruction, only what calls preserve. */
static void test_entry(void **state)
{
    struct scene *scene = *state;
    size_t with = 0, without = 0;
    for (struct tracee *tracee = tracee_next(scene->session.tracees, NULL); tracee;
         tracee = tracee_next(scene->session.tracees, tracee)) {
        roots_notes_deinit(&scene->notes);
        assert_no_error(roots_note(&scene->session, &scene->space, tracee, &scene->notes));
        find(scene, ROOTS_ALL);
        assert_true(has_register(scene, "r15", REGISTER_WORD));
        bool found = has_register(scene, "xmm13", VECTOR_WORD);
        with += found;
        without += !found;
        roots_deinit(&scene->roots);
    }
    assert_int_equal(with, THREADS - 1);
    assert_int_equal(without, 1);
}

static void test_kinds(void **state)
{
    struct scene *scene = *state;
    find(scene, 1U << LOG_ROOT_STACK | 1U << LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, told->own_stack), LOG_ROOT_STACK);
    assert_int_equal(kind_of(scene, &told->private_map[1000]), LOG_ROOT_MAPPING);
    assert_int_equal(kind_of(scene, told->global), -1);
    assert_int_equal(kind_of(scene, told->own_tls), -1);
    assert_false(has_register(scene, "r15", REGISTER_WORD));
    roots_deinit(&scene->roots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),    cmocka_unit_test(test_no_places),
        cmocka_unit_test(test_registers), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_entry),     cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

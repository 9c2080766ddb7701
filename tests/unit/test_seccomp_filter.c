/* SPDX-License-Identifier: MIT */
/* Random filters, run here and by the kernel. A filter's result is carried out of the kernel in
 * the errno of SECCOMP_RET_ERRNO, twelve bits at a time. */
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracer/seccomp_filter.h"

enum { PROGRAMS = 400, LENGTH = 40, PARTS = 3, PART_BITS = 12, NUMBER = 1000 /* no such call */ };

static uint64_t random_state = 1;

static uint32_t random_number(void)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(random_state >> 33);
}

static const uint64_t arguments[6] = {
    0, 1, UINT64_MAX, 0x123456789abcdef0, 0x80000000, 0xffffffff00000001,
};

/* Numbers near the edges come up more often than others. */
static uint32_t random_operand(void)
{
    static const uint32_t edges[] = {0, 1, 2, 31, 0x7fffffff, 0x80000000, 0xffffffff};
    return random_number() % 2 ? edges[random_number() % (sizeof edges / sizeof *edges)]
                               : random_number() * 2 + random_number() % 2;
}

static struct sock_filter random_instruction(unsigned room)
{
    static const uint16_t codes[] = {
        BPF_LD | BPF_W | BPF_ABS,
        BPF_LD | BPF_W | BPF_LEN,
        BPF_LDX | BPF_W | BPF_LEN,
        BPF_LD | BPF_IMM,
        BPF_LDX | BPF_IMM,
        BPF_LD | BPF_MEM,
        BPF_LDX | BPF_MEM,
        BPF_ST,
        BPF_STX,
        BPF_MISC | BPF_TAX,
        BPF_MISC | BPF_TXA,
        BPF_ALU | BPF_NEG,
        BPF_ALU | BPF_ADD | BPF_K,
        BPF_ALU | BPF_ADD | BPF_X,
        BPF_ALU | BPF_SUB | BPF_K,
        BPF_ALU | BPF_SUB | BPF_X,
        BPF_ALU | BPF_MUL | BPF_K,
        BPF_ALU | BPF_MUL | BPF_X,
        BPF_ALU | BPF_DIV | BPF_K,
        BPF_ALU | BPF_DIV | BPF_X,
        BPF_ALU | BPF_AND | BPF_K,
        BPF_ALU | BPF_AND | BPF_X,
        BPF_ALU | BPF_OR | BPF_K,
        BPF_ALU | BPF_OR | BPF_X,
        BPF_ALU | BPF_XOR | BPF_K,
        BPF_ALU | BPF_XOR | BPF_X,
        BPF_ALU | BPF_LSH | BPF_K,
        BPF_ALU | BPF_RSH | BPF_K,
        BPF_JMP | BPF_JA,
        BPF_JMP | BPF_JEQ | BPF_K,
        BPF_JMP | BPF_JEQ | BPF_X,
        BPF_JMP | BPF_JGT | BPF_K,
        BPF_JMP | BPF_JGT | BPF_X,
        BPF_JMP | BPF_JGE | BPF_K,
        BPF_JMP | BPF_JGE | BPF_X,
        BPF_JMP | BPF_JSET | BPF_K,
        BPF_JMP | BPF_JSET | BPF_X,
    };
    struct sock_filter made = {.code = codes[random_number() % (sizeof codes / sizeof *codes)],
                               .k = random_operand()};
    uint16_t code = made.code;
    unsigned class = BPF_CLASS(code);
    if (class == BPF_ST || class == BPF_STX || (class <= BPF_LDX && BPF_MODE(code) == BPF_MEM))
        made.k %= BPF_MEMWORDS;
    else if (class == BPF_LD && BPF_MODE(code) == BPF_ABS)
        made.k = made.k % (sizeof(struct seccomp_data) / 4) * 4;
    else if (class == BPF_ALU && (BPF_OP(code) == BPF_LSH || BPF_OP(code) == BPF_RSH))
        made.k %= 32;
    else if (code == (BPF_ALU | BPF_DIV | BPF_K))
        made.k |= 1;
    else if (code == (BPF_JMP | BPF_JA))
        made.k %= room;
    if (class == BPF_JMP && BPF_OP(code) != BPF_JA) {
        made.jt = (uint8_t)(random_number() % (room < 4 ? room : 4));
        made.jf = (uint8_t)(random_number() % (room < 4 ? room : 4));
    }
    return made;
}

/* Other calls than NUMBER pass; for it a random calculation, of whose result the part is returned.
 * Memory is filled first: the kernel takes no program that may load what was never stored. */
static size_t make_filter(struct sock_filter *code, unsigned part)
{
    size_t count = 0;
    code[count++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NUMBER, 1, 0);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    for (unsigned i = 0; i < BPF_MEMWORDS; i++)
        code[count++] = (struct sock_filter)BPF_STMT(BPF_ST, i);
    for (unsigned i = 0; i < LENGTH; i++)
        code[count++] = random_instruction(LENGTH - i);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, part * PART_BITS);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (1 << PART_BITS) - 1);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    return count;
}

enum outcome { REFUSED, KILLED, ANSWERED };

/* What the kernel makes of it, asked by a child that installs the filter. */
static enum outcome ask_kernel(struct sock_filter *code, size_t count, uint32_t *answer)
{
    int *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    *shared = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sock_fprog program = {.len = (unsigned short)count, .filter = code};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
            _exit(2);
        long result = syscall(NUMBER, arguments[0], arguments[1], arguments[2], arguments[3],
                              arguments[4], arguments[5]);
        *shared = result < 0 ? errno : (int)result;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    int got = *shared;
    munmap(shared, sizeof *shared);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return REFUSED;
    /* The errno is capped at MAX_ERRNO, 4095 (kernel/seccomp.c). */
    *answer = SECCOMP_RET_ERRNO | (uint32_t)got;
    return WIFSIGNALED(status) ? KILLED : ANSWERED;
}

static void answers_are_the_kernels(void **state)
{
    (void)state;
    struct sock_filter code[LENGTH + 32];
    const struct seccomp_data call = {
        .nr = NUMBER,
        .arch = AUDIT_ARCH_X86_64,
        .args = {arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                 arguments[5]},
    };
    unsigned answered = 0;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        size_t count = make_filter(code, i % PARTS);
        /* Where the call instruction stands in the child is not known here. */
        for (size_t k = 0; k < count; k++) {
            if (code[k].code == (BPF_LD | BPF_W | BPF_ABS) &&
                code[k].k / 8 == offsetof(struct seccomp_data, instruction_pointer) / 8)
                code[k].k = offsetof(struct seccomp_data, args);
        }
        uint32_t kernels;
        enum outcome outcome = ask_kernel(code, count, &kernels);
        assert_int_not_equal(outcome, REFUSED);
        uint32_t ours = seccomp_filter_run(code, count, &call);
        if (outcome == KILLED) {
            assert_false(seccomp_filter_permits(ours));
            continue;
        }
        answered++;
        assert_int_equal(ours, kernels);
    }
    assert_true(answered > PROGRAMS / 2);
}

static void instruction_pointer_is_seen(void **state)
{
    (void)state;
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const struct seccomp_data call = {.instruction_pointer = 0x7fff000000000000};
    assert_int_equal(seccomp_filter_run(code, 2, &call), SECCOMP_RET_ALLOW);
}

static void only_calls_that_happen_are_permitted(void **state)
{
    (void)state;
    assert_true(seccomp_filter_permits(SECCOMP_RET_ALLOW));
    assert_true(seccomp_filter_permits(SECCOMP_RET_LOG));
    assert_false(seccomp_filter_permits(SECCOMP_RET_KILL_PROCESS));
    assert_false(seccomp_filter_permits(SECCOMP_RET_KILL_THREAD));
    assert_false(seccomp_filter_permits(SECCOMP_RET_TRAP));
    assert_false(seccomp_filter_permits(SECCOMP_RET_ERRNO));
    assert_false(seccomp_filter_permits(SECCOMP_RET_USER_NOTIF));
    assert_false(seccomp_filter_permits(SECCOMP_RET_TRACE));
    assert_false(seccomp_filter_permits(0x12340000));
}

/* What the kernel would not have taken is no permission, and nothing is read out of bounds. */
static void bad_code_permits_nothing(void **state)
{
    (void)state;
    const struct sock_filter bad[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
        BPF_STMT(BPF_LDX | BPF_W | BPF_ABS, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
        BPF_STMT(BPF_LD | BPF_MEM, BPF_MEMWORDS),
        BPF_STMT(BPF_ST, BPF_MEMWORDS),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 1),
        BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX),
        BPF_STMT(BPF_JMP | 0xf0, 0),
    };
    const struct seccomp_data call = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct sock_filter code[] = {bad[i], BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        assert_false(seccomp_filter_permits(seccomp_filter_run(code, 2, &call)));
    }
    assert_false(seccomp_filter_permits(seccomp_filter_run(NULL, 0, &call)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_the_kernels),
        cmocka_unit_test(instruction_pointer_is_seen),
        cmocka_unit_test(only_calls_that_happen_are_permitted),
        cmocka_unit_test(bad_code_permits_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

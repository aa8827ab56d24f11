/* Tests: which classic BPF programs the kernel takes as a seccomp filter, and what they compute: chosen
 * ones, and random ones from a fixed seed. Expected: the same verdicts and results natively. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "seccomp.inc"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define CALL 5000 /* no system call has this number */

static uint64_t state = 12345;
static uint32_t draw(uint32_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

/* What installing says, and what the filter then makes of a call: -1 where it was not taken. */
static int try(struct sock_filter *filter, size_t count, unsigned *result)
{
    struct sock_fprog program = {(unsigned short)count, filter};
    int ends[2];
    if (pipe(ends) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        int verdict = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : errno;
        unsigned told[2] = {(unsigned)verdict, 0};
        for (long i = 0; verdict == 0 && i < 4; i++) {
            long a = i * 0x123456789abcdefL, answer;
            register long r10 __asm__("r10") = i;
            __asm__ volatile("syscall" : "=a"(answer) : "0"(CALL), "D"(a), "S"(~a), "d"(-i), "r"(r10)
                             : "rcx", "r11", "memory");
            told[1] = told[1] * 31 + (unsigned)-answer;
        }
        if (write(ends[1], told, sizeof told) != sizeof told)
            abort();
        _exit(0);
    }
    unsigned told[2] = {0, 0};
    int status;
    close(ends[1]);
    if (read(ends[0], told, sizeof told) != sizeof told)
        told[1] = 0xdead;
    close(ends[0]);
    waitpid(pid, &status, 0);
    *result = told[1];
    return (int)told[0];
}

static void chosen(void)
{
    enum { A = BPF_ALU, J = BPF_JMP };
    static const struct sock_filter ones[] = {
        {0x20, 0, 0, 0},    {0x20, 0, 0, 60},   {0x20, 0, 0, 64},         {0x20, 0, 0, 2},
        {0x28, 0, 0, 0},    {0x30, 0, 0, 0},    {0x40, 0, 0, 0},          {0xa0, 0, 0, 0},
        {0x20, 0, 0, ~0u},  {0x20, 0, 0, 0xfffff000}, {0x80, 0, 0, 0},    {0x81, 0, 0, 0},
        {0x00, 0, 0, 9},    {0x01, 0, 0, 9},    {0xb1, 0, 0, 0},          {0x60, 0, 0, 0},
        {0x61, 0, 0, 0},    {0x02, 0, 0, 15},   {0x02, 0, 0, 16},         {0x03, 0, 0, 15},
        {0x03, 0, 0, 99},   {0x34, 0, 0, 0},    {0x34, 0, 0, 3},          {0x94, 0, 0, 3},
        {0x9c, 0, 0, 0},    {0x64, 0, 0, 31},   {0x64, 0, 0, 32},         {0x74, 0, 0, 32},
        {0x84, 0, 0, 0},    {0x8c, 0, 0, 0},    {0xa4, 0, 0, 1},          {0xac, 0, 0, 0},
        {0xb4, 0, 0, 0},    {0x07, 0, 0, 0},    {0x87, 0, 0, 0},          {0x05, 0, 0, 0},
        {0x05, 0, 0, 1},    {0x05, 0, 0, ~0u},  {0x0d, 0, 0, 0},          {0x15, 0, 0, 0},
        {0x15, 1, 0, 0},    {0x15, 0, 1, 0},    {0x1d, 0, 0, 0},          {0x25, 0, 0, 0},
        {0x35, 0, 0, 0},    {0x45, 0, 0, 0},    {0x4d, 0, 0, 0},          {0x55, 0, 0, 0},
        {0x06, 0, 0, 0x50001}, {0x16, 0, 0, 0}, {0x0e, 0, 0, 0},          {0xffff, 0, 0, 0},
        {0x120, 0, 0, 0},   {0x3c, 0, 0, 0},
    };
    unsigned result;
    for (size_t i = 0; i < LENGTH(ones); i++) {
        struct sock_filter pair[] = {ones[i], GIVE(SECCOMP_RET_ALLOW)};
        int first = try(pair, 2, &result);
        int alone = try(pair, 1, &result);
        printf("%04x %x: %d %d\n", ones[i].code, ones[i].k, first, alone);
    }
    struct sock_filter only_written_once[] = {
        LOAD(nr), UNLESS(CALL, 1), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3),
        GIVE(SECCOMP_RET_ALLOW),
    };
    struct sock_filter written[] = {
        LOAD(nr), UNLESS(CALL, 2), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_JMP | BPF_JA, 1),
        BPF_STMT(BPF_STX, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), GIVE(SECCOMP_RET_ALLOW),
    };
    struct sock_filter divided[] = {BPF_STMT(A | BPF_DIV | BPF_X, 0), GIVE(SECCOMP_RET_ALLOW)};
    static struct sock_filter many[5000];
    for (size_t i = 0; i < LENGTH(many); i++)
        many[i] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
    printf("%d ", try(only_written_once, LENGTH(only_written_once), &result));
    printf("%d ", try(written, LENGTH(written), &result));
    printf("%d %x\n", try(divided, LENGTH(divided), &result), result);
    printf("%d %d %d ", try(many, 0, &result), try(many, 4096, &result), try(many, 4097, &result));
    printf("%d %d\n", try(0, 1, &result), try((struct sock_filter *)8, 1, &result));
}

/* A program that computes something of the call's arguments and gives twelve bits of it as an error. */
static void computed(int round)
{
    static const uint8_t operations[] = {0, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0};
    struct sock_filter filter[64] = {LOAD(nr), UNLESS(CALL, 40), BPF_STMT(BPF_ST, 0),
                                     BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_ST, 2)};
    unsigned result = 0;
    int at = 5;
    while (at < 38) {
        struct sock_filter *next = &filter[at++];
        uint32_t operand = draw(2) ? draw(40) : (uint32_t)(state >> 13);
        switch (draw(9)) {
        case 0: *next = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16 + draw(12) * 4); break;
        case 1: *next = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, draw(3)); break;
        case 2: *next = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_MEM, draw(3)); break;
        case 3: *next = (struct sock_filter)BPF_STMT(draw(2) ? BPF_ST : BPF_STX, draw(3)); break;
        case 4: *next = (struct sock_filter)BPF_STMT(BPF_MISC | (draw(2) ? BPF_TAX : BPF_TXA), 0); break;
        case 5: *next = (struct sock_filter)BPF_STMT(draw(4) ? BPF_LDX | BPF_IMM : BPF_ALU | BPF_NEG, operand);
            break;
        case 6: {
            unsigned source = draw(2) ? BPF_X : BPF_K;
            unsigned kind = 0x10 + 0x10 * draw(4);
            *next = (struct sock_filter)BPF_JUMP(BPF_JMP | kind | source, operand, draw(3), draw(3));
            break;
        }
        default: {
            unsigned operation = operations[draw(9)];
            unsigned source = draw(2) ? BPF_X : BPF_K;
            if (source == BPF_K && (operation == 0x60 || operation == 0x70))
                operand &= 31;
            if (source == BPF_K && operation == 0x30)
                operand |= 1;
            *next = (struct sock_filter)BPF_STMT(BPF_ALU | operation | source, operand);
        }
        }
    }
    for (; at < 41; at++) /* where jumps may lead past the end */
        filter[at] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1);
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0);
    filter[at++] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    int verdict = try(filter, (size_t)at, &result);
    printf("computed %d: %d %x\n", round, verdict, result);
}

/* Any instruction words: what is taken is only seen in the verdict. */
static void arbitrary(int rounds)
{
    unsigned taken = 0, sum = 0;
    for (int round = 0; round < rounds; round++) {
        struct sock_filter filter[8];
        unsigned result;
        size_t count = 1 + draw(7);
        for (size_t i = 0; i < count; i++)
            filter[i] = (struct sock_filter){(uint16_t)draw(0xa8), (uint8_t)draw(3), (uint8_t)draw(3),
                                             draw(3) ? draw(20) & ~8u : draw(16) * 4 & ~8u};
        filter[count++] = (struct sock_filter)GIVE(SECCOMP_RET_ERRNO | 5);
        int verdict = try(filter, count, &result);
        taken += verdict == 0;
        sum = sum * 31 + (unsigned)verdict + result;
    }
    printf("arbitrary: %u taken, %x\n", taken, sum);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 60;
    setvbuf(stdout, 0, _IONBF, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    chosen();
    for (int i = 0; i < rounds; i++)
        computed(i);
    arbitrary(rounds * 3);
    return 0;
}

/* Tests: a handler gives every register a new value through the ucontext, rip, rsp, flags and the vector
 * registers among them, at a fault, at a system call and in a loop. Expected: status 0, prints "ok". */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

extern char landing[];
uint64_t found[18], found_xmm[32], saved_rsp;
static uint64_t seed = 88172645463325252ull, given[18], given_xmm[32];
static char other_stack[65536] __attribute__((aligned(64)));

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void handler(int number, siginfo_t *info, void *context)
{
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    ucontext_t *user = context;
    (void)number;
    (void)info;
    for (int i = 0; i < 16; i++)
        given[i] = i == 4 ? (uint64_t)other_stack + 32768 + (next() & 0xff8) : next();
    for (int i = 0; i < 16; i++)
        user->uc_mcontext.gregs[order[i]] = (greg_t)given[i];
    given[16] = next(); /* only some flags may be chosen */
    user->uc_mcontext.gregs[REG_EFL] = (greg_t)(given[16] & ~0x100ull & ~0x40000ull);
    for (int i = 0; i < 32; i++)
        given_xmm[i] = next();
    memcpy(user->uc_mcontext.fpregs->_xmm, given_xmm, sizeof given_xmm);
    user->uc_mcontext.gregs[REG_RIP] = (greg_t)landing;
}

__asm__(
    ".intel_syntax noprefix\n"
    "launch:\n"
    " push rbx\n push rbp\n push r12\n push r13\n push r14\n push r15\n"
    " mov [rip + saved_rsp], rsp\n"
    " cmp edi, 1\n je 1f\n ja 2f\n"
    " xor eax, eax\n mov [rax], eax\n ud2\n"
    "1: mov eax, 39\n syscall\n mov edi, eax\n mov esi, 10\n mov eax, 62\n syscall\n ud2\n"
    "2: jmp 2b\n"
    "landing:\n"
    " mov [rip + found], rax\n mov [rip + found + 8], rcx\n mov [rip + found + 16], rdx\n"
    " mov [rip + found + 24], rbx\n mov [rip + found + 32], rsp\n mov [rip + found + 40], rbp\n"
    " mov [rip + found + 48], rsi\n mov [rip + found + 56], rdi\n mov [rip + found + 64], r8\n"
    " mov [rip + found + 72], r9\n mov [rip + found + 80], r10\n mov [rip + found + 88], r11\n"
    " mov [rip + found + 96], r12\n mov [rip + found + 104], r13\n mov [rip + found + 112], r14\n"
    " mov [rip + found + 120], r15\n"
    " mov rsp, [rip + saved_rsp]\n"
    " pushfq\n pop [rip + found + 128]\n cld\n"
    " movups [rip + found_xmm], xmm0\n movups [rip + found_xmm + 16*1], xmm1\n movups [rip + found_xmm + 16*2], xmm2\n"
    " movups [rip + found_xmm + 16*7], xmm7\n movups [rip + found_xmm + 16*8], xmm8\n movups [rip + found_xmm + 16*15], xmm15\n"
    " pop r15\n pop r14\n pop r13\n pop r12\n pop rbp\n pop rbx\n"
    " ret\n"
    ".att_syntax prefix\n");
extern void launch(int kind);

int main(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct itimerval soon = {{0, 0}, {0, 300}};
    sigaltstack(&alternate, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGALRM, &action, 0);
    for (int round = 0; round < 600; round++) {
        if (round % 3 == 2)
            setitimer(ITIMER_REAL, &soon, 0);
        launch(round % 3);
        static const int some[] = {0, 1, 2, 7, 8, 15};
        for (int i = 0; i < 16; i++)
            if (found[i] != given[i])
                return printf("round %d: register %d is %lx, not %lx\n", round, i, found[i], given[i]);
        if ((found[16] & 0xcd5) != (given[16] & 0xcd5) || (found[16] & 0x3f8328) != 0x200)
            return printf("round %d: flags are %lx, not %lx\n", round, found[16], given[16]);
        for (unsigned i = 0; i < 6; i++)
            if (memcmp(&found_xmm[some[i] * 2], &given_xmm[some[i] * 2], 16) != 0)
                return printf("round %d: xmm%d differs\n", round, some[i]);
    }
    puts("ok");
    return 0;
}

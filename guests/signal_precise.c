/* Tests: the state a handler sees at a fault is exactly the one before the instruction: all registers,
 * flags, rsp and rip, for instructions of every kind that touches memory, cold and warm.
 * Expected: status 0, prints how many faults were checked, or the first wrong one. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

/* What the next faulting instruction is, and where to go on; set by the code below. */
extern volatile unsigned long expected_rip, expected_next, expected_rsp, expected_rdi, expected_rcx;
unsigned long volatile expected_rip, expected_next, expected_rsp, expected_rdi, expected_rcx, saved_stack;
unsigned long volatile checked, number;
char area[4096] __attribute__((aligned(4096))), *volatile area_end = area + sizeof area;

#define FLAGS 0x8d5

static void fail(const char *what, unsigned long got, unsigned long want)
{
    printf("fault %lu: %s is %lx, not %lx\n", number, what, got, want);
    fflush(stdout);
    _exit(1);
}

static void handler(int signal_number, siginfo_t *info, void *context)
{
    static const int order[] = {REG_RAX, REG_RDX, REG_RBX, REG_RBP, REG_RSI, REG_R8, REG_R9, REG_R10,
                                REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)info;
    if ((unsigned long)registers[REG_RIP] != expected_rip)
        fail("rip", (unsigned long)registers[REG_RIP], expected_rip);
    if ((unsigned long)registers[REG_RSP] != expected_rsp)
        fail("rsp", (unsigned long)registers[REG_RSP], expected_rsp);
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
        if ((unsigned long)registers[order[i]] != 0x1000 + i)
            fail("register", (unsigned long)registers[order[i]], 0x1000 + i);
    if ((unsigned long)registers[REG_RDI] != expected_rdi)
        fail("rdi", (unsigned long)registers[REG_RDI], expected_rdi);
    if ((unsigned long)registers[REG_RCX] != expected_rcx)
        fail("rcx", (unsigned long)registers[REG_RCX], expected_rcx);
    if ((registers[REG_EFL] & FLAGS) != 0x91)
        fail("flags", (unsigned long)registers[REG_EFL], 0x91);
    checked += signal_number == SIGSEGV || signal_number == SIGBUS;
    registers[REG_RIP] = (greg_t)expected_next;
    registers[REG_EFL] &= ~0x400;
}

/* Every register but rcx, rdi and rsp has a value of its own that is no address; flags CF, AF, SF. */
__asm__(
    ".intel_syntax noprefix\n"
    ".macro fault text:vararg\n"
    " fault_at rsp, 24, 0x77, \\text\n"
    ".endm\n"
    ".macro fault_at stack, destination, count, text:vararg\n"
    " inc qword ptr [rip + number]\n"
    " lea rax, [rip + 771f]\n"
    " mov [rip + expected_rip], rax\n"
    " lea rax, [rip + 772f]\n"
    " mov [rip + expected_next], rax\n"
    " mov [rip + saved_stack], rsp\n"
    " mov rdi, \\destination\n"
    " mov [rip + expected_rdi], rdi\n"
    " mov ecx, \\count\n"
    " mov [rip + expected_rcx], rcx\n"
    " push 0x91\n"
    " popfq\n"
    " mov eax, 0x1000\n mov edx, 0x1001\n mov ebx, 0x1002\n mov ebp, 0x1003\n mov esi, 0x1004\n"
    " mov r8d, 0x1005\n mov r9d, 0x1006\n mov r10d, 0x1007\n mov r11d, 0x1008\n mov r12d, 0x1009\n"
    " mov r13d, 0x100a\n mov r14d, 0x100b\n mov r15d, 0x100c\n"
    " mov rsp, \\stack\n"
    " mov [rip + expected_rsp], rsp\n"
    "771: \\text\n"
    "772: mov rsp, [rip + saved_stack]\n"
    ".endm\n"
    ".macro bad_stack text:vararg\n"
    " fault_at 0x2000, 24, 0x77, \\text\n"
    ".endm\n"
    "faults:\n"
    " push rbx\n push rbp\n push r12\n push r13\n push r14\n push r15\n"
    " fault mov eax, [rdi]\n"
    " fault mov [rdi + rcx*8 + 5], rdx\n"
    " fault add [rdi], rax\n"
    " fault lock inc dword ptr [rdi]\n"
    " fault call [rdi]\n"
    " fault call [rdi + rcx*8]\n"
    " fault jmp [rdi]\n"
    " fault jmp [rcx + rax]\n"
    " fault push [rdi]\n"
    " fault pop [rdi]\n"
    " fault push [rcx]\n"
    " fault call [rax*8 + rcx]\n"
    " fault movups xmm0, [rdi]\n"
    " fault movaps [rdi], xmm0\n"
    " fault fld qword ptr [rdi]\n"
    " fault lodsb\n"
    " fault stosq\n"
    " fault scasb\n"
    " fault movsd\n"
    " fault xlat\n"
    " fault leave\n"
    " fault rep movsb\n"
    " fault repne scasb\n"
    " fault cmpxchg16b [rdi]\n"
    " fault xchg [rdi], rcx\n"
    " fault mov eax, gs:[rdi]\n"
    " fault mov gs:[rcx], rdi\n"
    " fault lods dword ptr gs:[rsi]\n"
    " fault mov rax, [rip + faults + 0x40000000]\n"
    " fault mov dword ptr [rip + faults + 0x40000000], 5\n"
    " fault call [rip + faults + 0x40000000]\n"
    " fault jmp [rip + faults + 0x40000000]\n"
    " fault movaps xmm1, [rip + area + 1]\n"
    " fault push [rip + faults + 0x40000000]\n"
    " fault hlt\n"
    " fault in al, dx\n"
    " fault cli\n"
    " bad_stack ret\n"
    " bad_stack ret 16\n"
    " bad_stack push rax\n"
    " bad_stack push rcx\n"
    " bad_stack push 5\n"
    " bad_stack push rsp\n"
    " bad_stack pop rax\n"
    " bad_stack pop rcx\n"
    " bad_stack pushfq\n"
    " bad_stack popfq\n"
    " bad_stack call faults\n"
    " bad_stack call rax\n"
    " bad_stack call rcx\n"
    " bad_stack push [rip + area]\n"
    " bad_stack pop [rip + area]\n"
    " bad_stack call [rip + area]\n"
    " bad_stack jmp [rsp + 8]\n"
    " bad_stack call [rsp + 8]\n"
    " bad_stack mov rax, [rsp]\n"
    " bad_stack push [rsp]\n"
    " pop r15\n pop r14\n pop r13\n pop r12\n pop rbp\n pop rbx\n"
    " ret\n"
    ".att_syntax prefix\n");

extern void faults(void);

int main(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&alternate, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    for (int round = 0; round < 4; round++)
        faults();
    printf("%lu of %lu\n", checked, number);
    return 0;
}

/* Tests: a signal at any moment sees whole state: a loop of every kind of control transfer keeps all
 * registers and flags constant while a timer fires; the handler checks them, rip, rsp, the red zone
 * and a vector register, and ends the loop by moving rip. An argument takes the place of the number of
 * signals; the timer then counts the processor's time, for whoever slows the program down. Expected: status 0, prints "ok". */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

extern char loop_start[], loop_end[], loop_done[];
unsigned long slot_function, slot_label, loop_stack;
static volatile int seen, wanted;

static void fail(const char *what, unsigned long got, unsigned long rip)
{
    printf("after %d: %s is %lx at loop+%lx\n", seen, what, got, rip - (unsigned long)loop_start);
    fflush(stdout);
    _exit(1);
}

static void handler(int signal_number, siginfo_t *info, void *context)
{
    static const int order[] = {REG_RCX, REG_RDX, REG_RBX, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9,
                                REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    unsigned long rip = (unsigned long)machine->gregs[REG_RIP], rsp = (unsigned long)machine->gregs[REG_RSP];
    (void)signal_number;
    (void)info;
    if (rip < (unsigned long)loop_start || rip >= (unsigned long)loop_end)
        return; /* before or after the loop */
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
        if ((unsigned long)machine->gregs[order[i]] != 0x1000 + i)
            fail("a register", (unsigned long)machine->gregs[order[i]] << 8 | i, rip);
    if ((machine->gregs[REG_EFL] & 0xcd5) != 0x491)
        fail("flags", (unsigned long)machine->gregs[REG_EFL], rip);
    if (rsp != loop_stack && rsp != loop_stack - 8 && rsp != loop_stack - 16)
        fail("rsp", rsp - loop_stack, rip);
    if (*(unsigned long *)(loop_stack - 120) != 0x5a5a5a5a)
        fail("red zone", *(unsigned long *)(loop_stack - 120), rip);
    if (machine->fpregs->_xmm[5].element[1] != 0x1003)
        fail("xmm5", machine->fpregs->_xmm[5].element[1], rip);
    if (rsp == loop_stack - 8 && *(unsigned long *)rsp - (unsigned long)loop_start > (unsigned long)(loop_end - loop_start)
        && *(unsigned long *)rsp != 0x1002)
        fail("return address", *(unsigned long *)rsp, rip);
    if (++seen == wanted) {
        machine->gregs[REG_RIP] = (greg_t)loop_done;
        machine->gregs[REG_RSP] = (greg_t)loop_stack;
    }
}

__asm__(
    ".intel_syntax noprefix\n"
    "loop_enter:\n"
    " push rbx\n push rbp\n push r12\n push r13\n push r14\n push r15\n sub rsp, 1024\n"
    " mov [rip + loop_stack], rsp\n"
    " lea rax, [rip + loop_in]\n mov [rip + slot_function], rax\n"
    " lea rax, [rip + loop_target]\n mov [rip + slot_label], rax\n"
    " mov qword ptr [rsp - 120], 0x5a5a5a5a\n"
    " push 0x491\n popfq\n"
    " mov ecx, 0x1000\n mov edx, 0x1001\n mov ebx, 0x1002\n mov ebp, 0x1003\n mov esi, 0x1004\n"
    " mov edi, 0x1005\n mov r8d, 0x1006\n mov r9d, 0x1007\n mov r10d, 0x1008\n mov r11d, 0x1009\n"
    " mov r12d, 0x100a\n mov r13d, 0x100b\n mov r14d, 0x100c\n mov r15d, 0x100d\n"
    " movq xmm5, rbp\n pshufd xmm5, xmm5, 0\n"
    " jmp loop_start\n"
    "loop_start:\n"
    " lea rax, [rip + loop_target]\n"
    " jmp rax\n"
    " ud2\n"
    "loop_target:\n"
    " call loop_in\n"
    " lea rax, [rip + loop_in]\n"
    " call rax\n"
    " call [rip + slot_function]\n"
    " push rbx\n"
    " pop rax\n"
    " jrcxz loop_start\n"
    " jc 1f\n"
    " nop\n"
    "1: jnz 2f\n"
    " nop\n"
    "2: lea rax, [rip + 3f]\n"
    " push rbx\n"
    " pop rax\n"
    " js 3f\n"
    " nop\n"
    "3: mov rax, [rip + slot_label]\n"
    " jmp loop_start\n"
    "loop_in:\n"
    " jc 4f\n"
    " nop\n"
    "4: lea rax, [rax + 1]\n"
    " ret\n"
    "loop_end:\n"
    "loop_done:\n"
    " cld\n"
    " add rsp, 1024\n pop r15\n pop r14\n pop r13\n pop r12\n pop rbp\n pop rbx\n"
    " ret\n"
    ".att_syntax prefix\n");

extern void loop_enter(void);

int main(int argc, char **argv)
{
    wanted = argc > 1 ? atoi(argv[1]) : 3000;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct itimerval timer = {{0, 53}, {0, 53}}, none = {{0, 0}, {0, 0}};
    enum __itimer_which which = argc > 1 ? ITIMER_VIRTUAL : ITIMER_REAL;
    sigaction(argc > 1 ? SIGVTALRM : SIGALRM, &action, 0);
    setitimer(which, &timer, 0);
    loop_enter();
    setitimer(which, &none, 0);
    puts("ok");
    return 0;
}

/* Tests: what a handler learns of each kind of fault: number, code, address, trap number, error code and
 * cr2; the handler steps over the instruction. Expected: status 0, prints one line a fault. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned char *page;
static const char *what;
static sigjmp_buf back;
static unsigned long origin;

static void handler(int number, siginfo_t *info, void *context)
{
    __asm__ volatile("pushfq\n andq $~0x40000, (%%rsp)\n popfq" : : : "cc", "memory"); /* AC stays on */
    ucontext_t *user = context;
    greg_t *registers = user->uc_mcontext.gregs;
    unsigned long address = (unsigned long)info->si_addr, rip = (unsigned long)registers[REG_RIP];
    int kind = address == rip ? 1 : address - (unsigned long)page < 0x4000 ? 2 : 0;
    printf("%s: %d %d trap %lld error %llx address %d:%lx rip %lx cr2 %d flags %llx\n", what, number, info->si_code,
           registers[REG_TRAPNO], registers[REG_ERR], kind,
           kind == 1 ? 0 : kind == 2 ? address - (unsigned long)page : address, rip - origin < 64 ? rip - origin : 99,
           (unsigned long)registers[REG_CR2] == address, registers[REG_EFL] & 0x50700);
    siglongjmp(back, 1);
}

/* Runs a few bytes of code with rax, rcx and rdx set. */
static void run(const char *name, const char *code, unsigned length, unsigned long rax, unsigned long rcx)
{
    static unsigned char *volatile area;
    if (!area)
        area = mmap(0, 0x10000, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static unsigned at;
    unsigned char *here = area + (at += 64);
    memcpy(here, code, length);
    here[length] = 0xc3;
    what = name;
    origin = (unsigned long)here;
    if (sigsetjmp(back, 1) == 0) {
        unsigned long low = rax;
        __asm__ volatile("call *%[f]" : "+a"(low), "+c"(rcx) : [f] "r"(here), "d"(0ul) : "rbx", "rsi", "rdi", "memory", "cc");
        printf("%s: went on with %lx\n", name, low);
    }
    __asm__ volatile("pushfq\n andq $~0x40000, (%%rsp)\n popfq\n fninit\n" : : : "cc", "memory");
    unsigned mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}
#define RUN(name, code, rax, rcx) run(name, code, sizeof code - 1, (unsigned long)(rax), (unsigned long)(rcx))

int main(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    setvbuf(stdout, 0, _IOFBF, 65536);
    sigaltstack(&alternate, 0);
    for (int number = 4; number <= 11; number++)
        if (number != SIGABRT && number != SIGKILL && number != SIGUSR1)
            sigaction(number, &action, 0);
    char path[] = "/tmp/signal.XXXXXX";
    int file = mkstemp(path);
    unlink(path);
    page = mmap(0, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page, 0x1000, PROT_READ);
    mprotect(page + 0x1000, 0x1000, PROT_NONE);
    if (mmap(page + 0x3000, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
        return 1;
    munmap(page + 0x2000, 0x1000);
    for (int round = 0; round < 2; round++) {
        RUN("read unmapped", "\x8b\x00", page + 0x2010, 0);
        RUN("write unmapped", "\x89\x48\x04", page + 0x2010, 0);
        RUN("write read-only", "\x89\x08", page + 8, 0);
        RUN("read none", "\x48\x8b\x08", page + 0x1008, 0);
        RUN("across pages", "\x48\x8b\x08", page + 0xffd, 0);
        RUN("read-modify-write", "\xf0\x48\x01\x08", page + 0x10, 0);
        RUN("behind the file", "\x8b\x00", page + 0x3020, 0);
        RUN("not canonical", "\x8b\x00", 0x8000000000000000, 0);
        RUN("kernel address", "\x8b\x00", 0xffffffff80000000, 0);
        RUN("null", "\x8b\x00", 0, 0);
        RUN("vsyscall read", "\x8b\x00", 0xffffffffff600000, 0);
        RUN("jump unmapped", "\xff\xe0", page + 0x2010, 0);
        RUN("jump no execute", "\xff\xe0", page + 0x10, 0);
        RUN("call unmapped", "\xff\xd0", page + 0x2010, 0);
        RUN("jump null", "\xff\xe0", 0, 0);
        RUN("return null", "\x6a\x00\xc3", 0, 0);
        RUN("divide", "\xf7\xf9", 5, 0);
        RUN("divide overflow", "\x48\x99\x48\xf7\xf9", 0x8000000000000000, -1);
        RUN("ud2", "\x0f\x0b", 0, 0);
        RUN("ud1", "\x0f\xb9\xc0", 0, 0);
        RUN("bad opcode", "\x06", 0, 0);
        RUN("bad lock", "\xf0\x89\xc8", 0, 0);
        RUN("int3", "\x90\xcc\x90", 0, 0);
        RUN("int 3 long", "\xcd\x03\x90", 0, 0);
        RUN("int 4", "\xcd\x04\x90", 0, 0);
        RUN("int 33", "\xcd\x21", 0, 0);
        RUN("hlt", "\xf4", 0, 0);
        RUN("in", "\xe4\x60", 0, 0);
        RUN("cli", "\xfa", 0, 0);
        RUN("mov cr3", "\x0f\x20\xd8", 0, 0);
        RUN("rdmsr", "\x0f\x32", 0, 0);
        RUN("movaps unaligned", "\x0f\x28\x40\x01", page, 0);
        RUN("alignment check", "\x9c\x48\x81\x0c\x24\x00\x00\x04\x00\x9d\x8b\x40\x01\x90", page, 0);
        RUN("sse divide by zero", "\x68\x00\x1d\x00\x00\x0f\xae\x14\x24\x58\x0f\x57\xc0\xb8\x01\x00\x00\x00"
            "\xf2\x0f\x2a\xc8\xf2\x0f\x5e\xc8", 0, 0);
        RUN("sse invalid", "\x68\x00\x1f\x00\x00\x0f\xae\x14\x24\x58\x0f\x57\xc0\xf2\x0f\x5e\xc0", 0, 0);
        RUN("sse inexact", "\x68\x80\x0f\x00\x00\x0f\xae\x14\x24\x58\xb8\x03\x00\x00\x00\xf2\x0f\x2a\xc0"
            "\xb8\x01\x00\x00\x00\xf2\x0f\x2a\xc8\xf2\x0f\x5e\xc8", 0, 0);
        RUN("sse overflow", "\x68\x80\x1b\x00\x00\x0f\xae\x14\x24\x58\x48\xb8\xff\xff\xff\xff\xff\xff\xef\x7f"
            "\x66\x48\x0f\x6e\xc0\xf2\x0f\x58\xc0", 0, 0);
        RUN("sse underflow", "\x68\x80\x17\x00\x00\x0f\xae\x14\x24\x58\xb8\x01\x00\x10\x00\x48\xc1\xe0\x20"
            "\x66\x48\x0f\x6e\xc0\xf2\x0f\x59\xc0", 0, 0);
        RUN("x87 divide by zero", "\x68\x7b\x03\x00\x00\xd9\x2c\x24\x58\xd9\xe8\xd9\xee\xde\xf9\x9b", 0, 0);
        RUN("x87 stack", "\x68\x7e\x03\x00\x00\xd9\x2c\x24\x58\xdd\xd8\x9b", 0, 0);
        RUN("string", "\x48\x89\xc7\x48\x89\xc6\xb9\x20\x00\x00\x00\xfc\xf3\xa4", page + 0x10, 0);
        if (ftruncate(file, 0x3000 * round)) /* the second round finds a file behind it */
            return 2;
    }
    return 0;
}

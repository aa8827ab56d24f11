/* Tests: the frame that a handler finds: registers and flags at its entry, where siginfo, ucontext and the
 * save area lie, and every word of them; what is live in the vector registers then; what a handler
 * writes into the save area is loaded. Expected: status 0, prints it all. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

unsigned long entry[18], entry_flags, fault_rsp;
extern char entry_code[], fault_at[], fault_end[];
static int has_avx, has_avx512;
static unsigned char wanted[64];

__asm__(
    ".intel_syntax noprefix\n"
    "entry_code:\n"
    " mov [rip + entry], rax\n mov [rip + entry + 8], rcx\n mov [rip + entry + 16], rdx\n"
    " mov [rip + entry + 24], rbx\n mov [rip + entry + 32], rsp\n mov [rip + entry + 40], rbp\n"
    " mov [rip + entry + 48], rsi\n mov [rip + entry + 56], rdi\n mov [rip + entry + 64], r8\n"
    " mov [rip + entry + 72], r9\n mov [rip + entry + 80], r10\n mov [rip + entry + 88], r11\n"
    " mov [rip + entry + 96], r12\n mov [rip + entry + 104], r13\n mov [rip + entry + 112], r14\n"
    " mov [rip + entry + 120], r15\n"
    " pushfq\n pop rax\n mov [rip + entry_flags], rax\n"
    " stmxcsr [rip + entry + 128]\n fnstcw [rip + entry + 136]\n"
    " pxor xmm1, xmm1\n pcmpeqb xmm1, xmm0\n pmovmskb eax, xmm1\n mov [rip + entry + 140], eax\n"
    " jmp handle\n"
    ".att_syntax prefix\n");

void handle(int number, siginfo_t *info, void *context) __attribute__((used));
void handle(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    greg_t *registers = user->uc_mcontext.gregs;
    unsigned char *area = (unsigned char *)user->uc_mcontext.fpregs;
    unsigned rsp = (unsigned)entry[4] & 0xff;
    printf("signal %d, entry rax %lx rdi %lx rsi+%lx rdx+%lx rsp&15 %x flags %lx\n", number, entry[0], entry[7],
           entry[6] - entry[4], entry[2] - entry[4], rsp & 15, entry_flags & 0x40fd5);
    printf("kept %lx %lx %lx %lx %lx %lx %lx\n", entry[3], entry[5], entry[8] & 0xffff, entry[12], entry[13], entry[14],
           entry[15]);
    printf("mxcsr %x control %x xmm0 is zero %x\n", (unsigned)entry[16], (unsigned)entry[17] & 0xffff,
           ((unsigned *)entry)[35]);
    printf("restorer %d info %d\n", *(unsigned long *)entry[4] != 0, (void *)info == (void *)entry[6]);
    printf("uc flags %lx link %p stack %p %x %zx\n", user->uc_flags, (void *)user->uc_link, user->uc_stack.ss_sp,
           (unsigned)user->uc_stack.ss_flags, user->uc_stack.ss_size);
    uint32_t *software = (uint32_t *)(area + 464), bytes = software[4];
    unsigned long below = fault_rsp - (unsigned long)area - bytes - 4;
    printf("area %d %d %d\n", (area - (unsigned char *)context) - 304 - 128 < 64, below >= 128 && below < 192,
           ((unsigned long)area & 63) == 0);
    printf("cs.. %llx error %llx trap %llx oldmask %llx mask %lx flags %llx\n", registers[REG_CSGSFS], registers[REG_ERR],
           registers[REG_TRAPNO], registers[REG_OLDMASK], *(unsigned long *)&user->uc_sigmask, registers[REG_EFL] & ~0x40000ll);
    uint64_t *header = (uint64_t *)(area + 512);
    printf("software %x %d %x %x %x %x\n", software[0], software[1] == bytes + 4, software[2], software[3], bytes,
           software[5] | software[6] | software[11]);
    printf("header");
    for (int i = 0; i < 8; i++)
        printf(" %lx", i == 0 ? header[0] & 0xe7 : header[i]);
    printf("\nmagic2 %x\n", *(uint32_t *)(area + bytes));
    printf("x87 %x %x %x mxcsr %x mask %x\n", *(uint16_t *)area, *(uint16_t *)(area + 2), area[4],
           *(uint32_t *)(area + 24), *(uint32_t *)(area + 28));
    printf("xmm5 %016lx st0 %016lx\n", *(uint64_t *)(area + 160 + 5 * 16), *(uint64_t *)(area + 32));
    if (has_avx) {
        unsigned eax, at, ecx, edx;
        __cpuid_count(13, 2, eax, at, ecx, edx);
        printf("ymm5 high %016lx\n", *(uint64_t *)(area + at + 5 * 16));
        memset(area + at + 5 * 16, 0x77, 16);
        if (has_avx512) {
            unsigned masks, high, more;
            __cpuid_count(13, 5, eax, masks, ecx, edx);
            __cpuid_count(13, 6, eax, high, ecx, edx);
            __cpuid_count(13, 7, eax, more, ecx, edx);
            printf("k3 %lx zmm5 high %016lx zmm21 %016lx\n", *(uint64_t *)(area + masks + 24),
                   *(uint64_t *)(area + high + 5 * 32), *(uint64_t *)(area + more + 5 * 64));
            *(uint64_t *)(area + masks + 24) = 0x1234;
            memset(area + high + 5 * 32, 0x99, 32);
            memset(area + more + 5 * 64, 0xbb, 64);
        }
    }
    memset(area + 160 + 5 * 16, 0x33, 16);
    *(uint64_t *)(area + 32) = 0xc000000000000000;
    *(uint32_t *)(area + 24) = 0x5f80;
    registers[REG_RIP] = (greg_t)fault_end;
    __asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n pcmpeqd %%xmm15, %%xmm15\n" : : : "xmm5", "xmm15");
}

static void once(int number)
{
    uint64_t out[8] = {0}, more[8] = {0}, mask = 0;
    double top = 0;
    unsigned mxcsr = 0;
    memset(wanted, 0x5a, sizeof wanted);
    __asm__ volatile("movups %0, %%xmm5" : : "m"(wanted) : "xmm5");
    if (has_avx)
        __asm__ volatile("vmovups %0, %%ymm5" : : "m"(wanted) : "xmm5");
    if (has_avx512)
        __asm__ volatile("vmovups %0, %%zmm5\n vmovups %0, %%zmm21\n mov $0x6b, %%eax\n kmovd %%eax, %%k3"
                         : : "m"(wanted) : "rax", "xmm5");
    __asm__ volatile(
        "fninit\n fldpi\n"
        "push %%rbp\n push %%rbx\n"
        "mov %%rsp, fault_rsp(%%rip)\n"
        "mov $0x101, %%ebx\n mov $0x102, %%ebp\n mov $0x103, %%r8d\n mov $0x104, %%r12d\n mov $0x105, %%r13d\n"
        "mov $0x106, %%r14d\n mov $0x107, %%r15d\n"
        "cmp $1, %[number]\n je 1f\n"
        "mov $186, %%eax\n syscall\n mov %%eax, %%edi\n mov $200, %%eax\n mov $10, %%esi\n"
        "push $0x6d5\n popfq\n syscall\n jmp 2f\n"
        "1: push $0x6d5\n popfq\n xor %%eax, %%eax\n push $0x6d5\n popfq\n fault_at: mov (%%rax), %%rax\n"
        "fault_end:\n 2: cld\n"
        "pop %%rbx\n pop %%rbp\n"
        "fstpl %[top]\n stmxcsr %[mxcsr]\n"
        : [top] "=m"(top), [mxcsr] "=m"(mxcsr)
        : [number] "r"(number)
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    if (has_avx512)
        __asm__ volatile("vmovups %%zmm5, %0\n vmovups %%zmm21, %1\n kmovq %%k3, %%rax\n mov %%rax, %2"
                         : "=m"(out), "=m"(more), "=m"(mask) : : "rax");
    else if (has_avx)
        __asm__ volatile("vmovups %%ymm5, %0" : "=m"(out));
    else
        __asm__ volatile("movups %%xmm5, %0" : "=m"(out));
    printf("loaded %lx %lx %lx %lx %lx %g %x\n", out[0], out[2], out[4], more[7], mask, top, mxcsr);
    mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0\n fninit" : : "m"(mxcsr));
}

int main(void)
{
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } raw;
    struct sigaction action = {.sa_handler = SIG_DFL};
    unsigned eax, ebx, ecx, edx;
    setvbuf(stdout, 0, _IOFBF, 65536);
    __cpuid(1, eax, ebx, ecx, edx);
    has_avx = ecx >> 28 & 1;
    __cpuid_count(7, 0, eax, ebx, ecx, edx);
    has_avx512 = ebx >> 30 & 1;
    sigaction(SIGTERM, &action, 0);
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))(void *)entry_code;
    sigaddset(&action.sa_mask, SIGTERM);
    static const int numbers[] = {SIGUSR1, SIGSEGV};
    for (int i = 0; i < 2; i++) {
        sigaction(numbers[i], &action, 0);
        syscall(SYS_rt_sigaction, numbers[i], 0, &raw, 8);
        printf("action %lx %lx\n", raw.flags, raw.mask);
    }
    for (int round = 0; round < 3; round++) {
        once(0);
        once(1);
    }
    return 0;
}

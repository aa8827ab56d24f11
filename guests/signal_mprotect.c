/* Tests: a SIGSEGV handler that unprotects the page and returns, so that the access runs again: for data in
 * hot code by every kind of access, as garbage collectors do it, for the stack, and for code pages.
 * Expected: status 0, prints counts. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 256
static unsigned char *area;
static volatile int faults, reads, writes;

static void handler(int number, siginfo_t *info, void *context)
{
    unsigned char *page = (unsigned char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));
    (void)number;
    (void)context;
    faults++;
    if (page < area || page >= area + PAGES * PAGE)
        _exit(9);
    if (((long long *)context)[5 + 19] & 2) { /* the error code of the trap */
        writes++;
    } else {
        reads++;
    }
    mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void protect(int protection)
{
    mprotect(area, PAGES * PAGE, protection);
    faults = 0;
}

int main(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    uint64_t sum = 0;
    sigaltstack(&alternate, 0);
    sigaction(SIGSEGV, &action, 0);
    area = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 3; round++) {
        protect(PROT_READ);
        for (int i = 0; i < PAGES * PAGE; i += 64)
            area[i]++;
        printf("write %d\n", faults);
        protect(PROT_NONE);
        for (int i = 0; i < PAGES * PAGE; i += 64)
            sum += area[i];
        printf("read %d\n", faults);
        protect(PROT_READ);
        memset(area, round + 1, PAGES * PAGE);
        printf("fill %d\n", faults);
        protect(PROT_NONE);
        memmove(area + 100, area + PAGE, (PAGES - 2) * PAGE);
        printf("move %d\n", faults);
        protect(PROT_READ);
        for (int i = 0; i < PAGES; i++) {
            uint64_t *word = (uint64_t *)(area + i * PAGE);
            switch (i % 4) {
            case 0: __atomic_fetch_add(word, 5, __ATOMIC_SEQ_CST); break;
            case 1: __asm__ volatile("movups %%xmm0, %0" : "=m"(*word)); break;
            case 2: __asm__ volatile("lock cmpxchg %1, %0" : "+m"(*word) : "r"(1ul), "a"(3ul) : "cc"); break;
            default: __asm__ volatile("rep stosb" : : "D"(word), "c"(64), "a"(1) : "memory");
            }
        }
        printf("kinds %d\n", faults);
        protect(PROT_READ);
        char *top = (char *)area + PAGES * PAGE;
        __asm__ volatile("mov %%rsp, %%rbx\n mov %0, %%rsp\n mov $50000, %%ecx\n"
                         "1: push %%rcx\n dec %%ecx\n jnz 1b\n call 2f\n jmp 3f\n 2: ret\n 3: mov %%rbx, %%rsp"
                         : : "r"(top) : "rbx", "rcx", "memory", "cc");
        printf("stack %d\n", faults);
        protect(PROT_READ | PROT_WRITE);
        for (int i = 0; i < PAGES; i++)
            memcpy(area + i * PAGE, "\xb8\x01\x02\x03\x04\xc3", 6);
        protect(PROT_READ);
        for (int i = 0; i < PAGES; i++)
            sum += ((unsigned (*)(void))(uintptr_t)(area + i * PAGE))();
        printf("code %d\n", faults);
        protect(PROT_READ | PROT_EXEC);
        for (int i = 0; i < PAGES; i++) {
            area[i * PAGE + 1] = (unsigned char)i;
            sum += ((unsigned (*)(void))(uintptr_t)(area + i * PAGE))();
        }
        printf("rewritten %d\n", faults);
    }
    printf("%llu %d %d\n", (unsigned long long)sum, reads, writes);
    return 0;
}

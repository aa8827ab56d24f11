/* Tests: code that lies across two pages with different permissions: the first never written, the second
 * rewritten; the second not executable (the fault is at its first byte, the instruction at the border not done);
 * not readable; of another mapping (a file's); a border inside an instruction, an immediate that is changed by
 * halves. Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d round %u\n", __LINE__, round); return 1; } } while (0)
#define PAGE 4096ul
#define RX (PROT_READ | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)
#define RWX (RX | PROT_WRITE)

typedef unsigned (*function)(unsigned);

static unsigned char *pages;
static sigjmp_buf back;
static unsigned long fault_pc, fault_address, fault_register;
static unsigned round;

static void on_fault(int number, siginfo_t *info, void *context)
{
    const ucontext_t *state = context;
    fault_pc = (unsigned long)state->uc_mcontext.gregs[REG_RIP];
    fault_register = (unsigned long)state->uc_mcontext.gregs[REG_RAX];
    fault_address = (unsigned long)info->si_addr;
    siglongjmp(back, number);
}

/* lea eax, [rdi + 1]; add eax, imm32; ret, so that `before` bytes of it lie on the first page. */
static function place(unsigned before)
{
    static const unsigned char code[] = {0x8d, 0x47, 0x01, 0x05, 0, 0, 0, 0, 0xc3};
    unsigned char *start = pages + PAGE - before;
    memcpy(start, code, sizeof code);
    return (function)(void *)start;
}

static unsigned char *immediate_of(function f) { return (unsigned char *)(void *)f + 4; }

/* Of the immediate at most three bytes lie on the second page; they are rewritten, the first page is not. */
static int second_changes(void)
{
    for (unsigned before = 3; before <= 8; before++) {
        CHECK(mprotect(pages, 2 * PAGE, RWX) == 0);
        function f = place(before);
        CHECK(mprotect(pages, PAGE, RX) == 0);
        for (round = 0; round < 60; round++) {
            unsigned value = 0;
            for (int byte = 0; byte < 4; byte++) {
                unsigned char *at = immediate_of(f) + byte;
                if (at >= pages + PAGE)
                    *at = (unsigned char)(round * 7 + (unsigned)byte);
                value |= (unsigned)*at << (8 * byte);
            }
            CHECK(f(round) == round + 1 + value && f(round) == round + 1 + value);
        }
    }
    return 0;
}

/* The first page is the one that changes. */
static int first_changes(void)
{
    CHECK(mprotect(pages, 2 * PAGE, RWX) == 0);
    function f = place(6);
    CHECK(mprotect(pages + PAGE, PAGE, RX) == 0);
    for (round = 0; round < 60; round++) {
        immediate_of(f)[0] = (unsigned char)round;
        CHECK(f(1) == 2 + round);
    }
    return 0;
}

static int second_forbidden(int protection)
{
    for (round = 0; round < 12; round++) {
        CHECK(mprotect(pages, 2 * PAGE, RWX) == 0);
        const unsigned before = round % 2 ? 3 : 5; /* the border before add, and inside it */
        function f = place(before);
        CHECK(mprotect(pages, 2 * PAGE, RX) == 0 && f(4) == 5);
        CHECK(mprotect(pages + PAGE, PAGE, protection) == 0);
        if (!sigsetjmp(back, 1)) {
            f(40 + round);
            CHECK(0);
        }
        CHECK(fault_register == 41 + round);                              /* lea is done */
        CHECK(fault_pc == (unsigned long)(void *)f + 3);                  /* add is not */
        CHECK(fault_address == (unsigned long)(pages + PAGE));
        CHECK(mprotect(pages + PAGE, PAGE, RX) == 0 && f(6) == 7);
    }
    return 0;
}

static int second_of_file(void)
{
    int file = memfd_create("second", 0);
    CHECK(ftruncate(file, PAGE) == 0);
    CHECK(mprotect(pages, 2 * PAGE, RWX) == 0);
    function f = place(6);
    CHECK(pwrite(file, pages + PAGE, PAGE, 0) == (long)PAGE);
    CHECK(mmap(pages + PAGE, PAGE, RX, MAP_SHARED | MAP_FIXED, file, 0) == pages + PAGE);
    unsigned char *view = mmap(0, PAGE, RW, MAP_SHARED, file, 0);
    unsigned low = 0;
    for (round = 0; round < 60; round++) {
        view[0] = (unsigned char)round; /* the third byte of the immediate: it begins two before the border */
        CHECK(f(0) == 1 + (round << 16) + low);
        low = round ^ 1;
        immediate_of(f)[0] = (unsigned char)low;
        CHECK(f(0) == 1 + (round << 16) + low);
    }
    CHECK(mmap(pages + PAGE, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pages + PAGE);
    return 0;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    pages = mmap(0, 2 * PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (second_changes() || first_changes() || second_forbidden(RW) || second_forbidden(PROT_NONE) || second_of_file())
        return 1;
    puts("ok");
    return 0;
}

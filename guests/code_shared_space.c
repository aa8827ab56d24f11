/* Tests: a child process that shares the address space writes its parent's code: vfork's, one that waits at the
 * same time (CLONE_VM alone, told by a flag and cpuid), by stores, by read and by mprotect around them; and the
 * parent writes what such a child runs. Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (RX | PROT_WRITE)
#define PAGE 4096ul
#define ROUNDS 300u

static char *page;
static volatile unsigned flag;
static int ends[2];
static volatile unsigned wrong;
static char stack[65536] __attribute__((aligned(16)));

static unsigned run(void) { return ((unsigned (*)(void))(void *)page)(); }

static void put(char *to, unsigned value)
{
    memcpy(to, "\xb8\0\0\0\0\xc3", 6); /* mov eax, value; ret */
    memcpy(to + 1, &value, 4);
}

static void wait_for(unsigned value)
{
    unsigned a = 0, b, c = 0, d;
    while (flag != value)
        sched_yield();
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
}

static void change(unsigned value)
{
    char bytes[6];
    switch (value % 4) {
    case 0:
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
        put(page, value);
        mprotect(page, PAGE, RWX);
        break;
    case 1:
        put(bytes, value);
        if (write(ends[1], bytes, 6) != 6 || read(ends[0], page, 6) != 6)
            wrong++;
        break;
    default:
        put(page, value);
    }
}

static int by_vfork(void)
{
    change(0);
    for (unsigned i = 1; i < 60; i++) {
        wrong += run() != i - 1;
        pid_t child = vfork();
        if (child == 0) {
            wrong += run() != i - 1;
            change(i);
            wrong += run() != i;
            _exit(0);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0 && run() == i && wrong == 0);
    }
    return 0;
}

static int other(void *argument)
{
    (void)argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 1; i < ROUNDS; i += 2) {
        wait_for(i);
        wrong += run() != i;
        change(i + 1);
        wrong += run() != i + 1;
        flag = i + 1;
    }
    return 0;
}

static int at_the_same_time(void)
{
    flag = 0;
    change(0);
    wrong = run() != 0;
    pid_t child = clone(other, stack + sizeof stack, CLONE_VM | SIGCHLD, 0);
    CHECK(child > 0);
    for (unsigned i = 0; i < ROUNDS; i += 2) {
        wait_for(i);
        wrong += run() != i;
        change(i + 1);
        wrong += run() != i + 1;
        flag = i + 1;
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0 && wrong == 0);
    return 0;
}

int main(void)
{
    page = mmap(0, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pipe(ends) == 0);
    if (by_vfork() || at_the_same_time())
        return 1;
    puts("ok");
    return 0;
}

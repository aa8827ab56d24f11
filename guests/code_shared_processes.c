/* Tests: code in shared mappings that another process writes: a forked child into anonymous memory and into a
 * memory file, its parent into what the child runs, through the same view and through one that is not executable
 * or not mapped in the process that runs it. The sides tell each other by a flag and cpuid, and by wait.
 * Expected: status 0, prints "ok" or the number of the failed check. */
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
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PAGE 4096ul
#define ROUNDS 300u

typedef unsigned (*function)(void);

static volatile unsigned *flag;

static void put(char *page, unsigned value)
{
    memcpy(page, "\xb8\0\0\0\0\xc3", 6); /* mov eax, value; ret */
    memcpy(page + 1, &value, 4);
}

static unsigned run(void *page) { return ((function)page)(); }

static void wait_for(unsigned value)
{
    unsigned a = 0, b, c = 0, d;
    while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) != value)
        sched_yield();
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d)); /* before changed code is run */
}

static void tell(unsigned value) { __atomic_store_n(flag, value, __ATOMIC_RELEASE); }

/* A child for each change, so that every one is made behind a fork. */
static int written_by_children(char *page)
{
    put(page, 1000);
    CHECK(run(page) == 1000);
    for (unsigned i = 0; i < 12; i++) {
        pid_t child = fork();
        if (child == 0) {
            int same = run(page) == 1000 + i;
            put(page, 1001 + i);
            _exit(same && run(page) == 1001 + i ? 0 : 1);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        CHECK(run(page) == 1001 + i);
    }
    return 0;
}

/* One child that runs what its parent writes, and the other way round, in turns. */
static int in_turns(char *written, char *executed)
{
    tell(0);
    put(written, 0);
    CHECK(run(executed) == 0);
    pid_t child = fork();
    unsigned wrong = 0;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 1; i < ROUNDS; i += 2) {
            wait_for(i);
            wrong += run(executed) != i;
            put(written, i + 1);
            wrong += run(executed) != i + 1;
            tell(i + 1);
        }
        _exit(wrong != 0);
    }
    for (unsigned i = 0; i < ROUNDS; i += 2) {
        wait_for(i);
        wrong += run(executed) != i;
        put(written, i + 1);
        wrong += run(executed) != i + 1;
        tell(i + 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0 && wrong == 0);
    return 0;
}

/* The process that runs it has no view that may be written, and makes no call that could be one. */
static int through_a_file(void)
{
    int file = memfd_create("code", 0);
    CHECK(ftruncate(file, PAGE) == 0);
    char *written = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *executed = mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    tell(0);
    put(written, 0);
    CHECK(run(executed) == 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        munmap(executed, PAGE);
        for (unsigned i = 1; i < ROUNDS; i++) {
            put(written, i);
            tell(2 * i - 1);
            while (*flag != 2 * i)
                sched_yield();
        }
        _exit(0);
    }
    CHECK(munmap(written, PAGE) == 0 && close(file) == 0);
    unsigned wrong = 0;
    for (unsigned i = 1; i < ROUNDS; i++) {
        wait_for(2 * i - 1);
        wrong += run(executed) != i;
        tell(2 * i);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0 && wrong == 0);
    return 0;
}

int main(void)
{
    flag = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *anonymous = mmap(0, PAGE, RWX, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int file = memfd_create("code", 0);
    CHECK(ftruncate(file, PAGE) == 0);
    char *one = mmap(0, PAGE, RWX, MAP_SHARED, file, 0);
    char *two = mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    if (written_by_children(anonymous) || in_turns(anonymous, anonymous) || written_by_children(one) ||
        in_turns(one, two) || through_a_file())
        return 1;
    puts("ok");
    return 0;
}

/* Tests: limits on address space, data and stack: what fits and what does not, by mmap, mremap, brk and
 * mprotect; who may change them; inherited by fork and execve. Expected: the same natively. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB (1ul << 20)

static void show(const char *what, int resource)
{
    struct rlimit limit, other;
    getrlimit(resource, &limit);
    prlimit(getpid(), resource, 0, &other);
    printf("%s: %ld %ld same %d\n", what, (long)limit.rlim_cur, (long)limit.rlim_max,
           memcmp(&limit, &other, sizeof limit) == 0);
}

static int set(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {soft, hard};
    return setrlimit(resource, &limit) == 0 ? 0 : errno;
}

static int maps(size_t bytes, int protection)
{
    void *at = mmap(0, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int result = at == MAP_FAILED ? errno : 0;
    if (result == 0)
        munmap(at, bytes);
    return result;
}

static void address_space(void)
{
    printf("mmap %d %d %d", maps(64 * MB, PROT_READ | PROT_WRITE), maps(64 * MB, PROT_NONE),
           maps(256 * MB, PROT_READ));
    char *at = mmap(0, 100 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf(" again %d", maps(150 * MB, PROT_READ));
    void *same = mmap(at, 100 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf(" replaced %d", same == at);
    void *larger = mremap(at, 100 * MB, 400 * MB, MREMAP_MAYMOVE);
    printf(" mremap %d", larger == MAP_FAILED ? errno : 0);
    munmap(at, 100 * MB);
    void *top = sbrk(0);
    printf(" brk %d %d\n", sbrk(1 * MB) == top, sbrk(300 * MB) == (void *)-1);
    void *block = malloc(300 * MB);
    printf("malloc %d\n", block != 0);
}

static void data(void)
{
    printf("data %d %d %d %d", maps(64 * MB, PROT_READ | PROT_WRITE), maps(64 * MB, PROT_READ),
           maps(4 * MB, PROT_READ | PROT_WRITE), sbrk(64 * MB) == (void *)-1);
    void *at = mmap(0, 64 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf(" mprotect %d", mprotect(at, 64 * MB, PROT_READ | PROT_WRITE) == 0 ? 0 : errno);
    printf(" %d\n", mprotect(at, 1 * MB, PROT_READ | PROT_WRITE) == 0 ? 0 : errno);
    munmap(at, 64 * MB);
}

static int deep(int count)
{
    volatile char room[4096];
    room[0] = (char)count;
    return count ? deep(count - 1) + room[0] : 0;
}

static void in_child(void (*work)(void))
{
    int status;
    if (fork() == 0) {
        work();
        _exit(0);
    }
    wait(&status);
    printf("child %s %d\n", WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void small_stack(void)
{
    set(RLIMIT_STACK, 1 * MB, RLIM_INFINITY);
    deep(500);
}

static void large_stack(void)
{
    printf("set %d\n", set(RLIMIT_STACK, 64 * MB, RLIM_INFINITY));
    printf("deep %d\n", deep(12000) != 1);
}

static void unprivileged(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    syscall(SYS_capset, &header, none);
    printf("lower %d", set(RLIMIT_AS, 300 * MB, 500 * MB));
    printf(" higher %d", set(RLIMIT_AS, 300 * MB, 600 * MB));
    printf(" crossed %d", set(RLIMIT_AS, 500 * MB, 400 * MB));
    printf(" address %d\n", setrlimit(RLIMIT_AS, (struct rlimit *)(intptr_t)8) == 0 ? 0 : errno);
    show("unprivileged", RLIMIT_AS);
    in_child(address_space);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, 0, _IONBF, 0);
    show("space", RLIMIT_AS);
    show("data", RLIMIT_DATA);
    if (argc > 1) {
        address_space();
        return system("grep -E 'address|data' /proc/self/limits; ulimit -v; ulimit -Hv") != 0;
    }
    set(RLIMIT_AS, 200 * MB, RLIM_INFINITY);
    show("lowered", RLIMIT_AS);
    in_child(address_space);
    address_space();
    set(RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY);
    set(RLIMIT_DATA, 16 * MB, RLIM_INFINITY);
    in_child(data);
    set(RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY);
    in_child(small_stack);
    in_child(large_stack);
    in_child(unprivileged);
    set(RLIMIT_AS, 200 * MB, 1000 * MB);
    set(RLIMIT_DATA, 77 * MB, 88 * MB);
    execl("/proc/self/exe", argv[0], "executed", (char *)0);
    return 1;
}

/* Tests: execute permission is honoured as it changes: a page run, made non-executable (a child dies
 * by SIGSEGV in it), executable again, moved by mremap, unmapped.
 * Expected: status 0, prints "7 11 7 9 11 11". */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static int child_signal(void *page)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0)
        _exit((int)run(page));
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

int main(void)
{
    unsigned char *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, "\xb8\x07\0\0\0\xc3", 6);
    printf("%u ", run(page));
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    printf("%d ", child_signal(page));
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    printf("%u ", run(page));
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    page[1] = 9;
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    unsigned char *moved = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page + (1 << 24));
    printf("%u ", run(moved));
    printf("%d ", child_signal(page));
    munmap(moved, 4096);
    printf("%d\n", child_signal(moved));
    return 0;
}

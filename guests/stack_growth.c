/* Tests: the stack grows on demand to about 7 MiB, also by one large step and after fork.
 * Expected: status 0, prints two sums. */
#include <alloca.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static unsigned deep(int levels)
{
    volatile unsigned char frame[4096];
    frame[levels & 4095] = (unsigned char)levels;
    return levels ? deep(levels - 1) * 31 + frame[levels & 4095] : 1;
}

__attribute__((noinline)) static unsigned step(size_t size_bytes)
{
    volatile char *block = alloca(size_bytes);
    block[0] = 3; /* far below everything touched before */
    block[size_bytes - 1] = 4;
    return (unsigned)(block[0] + block[size_bytes - 1]);
}

int main(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit((int)step(7 << 20));
    int status;
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    printf("%u\n", deep(1700));
    return 0;
}

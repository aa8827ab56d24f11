/* Tests: siglongjmp out of a handler, from a fault in hot code, many times; the mask is restored.
 * Expected: status 0, prints "1000 0". */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf back;
static void handler(int number) { siglongjmp(back, number); }

int main(void)
{
    volatile int caught = 0;
    sigset_t now;
    signal(SIGSEGV, handler);
    for (volatile int i = 0; i < 1000; i++) {
        if (sigsetjmp(back, 1) == 0)
            *(volatile int *)(8ul * (unsigned)i) = 1;
        else
            caught++;
    }
    sigprocmask(SIG_BLOCK, 0, &now);
    printf("%d %d\n", caught, sigismember(&now, SIGSEGV));
    return 0;
}

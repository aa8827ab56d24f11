/* Tests: setjmp and longjmp over many depths, _setjmp, sigsetjmp with the mask.
 * Expected: status 0, prints a sum. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static jmp_buf there;
static sigjmp_buf masked;

__attribute__((noinline)) static void deep(int levels, int value)
{
    volatile int keep = levels;
    if (!levels)
        longjmp(there, value | 1);
    deep(levels - 1, value);
    keep++;
}

int main(void)
{
    volatile long sum = 0;
    for (volatile int i = 0; i < 20000; i++) {
        int value = setjmp(there);
        if (!value)
            deep(i & 15, i);
        else
            sum = sum * 3 + value;
    }
    sigset_t set, now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (!sigsetjmp(masked, 1)) {
        sigprocmask(SIG_BLOCK, &set, 0);
        siglongjmp(masked, 1);
    }
    sigprocmask(SIG_BLOCK, 0, &now);
    printf("%ld %d\n", sum, sigismember(&now, SIGUSR1));
    return 0;
}

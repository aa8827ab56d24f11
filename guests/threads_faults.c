/* Tests: faults on many threads at once, each handled by the thread that made it, which goes on
 * elsewhere by siglongjmp.
 * Expected: prints 8000 0, status 0. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static __thread sigjmp_buf back;
static __thread volatile long wanted;
static volatile int wrong;
static int count;

static void handle(int number, siginfo_t *info, void *context)
{
    if (number == SIGSEGV && (long)info->si_addr != wanted)
        wrong++;
    (void)context;
    siglongjmp(back, 1);
}

static void *work(void *argument)
{
    volatile int zero = 0;
    for (volatile int i = 0; i < 1000; i++) {
        wanted = 8 * (i + (long)argument * 16);
        if (sigsetjmp(back, 1)) {
            __atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
            continue;
        }
        if (i % 3 == 0)
            zero = 10 / zero;
        else if (i % 3 == 1)
            __asm__ volatile("ud2");
        else
            *(volatile int *)wanted = 1;
    }
    return 0;
}

int main(void)
{
    pthread_t threads[8];
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGFPE, &action, 0);
    sigaction(SIGILL, &action, 0);
    for (long i = 0; i < 8; i++)
        pthread_create(threads + i, 0, work, (void *)i);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], 0);
    printf("%d %d\n", count, wrong);
    return 0;
}

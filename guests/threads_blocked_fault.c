/* Tests: SIGSEGV, SIGBUS and SIGILL sent to a process are taken by the one thread that does not block
 * them, each once; while all block them they are pending for all, and the first to unblock, to suspend
 * itself or to ask takes them; they do not queue. Expected: status 0, prints a line for each. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200, THREADS = 4, OPEN = 2 };
static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL};
static volatile int taken, elsewhere, other_code;
static __thread int which;
static sem_t started, done, stop;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    taken++;
    elsewhere += which != OPEN;
    other_code += info->si_code != SI_USER || info->si_pid != getpid();
    sem_post(&done);
}

static void *worker(void *argument)
{
    sigset_t set;
    which = (int)(long)argument;
    sigfillset(&set);
    if (which == OPEN)
        pthread_sigmask(SIG_UNBLOCK, &set, 0);
    sem_post(&started);
    while (sem_wait(&stop) != 0)
        ;
    return 0;
}

static void *later(void *argument)
{
    sigset_t set, pending, none;
    siginfo_t info;
    struct timespec none_at_all = {0, 0};
    int number = *(int *)argument;
    which = OPEN;
    sigfillset(&set);
    sigemptyset(&none);
    sigpending(&pending);
    printf("pending %d,", sigismember(&pending, number));
    pthread_sigmask(SIG_UNBLOCK, &set, 0);
    printf(" taken %d,", taken);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    sem_post(&started);
    sem_wait(&stop); /* another one was sent */
    sigsuspend(&none);
    printf(" suspended %d,", taken);
    sem_post(&started);
    sem_wait(&stop);
    printf(" asked %d", sigtimedwait(&set, &info, &none_at_all) == number && info.si_code == SI_USER);
    sigpending(&pending);
    printf(" left %d\n", sigismember(&pending, number));
    return 0;
}

static void child_has_none(int number)
{
    sigset_t pending;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        sigpending(&pending);
        _exit(sigismember(&pending, number));
    }
    waitpid(pid, &status, 0);
    printf("child %d, ", WEXITSTATUS(status));
    fflush(stdout);
}

int main(void)
{
    pthread_t threads[THREADS];
    sigset_t set;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    setvbuf(stdout, 0, _IOFBF, 4096);
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    for (long at = 0; at < THREADS; at++) {
        pthread_create(&threads[at], 0, worker, (void *)at);
        sem_wait(&started);
    }
    for (int at = 0; at < 3; at++) {
        sigaction(numbers[at], &action, 0);
        taken = elsewhere = other_code = 0;
        for (int round = 0; round < ROUNDS; round++) {
            kill(getpid(), numbers[at]);
            while (sem_wait(&done) != 0)
                ;
        }
        printf("%d: taken %d, elsewhere %d, other code %d\n", numbers[at], taken, elsewhere, other_code);
    }
    for (int at = 0; at < THREADS; at++)
        sem_post(&stop);
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], 0);
    for (int at = 0; at < 3; at++) {
        taken = elsewhere = other_code = 0;
        for (int time = 0; time < 3; time++)
            kill(getpid(), numbers[at]);
        child_has_none(numbers[at]);
        pthread_create(&threads[0], 0, later, (void *)&numbers[at]);
        for (int time = 0; time < 2; time++) {
            sem_wait(&started);
            kill(getpid(), numbers[at]);
            sem_post(&stop);
        }
        pthread_join(threads[0], 0);
        printf("elsewhere %d, other code %d\n", elsewhere, other_code);
    }
    return 0;
}

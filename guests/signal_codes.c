/* Tests: siginfo as the kernel fills it for timers, message queues, asynchronous I/O, descriptors, urgent
 * data, pipes, file sizes, interval timers and children. Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

static siginfo_t seen;
static volatile int count;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    seen = *info;
    count++;
}

static void catch(int number)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(number, &action, 0);
    count = 0;
    memset(&seen, 0, sizeof seen);
}

static void await(int wanted)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    while (count < wanted)
        sigsuspend(&old);
    sigprocmask(SIG_SETMASK, &old, 0);
}

static void timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
    struct itimerspec when = {{0, 0}, {0, 1000000}};
    timer_t timer;
    catch(SIGRTMIN);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &when, 0);
    await(1);
    printf("timer %d %d %d %d\n", seen.si_code == SI_TIMER, seen.si_value.sival_int, seen.si_overrun,
           seen.si_signo == SIGRTMIN);
    timer_delete(timer);
    catch(SIGALRM);
    timer_create(CLOCK_REALTIME, 0, &timer);
    timer_settime(timer, 0, &when, 0);
    await(1);
    printf("default %d %d\n", seen.si_code == SI_TIMER, seen.si_value.sival_ptr == timer);
    timer_delete(timer);
    static const int which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    static const int number[] = {SIGALRM, SIGVTALRM, SIGPROF};
    for (int i = 0; i < 3; i++) {
        struct itimerval interval = {{0, 0}, {0, 1000}};
        catch(number[i]);
        setitimer(which[i], &interval, 0);
        while (count == 0)
            ;
        printf("interval %d %d\n", seen.si_signo == number[i], seen.si_code);
    }
}

static void queues(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 8};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 88};
    char name[32];
    snprintf(name, sizeof name, "/queue.%d", getpid());
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
    mq_unlink(name);
    catch(SIGUSR1);
    printf("notify %d\n", mq_notify(queue, &event));
    mq_send(queue, "x", 1, 0);
    await(1);
    printf("message %d %d %d\n", seen.si_code == SI_MESGQ, seen.si_value.sival_int, seen.si_pid == getpid());
    static char byte;
    int fds[2];
    if (pipe(fds) || write(fds[1], "x", 1) != 1)
        exit(2);
    struct aiocb block = {.aio_fildes = fds[0], .aio_buf = &byte, .aio_nbytes = 1, .aio_sigevent = event};
    catch(SIGUSR1);
    aio_read(&block);
    await(1);
    printf("asynchronous %d %d %d\n", seen.si_code == SI_ASYNCIO, seen.si_value.sival_int, aio_return(&block) == 1);
}

static void descriptors(void)
{
    int fds[2];
    char byte = 'x';
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        exit(2);
    catch(SIGIO);
    fcntl(fds[0], F_SETOWN, getpid());
    fcntl(fds[0], F_SETFL, O_ASYNC);
    (void)!write(fds[1], &byte, 1);
    await(1);
    printf("io %d\n", seen.si_code);
    fcntl(fds[0], F_SETSIG, SIGRTMIN + 2);
    catch(SIGRTMIN + 2);
    (void)!write(fds[1], &byte, 1);
    await(1);
    printf("io %d %d %lx\n", seen.si_code == POLL_IN, seen.si_fd == fds[0], (unsigned long)seen.si_band);
    catch(SIGPIPE);
    close(fds[0]);
    (void)!write(fds[1], &byte, 1);
    printf("pipe %d %d %d\n", count, seen.si_code, seen.si_pid == getpid());
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(server, (struct sockaddr *)&address, length) || listen(server, 1) ||
        getsockname(server, (struct sockaddr *)&address, &length) ||
        connect(client, (struct sockaddr *)&address, length))
        exit(3);
    int peer = accept(server, 0, 0);
    catch(SIGURG);
    fcntl(peer, F_SETOWN, getpid());
    send(client, "!", 1, MSG_OOB);
    await(1);
    printf("urgent %d %d\n", seen.si_signo == SIGURG, seen.si_code);
    char path[] = "/tmp/signal.XXXXXX";
    struct rlimit limit = {10, 10};
    int file = mkstemp(path);
    unlink(path);
    catch(SIGXFSZ);
    if (fork() == 0) {
        setrlimit(RLIMIT_FSIZE, &limit);
        long first = write(file, "0123456789abcdef", 16), second = write(file, "x", 1);
        _exit(first == 10 && second == -1 && count == 1 && seen.si_code == SI_USER);
    }
    int status;
    wait(&status);
    printf("size %d\n", WEXITSTATUS(status));
}

static void child(int how)
{
    int fds[2], status;
    char byte = 'x';
    if (pipe(fds))
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        if (how == 0)
            _exit(9);
        raise(how == 1 ? SIGKILL : how == 2 ? SIGQUIT : SIGSTOP);
        (void)!read(fds[0], &byte, 1);
        _exit(3);
    }
    await(1);
    printf("child %d %d %d %d %d\n", seen.si_code == CLD_DUMPED ? CLD_KILLED : seen.si_code, seen.si_pid == pid,
           seen.si_uid == getuid(), seen.si_status, seen.si_utime >= 0);
    if (how < 3) {
        waitpid(pid, 0, 0);
        return;
    }
    waitpid(pid, &status, WUNTRACED);
    catch(SIGCHLD);
    kill(pid, SIGCONT);
    await(1);
    printf("continued %d %d %d\n", seen.si_code == CLD_CONTINUED, seen.si_pid == pid, seen.si_status);
    catch(SIGCHLD);
    (void)!write(fds[1], &byte, 1);
    await(1);
    waitid(P_PID, (id_t)pid, &seen, WEXITED | WNOWAIT);
    printf("waited %d %d %d\n", seen.si_code, seen.si_pid == pid, seen.si_status);
    waitpid(pid, &status, 0);
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    timers();
    queues();
    descriptors();
    for (int how = 0; how < 4; how++) {
        catch(SIGCHLD);
        child(how);
    }
    return 0;
}

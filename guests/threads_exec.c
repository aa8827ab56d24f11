/* Tests: execve by a thread that is not the first, while the first waits or is gone and others compute;
 * the new program has the process's id and one thread. A failing execve leaves all as it was.
 * Expected: prints what the new program finds, status 0. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **words;

static void *spin(void *argument)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
    return argument;
}

static void *run(void *argument)
{
    char pid[16];
    usleep(2000);
    snprintf(pid, sizeof pid, "%d", getpid());
    execl("/nowhere/at/all", "none", (char *)0);
    execl(words[0], words[0], words[1], pid, (char *)0);
    return argument;
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        int count = 0;
        DIR *tasks = opendir("/proc/self/task");
        for (struct dirent *entry; (entry = readdir(tasks));)
            count += entry->d_name[0] != '.';
        printf("%s: %d, %d\n", argv[1], atoi(argv[2]) == getpid(), count);
        return 0;
    }
    pthread_t thread;
    words = argv;
    pthread_create(&thread, 0, spin, 0);
    pthread_create(&thread, 0, run, 0);
    if (strcmp(argv[1], "leader gone") == 0)
        pthread_exit(0);
    pthread_join(thread, 0);
    return 1;
}

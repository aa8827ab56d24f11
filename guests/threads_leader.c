/* Tests: the first thread ends before another, which still sees the program's own names in /proc and
 * ends the process.
 * Expected: prints 1 1, status 5. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t leader;

static void *work(void *argument)
{
    char line[4096];
    int maps = 0, found = 0;
    pthread_join(leader, 0);
    FILE *file = fopen("/proc/thread-self/maps", "r");
    while (file && fgets(line, sizeof line, file)) {
        maps++;
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && (unsigned long)&work - start < end - start)
            found = 1;
    }
    printf("%d %d\n", maps > 3, found);
    exit(5);
    return argument;
}

int main(void)
{
    pthread_t thread;
    leader = pthread_self();
    pthread_create(&thread, 0, work, 0);
    pthread_exit(0);
}

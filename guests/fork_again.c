/* Tests: children that run what their parent never runs, while the code there changes between forks:
 * a page rewritten after a child ran it, a page only the child makes executable, a page that is gone.
 * Expected: status 0, prints each child's answer: "7 7 9 9 -11 -11 5 -11 11 42 42 42 ". */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *page;

static void put(unsigned value)
{
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    memcpy(page, "\xb8\0\0\0\0\xc3", 6);
    page[1] = (unsigned char)value;
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int run_page(void) { return ((int (*)(void))page)(); }

static int put_and_run(void)
{
    put(5);
    return run_page();
}

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Much code that is nobody else's. */
static int sort_and_print(void)
{
    int values[64];
    char text[64];
    for (int i = 0; i < 64; i++)
        values[i] = (i * 37 + 5) % 64;
    qsort(values, 64, sizeof values[0], by_value);
    snprintf(text, sizeof text, "%.3f %d", values[3] / 7.0, values[42]);
    return strcmp(text, "0.429 42") == 0 ? values[42] : 1;
}

static void child(int (*work)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(work());
    waitpid(pid, &status, 0);
    printf("%d ", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
}

int main(void)
{
    page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    put(7);
    child(run_page);
    child(run_page);
    put(9);
    child(run_page);
    child(run_page);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    child(run_page);
    child(run_page);
    child(put_and_run); /* executable there, and not here */
    child(run_page);
    put(11);
    child(run_page);
    for (int i = 0; i < 3; i++)
        child(sort_and_print);
    printf("\n");
    return 0;
}

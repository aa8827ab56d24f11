/* Tests: a child writes into its parent's code by process_vm_writev and /proc/PID/mem while the parent
 * waits for it; pages that may be written, and pages that may not (only the second way works).
 * Given an argument, the parent works on for a while before it waits for one of them.
 * Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define PAGE 4096ul

static unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};

static unsigned char late;

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static int write_vector(char *page)
{
    struct iovec from = {code, 6}, to = {page, 6};
    return process_vm_writev(getppid(), &from, 1, &to, 1, 0) == 6 ? 0 : errno;
}

static int write_file(char *page)
{
    char path[64];
    sprintf(path, "/proc/%d/mem", getppid());
    int memory = open(path, O_RDWR);
    return memory >= 0 && pwrite(memory, code, 6, (off_t)page) == 6 ? 0 : errno;
}

static int in_child(int (*write_code)(char *), char *page, unsigned char number)
{
    int status;
    code[1] = number;
    pid_t child = fork();
    if (child == 0)
        _exit(write_code(page));
    if (number == late) {
        usleep(1300000);
        (void)getppid();
        (void)getppid();
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
    (void)argv;
    late = argc > 1 ? 3 : 0;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    char *page = mmap(0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, 6);
    for (unsigned char i = 1; i < 20; i++) {
        CHECK(run(page) == i - 1u);
        CHECK(in_child(i & 1 ? write_vector : write_file, page, i) == 0 && run(page) == i);
    }
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0 && run(page) == 19);
    CHECK(in_child(write_vector, page, 20) == EFAULT && run(page) == 19);
    CHECK(in_child(write_file, page, 21) == 0 && run(page) == 21);
    puts("ok");
    return 0;
}

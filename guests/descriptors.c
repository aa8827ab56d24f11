/* Tests: no descriptor is in the process but its own: in lists, by number, where numbers are chosen, with a
 * lowered limit, after close_range, through execve; closed 0 to 2. Expected: the same natively. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int out = 1;

static void list(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    dprintf(out, "%s:", path);
    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
            dprintf(out, " %s", entry->d_name);
    dprintf(out, "\n");
    if (directory)
        closedir(directory);
}

/* With a buffer for one entry only. */
static void list_narrowly(void)
{
    int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY), count = 0;
    char buffer[24];
    while (syscall(SYS_getdents64, fd, buffer, sizeof buffer) > 0)
        count++;
    close(fd);
    dprintf(out, "one by one %d\n", count);
}

static void every_number(void)
{
    struct stat status;
    int seen = 0, copied = 0, named = 0, moved = 0;
    char name[64], text[64];
    for (int fd = 0; fd < 5000; fd++) {
        seen += fstat(fd, &status) == 0;
        int copy = fcntl(fd, F_DUPFD, 0), second = dup(fd);
        copied += (copy >= 0) + (second >= 0);
        if (copy >= 0)
            close(copy);
        if (second >= 0)
            close(second);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        named += lstat(name, &status) == 0;
        snprintf(name, sizeof name, "/dev/fd/%d", fd);
        named += readlink(name, text, sizeof text) > 0;
        moved += lseek(fd, 0, SEEK_CUR) == -1 && errno == EBADF;
    }
    dprintf(out, "seen %d copied %d named %d closed %d\n", seen, copied, named, moved);
}

static void chosen(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    int wrong = 0, last = (int)(limit.rlim_cur < 5000 ? limit.rlim_cur : 5000);
    for (int fd = 900; fd < last; fd++) {
        int got = fcntl(2, fd & 1 ? F_DUPFD : F_DUPFD_CLOEXEC, fd);
        wrong += got != fd || fcntl(got, F_GETFD) != (fd & 1 ? 0 : FD_CLOEXEC);
        close(got);
    }
    for (int fd = 900; fd < last; fd++) {
        wrong += dup2(2, fd) != fd;
        close(fd);
    }
    dprintf(out, "wrong numbers %d, beyond %d %d\n", wrong, dup2(2, (int)limit.rlim_cur), errno);
}

static void lowered(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 20;
    setrlimit(RLIMIT_NOFILE, &limit);
    int count = 0;
    while (dup(0) >= 0)
        count++;
    dprintf(out, "up to the limit %d %d\n", count, errno);
    close_range(3, ~0u, 0);
}

int main(int argc, char **argv)
{
    char *const again[] = {argv[0], "again", 0}, *const closed[] = {argv[0], "closed", 0};
    (void)argc;
    if (argc > 1 && strcmp(argv[1], "closed") == 0) {
        /* 0 to 2 were closed; the only open one is the way to tell. */
        out = 7;
        list("/proc/self/fd");
        dprintf(out, "open gives %d\n", open("/dev/null", O_RDONLY));
        return 0;
    }
    list("/proc/self/fd");
    list("/proc/self/fdinfo");
    list("/proc/thread-self/fd");
    list("/dev/fd");
    list_narrowly();
    every_number();
    chosen();
    list("/proc/self/fd");
    pid_t pid = fork();
    if (pid == 0) {
        dprintf(out, "ranges %d %d %d\n", close_range(3, ~0u, 0), close_range(5, 4, 0),
                close_range(3, ~0u, CLOSE_RANGE_CLOEXEC));
        list("/proc/self/fd");
        lowered();
        list("/proc/self/fd");
        if (argc < 2)
            execv("/proc/self/exe", again);
        _exit(0);
    }
    waitpid(pid, 0, 0);
    if (argc > 1)
        return 0;
    pid = fork();
    if (pid == 0) {
        dup2(1, 7);
        close(0), close(1), close(2);
        execv("/proc/self/exe", closed);
        _exit(1);
    }
    waitpid(pid, 0, 0);
    return 0;
}

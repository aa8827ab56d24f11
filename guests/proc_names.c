/* Tests: /proc/self/exe, maps, status, comm, task, mem and auxv by every spelling: through descriptors,
 * the working directory, thread-self, task, PID, links; of a child as well. Expected: the same natively. */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char own[4096];
static pid_t outer;
static int started[2];

static void link_at(const char *what, int directory, const char *path)
{
    char text[4096] = "";
    struct stat followed, opened = {0};
    ssize_t length = readlinkat(directory, path, text, sizeof text - 1);
    int fd = openat(directory, path, O_RDONLY);
    fstat(fd, &opened);
    close(fd);
    printf("%s: link %d length %d stat %d open %d\n", what, strcmp(text, own) == 0,
           length == (ssize_t)strlen(own),
           fstatat(directory, path, &followed, 0) == 0 && followed.st_ino == opened.st_ino,
           fd >= 0 && opened.st_size > 4096);
}

static void maps_at(const char *what, int directory, const char *path)
{
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC), ours = 0, strangers = 0;
    FILE *file = fdopen(fd, "r");
    char line[4096];
    while (file && fgets(line, sizeof line, file)) {
        ours += strstr(line, own) != 0;
        strangers += strstr(line, "vmm") != 0;
    }
    printf("%s: ours %d strangers %d cloexec %d\n", what, ours > 1, strangers,
           fcntl(fd, F_GETFD));
    if (file)
        fclose(file);
}

static void status_at(const char *what, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256];
    printf("%s:", what);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "Name", 4) == 0 || strncmp(line, "Thr", 3) == 0 ||
            strncmp(line, "Sig", 3) == 0 || strncmp(line, "Seccomp:", 8) == 0) {
            line[strcspn(line, "\n")] = ' ';
            if (strncmp(line, "SigQ", 4) != 0)
                printf(" %s", line);
        }
    puts("");
    if (file)
        fclose(file);
}

static int entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void *thread(void *argument)
{
    char path[64], name[64] = "";
    sigset_t set;
    read(started[0], name, 1); /* creating a thread blocks signals for a while */
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    prctl(PR_SET_NAME, "second");
    printf("tasks %d\n", entries("/proc/self/task"));
    link_at("thread-self", AT_FDCWD, "/proc/thread-self/exe");
    snprintf(path, sizeof path, "/proc/self/task/%d/exe", gettid());
    link_at("task", AT_FDCWD, path);
    snprintf(path, sizeof path, "/proc/%d/task/%d/comm", getpid(), gettid());
    int fd = open(path, O_RDWR);
    printf("write comm %zd\n", write(fd, "third", 5));
    close(fd);
    prctl(PR_GET_NAME, name);
    printf("name %s\n", name);
    status_at("thread status", "/proc/thread-self/status");
    status_at("leader status", "/proc/self/status");
    maps_at("thread maps", AT_FDCWD, "/proc/thread-self/maps");
    return argument;
}

static int twice(int x)
{
    return x * 2;
}

/* Changes the immediate of an instruction by a file, never by a store. */
static void write_code(void)
{
    static const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xc3};
    unsigned char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    int (*call)(void) = (int (*)(void))page;
    int fd = open("/proc/self/mem", O_RDWR), first = call();
    unsigned char two = 2, three = 3, read_back = 0;
    ssize_t wrote = pwrite(fd, &two, 1, (off_t)(page + 1));
    int second = call();
    lseek(fd, (off_t)(page + 1), SEEK_SET);
    wrote += write(fd, &three, 1);
    pread(fd, &read_back, 1, (off_t)(page + 1));
    printf("mem: %zd bytes, %d %d %d, read %d\n", wrote, first, second, call(), read_back);
    close(fd);
}

static void auxiliary(void)
{
    Elf64_auxv_t vector[64];
    int fd = open("/proc/self/auxv", O_RDONLY), same = 0, all = 0;
    ssize_t bytes = read(fd, vector, sizeof vector);
    for (Elf64_auxv_t *at = vector; (char *)at < (char *)vector + bytes && at->a_type; at++) {
        all++;
        same += at->a_type == AT_HWCAP || getauxval(at->a_type) == at->a_un.a_val;
    }
    close(fd);
    printf("auxv %d\n", all > 10 && all == same);
}

static void stat_fields(void)
{
    char text[4096] = "";
    FILE *file = fopen("/proc/self/stat", "r");
    unsigned long code[2], stack, brk_start, data[2], arguments[2];
    fread(text, 1, sizeof text - 1, file);
    fclose(file);
    const char *at = strrchr(text, ')') + 2;
    for (int field = 3; field < 26; field++)
        at = strchr(at, ' ') + 1;
    sscanf(at, "%lu %lu %lu %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %lu %lu %lu %lu %lu",
           &code[0], &code[1], &stack, &data[0], &data[1], &brk_start, &arguments[0], &arguments[1]);
    unsigned long here = (unsigned long)twice;
    printf("stat: code %d stack %d data %d brk %d arguments %d\n", code[0] <= here && here < code[1],
           (unsigned long)&code < stack, data[0] < data[1], brk_start <= (unsigned long)sbrk(0),
           arguments[0] < arguments[1]);
}

static void handler(int number)
{
    (void)number;
}

int main(int argc, char **argv)
{
    char path[64];
    pthread_t other;
    (void)argc;
    setvbuf(stdout, 0, _IONBF, 0);
    realpath(argv[0], own);
    outer = getpid();
    link_at("self", AT_FDCWD, "/proc/self/exe");
    link_at("dots", AT_FDCWD, "/proc/../proc//self/./exe");
    snprintf(path, sizeof path, "/proc/%d/exe", outer);
    link_at("pid", AT_FDCWD, path);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY), self = open("/proc/self", O_PATH | O_DIRECTORY);
    int task = open("/proc/thread-self", O_RDONLY | O_DIRECTORY);
    link_at("proc", proc, "self/exe");
    link_at("directory", self, "exe");
    link_at("thread", task, "exe");
    maps_at("directory", self, "maps");
    maps_at("path", AT_FDCWD, "/proc/self/task/../maps");
    printf("lstat %d\n", ({ struct stat s; lstat("/proc/self/exe", &s) == 0 && S_ISLNK(s.st_mode); }));
    int link = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
    char text[4096] = "";
    ssize_t length = readlinkat(link, "", text, sizeof text - 1);
    printf("link itself %d %d\n", length == (ssize_t)strlen(own), strcmp(text, own) == 0);
    chdir("/proc/self");
    link_at("relative", AT_FDCWD, "exe");
    maps_at("relative", AT_FDCWD, "maps");
    chdir("/");
    signal(SIGUSR1, handler);
    signal(SIGTERM, SIG_IGN);
    signal(SIGSEGV, handler);
    status_at("status", "/proc/self/status");
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, 0);
    status_at("blocked", "/proc/self/status");
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, 0);
    pipe(started);
    pthread_create(&other, 0, thread, 0);
    write(started[1], "", 1);
    pthread_join(other, 0);
    write_code();
    auxiliary();
    stat_fields();
    prctl(PR_SET_NAME, "a name longer than it may be");
    status_at("name", "/proc/self/status");
    int ends[2], ready[2];
    char byte;
    pipe(ends);
    pipe(ready);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        snprintf(path, sizeof path, "/proc/%d/exe", outer);
        link_at("parent", AT_FDCWD, path);
        link_at("child", AT_FDCWD, "/proc/self/exe");
        write(ready[1], "", 1);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    read(ready[0], &byte, 1);
    link_at("of the child", AT_FDCWD, path);
    close(ends[1]);
    waitpid(pid, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    printf("pdeathsig %d\n", death);
    printf("dumpable %d ", prctl(PR_GET_DUMPABLE));
    printf("%d ", prctl(PR_SET_DUMPABLE, 0));
    link_at("undumpable", AT_FDCWD, "/proc/self/exe");
    maps_at("undumpable", AT_FDCWD, "/proc/self/maps");
    printf("no such name %d\n", open("/proc/self/exe/nothing", O_RDONLY));
    return 0;
}

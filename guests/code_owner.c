/* Tests: memory that held code and gets other code by every way but a plain store: unmapped and reused,
 * protection flipped with and without a change, dropped by advice, System V memory, remap_file_pages,
 * a memory file truncated, written by process_vm_writev, preadv and /proc/self/mem.
 * Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RX (PROT_READ | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)
#define RWX (RX | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define PAGE 4096ul

static unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static const void *number(unsigned value)
{
    code[1] = (unsigned char)value;
    return code;
}

static char *fresh(unsigned value)
{
    char *page = mmap(0, PAGE, RWX, ANONYMOUS, -1, 0);
    memcpy(page, number(value), 6);
    return run(page) == value ? page : 0;
}

static int reuse(void)
{
    char *page = fresh(1);
    for (unsigned i = 0; i < 50; i++) {
        CHECK(munmap(page, PAGE) == 0);
        CHECK(mmap(page, PAGE, RWX, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == page);
        memcpy(page, number(i), 6);
        CHECK(run(page) == i);
        CHECK(mprotect(page, PAGE, RX) == 0 && run(page) == i);
        CHECK(mprotect(page, PAGE, RW) == 0);
        if (i & 1)
            memcpy(page, number(i + 100), 6);
        CHECK(mprotect(page, PAGE, RX) == 0 && run(page) == (i & 1 ? i + 100 : i));
        CHECK(mprotect(page, PAGE, PROT_NONE) == 0 && mprotect(page, PAGE, RWX) == 0);
        CHECK(run(page) == (i & 1 ? i + 100 : i));
    }
    return 0;
}

static int advice(void)
{
    int file = memfd_create("code", 0);
    CHECK(write(file, number(7), 6) == 6 && ftruncate(file, 2 * PAGE) == 0);
    char *page = mmap(0, PAGE, RWX, MAP_PRIVATE, file, 0);
    CHECK(run(page) == 7);
    memcpy(page, number(8), 6);
    CHECK(run(page) == 8);
    CHECK(madvise(page, PAGE, MADV_DONTNEED) == 0 && run(page) == 7); /* the file's again */
    char *shared = mmap(0, PAGE, RWX, MAP_SHARED, file, 0);
    CHECK(run(shared) == 7 && madvise(shared, PAGE, MADV_REMOVE) == 0 && shared[0] == 0);
    memcpy(shared, number(9), 6);
    CHECK(run(shared) == 9);
    CHECK(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0);
    CHECK(pwrite(file, number(10), 6, 0) == 6 && run(shared) == 10);
    CHECK(ftruncate(file, 0) == 0 && ftruncate(file, PAGE) == 0);
    CHECK(pwrite(file, number(11), 6, 0) == 6 && run(shared) == 11);
    char *none = fresh(12);
    struct iovec range = {none, PAGE};
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (syscall(SYS_process_madvise, self, &range, 1, MADV_DONTNEED, 0) == (long)PAGE) { /* Linux 6.13 */
        CHECK(none[0] == 0);
        memcpy(none, number(13), 6);
        CHECK(run(none) == 13);
    }
    return 0;
}

static int system_v(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0700);
    char *writable = shmat(id, 0, 0), *place = mmap(0, PAGE, RWX, ANONYMOUS, -1, 0);
    CHECK(id >= 0 && writable != (char *)-1);
    memcpy(place, number(20), 6);
    CHECK(run(place) == 20);
    memcpy(writable, number(21), 6);
    CHECK(shmat(id, place, SHM_EXEC | SHM_REMAP) == place && run(place) == 21);
    memcpy(writable, number(22), 6);
    CHECK(run(place) == 22);
    CHECK(shmdt(place) == 0 && mmap(place, PAGE, RWX, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == place);
    memcpy(place, number(23), 6);
    CHECK(run(place) == 23 && shmctl(id, IPC_RMID, 0) == 0);
    return 0;
}

static int file_pages(void)
{
    int file = memfd_create("pages", 0);
    CHECK(pwrite(file, number(30), 6, 0) == 6 && pwrite(file, number(31), 6, PAGE) == 6 && ftruncate(file, 2 * PAGE) == 0);
    char *pages = mmap(0, 2 * PAGE, RWX, MAP_SHARED, file, 0);
    CHECK(run(pages) == 30 && run(pages + PAGE) == 31);
    CHECK(remap_file_pages(pages, PAGE, 0, 1, 0) == 0);
    CHECK(run(pages) == 31 && run(pages + PAGE) == 31);
    memcpy(pages, number(32), 6);
    CHECK(run(pages) == 32 && run(pages + PAGE) == 32);
    return 0;
}

static int kernel_writes(void)
{
    char *page = fresh(40);
    struct iovec from = {code, 6}, to = {page, 6};
    number(41);
    CHECK(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 6 && run(page) == 41);
    int file = memfd_create("read", 0), memory = open("/proc/self/mem", O_RDWR);
    CHECK(write(file, number(42), 6) == 6 && preadv(file, &to, 1, 0) == 6 && run(page) == 42);
    CHECK(pwrite(memory, number(43), 6, (off_t)page) == 6 && run(page) == 43);
    CHECK(mprotect(page, PAGE, RX) == 0 && run(page) == 43);
    CHECK(pwrite(memory, number(44), 6, (off_t)page) == 6 && run(page) == 44); /* ignores protection */
    CHECK(lseek(memory, (off_t)page, SEEK_SET) == (off_t)page && write(memory, number(45), 6) == 6 && run(page) == 45);
    char path[64];
    sprintf(path, "/proc/%d/mem", getpid());
    memory = open(path, O_WRONLY);
    CHECK(pwrite(memory, number(46), 6, (off_t)page) == 6 && run(page) == 46);
    int other = dup(memory);
    struct iovec vector = {code, 6};
    number(47);
    CHECK(pwritev(other, &vector, 1, (off_t)page) == 6 && run(page) == 47);
    CHECK(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == -1 && errno == EFAULT);
    return 0;
}

int main(void)
{
    if (reuse() || advice() || system_v() || file_pages() || kernel_writes())
        return 1;
    puts("ok");
    return 0;
}

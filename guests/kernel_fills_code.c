/* Tests: code that the kernel writes behind a call: io_uring reads from a file, from a pipe that is filled later,
 * by vectors, into registered and provided buffers, all on a page that is run before, between and after; a ring
 * whose entries the kernel fetches by itself; asynchronous I/O (io_submit).
 * Expected: status 0, prints "ok", or the number of the failed check; "no rings" where the kernel has none. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PAGE 4096ul

static int ring, file;
static struct io_uring_params params;
static char *queue;
static struct io_uring_sqe *entries;
static unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static const void *number(unsigned value)
{
    code[1] = (unsigned char)value;
    return code;
}

static char *fresh(unsigned value)
{
    char *page = mmap(0, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, number(value), 6);
    return run(page) == value && run(page) == value ? page : 0;
}

static unsigned *at(unsigned offset) { return (unsigned *)(void *)(queue + offset); }

static int open_ring(unsigned flags)
{
    memset(&params, 0, sizeof params);
    params.flags = flags;
    params.sq_thread_idle = 10;
    ring = (int)syscall(SYS_io_uring_setup, 4, &params);
    if (ring < 0)
        return -1;
    unsigned long size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    unsigned long other = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    queue = mmap(0, size > other ? size : other, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    entries = mmap(0, params.sq_entries * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    return queue == MAP_FAILED || (void *)entries == MAP_FAILED ? -1 : 0;
}

static void close_ring(void)
{
    munmap(entries, params.sq_entries * sizeof *entries);
    close(ring);
}

static int submit(struct io_uring_sqe entry)
{
    unsigned tail = *at(params.sq_off.tail), index = tail & *at(params.sq_off.ring_mask);
    entries[index] = entry;
    at(params.sq_off.array)[index] = index;
    __atomic_store_n(at(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
    if (params.flags & IORING_SETUP_SQPOLL) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return *at(params.sq_off.flags) & IORING_SQ_NEED_WAKEUP
                   ? syscall(SYS_io_uring_enter, ring, 1, 0, IORING_ENTER_SQ_WAKEUP, 0, 0) < 0
                   : 0;
    }
    return syscall(SYS_io_uring_enter, ring, 1, 0, 0, 0, 0) != 1;
}

static int result(void)
{
    unsigned head = *at(params.cq_off.head);
    while (head == __atomic_load_n(at(params.cq_off.tail), __ATOMIC_ACQUIRE))
        if (syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0 && errno != EINTR)
            return -errno;
    const struct io_uring_cqe *events = (const void *)(queue + params.cq_off.cqes);
    int answer = events[head & *at(params.cq_off.ring_mask)].res;
    __atomic_store_n(at(params.cq_off.head), head + 1, __ATOMIC_RELEASE);
    return answer;
}

static struct io_uring_sqe reading(unsigned char opcode, int fd, const void *buffer, unsigned size)
{
    return (struct io_uring_sqe){.opcode = opcode, .fd = fd, .addr = (unsigned long)buffer, .len = size};
}

static int put(unsigned value) { return pwrite(file, number(value), 6, 0) == 6; }

static int from_a_file(void)
{
    char *page = fresh(1);
    for (unsigned i = 2; i < 30; i++) {
        CHECK(put(i) && submit(reading(IORING_OP_READ, file, page, 6)) == 0);
        CHECK(result() == 6 && run(page) == i);
        struct iovec vector = {page, 6};
        CHECK(put(i + 100) && submit(reading(IORING_OP_READV, file, &vector, 1)) == 0);
        CHECK(result() == 6 && run(page) == i + 100 && run(page) == i + 100);
    }
    return 0;
}

/* While the kernel waits for the data, the page is run, written and run again. */
static int from_a_pipe(void)
{
    int ends[2];
    char *page = fresh(50);
    CHECK(pipe(ends) == 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK(submit(reading(IORING_OP_READ, ends[0], page, 6)) == 0);
        for (unsigned j = 0; j < 6; j++) {
            memcpy(page + 64, number(j), 6);
            CHECK(run(page + 64) == j && run(page) == 50 + i);
        }
        CHECK(write(ends[1], number(51 + i), 6) == 6 && result() == 6 && run(page) == 51 + i);
    }
    return 0;
}

static int into_known_buffers(void)
{
    char *page = fresh(80);
    struct iovec buffer = {page, PAGE};
    CHECK(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1) == 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK(run(page) == 80 + i && put(81 + i));
        CHECK(submit(reading(IORING_OP_READ_FIXED, file, page, 6)) == 0 && result() == 6 && run(page) == 81 + i);
    }
    /* A buffer that holds no code yet when it is made known. */
    char *later = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffer.iov_base = later;
    CHECK(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, 0, 0) == 0);
    CHECK(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1) == 0);
    memcpy(later, number(102), 6);
    CHECK(mprotect(later, PAGE, RWX) == 0);
    for (unsigned i = 0; i < 6; i++) {
        CHECK(run(later) == 102 + i && put(103 + i));
        CHECK(submit(reading(IORING_OP_READ_FIXED, file, later, 6)) == 0 && result() == 6 && run(later) == 103 + i);
    }
    char *provided = fresh(110);
    struct io_uring_sqe give = reading(IORING_OP_PROVIDE_BUFFERS, 1, provided, 6);
    give.buf_group = 7;
    CHECK(submit(give) == 0 && result() >= 0 && run(provided) == 110 && put(111));
    struct io_uring_sqe take = reading(IORING_OP_READ, file, 0, 6);
    take.flags = IOSQE_BUFFER_SELECT;
    take.buf_group = 7;
    CHECK(submit(take) == 0 && result() == 6 && run(provided) == 111);
    return 0;
}

static int asynchronously(void)
{
    aio_context_t context = 0;
    char *page = fresh(120);
    if (syscall(SYS_io_setup, 4, &context) != 0)
        return 0;
    for (unsigned i = 0; i < 20; i++) {
        struct iocb block = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (unsigned)file, .aio_buf = (unsigned long)page,
                             .aio_nbytes = 6}, *blocks[] = {&block};
        struct io_event event;
        CHECK(put(121 + i) && syscall(SYS_io_submit, context, 1, blocks) == 1);
        CHECK(syscall(SYS_io_getevents, context, 1, 1, &event, 0) == 1 && event.res == 6 && run(page) == 121 + i);
    }
    return 0;
}

int main(void)
{
    file = memfd_create("code", 0);
    if (open_ring(0) != 0) {
        puts("no rings");
        return 0;
    }
    if (from_a_file() || from_a_pipe() || into_known_buffers() || asynchronously())
        return 1;
    close_ring();
    if (open_ring(IORING_SETUP_SQPOLL) == 0 && (from_a_file() || from_a_pipe()))
        return 1;
    puts("ok");
    return 0;
}

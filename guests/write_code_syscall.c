/* Tests: code that the kernel writes: read(2) and recvmsg into a page that was run, a file mapped
 * over it, and a page dropped by madvise. Expected: status 0, prints "17 34 51 68 85". */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

int main(void)
{
    unsigned char *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fds[2];
    code[1] = 17;
    memcpy(page, code, 6);
    printf("%u ", run(page));
    code[1] = 34;
    if (pipe(fds) || write(fds[1], code, 6) != 6 || read(fds[0], page, 6) != 6)
        return 1;
    printf("%u ", run(page));
    code[1] = 51;
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) || send(fds[0], code, 6, 0) != 6)
        return 2;
    struct iovec vector = {page, 6};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (recvmsg(fds[1], &message, 0) != 6)
        return 3;
    printf("%u ", run(page));
    code[1] = 68;
    int file = memfd_create("code", 0);
    if (write(file, code, 6) != 6 ||
        mmap(page, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0) != page)
        return 4;
    printf("%u ", run(page));
    page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, 6);
    if (run(page) != 68 || madvise(page, 4096, MADV_DONTNEED) || page[0] != 0)
        return 5;
    code[1] = 85;
    memcpy(page, code, 6);
    printf("%u\n", run(page));
    return 0;
}

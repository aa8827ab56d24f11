/* Tests: system calls that fill buffers in bulk, in pages that were written and in fresh ones: read,
 * readv, pread, getdents, getcwd, stat, uname, poll, select, epoll, getsockname, ioctl, sysinfo.
 * Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

/* The call first, then what it filled. */
#define SHOW(call, filled) do { long result_ = (long)(call); printf("%ld %ld\n", result_, (long)(filled)); } while (0)

int main(void)
{
    char *fresh = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[64];
    int fds[2], pair[2], waiting = 0, file = memfd_create("file", 0), epoll = epoll_create1(0);
    struct iovec parts[2] = {{fresh + 4000, 200}, {text, 5}};
    struct stat status;
    struct sysinfo system;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789}, events[4];
    fd_set readable;
    if (pipe(fds) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return 1;
    for (int i = 0; i < 100; i++)
        if (write(file, "0123456789", 10) != 10)
            return 2;
    SHOW(preadv(file, parts, 2, 3), fresh[4199] * 1000 + text[4]);
    SHOW(pread(file, fresh + 8190, 1000, 0), fresh[8190 + 999]);
    SHOW(fstat(file, &status), status.st_size);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
    if (write(fds[1], "abc", 3) != 3)
        return 3;
    SHOW(epoll_wait(epoll, events, 4, 0), events[0].data.u64);
    struct pollfd poll_set = {fds[0], POLLIN, 0};
    FD_ZERO(&readable);
    FD_SET(fds[0], &readable);
    SHOW(poll(&poll_set, 1, 0), poll_set.revents);
    SHOW(select(fds[0] + 1, &readable, 0, 0, 0), FD_ISSET(fds[0], &readable));
    SHOW(ioctl(fds[0], FIONREAD, &waiting), waiting);
    int directory = open("/proc/self", O_RDONLY | O_DIRECTORY);
    SHOW(syscall(SYS_getdents64, directory, fresh + 20000, 8192) > 0, fresh[20000 + 19] == '.');
    SHOW(getcwd(fresh + 40000, 4096) == fresh + 40000, fresh[40000]);
    SHOW(sysinfo(&system), system.totalram > 0);
    struct msghdr message = {0};
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec one = {text, 4};
    message.msg_iov = &one, message.msg_iovlen = 1;
    message.msg_control = control, message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
    SHOW(sendmsg(pair[0], &message, 0), message.msg_iovlen);
    memset(control, 0, sizeof control);
    SHOW(recvmsg(pair[1], &message, 0), CMSG_FIRSTHDR(&message)->cmsg_type == SCM_RIGHTS);
    SHOW(syscall(SYS_read, file, 8ul, 10ul), 0);
    SHOW(syscall(SYS_pread64, file, 8ul, 10ul, 0ul), 0);
    return 0;
}

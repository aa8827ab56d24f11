"""The Linux x86-64 system calls: number, name, arguments, how the personality treats them, outputs.

One line a call::

    0 read(fd, buf, count) pass buf[count]

The treatment is ``pass`` (the kernel gets the guest's arguments), ``virtual`` (a handler of the
personality decides; csrc/linux/syscalls.c has one case for each) or ``refuse=ERRNO`` (answered with
that error without asking the kernel). What follows describes the memory that the kernel writes, so
that write-protected code pages can be released before the call and never after an EFAULT:

=================  ======================================================================
``buf[count]``     as many bytes as the argument ``count`` says
``buf[count*24]``  the same, times a constant
``buf[144]``       a constant number of bytes
``buf[*len]``      as many bytes as the 32-bit integer says that ``len`` points at
``buf[fds nfds]``  a bit set of ``nfds`` bits, in whole 64-bit words
``iov[iov n]``     the buffers of ``n`` struct iovec
``msg[msg]``       the buffers and fields of one struct msghdr
``msgs[msgs n]``   those of ``n`` struct mmsghdr
``arg[ioctl cmd]`` what the ioctl command's size field says, and at least one page
=================  ======================================================================

The VMM's own descriptor does not exist for the guest: calls with one of the arguments ``fd``,
``in_fd``, ``out_fd``, ``old_fd`` and ``target_fd`` answer EBADF for it.

Calls that a signal can interrupt are listed by name: those that signal(7) names, and what waits for files.

Sources: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and section 2 of the manual pages.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from itertools import pairwise

__all__ = ["Output", "Size", "Syscall", "Treatment", "table"]


class Treatment(IntEnum):
    """How the Linux personality answers a system call."""

    REFUSE = 0
    PASS = 1
    VIRTUAL = 2


class Size(IntEnum):
    """How an output buffer's size is found."""

    CONSTANT = 0
    ARGUMENT = 1
    POINTED = 2
    BITS = 3
    IOVEC = 4
    MSGHDR = 5
    MMSGHDR = 6
    IOCTL = 7


@dataclass(frozen=True)
class Output:
    """Memory that the kernel may write during a call.

    ``argument`` and ``other`` are argument positions from 0 (``other`` is 0 where it has no
    meaning); ``scale_bytes`` is the constant size, or the factor.
    """

    argument: int
    size: Size
    other: int
    scale_bytes: int


@dataclass(frozen=True)
class Syscall:
    """One system call; ``error`` is the positive errno of a refused one, otherwise 0."""

    number: int
    name: str
    arguments: tuple[str, ...]
    treatment: Treatment
    error: int
    outputs: tuple[Output, ...]

    @property
    def descriptors(self) -> int:
        """Bit set of the argument positions that are open descriptors whatever the others say."""
        return sum(1 << at for at, name in enumerate(self.arguments) if name in _DESCRIPTORS)

    @property
    def sleeps(self) -> bool:
        """Whether a signal that comes while the call waits ends it."""
        return self.name in _sleeping()


_DESCRIPTORS = frozenset({"fd", "in_fd", "out_fd", "old_fd", "target_fd"})

_SLEEPING = """
read readv preadv preadv2 write writev pwritev pwritev2 open openat openat2 creat close ioctl fcntl
flock fsync fdatasync fallocate truncate ftruncate copy_file_range sendfile splice tee vmsplice poll
ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2 pause nanosleep clock_nanosleep connect
accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg wait4 waitid futex futex_wait
futex_waitv semop semtimedop msgsnd msgrcv mq_timedsend mq_timedreceive io_getevents io_pgetevents
io_uring_enter getrandom request_key syslog rt_sigsuspend rt_sigtimedwait
"""

_TABLE = """
0 read(fd, buf, count) pass buf[count]
1 write(fd, buf, count) pass
2 open(path, flags, mode) virtual
3 close(fd) pass
4 stat(path, buf) virtual buf[144]
5 fstat(fd, buf) pass buf[144]
6 lstat(path, buf) virtual buf[144]
7 poll(fds, nfds, timeout) pass fds[nfds*8]
8 lseek(fd, offset, whence) pass
9 mmap(addr, length, prot, flags, file, offset) virtual
10 mprotect(addr, length, prot) virtual
11 munmap(addr, length) virtual
12 brk(addr) virtual
13 rt_sigaction(signum, act, oldact, size) virtual oldact[32]
14 rt_sigprocmask(how, set, oldset, size) virtual oldset[8]
15 rt_sigreturn() virtual
16 ioctl(fd, cmd, arg) pass arg[ioctl cmd]
17 pread64(fd, buf, count, offset) pass buf[count]
18 pwrite64(fd, buf, count, offset) pass
19 readv(fd, iov, n) pass iov[iov n]
20 writev(fd, iov, n) pass
21 access(path, mode) virtual
22 pipe(fds) pass fds[8]
23 select(nfds, in, out, ex, timeout) pass in[fds nfds] out[fds nfds] ex[fds nfds] timeout[16]
24 sched_yield() pass
25 mremap(addr, old_length, new_length, flags, new_addr) virtual
26 msync(addr, length, flags) pass
27 mincore(addr, length, vec) virtual vec[length]
28 madvise(addr, length, advice) virtual
29 shmget(key, size, flags) pass
30 shmat(id, addr, flags) virtual
31 shmctl(id, cmd, buf) pass buf[112]
32 dup(fd) pass
33 dup2(old_fd, new) virtual
34 pause() pass
35 nanosleep(request, remain) pass remain[16]
36 getitimer(which, value) pass value[32]
37 alarm(seconds) pass
38 setitimer(which, new, old) pass old[32]
39 getpid() pass
40 sendfile(out_fd, in_fd, offset, count) pass offset[8]
41 socket(family, type, protocol) pass
42 connect(fd, addr, length) pass
43 accept(fd, addr, len) pass addr[*len] len[4]
44 sendto(fd, buf, count, flags, addr, length) pass
45 recvfrom(fd, buf, count, flags, addr, len) pass buf[count] addr[*len] len[4]
46 sendmsg(fd, msg, flags) pass
47 recvmsg(fd, msg, flags) pass msg[msg]
48 shutdown(fd, how) pass
49 bind(fd, addr, length) pass
50 listen(fd, backlog) pass
51 getsockname(fd, addr, len) pass addr[*len] len[4]
52 getpeername(fd, addr, len) pass addr[*len] len[4]
53 socketpair(family, type, protocol, fds) pass fds[8]
54 setsockopt(fd, level, name, value, length) pass
55 getsockopt(fd, level, name, value, len) pass value[*len] len[4]
56 clone(flags, stack, parent_tid, child_tid, tls) virtual parent_tid[4] child_tid[4]
57 fork() virtual
58 vfork() virtual
59 execve(path, argv, envp) virtual
60 exit(status) virtual
61 wait4(pid, status, options, usage) pass status[4] usage[144]
62 kill(pid, signum) virtual
63 uname(buf) pass buf[390]
64 semget(key, n, flags) pass
65 semop(id, ops, n) pass
66 semctl(id, n, cmd, arg) pass arg[4096]
67 shmdt(addr) virtual
68 msgget(key, flags) pass
69 msgsnd(id, msg, size, flags) pass
70 msgrcv(id, msg, size, type, flags) pass msg[size] msg[8]
71 msgctl(id, cmd, buf) pass buf[120]
72 fcntl(fd, cmd, arg) virtual arg[32]
73 flock(fd, operation) pass
74 fsync(fd) pass
75 fdatasync(fd) pass
76 truncate(path, length) pass
77 ftruncate(fd, length) pass
78 getdents(fd, buf, count) virtual buf[count]
79 getcwd(buf, size) pass buf[size]
80 chdir(path) pass
81 fchdir(fd) pass
82 rename(old, new) pass
83 mkdir(path, mode) pass
84 rmdir(path) pass
85 creat(path, mode) pass
86 link(old, new) pass
87 unlink(path) pass
88 symlink(target, path) pass
89 readlink(path, buf, size) virtual buf[size]
90 chmod(path, mode) pass
91 fchmod(fd, mode) pass
92 chown(path, user, group) pass
93 fchown(fd, user, group) pass
94 lchown(path, user, group) pass
95 umask(mask) pass
96 gettimeofday(tv, tz) pass tv[16] tz[8]
97 getrlimit(resource, limit) virtual limit[16]
98 getrusage(who, usage) pass usage[144]
99 sysinfo(info) pass info[112]
100 times(buf) pass buf[32]
101 ptrace(request, pid, addr, data) virtual
102 getuid() pass
103 syslog(type, buf, length) pass buf[length]
104 getgid() pass
105 setuid(uid) pass
106 setgid(gid) pass
107 geteuid() pass
108 getegid() pass
109 setpgid(pid, pgid) pass
110 getppid() pass
111 getpgrp() pass
112 setsid() pass
113 setreuid(ruid, euid) pass
114 setregid(rgid, egid) pass
115 getgroups(n, list) pass list[n*4]
116 setgroups(n, list) pass
117 setresuid(r, e, s) pass
118 getresuid(r, e, s) pass r[4] e[4] s[4]
119 setresgid(r, e, s) pass
120 getresgid(r, e, s) pass r[4] e[4] s[4]
121 getpgid(pid) pass
122 setfsuid(uid) pass
123 setfsgid(gid) pass
124 getsid(pid) pass
125 capget(header, data) pass header[8] data[24]
126 capset(header, data) pass
127 rt_sigpending(set, size) virtual set[8]
128 rt_sigtimedwait(set, info, timeout, size) virtual info[128]
129 rt_sigqueueinfo(pid, signum, info) virtual
130 rt_sigsuspend(mask, size) virtual
131 sigaltstack(new, old) virtual old[24]
132 utime(path, times) pass
133 mknod(path, mode, device) pass
134 uselib(path) refuse=ENOSYS
135 personality(persona) pass
136 ustat(device, buf) pass buf[32]
137 statfs(path, buf) pass buf[120]
138 fstatfs(fd, buf) pass buf[120]
139 sysfs(option, a, buf) pass buf[4096]
140 getpriority(which, who) pass
141 setpriority(which, who, value) pass
142 sched_setparam(pid, param) pass
143 sched_getparam(pid, param) pass param[4]
144 sched_setscheduler(pid, policy, param) pass
145 sched_getscheduler(pid) pass
146 sched_get_priority_max(policy) pass
147 sched_get_priority_min(policy) pass
148 sched_rr_get_interval(pid, interval) pass interval[16]
149 mlock(addr, length) pass
150 munlock(addr, length) pass
151 mlockall(flags) pass
152 munlockall() pass
153 vhangup() pass
154 modify_ldt(func, ptr, count) pass ptr[count]
155 pivot_root(new, old) virtual
156 _sysctl(args) refuse=ENOSYS
157 prctl(option, a, b, c, d) virtual a[64]
158 arch_prctl(code, addr) virtual addr[8]
159 adjtimex(buf) pass buf[208]
160 setrlimit(resource, limit) virtual
161 chroot(path) virtual
162 sync() pass
163 acct(path) pass
164 settimeofday(tv, tz) pass
165 mount(source, target, type, flags, data) pass
166 umount2(target, flags) pass
167 swapon(path, flags) pass
168 swapoff(path) pass
169 reboot(magic, magic2, cmd, arg) pass
170 sethostname(name, length) pass
171 setdomainname(name, length) pass
172 iopl(level) pass
173 ioperm(from, n, on) pass
174 create_module() refuse=ENOSYS
175 init_module(image, length, params) pass
176 delete_module(name, flags) pass
177 get_kernel_syms() refuse=ENOSYS
178 query_module() refuse=ENOSYS
179 quotactl(cmd, special, id, addr) pass addr[4096]
180 nfsservctl() refuse=ENOSYS
181 getpmsg() refuse=ENOSYS
182 putpmsg() refuse=ENOSYS
183 afs_syscall() refuse=ENOSYS
184 tuxcall() refuse=ENOSYS
185 security() refuse=ENOSYS
186 gettid() pass
187 readahead(fd, offset, count) pass
188 setxattr(path, name, value, size, flags) pass
189 lsetxattr(path, name, value, size, flags) pass
190 fsetxattr(fd, name, value, size, flags) pass
191 getxattr(path, name, value, size) pass value[size]
192 lgetxattr(path, name, value, size) pass value[size]
193 fgetxattr(fd, name, value, size) pass value[size]
194 listxattr(path, list, size) pass list[size]
195 llistxattr(path, list, size) pass list[size]
196 flistxattr(fd, list, size) pass list[size]
197 removexattr(path, name) pass
198 lremovexattr(path, name) pass
199 fremovexattr(fd, name) pass
200 tkill(tid, signum) virtual
201 time(t) pass t[8]
202 futex(addr, op, value, timeout, addr2, value3) pass addr[4] addr2[4]
203 sched_setaffinity(pid, size, mask) pass
204 sched_getaffinity(pid, size, mask) pass mask[size]
205 set_thread_area() refuse=ENOSYS
206 io_setup(n, ctx) pass ctx[8]
207 io_destroy(ctx) pass
208 io_getevents(ctx, min, n, events, timeout) pass events[n*32]
209 io_submit(ctx, n, iocbs) virtual
210 io_cancel(ctx, iocb, result) pass result[32]
211 get_thread_area() refuse=ENOSYS
212 lookup_dcookie() refuse=ENOSYS
213 epoll_create(size) pass
214 epoll_ctl_old() refuse=ENOSYS
215 epoll_wait_old() refuse=ENOSYS
216 remap_file_pages(addr, size, prot, pgoff, flags) virtual
217 getdents64(fd, buf, count) virtual buf[count]
218 set_tid_address(addr) pass
219 restart_syscall() refuse=EINTR
220 semtimedop(id, ops, n, timeout) pass
221 fadvise64(fd, offset, length, advice) pass
222 timer_create(clock, event, id) pass id[4]
223 timer_settime(id, flags, new, old) pass old[32]
224 timer_gettime(id, value) pass value[32]
225 timer_getoverrun(id) pass
226 timer_delete(id) pass
227 clock_settime(clock, time) pass
228 clock_gettime(clock, time) pass time[16]
229 clock_getres(clock, time) pass time[16]
230 clock_nanosleep(clock, flags, request, remain) pass remain[16]
231 exit_group(status) virtual
232 epoll_wait(fd, events, n, timeout) pass events[n*12]
233 epoll_ctl(fd, op, target_fd, event) pass
234 tgkill(tgid, tid, signum) virtual
235 utimes(path, times) pass
236 vserver() refuse=ENOSYS
237 mbind(addr, length, mode, mask, max, flags) pass
238 set_mempolicy(mode, mask, max) pass
239 get_mempolicy(mode, mask, max, addr, flags) pass mode[4] mask[fds max]
240 mq_open(name, flags, mode, attr) pass
241 mq_unlink(name) pass
242 mq_timedsend(fd, msg, length, prio, timeout) pass
243 mq_timedreceive(fd, msg, length, prio, timeout) pass msg[length] prio[4]
244 mq_notify(fd, event) pass
245 mq_getsetattr(fd, new, old) pass old[64]
246 kexec_load() refuse=EPERM
247 waitid(type, id, info, options, usage) pass info[128] usage[144]
248 add_key(type, desc, payload, length, ring) pass
249 request_key(type, desc, info, ring) pass
250 keyctl(op, a, b, c, d) pass b[c]
251 ioprio_set(which, who, prio) pass
252 ioprio_get(which, who) pass
253 inotify_init() pass
254 inotify_add_watch(fd, path, mask) pass
255 inotify_rm_watch(fd, wd) pass
256 migrate_pages(pid, max, old, new) pass
257 openat(dirfd, path, flags, mode) virtual
258 mkdirat(dirfd, path, mode) pass
259 mknodat(dirfd, path, mode, device) pass
260 fchownat(dirfd, path, user, group, flags) pass
261 futimesat(dirfd, path, times) pass
262 newfstatat(dirfd, path, buf, flags) virtual buf[144]
263 unlinkat(dirfd, path, flags) pass
264 renameat(olddir, old, newdir, new) pass
265 linkat(olddir, old, newdir, new, flags) pass
266 symlinkat(target, dirfd, path) pass
267 readlinkat(dirfd, path, buf, size) virtual buf[size]
268 fchmodat(dirfd, path, mode) pass
269 faccessat(dirfd, path, mode) virtual
270 pselect6(nfds, in, out, ex, timeout, mask) virtual in[fds nfds] out[fds nfds] ex[fds nfds] timeout[16]
271 ppoll(fds, nfds, timeout, mask, size) virtual fds[nfds*8] timeout[16]
272 unshare(flags) pass
273 set_robust_list(head, length) pass
274 get_robust_list(pid, head, len) pass head[8] len[8]
275 splice(in_fd, in_offset, out_fd, out_offset, length, flags) pass in_offset[8] out_offset[8]
276 tee(in_fd, out_fd, length, flags) pass
277 sync_file_range(fd, offset, length, flags) pass
278 vmsplice(fd, iov, n, flags) pass iov[iov n]
279 move_pages(pid, n, pages, nodes, status, flags) pass status[n*4]
280 utimensat(dirfd, path, times, flags) pass
281 epoll_pwait(fd, events, n, timeout, mask, size) virtual events[n*12]
282 signalfd(fd, mask, size) pass
283 timerfd_create(clock, flags) pass
284 eventfd(value) pass
285 fallocate(fd, mode, offset, length) pass
286 timerfd_settime(fd, flags, new, old) pass old[32]
287 timerfd_gettime(fd, value) pass value[32]
288 accept4(fd, addr, len, flags) pass addr[*len] len[4]
289 signalfd4(fd, mask, size, flags) pass
290 eventfd2(value, flags) pass
291 epoll_create1(flags) pass
292 dup3(old_fd, new, flags) virtual
293 pipe2(fds, flags) pass fds[8]
294 inotify_init1(flags) pass
295 preadv(fd, iov, n, low, high) pass iov[iov n]
296 pwritev(fd, iov, n, low, high) pass
297 rt_tgsigqueueinfo(tgid, tid, signum, info) virtual
298 perf_event_open(attr, pid, cpu, group, flags) pass
299 recvmmsg(fd, msgs, n, flags, timeout) pass msgs[msgs n] timeout[16]
300 fanotify_init(flags, event_flags) pass
301 fanotify_mark(fd, flags, mask, dirfd, path) pass
302 prlimit64(pid, resource, new, old) virtual old[16]
303 name_to_handle_at(dirfd, path, handle, mount, flags) pass handle[136] mount[8]
304 open_by_handle_at(mount, handle, flags) pass
305 clock_adjtime(clock, buf) pass buf[208]
306 syncfs(fd) pass
307 sendmmsg(fd, msgs, n, flags) pass msgs[n*64]
308 setns(fd, type) virtual
309 getcpu(cpu, node, cache) pass cpu[4] node[4]
310 process_vm_readv(pid, local, nlocal, remote, nremote, flags) pass local[iov nlocal]
311 process_vm_writev(pid, local, nlocal, remote, nremote, flags) virtual remote[iov nremote]
312 kcmp(pid1, pid2, type, a, b) pass
313 finit_module(fd, params, flags) pass
314 sched_setattr(pid, attr, flags) pass
315 sched_getattr(pid, attr, size, flags) pass attr[size]
316 renameat2(olddir, old, newdir, new, flags) pass
317 seccomp(operation, flags, args) virtual
318 getrandom(buf, count, flags) pass buf[count]
319 memfd_create(name, flags) pass
320 kexec_file_load() refuse=EPERM
321 bpf(cmd, attr, size) pass attr[size]
322 execveat(dirfd, path, argv, envp, flags) virtual
323 userfaultfd(flags) pass
324 membarrier(cmd, flags, cpu) pass
325 mlock2(addr, length, flags) pass
326 copy_file_range(in_fd, in_offset, out_fd, out_offset, length, flags) pass in_offset[8] out_offset[8]
327 preadv2(fd, iov, n, low, high, flags) pass iov[iov n]
328 pwritev2(fd, iov, n, low, high, flags) pass
329 pkey_mprotect(addr, length, prot, key) virtual
330 pkey_alloc(flags, rights) pass
331 pkey_free(key) pass
332 statx(dirfd, path, flags, mask, buf) virtual buf[256]
333 io_pgetevents(ctx, min, n, events, timeout, mask) virtual events[n*32]
334 rseq(area, length, flags, signature) refuse=ENOSYS
424 pidfd_send_signal(pidfd, signum, info, flags) virtual
425 io_uring_setup(n, params) virtual params[120]
426 io_uring_enter(fd, submit, complete, flags, arg, size) virtual
427 io_uring_register(fd, op, arg, n) virtual arg[4096]
428 open_tree(dirfd, path, flags) pass
429 move_mount(fromdir, from, todir, to, flags) pass
430 fsopen(name, flags) pass
431 fsconfig(fd, cmd, key, value, aux) pass
432 fsmount(fd, flags, attributes) pass
433 fspick(dirfd, path, flags) pass
434 pidfd_open(pid, flags) pass
435 clone3(args, size) virtual
436 close_range(first, last, flags) virtual
437 openat2(dirfd, path, how, size) virtual
438 pidfd_getfd(pidfd, fd, flags) pass
439 faccessat2(dirfd, path, mode, flags) virtual
440 process_madvise(pidfd, iov, n, advice, flags) virtual
441 epoll_pwait2(fd, events, n, timeout, mask, size) virtual events[n*12]
442 mount_setattr(dirfd, path, flags, attr, size) pass
443 quotactl_fd(fd, cmd, id, addr) pass addr[4096]
444 landlock_create_ruleset(attr, size, flags) pass
445 landlock_add_rule(fd, type, attr, flags) pass
446 landlock_restrict_self(fd, flags) pass
447 memfd_secret(flags) pass
448 process_mrelease(pidfd, flags) pass
449 futex_waitv(waiters, n, flags, timeout, clock) pass
450 set_mempolicy_home_node(addr, length, node, flags) pass
451 cachestat(fd, range, stat, flags) pass stat[40]
452 fchmodat2(dirfd, path, mode, flags) pass
453 map_shadow_stack(addr, size, flags) refuse=EOPNOTSUPP
454 futex_wake(addr, mask, n, flags) pass
455 futex_wait(addr, value, mask, flags, timeout, clock) pass
456 futex_requeue(waiters, flags, wake, requeue) pass
457 statmount(request, buf, size, flags) pass buf[size]
458 listmount(request, ids, n, flags) pass ids[n*8]
459 lsm_get_self_attr(attr, ctx, len, flags) pass ctx[*len] len[4]
460 lsm_set_self_attr(attr, ctx, size, flags) pass
461 lsm_list_modules(ids, len, flags) pass ids[*len] len[4]
462 mseal(addr, length, flags) refuse=ENOSYS
463 setxattrat(dirfd, path, flags, name, args, size) pass
464 getxattrat(dirfd, path, flags, name, args, size) pass
465 listxattrat(dirfd, path, flags, list, size) pass list[size]
466 removexattrat(dirfd, path, flags, name) pass
467 open_tree_attr(dirfd, path, flags, attr, size) pass
"""

_LINE = re.compile(r"(\d+) (\w+)\(([^)]*)\) (pass|virtual|refuse=(E\w+))((?: \w+\[[^\]]+\])*)")
_OUTPUT = re.compile(r"(\w+)\[([^\]]+)\]")
_KEYED = {
    "fds": Size.BITS,
    "iov": Size.IOVEC,
    "msg": Size.MSGHDR,
    "msgs": Size.MMSGHDR,
    "ioctl": Size.IOCTL,
}


def _output(arguments: tuple[str, ...], name: str, size: str) -> Output:
    """Read one output description; raises ValueError when it names no argument."""
    argument = arguments.index(name)
    if size.isdigit():
        return Output(argument, Size.CONSTANT, 0, int(size))
    if size.startswith("*"):
        return Output(argument, Size.POINTED, arguments.index(size[1:]), 1)
    keyword, _, other = size.partition(" ")
    if other:
        return Output(argument, _KEYED[keyword], arguments.index(other), 1)
    if keyword in _KEYED and keyword not in arguments:
        return Output(argument, _KEYED[keyword], 0, 1)
    counted, _, factor = size.partition("*")
    if counted == name == "msg":
        return Output(argument, Size.MSGHDR, 0, 1)
    return Output(argument, Size.ARGUMENT, arguments.index(counted), int(factor or "1"))


def _parse(line: str) -> Syscall:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"system call table: cannot read {line!r}")
    number, name, arguments_text, treatment, error, outputs_text = match.groups()
    arguments = tuple(part.strip() for part in arguments_text.split(",") if part.strip())
    outputs = tuple(_output(arguments, *found) for found in _OUTPUT.findall(outputs_text))
    kind = Treatment.REFUSE if error else Treatment[treatment.upper()]
    return Syscall(int(number), name, arguments, kind, getattr(errno, error or "", 0), outputs)


@cache
def _sleeping() -> frozenset[str]:
    return frozenset(_SLEEPING.split())


@cache
def table() -> tuple[Syscall, ...]:
    """Return every known system call in ascending order of number.

    Returns:
        One Syscall per number; numbers between them are unknown and answered with ENOSYS.

    Raises:
        ValueError: a line of the table is malformed, or numbers do not ascend.

    Source: the kernel's arch/x86/entry/syscalls/syscall_64.tbl.
    """
    calls = tuple(_parse(line) for line in _TABLE.split("\n") if line)
    for before, after in pairwise(calls):
        if before.number >= after.number:
            raise ValueError(f"system call table: {after.name} is out of order")
    return calls

/* Job: keeps the VMM's own descriptors out of the guest's sight and reach: the session's, and that of /proc
 * where there is one.
 * State: session_fd and proc_fd in dbt_linux_process.
 * Invariant: the guest never closes, replaces, duplicates or inherits one of them, and does not find it in
 * a list of its own descriptors. */
#include "linux/proc_files.h"

#include "linux/text.h"

#define SESSION_FD_LEAST 1000
#define LIMIT_MOST 4096 /* beyond, a descriptor above the guest's limit costs too large a table */
#define LIMIT_FILES 7   /* RLIMIT_NOFILE */
#define ENTRY_HEAD_BYTES 24
#define ENTRY_LENGTH_AT 16

i32 dbt_descriptors_place(i32 fd)
{
    u64 limit[2] = {0, 0};
    i64 placed = -EINVAL;
    (void)dbt_host_call4(__NR_prlimit64, 0, LIMIT_FILES, 0, (u64)limit);
    if ((u64)fd >= limit[0]) {
        (void)dbt_host_call3(__NR_fcntl, (u64)fd, F_SETFD, FD_CLOEXEC);
        return fd;
    }
    if (limit[0] <= LIMIT_MOST && limit[1] > limit[0]) {
        u64 raised[2] = {limit[1], limit[1]};
        (void)dbt_host_call4(__NR_prlimit64, 0, LIMIT_FILES, (u64)raised, 0);
        placed = dbt_host_call3(__NR_fcntl, (u64)fd, F_DUPFD_CLOEXEC, limit[0]);
        (void)dbt_host_call4(__NR_prlimit64, 0, LIMIT_FILES, (u64)limit, 0);
    }
    if (placed < 0 && fd < SESSION_FD_LEAST) {
        placed = dbt_host_call3(__NR_fcntl, (u64)fd, F_DUPFD_CLOEXEC, SESSION_FD_LEAST);
    }
    if (placed < 0 && fd < SESSION_FD_LEAST) {
        placed = dbt_host_call3(__NR_fcntl, (u64)fd, F_DUPFD_CLOEXEC, limit[0] - 1);
    }
    (void)(placed >= 0 ? dbt_host_call1(__NR_close, (u64)fd)
                       : dbt_host_call3(__NR_fcntl, (u64)fd, F_SETFD, FD_CLOEXEC));
    return placed >= 0 ? (i32)placed : fd;
}

bool dbt_descriptors_is_own(const dbt_linux_process *process, i64 fd)
{
    return fd >= 0 && (fd == process->session_fd || fd == process->proc_fd);
}

bool dbt_descriptors_name_own(const dbt_linux_process *process, u32 mask, const u64 *arguments)
{
    for (u32 at = 0; mask != 0; at++, mask >>= 1) {
        if ((mask & 1) != 0 && dbt_descriptors_is_own(process, (i32)arguments[at])) {
            return true;
        }
    }
    return false;
}

/* The lowest of the VMM's own descriptors from first to last; 0 when there is none. */
static i32 *find_own(dbt_linux_process *process, u64 first, u64 last)
{
    i32 *const own[] = {&process->session_fd, &process->proc_fd};
    i32 *found = 0;
    for (u32 at = 0; at < DBT_ARRAY_LENGTH(own); at++) {
        if (*own[at] >= 0 && (u64)*own[at] >= first && (u64)*own[at] <= last &&
            (found == 0 || *own[at] < *found)) {
            found = own[at];
        }
    }
    return found;
}

/* Another number for it, because the guest takes the one it has. */
static bool move_own(i32 *own)
{
    i64 fd = dbt_host_call3(__NR_fcntl, (u64)*own, F_DUPFD_CLOEXEC, SESSION_FD_LEAST);
    if (fd < 0) {
        fd = dbt_host_call3(__NR_fcntl, (u64)*own, F_DUPFD_CLOEXEC, 0);
    }
    if (fd < 0) {
        return false;
    }
    (void)dbt_host_call1(__NR_close, (u64)*own);
    *own = (i32)fd;
    return true;
}

static i64 duplicate(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    u64 wanted = (u32)arguments[1];
    i32 *own = find_own(thread->process, wanted, wanted);
    if (own != 0 && !move_own(own)) {
        return -EMFILE;
    }
    return dbt_linux_pass(thread, number, arguments);
}

static i64 close_range(dbt_linux_thread *thread, const u64 *arguments)
{
    u64 first = (u32)arguments[0];
    u64 last = (u32)arguments[1];
    i64 result = 0;
    const i32 *own = find_own(thread->process, first, last);
    if (own == 0) {
        return dbt_linux_pass(thread, __NR_close_range, arguments);
    }
    for (; result == 0 && first <= last; own = find_own(thread->process, first, last)) {
        u64 next = own != 0 ? (u64)*own : last + 1;
        const u64 call[6] = {first, next - 1, arguments[2], 0, 0, 0};
        if (next > first) {
            result = dbt_linux_pass(thread, __NR_close_range, call);
        }
        first = next + 1;
    }
    return result;
}

/* The kernel passes over the VMM's own descriptors where it is to find a free one. */
static i64 control(dbt_linux_thread *thread, const u64 *arguments)
{
    i64 result = dbt_linux_pass(thread, __NR_fcntl, arguments);
    bool duplicates = arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC;
    i32 *own = duplicates && result > 0
                   ? find_own(thread->process, (u32)arguments[2], (u64)result - 1)
                   : 0;
    u64 wanted = own != 0 ? (u64)*own : 0;
    if (own == 0 || !move_own(own)) {
        return result;
    }
    u64 flags = arguments[1] == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0;
    i64 moved = dbt_host_call3(__NR_dup3, (u64)result, wanted, flags);
    if (moved < 0) {
        return result;
    }
    (void)dbt_host_call1(__NR_close, (u64)result);
    return moved;
}

/* Moves guest memory down over length bytes that end at guest_from. */
static bool close_gap(dbt_linux_space *space, u64 guest_from, u64 size_bytes, u64 length)
{
    char piece[256];
    u64 part_bytes;
    for (u64 at = 0; at < size_bytes; at += part_bytes) {
        part_bytes = size_bytes - at < sizeof piece ? size_bytes - at : sizeof piece;
        if (!dbt_guest_read(piece, guest_from + at, part_bytes) ||
            !dbt_guest_write(space, guest_from + at - length, piece, part_bytes)) {
            return false;
        }
    }
    return true;
}

/* Takes the VMM's own out of directory entries; answers the bytes that are left. */
static u64 drop_own_entries(const dbt_linux_process *process, u64 number, u64 guest_entries,
                            u64 size_bytes)
{
    u64 name_at = number == __NR_getdents64 ? 19 : 18;
    for (u64 at = 0; at < size_bytes;) {
        char piece[ENTRY_HEAD_BYTES + 16] = {0};
        u16 length;
        u64 fd;
        u64 part_bytes = size_bytes - at < sizeof piece - 1 ? size_bytes - at : sizeof piece - 1;
        if (!dbt_guest_read(piece, guest_entries + at, part_bytes)) {
            break;
        }
        memcpy(&length, piece + ENTRY_LENGTH_AT, sizeof length);
        if (!dbt_text_parse(piece + name_at, 0, &fd) || !dbt_descriptors_is_own(process, (i64)fd)) {
            at += length;
        } else if (close_gap(process->space, guest_entries + at + length, size_bytes - at - length,
                             length)) {
            size_bytes -= length;
        } else {
            break;
        }
    }
    return size_bytes;
}

static i64 list(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    for (;;) {
        i64 result = dbt_linux_pass(thread, number, arguments);
        if (result <= 0 || !dbt_proc_is_own_list((i32)arguments[0])) {
            return result;
        }
        u64 left_bytes = drop_own_entries(thread->process, number, arguments[1], (u64)result);
        if (left_bytes > 0) {
            return (i64)left_bytes;
        }
    }
}

i64 dbt_descriptors_open_proc(const dbt_linux_process *process, const char *path)
{
    const u64 flags = O_RDONLY | O_CLOEXEC;
    i64 fd = dbt_host_call4(__NR_openat, (u64)AT_FDCWD, (u64)path, flags, 0);
    if (fd == -ENOENT && process != 0 && process->proc_fd >= 0) {
        fd = dbt_host_call4(__NR_openat, (u64)process->proc_fd, (u64)(path + sizeof "/proc/" - 1), flags, 0);
    }
    return fd;
}

i64 dbt_descriptors_leave_root(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    dbt_linux_process *process = thread->process;
    if (process->proc_fd < 0) {
        i64 fd = dbt_host_call4(__NR_openat, (u64)AT_FDCWD, (u64) "/proc/.",
                                O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        process->proc_fd = fd >= 0 ? dbt_descriptors_place((i32)fd) : -1;
    }
    return dbt_linux_pass(thread, number, arguments);
}

i64 dbt_descriptors_call(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    switch (number) {
    case __NR_fcntl:
        return control(thread, arguments);
    case __NR_close_range:
        return close_range(thread, arguments);
    case __NR_getdents:
    case __NR_getdents64:
        return list(thread, number, arguments);
    default:
        return duplicate(thread, number, arguments);
    }
}

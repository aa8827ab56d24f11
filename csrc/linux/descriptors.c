/* Job: keeps the session descriptor out of the guest's sight and reach.
 * State: session_fd in dbt_linux_process.
 * Invariant: the guest never closes, replaces, duplicates or inherits the session descriptor, and does
 * not find it in a list of its own descriptors. */
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

bool dbt_descriptors_name_own(const dbt_linux_process *process, u32 mask, const u64 *arguments)
{
    for (u32 at = 0; mask != 0; at++, mask >>= 1) {
        if ((mask & 1) != 0 && (i32)arguments[at] == process->session_fd) {
            return true;
        }
    }
    return false;
}

/* Another number for the session descriptor, because the guest takes the one it has. */
static bool move_session_fd(dbt_linux_process *process)
{
    i64 fd = dbt_host_call3(__NR_fcntl, (u64)process->session_fd, F_DUPFD_CLOEXEC, SESSION_FD_LEAST);
    if (fd < 0) {
        fd = dbt_host_call3(__NR_fcntl, (u64)process->session_fd, F_DUPFD_CLOEXEC, 0);
    }
    if (fd < 0) {
        return false;
    }
    (void)dbt_host_call1(__NR_close, (u64)process->session_fd);
    process->session_fd = (i32)fd;
    return true;
}

static i64 duplicate(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    dbt_linux_process *process = thread->process;
    if ((i32)arguments[1] == process->session_fd && !move_session_fd(process)) {
        return -EMFILE;
    }
    return dbt_linux_pass(thread, number, arguments);
}

static i64 close_range(dbt_linux_thread *thread, const u64 *arguments)
{
    u64 own = (u64)thread->process->session_fd;
    u64 first = (u32)arguments[0];
    u64 last = (u32)arguments[1];
    if (first > last || own < first || own > last) {
        return dbt_linux_pass(thread, __NR_close_range, arguments);
    }
    i64 result = 0;
    u64 call[6] = {first, own - 1, arguments[2], 0, 0, 0};
    if (own > first) {
        result = dbt_linux_pass(thread, __NR_close_range, call);
    }
    if (result == 0 && own < last) {
        call[0] = own + 1;
        call[1] = last;
        result = dbt_linux_pass(thread, __NR_close_range, call);
    }
    return result;
}

/* The kernel passes over the session descriptor's number where it is to find a free one. */
static i64 control(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_process *process = thread->process;
    i64 result = dbt_linux_pass(thread, __NR_fcntl, arguments);
    bool duplicates = arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC;
    u64 wanted = (u64)process->session_fd;
    if (!duplicates || result < (i64)wanted || (u32)arguments[2] > wanted ||
        !move_session_fd(process)) {
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

/* Takes the session descriptor out of directory entries; answers the bytes that are left. */
static u64 drop_own_entry(const dbt_linux_process *process, u64 number, u64 guest_entries,
                          u64 size_bytes)
{
    u64 name_at = number == __NR_getdents64 ? 19 : 18;
    for (u64 at = 0; at < size_bytes;) {
        char piece[ENTRY_HEAD_BYTES + 16] = {0};
        u16 length;
        u64 own;
        u64 part_bytes = size_bytes - at < sizeof piece - 1 ? size_bytes - at : sizeof piece - 1;
        if (!dbt_guest_read(piece, guest_entries + at, part_bytes)) {
            break;
        }
        memcpy(&length, piece + ENTRY_LENGTH_AT, sizeof length);
        if (!dbt_text_parse(piece + name_at, 0, &own) || own != (u64)process->session_fd) {
            at += length;
            continue;
        }
        for (u64 from = at + length; from < size_bytes; from += part_bytes) {
            part_bytes = size_bytes - from < sizeof piece ? size_bytes - from : sizeof piece;
            if (!dbt_guest_read(piece, guest_entries + from, part_bytes) ||
                !dbt_guest_write(process->space, guest_entries + from - length, piece, part_bytes)) {
                break;
            }
        }
        return size_bytes - length;
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
        u64 left_bytes = drop_own_entry(thread->process, number, arguments[1], (u64)result);
        if (left_bytes > 0) {
            return (i64)left_bytes;
        }
    }
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

/* Job: writes into a process's memory that are no stores of its own: through /proc/PID/mem, by
 * process_vm_writev, to itself or to another process of the session.
 * State: dbt_slab.foreign_writes, counted up by whoever has written elsewhere; a process whose count has
 * changed drops its units when it next leaves a system call or takes a signal.
 * Invariant: a page that its owner may write can be written from outside although it is watched. */
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/text.h"
#include "linux/vectors.h"

#define LINK_BYTES 64
#define PIECE_BYTES 1024

/* Everybody else drops what was translated: who was meant may be told by a thread's number or a name. */
static void announce(const dbt_linux_process *process)
{
    dbt_session *session = process->session;
    for (u32 at = 0; at < session->slabs_claimed && at < DBT_SESSION_SLABS; at++) {
        if (&session->slabs[at] != process->slab) {
            (void)__atomic_fetch_add(&session->slabs[at].foreign_writes, 1, __ATOMIC_RELEASE);
        }
    }
}

void dbt_foreign_notice(const dbt_linux_thread *thread)
{
    dbt_linux_process *process = thread->process;
    u32 count = __atomic_load_n(&process->slab->foreign_writes, __ATOMIC_ACQUIRE);
    if (count != process->foreign_seen) {
        process->foreign_seen = count;
        dbt_engine_invalidate(process->space->engine, 0, DBT_ADDRESS_END);
    }
}

/* The process whose memory a descriptor stands for: "/proc/PID/mem", "/proc/PID/task/TID/mem"; or 0. */
static u64 memory_file_owner(i32 fd)
{
    char name[LINK_BYTES];
    char link[LINK_BYTES];
    dbt_text text;
    dbt_text_begin(&text, name, sizeof name);
    dbt_text_add(&text, "/proc/thread-self/fd/");
    dbt_text_add_decimal(&text, (u64)(u32)fd);
    i64 length = dbt_host_call3(__NR_readlink, (u64)name, (u64)link, sizeof link - 1);
    link[length > 0 ? length : 0] = 0;
    u64 pid = 0;
    if (length < 4 || !dbt_text_starts(link, "/proc/") ||
        !dbt_text_equal(link + length - 4, "/mem") || !dbt_text_parse(link + 6, '/', &pid)) {
        return 0;
    }
    return pid;
}

static i64 write_own(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    u64 guest_start = 0;
    u64 guest_end = DBT_ADDRESS_END;
    if (number == __NR_pwrite64 && arguments[3] < DBT_ADDRESS_END &&
        arguments[2] < DBT_ADDRESS_END - arguments[3]) {
        guest_start = arguments[3];
        guest_end = guest_start + arguments[2];
    }
    (void)dbt_code_release(space, guest_start, guest_end);
    i64 result = dbt_gate_syscall(number, arguments, &thread->context->pending);
    if (result > 0) {
        dbt_engine_invalidate(space->engine, guest_start, guest_end);
    }
    return result;
}

i64 dbt_foreign_file_write(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    bool is_third = number == __NR_splice || number == __NR_copy_file_range;
    u64 owner = memory_file_owner((i32)arguments[is_third ? 2 : 0]);
    if (owner == thread->process->pid) {
        return write_own(thread, number, arguments);
    }
    i64 result = dbt_signals_sleep(thread, number, arguments);
    if (owner != 0 && result > 0) {
        announce(thread->process);
    }
    return result;
}

static bool copy_from(u64 pid, u64 guest_from, void *to, u64 size_bytes)
{
    dbt_vector here = {(u64)to, size_bytes};
    dbt_vector there = {guest_from, size_bytes};
    return dbt_host_call6(__NR_process_vm_readv, pid, (u64)&here, 1, (u64)&there, 1, 0) ==
           (i64)size_bytes;
}

/* Asks the other's mapping table, as it stands: whoever writes there knows that the owner is not just
 * changing its mappings. */
static bool is_watched_there(const dbt_linux_process *process, u64 pid, u64 guest_address)
{
    const dbt_session *session = process->session;
    dbt_linux_space space = {0};
    for (u32 at = 0; at < session->slabs_claimed && at < DBT_SESSION_SLABS; at++) {
        const dbt_slab *slab = &session->slabs[at];
        if (slab->pid == pid && slab->state == DBT_SLAB_RUNNING &&
            !copy_from(pid, slab->space, &space, sizeof space)) {
            return false;
        }
    }
    u32 low = 0;
    u32 high = space.region_count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        dbt_region region;
        if (!copy_from(pid, (u64)&space.regions[middle], &region, sizeof region)) {
            return false;
        }
        if (region.guest_end <= guest_address) {
            low = middle + 1;
        } else if (region.guest_start > guest_address) {
            high = middle;
        } else {
            return (region.flags & DBT_REGION_WATCHED) != 0 && (region.protection & PROT_WRITE) != 0;
        }
    }
    return false;
}

/* Bytes on one page. The memory file does not ask whether a page is write-protected. */
static bool write_piece(const dbt_linux_process *process, u64 pid, u64 guest_to, const void *bytes,
                        u64 size_bytes)
{
    dbt_vector here = {(u64)bytes, size_bytes};
    dbt_vector there = {guest_to, size_bytes};
    if (dbt_host_call6(__NR_process_vm_writev, pid, (u64)&here, 1, (u64)&there, 1, 0) ==
        (i64)size_bytes) {
        return true;
    }
    char name[LINK_BYTES];
    dbt_text text;
    if (!is_watched_there(process, pid, guest_to)) {
        return false;
    }
    dbt_text_begin(&text, name, sizeof name);
    dbt_text_add(&text, "/proc/");
    dbt_text_add_decimal(&text, pid);
    dbt_text_add(&text, "/mem");
    i64 fd = dbt_host_call4(__NR_openat, (u64)AT_FDCWD, (u64)name, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    i64 result = dbt_host_call4(__NR_pwrite64, (u64)fd, (u64)bytes, size_bytes, guest_to);
    (void)dbt_host_call1(__NR_close, (u64)fd);
    return result == (i64)size_bytes;
}

/* A place in an array of vectors of the guest's. */
typedef struct cursor {
    u64 guest_vectors;
    u64 count;
    u64 guest_at; /* the next byte; meaningful while left_bytes is not 0 */
    u64 left_bytes;
} cursor;

static bool is_at_end(cursor *cursor)
{
    dbt_vector next;
    while (cursor->left_bytes == 0 && cursor->count > 0 &&
           dbt_guest_read(&next, cursor->guest_vectors, sizeof next)) {
        cursor->guest_at = next.guest_start;
        cursor->left_bytes = next.size_bytes;
        cursor->guest_vectors += sizeof next;
        cursor->count--;
    }
    return cursor->left_bytes == 0;
}

static void advance(cursor *cursor, u64 size_bytes)
{
    cursor->guest_at += size_bytes;
    cursor->left_bytes -= size_bytes;
}

/* Goes on, page by page, where the kernel has stopped after done_bytes. */
static u64 write_rest(const dbt_linux_process *process, const u64 *arguments, u64 done_bytes)
{
    cursor local = {arguments[1], arguments[2], 0, 0};
    cursor remote = {arguments[3], arguments[4], 0, 0};
    u64 skip_bytes = done_bytes;
    u8 bytes[PIECE_BYTES];
    while (!is_at_end(&local) && !is_at_end(&remote)) {
        u64 size_bytes = local.left_bytes < remote.left_bytes ? local.left_bytes : remote.left_bytes;
        u64 page_bytes = DBT_PAGE_BYTES - (remote.guest_at & (DBT_PAGE_BYTES - 1));
        if (skip_bytes > 0) {
            size_bytes = size_bytes < skip_bytes ? size_bytes : skip_bytes;
            skip_bytes -= size_bytes;
        } else {
            size_bytes = size_bytes < page_bytes ? size_bytes : page_bytes;
            size_bytes = size_bytes < sizeof bytes ? size_bytes : sizeof bytes;
            if (!dbt_guest_read(bytes, local.guest_at, size_bytes) ||
                !write_piece(process, (u32)arguments[0], remote.guest_at, bytes, size_bytes)) {
                break;
            }
            done_bytes += size_bytes;
        }
        advance(&local, size_bytes);
        advance(&remote, size_bytes);
    }
    return done_bytes;
}

i64 dbt_foreign_vectors(dbt_linux_thread *thread, const u64 *arguments)
{
    const dbt_linux_process *process = thread->process;
    i64 result = dbt_linux_pass(thread, __NR_process_vm_writev, arguments);
    if ((u32)arguments[0] == process->pid || (result < 0 && result != -EFAULT)) {
        return result;
    }
    u64 done_bytes = write_rest(process, arguments, result > 0 ? (u64)result : 0);
    if (done_bytes == 0) {
        return result;
    }
    announce(process);
    return (i64)done_bytes;
}

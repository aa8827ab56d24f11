/* Job: descriptors and /proc names through which a guest would see the VMM instead of itself.
 * State: the session descriptor in dbt_linux_process.
 * Invariant: the guest never closes, replaces or inherits the session descriptor; /proc/self/exe and
 * /proc/self/maps speak of the guest. */
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/text.h"

#define NAME_BYTES 64
#define SESSION_FD_LEAST 1000
#define MAPS_PIECE_BYTES 8192

typedef enum proc_name { NAME_OTHER, NAME_EXE, NAME_MAPS, NAME_MEMORY } proc_name;

/* Recognises /proc/self, /proc/thread-self or /proc/PID of this process, then exe or maps; and the
 * memory of any process. */
static proc_name classify(const dbt_linux_process *process, u64 guest_path)
{
    char path[NAME_BYTES];
    char own[32];
    dbt_text text;
    if (!dbt_guest_read(path, guest_path, 6) || memcmp(path, "/proc/", 6) != 0 ||
        !dbt_guest_read_string(path, guest_path, sizeof path)) {
        return NAME_OTHER;
    }
    u64 length = dbt_text_length(path);
    if (dbt_text_equal(path + length - 4, "/mem")) {
        return NAME_MEMORY;
    }
    const char *at = path + 6;
    dbt_text_begin(&text, own, sizeof own);
    dbt_text_add_decimal(&text, process->pid);
    dbt_text_add(&text, "/");
    if (dbt_text_starts(at, "self/")) {
        at += 5;
    } else if (dbt_text_starts(at, "thread-self/")) {
        at += 12;
    } else if (dbt_text_starts(at, own)) {
        at += text.length_bytes;
    } else {
        return NAME_OTHER;
    }
    return dbt_text_equal(at, "exe") ? NAME_EXE : dbt_text_equal(at, "maps") ? NAME_MAPS : NAME_OTHER;
}

/* Writing the guest's list of mappings into a memfd. */
typedef struct maps_writer {
    const dbt_linux_space *space;
    i32 fd;
    dbt_text text;
    char bytes[MAPS_PIECE_BYTES];
} maps_writer;

static void write_piece(maps_writer *writer, const dbt_maps_entry *entry, u64 start, u64 end,
                        u32 protection)
{
    dbt_text *text = &writer->text;
    if (text->length_bytes + 512 > sizeof writer->bytes) {
        dbt_text_write(text, writer->fd);
        dbt_text_begin(text, writer->bytes, sizeof writer->bytes);
    }
    dbt_text_add_hex(text, start, 8);
    dbt_text_add(text, "-");
    dbt_text_add_hex(text, end, 8);
    dbt_text_add(text, (protection & PROT_READ) != 0 ? " r" : " -");
    dbt_text_add(text, (protection & PROT_WRITE) != 0 ? "w" : "-");
    dbt_text_add(text, (protection & PROT_EXEC) != 0 ? "x" : "-");
    dbt_text_add(text, entry->is_shared ? "s " : "p ");
    const char *rest = entry->rest;
    while (*rest != ' ' && *rest != 0) {
        rest++;
    }
    bool has_file = entry->name[0] == '/';
    dbt_text_add_hex(text, entry->file_offset + (has_file ? start - entry->start : 0), 8);
    const dbt_linux_space *space = writer->space;
    if (start >= space->guest_brk_start && end <= DBT_PAGE_UP(space->guest_brk)) {
        dbt_text_add(text, " 00:00 0                                  [heap]\n");
        return;
    }
    if (dbt_text_equal(entry->name, "[heap]")) {
        dbt_text_add(text, " 00:00 0 \n");
        return;
    }
    dbt_text_add(text, rest);
    dbt_text_add(text, "\n");
}

/* One of the kernel's mappings without the VMM's parts, cut where the guest's permissions change. */
static bool visit_mapping(void *owner, const dbt_maps_entry *entry)
{
    maps_writer *writer = owner;
    u64 at = entry->start;
    while (at < entry->end) {
        u64 end = entry->end;
        u64 host_start;
        u64 host_end;
        u32 protection = entry->protection;
        if (dbt_own_overlaps(at, end, &host_start, &host_end)) {
            if (host_start == at) {
                at = host_end;
                continue;
            }
            end = host_start;
        }
        const dbt_region *region = dbt_map_find(writer->space, at);
        if (region != 0) {
            protection = region->protection;
            end = region->guest_end < end ? region->guest_end : end;
        } else {
            u32 next = dbt_map_lower_bound(writer->space, at);
            if (next < writer->space->region_count &&
                writer->space->regions[next].guest_start < end) {
                end = writer->space->regions[next].guest_start;
            }
        }
        write_piece(writer, entry, at, end, protection);
        at = end;
    }
    return true;
}

static i64 open_maps(const dbt_linux_process *process, u64 flags)
{
    maps_writer writer = {.space = process->space};
    u32 memfd_flags = (flags & O_CLOEXEC) != 0 ? (u32)MFD_CLOEXEC : 0u;
    i64 fd = dbt_host_call2(__NR_memfd_create, (u64) "maps", memfd_flags);
    if (fd < 0) {
        return fd;
    }
    writer.fd = (i32)fd;
    dbt_text_begin(&writer.text, writer.bytes, sizeof writer.bytes);
    dbt_lock_take(&process->space->lock);
    i64 result = dbt_maps_read("/proc/thread-self/maps", visit_mapping, &writer);
    dbt_lock_give(&process->space->lock);
    dbt_text_write(&writer.text, writer.fd);
    if (result < 0) {
        (void)dbt_host_call1(__NR_close, (u64)fd);
        return result;
    }
    (void)dbt_host_call3(__NR_lseek, (u64)fd, 0, 0);
    return fd;
}

static i64 read_own_link(const dbt_linux_process *process, u64 guest_buffer, u64 size_bytes)
{
    u64 length = dbt_text_length(process->guest_path);
    if ((i64)size_bytes <= 0) {
        return -EINVAL;
    }
    length = length < size_bytes ? length : size_bytes;
    return dbt_guest_write(process->space, guest_buffer, process->guest_path, length) ? (i64)length
                                                                                      : -EFAULT;
}

/* Calls with a path: the argument positions of path and open flags depend on the call. */
static i64 path_call(dbt_linux_thread *thread, u64 number, u64 *arguments)
{
    const dbt_linux_process *process = thread->process;
    bool has_directory = number != __NR_open && number != __NR_stat && number != __NR_access &&
                         number != __NR_readlink;
    u32 path_at = has_directory ? 1 : 0;
    proc_name name = classify(process, arguments[path_at]);
    if (name == NAME_MEMORY) {
        process->space->has_memory_file = true;
        name = NAME_OTHER;
    }
    if (name == NAME_OTHER) {
        return dbt_linux_pass(thread, number, arguments);
    }
    if (number == __NR_readlink || number == __NR_readlinkat) {
        return name == NAME_EXE
                   ? read_own_link(process, arguments[path_at + 1], arguments[path_at + 2])
                   : dbt_linux_pass(thread, number, arguments);
    }
    bool is_open = number == __NR_open || number == __NR_openat;
    if (name == NAME_MAPS) {
        return is_open && (arguments[path_at + 1] & O_PATH) == 0
                   ? open_maps(process, arguments[path_at + 1])
                   : dbt_linux_pass(thread, number, arguments);
    }
    bool stays_link = (number == __NR_newfstatat && (arguments[3] & AT_SYMLINK_NOFOLLOW) != 0) ||
                      (number == __NR_statx && (arguments[2] & AT_SYMLINK_NOFOLLOW) != 0) ||
                      (is_open && (arguments[path_at + 1] & O_NOFOLLOW) != 0);
    if (!stays_link) {
        arguments[path_at] = (u64)process->guest_path;
    }
    return dbt_linux_pass(thread, number, arguments);
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
    if ((i32)arguments[0] == process->session_fd) {
        return -EBADF;
    }
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

i64 dbt_files_call(dbt_linux_thread *thread, u64 number, u64 *arguments)
{
    i32 own = thread->process->session_fd;
    switch (number) {
    case __NR_close:
    case __NR_fcntl:
        return (i32)arguments[0] == own ? -EBADF : dbt_linux_pass(thread, number, arguments);
    case __NR_dup2:
    case __NR_dup3:
        return duplicate(thread, number, arguments);
    case __NR_close_range:
        return close_range(thread, arguments);
    default:
        return path_call(thread, number, arguments);
    }
}

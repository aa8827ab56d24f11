/* Job: files below /proc whose content speaks of the VMM: the guest reads its own version of them.
 * State: none; what is written is true when the file is opened.
 * Invariant: all that is not the VMM's doing stays as the kernel tells it. */
#include "linux/proc_files.h"

#include "linux/seccomp_filters.h"
#include "linux/text.h"

#define MAPS_PIECE_BYTES 8192
#define FILE_BYTES 8192

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

/* Lets fd be the memfd from its beginning; memfd may be a negative errno. */
static i64 take_place(i64 memfd, i32 fd, u64 flags)
{
    i64 result = memfd;
    if (memfd >= 0) {
        (void)dbt_host_call3(__NR_lseek, (u64)memfd, 0, 0);
        result = dbt_host_call3(__NR_dup3, (u64)memfd, (u64)fd, flags & O_CLOEXEC);
        (void)dbt_host_call1(__NR_close, (u64)memfd);
    }
    if (result < 0) {
        (void)dbt_host_call1(__NR_close, (u64)fd);
    }
    return result;
}

i64 dbt_proc_replace_maps(const dbt_linux_process *process, i32 fd, u64 flags)
{
    maps_writer writer = {.space = process->space};
    i64 memfd = dbt_host_call2(__NR_memfd_create, (u64) "maps", MFD_CLOEXEC);
    if (memfd >= 0) {
        writer.fd = (i32)memfd;
        dbt_text_begin(&writer.text, writer.bytes, sizeof writer.bytes);
        dbt_lock_take(&process->space->lock);
        i64 result = dbt_maps_read("/proc/thread-self/maps", visit_mapping, &writer);
        dbt_lock_give(&process->space->lock);
        dbt_text_write(&writer.text, writer.fd);
        if (result < 0) {
            (void)dbt_host_call1(__NR_close, (u64)memfd);
            memfd = result;
        }
    }
    return take_place(memfd, fd, flags);
}

/* What the guest's own kernel would tell of one thread. */
typedef struct thread_status {
    u64 blocked;
    u64 ignored;
    u64 caught;
    u32 seccomp_mode;
    u32 filter_count;
} thread_status;

static bool read_thread(const dbt_linux_process *process, u32 tid, thread_status *status)
{
    dbt_linux_space *space = process->space;
    bool is_found = false;
    dbt_lock_take(&space->threads_lock);
    for (const dbt_linux_thread *at = space->threads; at != 0 && !is_found; at = at->next) {
        if (at->process == process && at->tid == tid) {
            status->blocked = at->blocked;
            status->seccomp_mode = at->seccomp_mode;
            status->filter_count = dbt_seccomp_count(at);
            is_found = true;
        }
    }
    dbt_lock_give(&space->threads_lock);
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        u64 handler = process->actions->list[number].handler;
        status->ignored |= handler == DBT_SIG_IGN ? DBT_SIGNAL_BIT(number) : 0;
        status->caught |= handler > DBT_SIG_IGN ? DBT_SIGNAL_BIT(number) : 0;
    }
    return is_found;
}

/* One line of the kernel's, with the guest's own value where the VMM has changed it. */
static void write_status(dbt_text *to, const void *told, const char *line, u64 size_bytes)
{
    const thread_status *status = told;
    static const char names[][17] = {"SigBlk:\t", "SigIgn:\t", "SigCgt:\t", "Seccomp:\t",
                                     "Seccomp_filters:\t"};
    const u64 values[] = {status->blocked, status->ignored, status->caught, status->seccomp_mode,
                          status->filter_count};
    for (u32 at = 0; at < DBT_ARRAY_LENGTH(names); at++) {
        u64 length = dbt_text_length(names[at]);
        if (size_bytes <= length || memcmp(line, names[at], length) != 0) {
            continue;
        }
        dbt_text_add(to, names[at]);
        if (at < 3) {
            dbt_text_add_hex(to, values[at], 16);
        } else {
            dbt_text_add_decimal(to, values[at]);
        }
        dbt_text_add(to, "\n");
        return;
    }
    dbt_text_add_bytes(to, line, size_bytes);
}

static void add_padded(dbt_text *to, u64 value, u64 width)
{
    u64 start = to->length_bytes;
    if (value == ~0ULL) {
        dbt_text_add(to, "unlimited");
    } else {
        dbt_text_add_decimal(to, value);
    }
    while (to->length_bytes - start < width) {
        dbt_text_add(to, " ");
    }
}

static void write_limit(dbt_text *to, const void *told, const char *line, u64 size_bytes)
{
    static const char names[DBT_LIMIT_COUNT][27] = {
        [DBT_LIMIT_AS] = "Max address space         ",
        [DBT_LIMIT_DATA] = "Max data size             ",
    };
    const dbt_limit *limits = told;
    for (u32 at = 0; at < DBT_LIMIT_COUNT; at++) {
        u64 length = sizeof names[at] - 1;
        if (size_bytes > length && memcmp(line, names[at], length) == 0) {
            dbt_text_add(to, names[at]);
            add_padded(to, limits[at].current, 21);
            add_padded(to, limits[at].maximum, 21);
            dbt_text_add(to, "bytes     \n");
            return;
        }
    }
    dbt_text_add_bytes(to, line, size_bytes);
}

/* Lets fd be a copy of what it holds, line by line. */
static i64 rewrite(i32 fd, u64 flags, const char *name, const void *told,
                   void (*write)(dbt_text *to, const void *told, const char *line, u64 size_bytes))
{
    char from[FILE_BYTES];
    char bytes[FILE_BYTES];
    dbt_text text;
    i64 size_bytes = dbt_host_call4(__NR_pread64, (u64)fd, (u64)from, sizeof from, 0);
    if (size_bytes <= 0) {
        return fd; /* opened for something else than reading */
    }
    dbt_text_begin(&text, bytes, sizeof bytes);
    u64 line_at = 0;
    for (u64 at = 0; at < (u64)size_bytes; at++) {
        if (from[at] == '\n') {
            write(&text, told, from + line_at, at + 1 - line_at);
            line_at = at + 1;
        }
    }
    i64 memfd = dbt_host_call2(__NR_memfd_create, (u64)name, MFD_CLOEXEC);
    if (memfd >= 0) {
        dbt_text_write(&text, (i32)memfd);
    }
    return take_place(memfd, fd, flags);
}

i64 dbt_proc_replace_status(const dbt_linux_process *process, u32 tid, i32 fd, u64 flags)
{
    thread_status status = {0};
    return read_thread(process, tid, &status) ? rewrite(fd, flags, "status", &status, write_status) : fd;
}

i64 dbt_proc_replace_limits(const dbt_linux_process *process, i32 fd, u64 flags)
{
    return rewrite(fd, flags, "limits", process->limits, write_limit);
}

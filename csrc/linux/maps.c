/* Job: reads the kernel's list of this process's mappings, line by line.
 * State: none; the buffer lies on the stack.
 * Invariant: a line longer than the buffer is cut, never misread. */
#include "linux/linux.h"
#include "linux/proc_files.h"
#include "linux/text.h"

#define MAPS_BUFFER_BYTES 16384

/* "start-end rwxp offset device inode   name" */
static bool parse_line(const char *line, dbt_maps_entry *entry)
{
    const char *at = dbt_text_parse_hex(line, &entry->start);
    if (*at != '-') {
        return false;
    }
    at = dbt_text_parse_hex(at + 1, &entry->end);
    if (at[0] != ' ' || at[1] == 0 || at[2] == 0 || at[3] == 0 || at[4] == 0 || at[5] != ' ') {
        return false;
    }
    entry->protection = (at[1] == 'r' ? (u32)PROT_READ : 0u) | (at[2] == 'w' ? (u32)PROT_WRITE : 0u) |
                        (at[3] == 'x' ? (u32)PROT_EXEC : 0u);
    entry->is_shared = at[4] == 's';
    entry->rest = at + 6;
    at = dbt_text_parse_hex(entry->rest, &entry->file_offset);
    for (u32 column = 0; column < 2; column++) {
        while (*at == ' ') {
            at++;
        }
        while (*at != ' ' && *at != 0) {
            at++;
        }
    }
    while (*at == ' ') {
        at++;
    }
    entry->name = at;
    return true;
}

i64 dbt_maps_read(const char *path, bool (*visit)(void *owner, const dbt_maps_entry *entry), void *owner)
{
    char buffer[MAPS_BUFFER_BYTES];
    u64 held_bytes = 0;
    const dbt_linux_thread *thread = dbt_thread_self();
    i64 fd = dbt_descriptors_open_proc(thread != 0 ? thread->process : 0, path);
    if (fd < 0) {
        return fd;
    }
    bool go_on = true;
    while (go_on) {
        i64 got = dbt_host_call3(__NR_read, (u64)fd, (u64)(buffer + held_bytes),
                                 sizeof buffer - 1 - held_bytes);
        if (got <= 0) {
            break;
        }
        held_bytes += (u64)got;
        u64 line_at = 0;
        for (u64 at = 0; at < held_bytes && go_on; at++) {
            if (buffer[at] != '\n') {
                continue;
            }
            buffer[at] = 0;
            dbt_maps_entry entry;
            if (parse_line(buffer + line_at, &entry)) {
                go_on = visit(owner, &entry);
            }
            line_at = at + 1;
        }
        memmove(buffer, buffer + line_at, held_bytes - line_at);
        held_bytes -= line_at;
        if (held_bytes == sizeof buffer - 1) {
            held_bytes = 0;
        }
    }
    dbt_host_call1(__NR_close, (u64)fd);
    return 0;
}

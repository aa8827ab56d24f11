/* Job: before a system call, releases the watched code pages that the kernel will write.
 * State: none; follows the rows rendered from dbt/runtime/syscalls.py.
 * Invariant: no buffer of a call meets the VMM's own write protection, so an EFAULT is the guest's. A
 * release too many costs time only. */
#include "generated/syscall_tables.h"
#include "linux/linux.h"
#include "linux/vectors.h"

#define IOCTL_SIZE(command) (((command) >> 16) & 0x3fff)

static void release(dbt_linux_space *space, u64 guest_start, u64 size_bytes)
{
    if (guest_start != 0 && size_bytes != 0 && guest_start < DBT_ADDRESS_END) {
        u64 room_bytes = DBT_ADDRESS_END - guest_start;
        dbt_code_release(space, guest_start,
                         guest_start + (size_bytes < room_bytes ? size_bytes : room_bytes));
    }
}

static void release_vectors(dbt_linux_space *space, u64 guest_vectors, u64 count)
{
    for (u64 at = 0; at < count && at < DBT_VECTORS_MOST; at++) {
        dbt_vector buffer;
        if (!dbt_guest_read(&buffer, guest_vectors + at * sizeof buffer, sizeof buffer)) {
            return;
        }
        release(space, buffer.guest_start, buffer.size_bytes);
    }
}

static void release_message(dbt_linux_space *space, u64 guest_message, u64 entry_bytes)
{
    dbt_message header = {0};
    if (!dbt_guest_read(&header, guest_message, DBT_MESSAGE_BYTES)) {
        return;
    }
    release(space, header.guest_name, header.name_bytes);
    release(space, header.guest_control, header.control_bytes);
    release_vectors(space, header.guest_vectors, header.vector_count);
    release(space, guest_message, entry_bytes);
}

static void release_row(dbt_linux_space *space, const dbt_output_row *row, const u64 *arguments)
{
    u64 guest_start = arguments[row->argument];
    u64 other = arguments[row->other];
    u32 pointed = 0;
    switch (row->size) {
    case DBT_OUTPUT_CONSTANT:
        release(space, guest_start, row->scale_bytes);
        break;
    case DBT_OUTPUT_ARGUMENT:
        release(space, guest_start, other * row->scale_bytes);
        break;
    case DBT_OUTPUT_POINTED:
        if (dbt_guest_read(&pointed, other, sizeof pointed)) {
            release(space, guest_start, pointed);
        }
        break;
    case DBT_OUTPUT_BITS:
        release(space, guest_start, (other + 63) / 64 * 8);
        break;
    case DBT_OUTPUT_IOVEC:
        release_vectors(space, guest_start, other);
        break;
    case DBT_OUTPUT_MSGHDR:
        release_message(space, guest_start, DBT_MESSAGE_BYTES);
        break;
    case DBT_OUTPUT_MMSGHDR:
        for (u64 at = 0; at < other && at < DBT_VECTORS_MOST; at++) {
            release_message(space, guest_start + at * DBT_MESSAGE_ENTRY_BYTES, DBT_MESSAGE_ENTRY_BYTES);
        }
        break;
    case DBT_OUTPUT_IOCTL:
        /* Old commands carry no size; the largest of them write less than a page. */
        release(space, guest_start,
                IOCTL_SIZE(other) > DBT_PAGE_BYTES ? IOCTL_SIZE(other) : DBT_PAGE_BYTES);
        break;
    default:
        DBT_ASSERT(!"a size the renderer knows");
    }
}

void dbt_outputs_release(dbt_linux_space *space, u64 number, const u64 *arguments)
{
    if (space->watched_count == 0) {
        return;
    }
    const dbt_syscall_row *call = &dbt_syscall_rows[number];
    for (u32 at = 0; at < call->output_count; at++) {
        release_row(space, &dbt_output_rows[call->output_first + at], arguments);
    }
}

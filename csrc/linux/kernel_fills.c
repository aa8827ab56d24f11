/* Job: memory that the kernel fills on its own, while the guest goes on: io_uring, asynchronous I/O. A page of
 * code that is write-protected would make that fail, when nobody can mend it any more; so pages that are named
 * as buffers are not watched from then on, and their units check themselves.
 * State: the FILLED flag of regions; rings and is_filled_anywhere of dbt_linux_space, under its lock.
 * Invariant: a page that holds code is FILLED before the kernel learns that it is a buffer, or all pages are
 * taken for such because the ring cannot be read (docs/limits.md has what is left). */
#include <linux/aio_abi.h>
#include <linux/io_uring.h>

#include "linux/linux.h"
#include "linux/vectors.h"

#define SUBMITTED_MOST 65536u
#define ADDRESS_BYTES 128u /* struct sockaddr_storage */
#define STATX_BYTES 256u
#define REGISTER_OPCODE_MASK 0x7fffffffu
/* Later than Linux 6.1, whose header is the oldest that is built with. */
#define SETUP_NO_MMAP (1u << 14)
#define SETUP_NO_SQARRAY (1u << 16)

/* is_lasting: the buffer is pinned, and written whatever becomes of the mapping: it may hold code later. */
static void fill_range(dbt_linux_space *space, u64 guest_start, u64 size_bytes, bool is_lasting)
{
    if (guest_start >= DBT_ADDRESS_END || size_bytes == 0 || dbt_engine_checks_nothing(space->engine)) {
        return;
    }
    u64 guest_end = size_bytes < DBT_ADDRESS_END - guest_start ? guest_start + size_bytes : DBT_ADDRESS_END;
    bool has_engine = dbt_space_lock(space, guest_start, guest_end);
    if (has_engine) {
        (void)dbt_code_release_held(space, guest_start, guest_end);
    }
    for (u64 from = guest_start; (has_engine || is_lasting) && from < guest_end;) {
        u32 at = dbt_map_lower_bound(space, from);
        if (at == space->region_count || space->regions[at].guest_start >= guest_end) {
            break;
        }
        dbt_region region = space->regions[at];
        bool is_code = (region.protection & PROT_EXEC) != 0;
        u64 page_mask = dbt_extent_page_bytes(region.flags) - 1;
        u64 start = from & ~page_mask;
        u64 end = (guest_end + page_mask) & ~page_mask;
        start = start > region.guest_start ? start : region.guest_start;
        end = end < region.guest_end ? end : region.guest_end;
        if ((is_code || is_lasting) && (region.flags & DBT_REGION_FILLED) == 0) {
            if (is_code) {
                dbt_engine_change_drop(space->engine, start, end);
            }
            dbt_map_set(space, start, end, region.protection, region.flags | DBT_REGION_FILLED);
        }
        from = end;
    }
    dbt_space_unlock(space, has_engine);
}

static void fill(dbt_linux_space *space, u64 guest_start, u64 size_bytes)
{
    fill_range(space, guest_start, size_bytes, false);
}

static void fill_anywhere(dbt_linux_space *space)
{
    if (space->is_filled_anywhere || dbt_engine_checks_nothing(space->engine)) {
        return;
    }
    bool has_engine = dbt_space_lock_all(space);
    space->is_filled_anywhere = true;
    (void)dbt_code_release_held(space, 0, DBT_ADDRESS_END);
    dbt_space_unlock(space, has_engine);
}

static void fill_vectors(dbt_linux_space *space, u64 guest_vectors, u64 count, bool is_lasting)
{
    dbt_vector buffer;
    for (u64 at = 0; at < count && at < DBT_VECTORS_MOST; at++) {
        if (!dbt_guest_read(&buffer, guest_vectors + at * sizeof buffer, sizeof buffer)) {
            return;
        }
        fill_range(space, buffer.guest_start, buffer.size_bytes, is_lasting);
    }
}

static void fill_message(dbt_linux_space *space, u64 guest_message)
{
    dbt_message header;
    if (dbt_guest_read(&header, guest_message, DBT_MESSAGE_BYTES)) {
        fill(space, header.guest_name, ADDRESS_BYTES);
        fill(space, header.guest_control, header.control_bytes);
        fill_vectors(space, header.guest_vectors, header.vector_count, false);
        fill(space, guest_message, DBT_MESSAGE_BYTES);
    }
}

/* What an entry of a ring has the kernel write. */
static void fill_for_entry(dbt_linux_space *space, const struct io_uring_sqe *entry)
{
    switch (entry->opcode) {
    case IORING_OP_READV:
        fill_vectors(space, entry->addr, entry->len, false);
        break;
    case IORING_OP_RECVMSG:
        fill_message(space, entry->addr);
        break;
    case IORING_OP_READ:
    case IORING_OP_RECV:
    case IORING_OP_MADVISE: /* drops what is there */
        fill(space, entry->addr, entry->len);
        break;
    case IORING_OP_ACCEPT:
        fill(space, entry->addr, ADDRESS_BYTES);
        fill(space, entry->addr2, sizeof(u32));
        break;
    case IORING_OP_STATX:
        fill(space, entry->addr2, STATX_BYTES);
        break;
    case IORING_OP_FILES_UPDATE:
        fill(space, entry->addr, (u64)entry->len * sizeof(u32));
        break;
    case IORING_OP_PROVIDE_BUFFERS: /* fd: how many */
        fill_range(space, entry->addr, (u64)entry->len * (u32)entry->fd, true);
        break;
    case IORING_OP_READ_FIXED: /* into what was registered */
    case IORING_OP_NOP:
    case IORING_OP_WRITEV:
    case IORING_OP_FSYNC:
    case IORING_OP_WRITE_FIXED:
    case IORING_OP_POLL_ADD:
    case IORING_OP_POLL_REMOVE:
    case IORING_OP_SYNC_FILE_RANGE:
    case IORING_OP_SENDMSG:
    case IORING_OP_TIMEOUT:
    case IORING_OP_TIMEOUT_REMOVE:
    case IORING_OP_ASYNC_CANCEL:
    case IORING_OP_LINK_TIMEOUT:
    case IORING_OP_CONNECT:
    case IORING_OP_FALLOCATE:
    case IORING_OP_OPENAT:
    case IORING_OP_CLOSE:
    case IORING_OP_WRITE:
    case IORING_OP_FADVISE:
    case IORING_OP_SEND:
    case IORING_OP_OPENAT2:
    case IORING_OP_EPOLL_CTL:
    case IORING_OP_SPLICE:
    case IORING_OP_REMOVE_BUFFERS:
    case IORING_OP_TEE:
    case IORING_OP_SHUTDOWN:
    case IORING_OP_RENAMEAT:
    case IORING_OP_UNLINKAT:
    case IORING_OP_MKDIRAT:
    case IORING_OP_SYMLINKAT:
    case IORING_OP_LINKAT:
        break;
    default: /* a newer one */
        fill_anywhere(space);
    }
}

static bool find_ring(dbt_linux_space *space, i32 fd, dbt_ring *out)
{
    bool is_found = false;
    dbt_lock_take(&space->lock);
    for (u32 at = 0; at < space->ring_count && !is_found; at++) {
        *out = space->rings[at];
        is_found = out->fd == fd && out->guest_ring != 0 && out->guest_entries != 0;
    }
    dbt_lock_give(&space->lock);
    return is_found;
}

/* Entries between head and tail, as far as they are to be submitted. */
static bool look_at_ring(dbt_linux_space *space, const dbt_ring *ring, u32 submitted)
{
    u32 head;
    u32 tail;
    u32 mask;
    if (!dbt_guest_read(&head, ring->guest_ring + ring->head_at, sizeof head) ||
        !dbt_guest_read(&tail, ring->guest_ring + ring->tail_at, sizeof tail) ||
        !dbt_guest_read(&mask, ring->guest_ring + ring->mask_at, sizeof mask)) {
        return false;
    }
    const u64 entry_bytes = (ring->setup_flags & IORING_SETUP_SQE128) != 0 ? 128 : 64;
    for (u32 count = 0; head != tail && count < submitted && count < SUBMITTED_MOST; count++, head++) {
        struct io_uring_sqe entry;
        u32 index = head & mask;
        bool has_index = (ring->setup_flags & SETUP_NO_SQARRAY) != 0 ||
                         dbt_guest_read(&index, ring->guest_ring + ring->array_at + index * sizeof index,
                                        sizeof index);
        if (!has_index ||
            !dbt_guest_read(&entry, ring->guest_entries + (index & mask) * entry_bytes, sizeof entry)) {
            return false;
        }
        fill_for_entry(space, &entry);
    }
    return true;
}

i64 dbt_fills_enter(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    dbt_ring ring = {0};
    if (arguments[1] != 0 && !space->is_filled_anywhere &&
        ((arguments[3] & IORING_ENTER_REGISTERED_RING) != 0 || !find_ring(space, (i32)arguments[0], &ring) ||
         !look_at_ring(space, &ring, (u32)arguments[1]))) {
        fill_anywhere(space);
    }
    return dbt_linux_pass(thread, __NR_io_uring_enter, arguments);
}

/* A number that is used again names another ring. */
static void note_ring(dbt_linux_space *space, i32 fd, const struct io_uring_params *params)
{
    u32 at = 0;
    dbt_lock_take(&space->lock);
    while (at < space->ring_count && space->rings[at].fd != fd) {
        at++;
    }
    bool has_room = at < DBT_RINGS;
    if (has_room) {
        space->ring_count += at == space->ring_count ? 1 : 0;
        space->rings[at] = (dbt_ring){
            .fd = fd,
            .setup_flags = params->flags,
            .head_at = params->sq_off.head,
            .tail_at = params->sq_off.tail,
            .mask_at = params->sq_off.ring_mask,
            .array_at = params->sq_off.array,
        };
    }
    dbt_lock_give(&space->lock);
    if (!has_room || (params->flags & (IORING_SETUP_SQPOLL | SETUP_NO_MMAP)) != 0) {
        fill_anywhere(space); /* or the kernel looks by itself */
    }
}

i64 dbt_fills_setup(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    struct io_uring_params params;
    i64 result = dbt_linux_pass(thread, __NR_io_uring_setup, arguments);
    if (result >= 0) {
        dbt_recorder_end(thread, DBT_RECORD_FILLED);
        if (dbt_guest_read(&params, arguments[1], sizeof params)) {
            note_ring(space, (i32)result, &params);
        } else {
            fill_anywhere(space);
        }
    }
    return result;
}

void dbt_fills_note_mapping(dbt_linux_space *space, i32 fd, u64 offset, u64 guest_start)
{
    for (u32 at = 0; at < space->ring_count; at++) {
        dbt_ring *ring = &space->rings[at];
        if (ring->fd == fd && offset == IORING_OFF_SQ_RING) {
            ring->guest_ring = guest_start;
        } else if (ring->fd == fd && offset == IORING_OFF_SQES) {
            ring->guest_entries = guest_start;
        }
    }
}

i64 dbt_fills_register(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    struct io_uring_rsrc_register buffers;
    struct io_uring_rsrc_update2 update;
    switch ((u32)arguments[1] & REGISTER_OPCODE_MASK) {
    case IORING_REGISTER_BUFFERS:
        fill_vectors(space, arguments[2], arguments[3], true);
        break;
    case IORING_REGISTER_BUFFERS2:
        if (dbt_guest_read(&buffers, arguments[2], sizeof buffers)) {
            fill_vectors(space, buffers.data, buffers.nr, true);
        }
        break;
    case IORING_REGISTER_BUFFERS_UPDATE:
        if (dbt_guest_read(&update, arguments[2], sizeof update)) {
            fill_vectors(space, update.data, update.nr, true);
        }
        break;
    case IORING_REGISTER_PBUF_RING: /* the guest puts buffers there without a call */
        fill_anywhere(space);
        break;
    default:
        break;
    }
    return dbt_linux_pass(thread, __NR_io_uring_register, arguments);
}

i64 dbt_fills_submit(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    u64 guest_block;
    struct iocb block;
    dbt_recorder_end(thread, DBT_RECORD_FILLED);
    for (u64 at = 0; at < arguments[1] && at < SUBMITTED_MOST; at++) {
        if (!dbt_guest_read(&guest_block, arguments[2] + at * 8, sizeof guest_block) ||
            !dbt_guest_read(&block, guest_block, sizeof block)) {
            break;
        }
        if (block.aio_lio_opcode == IOCB_CMD_PREAD) {
            fill(space, block.aio_buf, block.aio_nbytes);
        } else if (block.aio_lio_opcode == IOCB_CMD_PREADV) {
            fill_vectors(space, block.aio_buf, block.aio_nbytes, false);
        }
    }
    return dbt_linux_pass(thread, __NR_io_submit, arguments);
}

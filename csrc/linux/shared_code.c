/* Job: code in shared mappings. What other processes may write too (a file, or memory there was at a fork) is
 * not watched: its units check themselves. Of other shared memory the same bytes can be written through
 * another view, so every writable view in this address space is watched too, and calls that write files
 * drop the units; so it is for all shared memory where units check nothing.
 * State: has_shared_code of dbt_linux_space: units from a shared mapping that do not check themselves may exist.
 * Invariant: while it is set, every writable shared view of the files such code came from is watched. */
#include "linux/linux.h"
#include "linux/text.h"

#define VIEWS_AT_ONCE 64
#define IDENTITY_BYTES 64

typedef struct views {
    dbt_linux_space *space;
    u64 guest_pc;
    char identity[IDENTITY_BYTES]; /* "device inode" of the file that the code lies in */
    u32 count;
    struct {
        u64 guest_start;
        u64 guest_end;
    } list[VIEWS_AT_ONCE];
} views;

/* The device and inode columns: what follows the offset, up to the name. */
static void read_identity(const dbt_maps_entry *entry, char *identity)
{
    const char *at = entry->rest;
    u32 length = 0;
    while (*at != ' ' && *at != 0) {
        at++;
    }
    while (at < entry->name && length < IDENTITY_BYTES - 1) {
        identity[length++] = *at++;
    }
    while (length > 0 && identity[length - 1] == ' ') {
        length--;
    }
    identity[length] = 0;
}

static bool find_file(void *owner, const dbt_maps_entry *entry)
{
    views *found = owner;
    if (found->guest_pc < entry->start || found->guest_pc >= entry->end) {
        return true;
    }
    read_identity(entry, found->identity);
    found->space->guest_shared_start = entry->start;
    found->space->guest_shared_end = entry->end;
    return false;
}

static bool collect_views(void *owner, const dbt_maps_entry *entry)
{
    views *found = owner;
    char identity[IDENTITY_BYTES];
    read_identity(entry, identity);
    if (!entry->is_shared || !dbt_text_equal(identity, found->identity)) {
        return true;
    }
    u32 at = dbt_map_lower_bound(found->space, entry->start);
    for (; at < found->space->region_count; at++) {
        const dbt_region *region = &found->space->regions[at];
        if (region->guest_start >= entry->end) {
            break;
        }
        if ((region->protection & PROT_WRITE) == 0 || (region->flags & DBT_REGION_WATCHED) != 0) {
            continue;
        }
        if (found->count == VIEWS_AT_ONCE) {
            return false;
        }
        u64 start = region->guest_start > entry->start ? region->guest_start : entry->start;
        u64 end = region->guest_end < entry->end ? region->guest_end : entry->end;
        found->list[found->count].guest_start = start;
        found->list[found->count].guest_end = end;
        found->count++;
    }
    return true;
}

bool dbt_shared_watch(dbt_linux_space *space, u64 guest_pc)
{
    views found = {.space = space, .guest_pc = guest_pc};
    if (space->has_shared_code && guest_pc >= space->guest_shared_start &&
        guest_pc < space->guest_shared_end) {
        return true;
    }
    if (dbt_maps_read("/proc/thread-self/maps", find_file, &found) < 0) {
        return false;
    }
    do {
        found.count = 0;
        if (dbt_maps_read("/proc/thread-self/maps", collect_views, &found) < 0) {
            return false;
        }
        for (u32 at = 0; at < found.count; at++) {
            if (!dbt_code_watch(space, found.list[at].guest_start, found.list[at].guest_end)) {
                return false;
            }
        }
    } while (found.count == VIEWS_AT_ONCE);
    space->has_shared_code = true;
    return true;
}

void dbt_shared_drop(dbt_linux_space *space)
{
    if (!space->has_shared_code) {
        return;
    }
    space->has_shared_code = false;
    for (u32 at = 0; at < space->region_count; at++) {
        const dbt_region *region = &space->regions[at];
        if ((region->flags & DBT_REGION_SHARED) != 0 && (region->protection & PROT_EXEC) != 0) {
            dbt_engine_change_drop(space->engine, region->guest_start, region->guest_end);
        }
    }
}

void dbt_shared_drop_all(dbt_linux_space *space)
{
    bool has_engine = dbt_space_lock_all(space);
    dbt_shared_drop(space);
    dbt_space_unlock(space, has_engine);
}

/* Flags are set in place: regions that could be one by now may stay two. */
void dbt_shared_before_fork(dbt_linux_space *space)
{
    for (u32 at = 0; at < space->region_count; at++) {
        if ((space->regions[at].flags & DBT_REGION_SHARED) != 0) {
            space->regions[at].flags |= DBT_REGION_FOREIGN;
        }
    }
    dbt_shared_drop(space);
}

bool dbt_shared_is_file_write(u64 number)
{
    switch (number) {
    case __NR_write:
    case __NR_pwrite64:
    case __NR_writev:
    case __NR_pwritev:
    case __NR_pwritev2:
    case __NR_ftruncate:
    case __NR_truncate:
    case __NR_fallocate:
    case __NR_sendfile:
    case __NR_splice:
    case __NR_copy_file_range:
    case __NR_ioctl:
    case __NR_io_submit:
    case __NR_io_uring_enter:
    case __NR_process_vm_writev:
        return true;
    default:
        return false;
    }
}

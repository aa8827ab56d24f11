/* Job: the guest's memory system calls: done by the kernel without PROT_EXEC, recorded in the table.
 * State: the mapping table and the break of dbt_linux_space.
 * Invariant: after each call the table says what the guest may do, and no unit stands for bytes that
 * were unmapped, replaced or made writable. Guest mappings never replace the VMM's own. */
#include "linux/linux.h"

#define SHM_REPLACE 040000u
#define SHM_READ_ONLY 010000u
#define SHM_EXECUTE 0100000u
#define VECTORS_MOST 1024 /* UIO_MAXIOV */
#define PROT_ACCESS_MASK ((u32)(PROT_READ | PROT_WRITE | PROT_EXEC))

static bool touches_own(u64 start, u64 size_bytes)
{
    u64 host_start;
    u64 host_end;
    return start + size_bytes >= start &&
           dbt_own_overlaps(DBT_PAGE_DOWN(start), DBT_PAGE_UP(start + size_bytes), &host_start,
                            &host_end);
}

/* Whether a fixed mapping may go there; what the translation cache has in the way moves elsewhere. */
static bool may_take(dbt_linux_space *space, u64 guest_start, u64 size_bytes)
{
    return !touches_own(guest_start, size_bytes) ||
           (dbt_engine_vacate(space->engine, guest_start, guest_start + size_bytes) &&
            !touches_own(guest_start, size_bytes));
}

static bool denied_by_mdwe(const dbt_linux_space *space, u32 protection)
{
    return space->deny_write_exec != 0 &&
           (protection & (u32)(PROT_WRITE | PROT_EXEC)) == (u32)(PROT_WRITE | PROT_EXEC);
}

/* size_bytes is what the kernel will make of the guest's, region_flags what its pages are. */
static i64 map_held(dbt_linux_space *space, const u64 *arguments, u64 size_bytes, u32 region_flags)
{
    u32 protection = (u32)arguments[2];
    u32 flags = (u32)arguments[3];
    u64 replaced_bytes = (flags & MAP_FIXED) != 0 ? size_bytes : 0;
    u32 kind = flags & (u32)MAP_TYPE;
    if (kind == MAP_SHARED || kind == MAP_SHARED_VALIDATE) {
        region_flags |= DBT_REGION_SHARED | ((flags & MAP_ANONYMOUS) == 0 ? DBT_REGION_FOREIGN : 0);
    }
    bool is_data = (region_flags & DBT_REGION_SHARED) == 0 && (protection & PROT_WRITE) != 0;
    if (!dbt_limits_allow(space, size_bytes, is_data, arguments[0], arguments[0] + replaced_bytes)) {
        return -ENOMEM;
    }
    if (replaced_bytes != 0) {
        (void)dbt_extent_grow(space, arguments[0]);
    }
    dbt_map_drop_code(space, arguments[0], arguments[0] + replaced_bytes);
    i64 result = dbt_host_call6(__NR_mmap, arguments[0], arguments[1],
                                dbt_map_host_protection(protection), flags, arguments[4],
                                arguments[5]);
    if (result < 0 && result >= -4095) {
        return result;
    }
    u64 guest_start = (u64)result;
    if ((flags & MAP_GROWSDOWN) != 0) {
        region_flags |= DBT_REGION_GROWS_DOWN;
    }
    if ((region_flags & DBT_REGION_SHARED) != 0) {
        dbt_shared_drop(space); /* a new view, not watched yet */
    }
    dbt_map_set(space, guest_start, guest_start + size_bytes, protection & PROT_ACCESS_MASK,
                region_flags);
    if ((region_flags & DBT_REGION_FOREIGN) != 0) {
        dbt_fills_note_mapping(space, (i32)arguments[4], arguments[5], guest_start);
    }
    return result;
}

/* The guest wants addresses that the VMM has. What the translation cache has there moves away; the rest
 * stays. Nothing moves for a call that fails in any case. */
static i64 map_over_own(dbt_linux_space *space, const u64 *arguments, u64 size_bytes,
                        u32 region_flags)
{
    u64 guest_start = arguments[0];
    u64 guest_end = guest_start + size_bytes;
    bool replaces = ((u32)arguments[3] & MAP_FIXED_NOREPLACE) == 0;
    if ((guest_start & (DBT_PAGE_BYTES - 1)) != 0 || guest_end > DBT_ADDRESS_END) {
        return (guest_start & (DBT_PAGE_BYTES - 1)) != 0 ? -EINVAL : -ENOMEM;
    }
    bool has_engine = dbt_space_lock_all(space);
    u32 next = dbt_map_lower_bound(space, guest_start);
    bool is_free = next == space->region_count || space->regions[next].guest_start >= guest_end;
    i64 result = replaces ? -ENOMEM : -EEXIST;
    if ((replaces || is_free) && may_take(space, guest_start, size_bytes)) {
        result = map_held(space, arguments, size_bytes, region_flags);
    }
    dbt_space_unlock(space, has_engine);
    return result;
}

i64 dbt_memory_mmap(dbt_linux_space *space, const u64 *arguments)
{
    u32 flags = (u32)arguments[3];
    u32 region_flags = dbt_extent_flags(flags, (i32)arguments[4]);
    u64 size_bytes = dbt_extent_round_up(arguments[1], region_flags);
    u64 fixed_bytes = (flags & MAP_FIXED) != 0 ? size_bytes : 0;
    bool is_exact = (flags & (u32)(MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    if (denied_by_mdwe(space, (u32)arguments[2])) {
        return -EACCES;
    }
    if (is_exact && touches_own(arguments[0], size_bytes)) {
        return map_over_own(space, arguments, size_bytes, region_flags);
    }
    bool has_engine = dbt_space_lock(space, arguments[0], arguments[0] + fixed_bytes);
    i64 result = map_held(space, arguments, size_bytes, region_flags);
    dbt_space_unlock(space, has_engine);
    return result;
}

static i64 unmap_held(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    u64 host_start;
    u64 host_end;
    u64 at = guest_start;
    (void)dbt_extent_grow(space, guest_start); /* what lies below a hole does not grow into view later */
    while (at < guest_end) {
        u64 piece_end = guest_end;
        u64 next = guest_end;
        if (dbt_own_overlaps(at, guest_end, &host_start, &host_end)) {
            piece_end = host_start;
            next = host_end;
        }
        if (piece_end > at) {
            dbt_map_drop_code(space, at, piece_end);
            i64 result = dbt_host_munmap(at, piece_end - at);
            if (result != 0) {
                return result;
            }
            dbt_map_clear(space, at, piece_end);
        }
        at = next;
    }
    return 0;
}

i64 dbt_memory_munmap(dbt_linux_space *space, u64 guest_start, u64 size_bytes)
{
    u64 guest_end = guest_start + DBT_PAGE_UP(size_bytes);
    if (size_bytes == 0 || (guest_start & (DBT_PAGE_BYTES - 1)) != 0 || guest_end <= guest_start ||
        guest_end > DBT_ADDRESS_END) {
        return dbt_host_munmap(guest_start, size_bytes);
    }
    bool has_engine = dbt_space_lock(space, guest_start, guest_end);
    i64 result = unmap_held(space, guest_start, guest_end);
    dbt_space_unlock(space, has_engine);
    return result;
}

/* How far the guest's mappings reach without a hole: what a failing mprotect has changed. */
static u64 whole_until(const dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    u32 at = dbt_map_lower_bound(space, guest_start);
    u64 reached = guest_start;
    while (at < space->region_count && space->regions[at].guest_start <= reached &&
           reached < guest_end) {
        reached = space->regions[at].guest_end;
        at++;
    }
    return reached < guest_end ? reached : guest_end;
}

/* Where the mapping begins that PROT_GROWSDOWN means: down to where the guest's permissions change. */
static u64 growing_start(const dbt_linux_space *space, u64 guest_address)
{
    const dbt_region *region = dbt_map_find(space, guest_address);
    if (region == 0 || (region->flags & DBT_REGION_GROWS_DOWN) == 0) {
        return guest_address;
    }
    while (region > space->regions && region[-1].guest_end == region->guest_start &&
           region[-1].protection == region->protection &&
           (region[-1].flags & DBT_REGION_GROWS_DOWN) != 0) {
        region--;
    }
    return region->guest_start;
}

static i64 protect_held(dbt_linux_space *space, u64 number, const u64 *arguments)
{
    u64 guest_start = arguments[0];
    u32 protection = (u32)arguments[2];
    u64 guest_end = guest_start + DBT_PAGE_UP(arguments[1]);
    (void)dbt_extent_grow(space, guest_start);
    if ((protection & PROT_GROWSDOWN) != 0) {
        guest_start = growing_start(space, guest_start);
        /* A watched page is a kernel mapping of its own, and one mapping is what the kernel changes. */
        (void)dbt_code_release_held(space, guest_start, guest_end);
    }
    if ((protection & PROT_WRITE) != 0 && !dbt_limits_allow_write(space, guest_start, guest_end)) {
        return -ENOMEM;
    }
    if (guest_end > guest_start) {
        dbt_map_drop_code(space, guest_start, guest_end);
    }
    i64 result = dbt_host_call4(number, arguments[0], arguments[1],
                                dbt_map_host_protection(protection), arguments[3]);
    if (result == -ENOMEM && guest_end > guest_start) {
        guest_end = whole_until(space, guest_start, guest_end);
    } else if (result != 0) {
        return result;
    }
    if (guest_end > guest_start) {
        dbt_shared_drop(space);
        dbt_map_protect(space, guest_start, guest_end, protection & PROT_ACCESS_MASK);
    }
    return result;
}

i64 dbt_memory_mprotect(dbt_linux_space *space, u64 number, const u64 *arguments)
{
    u64 guest_start = arguments[0];
    u32 protection = (u32)arguments[2];
    if (touches_own(guest_start, arguments[1])) {
        return -ENOMEM;
    }
    if (denied_by_mdwe(space, protection)) {
        return -EACCES;
    }
    bool has_engine = (protection & PROT_GROWSDOWN) != 0
                          ? dbt_space_lock_all(space)
                          : dbt_space_lock(space, guest_start, guest_start + arguments[1]);
    i64 result = protect_held(space, number, arguments);
    dbt_space_unlock(space, has_engine);
    return result;
}

/* The table after a move: every region of the old place at the new one, the last of them reaching to its
 * end, which a longer mapping has behind it. */
static void record_move(dbt_linux_space *space, u64 guest_old, u64 old_bytes, u64 guest_new,
                        u64 new_bytes)
{
    u64 guest_end = guest_old + (old_bytes > 0 ? old_bytes : 1);
    u64 at = guest_old;
    dbt_map_clear(space, guest_new, guest_new + new_bytes);
    while (at < guest_end && at - guest_old < new_bytes) {
        u32 index = dbt_map_lower_bound(space, at);
        if (index == space->region_count || space->regions[index].guest_start >= guest_end) {
            return;
        }
        dbt_region region = space->regions[index];
        u64 start = region.guest_start > at ? region.guest_start : at;
        u64 end = region.guest_end;
        bool is_last = end >= guest_end || end - guest_old >= new_bytes;
        dbt_map_set(space, guest_new + (start - guest_old),
                    is_last ? guest_new + new_bytes : guest_new + (end - guest_old),
                    region.protection, region.flags);
        at = end;
    }
}

static void record_in_place(dbt_linux_space *space, u64 guest_start, u64 old_bytes, u64 new_bytes)
{
    if (new_bytes < old_bytes) {
        dbt_map_clear(space, guest_start + new_bytes, guest_start + old_bytes);
    } else if (new_bytes > old_bytes) {
        const dbt_region *last = dbt_map_find(space, guest_start + old_bytes - 1);
        dbt_map_set(space, guest_start + old_bytes, guest_start + new_bytes, last->protection,
                    last->flags);
    }
}

static bool is_data_region(const dbt_region *region)
{
    return (region->protection & PROT_WRITE) != 0 &&
           (region->flags & (DBT_REGION_SHARED | DBT_REGION_GROWS_DOWN)) == 0;
}

static i64 move_held(dbt_linux_space *space, const u64 *arguments)
{
    u64 guest_old = arguments[0];
    u64 flags = arguments[3];
    (void)dbt_extent_grow(space, guest_old);
    const dbt_region *found = dbt_map_find(space, guest_old);
    u32 region_flags = found != 0 ? found->flags & ~DBT_REGION_WATCHED : 0;
    u64 old_bytes = dbt_extent_round_up(arguments[1], region_flags);
    u64 new_bytes = dbt_extent_round_up(arguments[2], region_flags);
    bool keeps = old_bytes == 0 || (flags & MREMAP_DONTUNMAP) != 0;
    u64 added_bytes = keeps ? new_bytes : new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (found != 0 && added_bytes > 0 &&
        !dbt_limits_allow(space, added_bytes, is_data_region(found), 0, 0)) {
        return -ENOMEM;
    }
    if (found != 0) {
        /* A watched page is a kernel mapping of its own, and mremap wants one mapping only. */
        (void)dbt_code_release_held(space, guest_old, guest_old + (old_bytes > 0 ? old_bytes : 1));
    }
    dbt_map_drop_code(space, guest_old, guest_old + old_bytes);
    if ((flags & MREMAP_FIXED) != 0) {
        dbt_map_drop_code(space, arguments[4], arguments[4] + new_bytes);
    }
    i64 result = dbt_host_call6(__NR_mremap, guest_old, arguments[1], arguments[2], flags,
                                arguments[4], 0);
    if ((result < 0 && result >= -4095) || found == 0) {
        return result;
    }
    u64 guest_new = (u64)result;
    dbt_shared_drop(space);
    if (guest_new == guest_old) {
        record_in_place(space, guest_old, old_bytes, new_bytes);
        return result;
    }
    record_move(space, guest_old, old_bytes, guest_new, new_bytes);
    if ((flags & MREMAP_DONTUNMAP) == 0) {
        dbt_map_clear(space, guest_old, guest_old + old_bytes);
    }
    return result;
}

i64 dbt_memory_mremap(dbt_linux_space *space, const u64 *arguments)
{
    u64 guest_old = arguments[0];
    u64 old_bytes = DBT_PAGE_UP(arguments[1]);
    u64 new_bytes = DBT_PAGE_UP(arguments[2]);
    bool is_fixed = (arguments[3] & MREMAP_FIXED) != 0;
    if (touches_own(guest_old, old_bytes > 0 ? old_bytes : 1)) {
        return -EFAULT;
    }
    bool has_engine = is_fixed ? dbt_space_lock_all(space)
                               : dbt_space_lock(space, guest_old, guest_old + old_bytes + 1);
    i64 result = -ENOMEM;
    if (!is_fixed || may_take(space, arguments[4], new_bytes)) {
        result = move_held(space, arguments);
    }
    dbt_space_unlock(space, has_engine);
    return result;
}

static u64 break_held(dbt_linux_space *space, u64 guest_brk)
{
    if (guest_brk < space->guest_brk_start || guest_brk > space->guest_brk_limit) {
        return space->guest_brk;
    }
    u64 old_end = DBT_PAGE_UP(space->guest_brk);
    u64 new_end = DBT_PAGE_UP(guest_brk);
    if (new_end > old_end) {
        if (!dbt_limits_allow(space, new_end - old_end, true, 0, 0)) {
            return space->guest_brk;
        }
        i64 result = dbt_host_mmap(old_end, new_end - old_end, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (result != (i64)old_end) {
            if (result > 0) {
                dbt_host_munmap((u64)result, new_end - old_end);
            }
            return space->guest_brk;
        }
        dbt_map_set(space, old_end, new_end, PROT_READ | PROT_WRITE, 0);
    } else if (new_end < old_end && unmap_held(space, new_end, old_end) != 0) {
        return space->guest_brk;
    }
    space->guest_brk = guest_brk;
    return guest_brk;
}

i64 dbt_memory_brk(dbt_linux_space *space, u64 guest_brk)
{
    bool has_engine = dbt_space_lock_all(space);
    u64 result = break_held(space, guest_brk);
    dbt_space_unlock(space, has_engine);
    return (i64)result;
}

/* Finds the kernel's mapping that begins at an address. */
typedef struct find_mapping {
    u64 start;
    u64 end;
} find_mapping;

static bool visit_mapping(void *owner, const dbt_maps_entry *entry)
{
    find_mapping *find = owner;
    if (entry->start == find->start) {
        find->end = entry->end;
    }
    return entry->start < find->start;
}

static u64 mapping_end(u64 start)
{
    find_mapping find = {start, start};
    (void)dbt_maps_read("/proc/thread-self/maps", visit_mapping, &find);
    return find.end;
}

i64 dbt_memory_shmat(dbt_linux_space *space, const u64 *arguments)
{
    u32 flags = (u32)arguments[2];
    u64 description[14] = {0}; /* struct shmid64_ds: 48 bytes of permissions, then the size */
    i64 status = dbt_host_call3(__NR_shmctl, arguments[0], 2 /* IPC_STAT */, (u64)description);
    u64 size_bytes = status == 0 ? DBT_PAGE_UP(description[6]) : 0;
    bool has_engine = dbt_space_lock_all(space);
    i64 result = -ENOMEM;
    if ((flags & SHM_REPLACE) != 0 && !may_take(space, arguments[1], size_bytes)) {
        result = -EINVAL;
    } else if (dbt_limits_allow(space, size_bytes, false, 0, 0)) {
        result = dbt_host_call3(__NR_shmat, arguments[0], arguments[1], flags & ~SHM_EXECUTE);
    }
    if (result < 0 && result >= -4095) {
        dbt_space_unlock(space, has_engine);
        return result;
    }
    u64 guest_end = mapping_end((u64)result);
    u32 protection = PROT_READ;
    protection |= (flags & SHM_READ_ONLY) != 0 ? 0u : (u32)PROT_WRITE;
    protection |= (flags & SHM_EXECUTE) != 0 ? (u32)PROT_EXEC : 0u;
    dbt_shared_drop(space);
    dbt_map_drop_code(space, (u64)result, guest_end);
    dbt_map_set(space, (u64)result, guest_end, protection, DBT_REGION_SHARED | DBT_REGION_FOREIGN);
    dbt_space_unlock(space, has_engine);
    return result;
}

i64 dbt_memory_shmdt(dbt_linux_space *space, u64 guest_start)
{
    bool has_engine = dbt_space_lock_all(space);
    u64 guest_end = mapping_end(guest_start);
    i64 result = dbt_host_call1(__NR_shmdt, guest_start);
    if (result == 0) {
        dbt_map_drop_code(space, guest_start, guest_end);
        dbt_map_clear(space, guest_start, guest_end);
    }
    dbt_space_unlock(space, has_engine);
    return result;
}

/* Changes contents, not mappings: the call may take long, so no lock is held meanwhile. */
static void drop_contents(dbt_linux_space *space, u64 guest_start, u64 size_bytes)
{
    u64 guest_end = guest_start + DBT_PAGE_UP(size_bytes);
    if (guest_end <= guest_start) {
        return;
    }
    bool has_engine = dbt_space_lock(space, guest_start, guest_end);
    dbt_map_drop_code(space, guest_start, guest_end);
    dbt_space_unlock(space, has_engine);
}

static bool drops_contents(u64 advice)
{
    return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ||
           advice == MADV_DONTNEED_LOCKED;
}

i64 dbt_memory_madvise(dbt_linux_space *space, const u64 *arguments)
{
    if (touches_own(arguments[0], arguments[1])) {
        return -ENOMEM;
    }
    u64 advice = arguments[2];
    if (advice == MADV_COLLAPSE) {
        /* Watched pages are kernel mappings of their own; the kernel collapses whole ones. */
        (void)dbt_code_release(space, arguments[0], arguments[0] + arguments[1]);
    }
    i64 result = dbt_host_call3(__NR_madvise, arguments[0], arguments[1], advice);
    if (result == 0 && drops_contents(advice)) {
        drop_contents(space, arguments[0], arguments[1]);
    }
    return result;
}

/* Whatever process it speaks of: dropping our units too is no mistake, only work. */
i64 dbt_memory_process_madvise(dbt_linux_space *space, const u64 *arguments)
{
    struct {
        u64 guest_start;
        u64 size_bytes;
    } range;
    for (u64 at = 0; at < arguments[2] && at < VECTORS_MOST; at++) {
        if (!dbt_guest_read(&range, arguments[1] + at * sizeof range, sizeof range)) {
            break;
        }
        if (touches_own(range.guest_start, range.size_bytes)) {
            return -ENOMEM;
        }
        if (arguments[3] == MADV_COLLAPSE) {
            (void)dbt_code_release(space, range.guest_start, range.guest_start + range.size_bytes);
        }
    }
    i64 result = dbt_host_call6(__NR_process_madvise, arguments[0], arguments[1], arguments[2],
                                arguments[3], arguments[4], 0);
    for (u64 at = 0; drops_contents(arguments[3]) && at < arguments[2] && at < VECTORS_MOST; at++) {
        if (!dbt_guest_read(&range, arguments[1] + at * sizeof range, sizeof range)) {
            break;
        }
        drop_contents(space, range.guest_start, range.size_bytes);
    }
    return result;
}

i64 dbt_memory_remap_file_pages(dbt_linux_space *space, const u64 *arguments)
{
    if (touches_own(arguments[0], arguments[1])) {
        return -EINVAL;
    }
    i64 result = dbt_host_call6(__NR_remap_file_pages, arguments[0], arguments[1], arguments[2],
                                arguments[3], arguments[4], 0);
    if (result == 0) {
        drop_contents(space, arguments[0], arguments[1]);
    }
    return result;
}

i64 dbt_memory_mincore(const u64 *arguments)
{
    if (touches_own(arguments[0], arguments[1])) {
        return -ENOMEM;
    }
    return dbt_host_call3(__NR_mincore, arguments[0], arguments[1], arguments[2]);
}

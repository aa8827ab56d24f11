/* Job: lends guest code to the translator, and watches the pages it was translated from: a page that
 * the guest may write is made read-only on the host before its first byte is read.
 * State: the WATCHED flag of regions in the mapping table, under the space's lock.
 * Invariant: a unit translated from writable memory exists only while its pages are watched, or it
 * checks itself. */
#include "linux/gate.h"
#include "linux/linux.h"

static bool is_lendable(const dbt_region *region)
{
    return (region->protection & PROT_EXEC) != 0 &&
           ((region->protection & PROT_WRITE) == 0 ||
            (region->flags & (DBT_REGION_WATCHED | DBT_REGION_CHANGES)) != 0);
}

bool dbt_code_watch(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    const dbt_region *region = dbt_map_find(space, guest_start);
    if (dbt_host_mprotect(guest_start, guest_end - guest_start, PROT_READ) != 0) {
        return false;
    }
    dbt_map_set(space, guest_start, guest_end, region->protection,
                region->flags | DBT_REGION_WATCHED);
    return true;
}

/* Write protection would not tell, or would be in the way of who must not be stopped. */
static bool changes_unseen(const dbt_linux_space *space, const dbt_region *region)
{
    return (region->flags & (DBT_REGION_FOREIGN | DBT_REGION_FILLED)) != 0 ||
           (space->is_filled_anywhere && (region->protection & PROT_WRITE) != 0);
}

/* The unit of a lone store is never used again, so nothing has to be noticed about its bytes. If its
 * page were watched, a store into its own page would be stopped for ever. */
static bool is_lone_store(u64 guest_pc)
{
    const dbt_linux_thread *thread = dbt_thread_self();
    return thread != 0 && thread->context->recent_at == thread->lone_ticket &&
           guest_pc - thread->guest_lone_pc < DBT_INSTRUCTION_MAX_BYTES;
}

void dbt_code_let_run_alone(dbt_linux_thread *thread)
{
    thread->guest_lone_pc = thread->context->rip;
    thread->lone_ticket = thread->context->recent_at;
}

/* Lends one page at a time: a page of a file may lie behind the file's end, which only touching it
 * tells, and a page the guest may write is watched only when code is really taken from it. */
static dbt_status lend(dbt_linux_space *space, u64 guest_pc, bool *changes)
{
    const dbt_region *region = dbt_map_find(space, guest_pc);
    if (region == 0 && dbt_extent_grow(space, guest_pc)) {
        region = dbt_map_find(space, guest_pc);
    }
    u8 probe;
    if (region == 0 || (region->protection & PROT_EXEC) == 0 ||
        dbt_gate_copy(&probe, (const void *)guest_pc, 1) != 0) {
        return DBT_ERROR_NOT_MAPPED;
    }
    if (changes_unseen(space, region) && !dbt_engine_checks_nothing(space->engine)) {
        *changes = true;
        return DBT_OK;
    }
    if ((region->flags & DBT_REGION_SHARED) != 0 && !dbt_shared_watch(space, guest_pc)) {
        return DBT_ERROR_MEMORY;
    }
    region = dbt_map_find(space, guest_pc); /* watching has changed the table */
    if (!is_lendable(region) && !is_lone_store(guest_pc)) {
        u64 page_bytes = dbt_extent_page_bytes(region->flags);
        u64 guest_page = guest_pc & ~(page_bytes - 1);
        if (!dbt_code_watch(space, guest_page, guest_page + page_bytes)) {
            return DBT_ERROR_MEMORY;
        }
        space->statistics->code_pages_protected++;
    } else {
        *changes = (region->protection & PROT_WRITE) != 0 && (region->flags & DBT_REGION_WATCHED) == 0;
    }
    return DBT_OK;
}

/* Once lent, the page stays readable and unchanged for this translation: whoever unmaps, protects or
 * unwatches executable memory holds the engine's lock, which the translating thread has. */
dbt_status dbt_code_fetch(void *owner, u64 guest_pc, dbt_code_view *out)
{
    dbt_linux_space *space = owner;
    dbt_lock_take(&space->lock);
    bool changes = false;
    dbt_status status = lend(space, guest_pc, &changes);
    dbt_lock_give(&space->lock);
    if (status != DBT_OK) {
        return status;
    }
    out->guest_start = DBT_PAGE_DOWN(guest_pc);
    out->bytes = (const u8 *)out->guest_start;
    out->size_bytes = DBT_PAGE_BYTES;
    out->changes = changes;
    return DBT_OK;
}

bool dbt_code_is_lasting(void *owner, u64 guest_pc)
{
    dbt_linux_space *space = owner;
    dbt_lock_take(&space->lock);
    const dbt_region *region = dbt_map_find(space, guest_pc);
    bool is_lasting = region != 0 && (region->protection & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC &&
                      (region->flags & DBT_REGION_SHARED) == 0;
    dbt_lock_give(&space->lock);
    return is_lasting;
}

/* Their units go before the first page can be written. */
static bool unwatch(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    bool any = false;
    u32 at = dbt_map_lower_bound(space, guest_start);
    while (at < space->region_count && space->regions[at].guest_start < guest_end) {
        dbt_region region = space->regions[at];
        if ((region.flags & DBT_REGION_WATCHED) == 0) {
            at++;
            continue;
        }
        u64 start = region.guest_start;
        u64 end = region.guest_end;
        u64 page_mask = dbt_extent_page_bytes(region.flags) - 1;
        if (start < (guest_start & ~page_mask)) {
            start = guest_start & ~page_mask;
        }
        if (end > ((guest_end + page_mask) & ~page_mask)) {
            end = (guest_end + page_mask) & ~page_mask;
        }
        u64 before = space->statistics->units_invalidated;
        dbt_engine_change_drop(space->engine, start, end);
        space->statistics->units_invalidated_write += space->statistics->units_invalidated - before;
        i64 result = dbt_host_mprotect(start, end - start, dbt_map_host_protection(region.protection));
        DBT_ASSERT(result == 0);
        dbt_map_set(space, start, end, region.protection, region.flags & ~DBT_REGION_WATCHED);
        any = true;
        at = dbt_map_lower_bound(space, end);
    }
    return any;
}

bool dbt_code_release_held(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    if (space->watched_count == 0) {
        return false;
    }
    /* A view of shared code may be watched without being executable itself. */
    bool any = unwatch(space, guest_start, guest_end);
    if (any) {
        dbt_shared_drop(space);
    }
    return any;
}

bool dbt_code_release(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    if (__atomic_load_n(&space->watched_count, __ATOMIC_RELAXED) == 0) {
        return false;
    }
    bool has_engine = dbt_space_lock(space, guest_start, guest_end);
    bool any = has_engine && dbt_code_release_held(space, guest_start, guest_end);
    dbt_space_unlock(space, has_engine);
    return any;
}

bool dbt_code_write_fault(dbt_linux_space *space, u64 guest_address)
{
    u64 guest_page = DBT_PAGE_DOWN(guest_address);
    bool has_engine = dbt_space_lock_all(space);
    (void)dbt_extent_grow(space, guest_address);
    u64 invalidated_before = space->statistics->units_invalidated;
    bool may_write = dbt_code_release_held(space, guest_page, guest_page + DBT_PAGE_BYTES);
    if (may_write) {
        space->statistics->code_page_write_faults++;
        const dbt_linux_thread *thread = dbt_thread_self();
        if (thread != 0 && thread->context->charge != 0) {
            thread->context->charge->units_invalidated +=
                space->statistics->units_invalidated - invalidated_before;
        }
        dbt_heat_written(space, guest_page);
    } else {
        /* Another thread was stopped by the same page and has been here first. */
        const dbt_region *region = dbt_map_find(space, guest_address);
        may_write = region != 0 && (region->protection & PROT_WRITE) != 0;
    }
    dbt_space_unlock(space, has_engine);
    return may_write;
}

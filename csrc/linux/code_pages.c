/* Job: lends guest code to the translator, and watches the pages it was translated from: a page that
 * the guest may write is made read-only on the host before its first byte is read.
 * State: the WATCHED flag of regions in the mapping table.
 * Invariant: a unit translated from writable memory exists only while its pages are watched. */
#include "linux/linux.h"

/* Instructions may cross into the next page; only then does a second page have to be watched. */
static u64 pages_wanted(u64 guest_pc)
{
    u64 page_rest_bytes = DBT_PAGE_BYTES - (guest_pc & (DBT_PAGE_BYTES - 1));
    return page_rest_bytes < DBT_INSTRUCTION_MAX_BYTES ? 2 : 1;
}

static bool is_lendable(const dbt_region *region)
{
    return (region->protection & PROT_EXEC) != 0 &&
           ((region->protection & PROT_WRITE) == 0 || (region->flags & DBT_REGION_WATCHED) != 0);
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

static u64 watch_around(dbt_linux_space *space, u64 guest_pc)
{
    u64 guest_page = DBT_PAGE_DOWN(guest_pc);
    u64 watched = 0;
    for (u64 page = 0; page < pages_wanted(guest_pc); page++, guest_page += DBT_PAGE_BYTES) {
        const dbt_region *region = dbt_map_find(space, guest_page);
        if (region == 0 || (region->protection & PROT_EXEC) == 0) {
            break;
        }
        if (is_lendable(region)) {
            continue;
        }
        if (!dbt_code_watch(space, guest_page, guest_page + DBT_PAGE_BYTES)) {
            break;
        }
        watched++;
    }
    return watched;
}

dbt_status dbt_code_fetch(void *owner, u64 guest_pc, dbt_code_view *out)
{
    dbt_linux_space *space = owner;
    const dbt_region *region = dbt_map_find(space, guest_pc);
    if (region == 0 || (region->protection & PROT_EXEC) == 0) {
        return DBT_ERROR_NOT_MAPPED;
    }
    if ((region->flags & DBT_REGION_SHARED) != 0 && !dbt_shared_watch(space, guest_pc)) {
        return DBT_ERROR_MEMORY;
    }
    space->statistics->code_pages_protected += watch_around(space, guest_pc);
    u32 at = dbt_map_lower_bound(space, guest_pc);
    if (!is_lendable(&space->regions[at])) {
        return DBT_ERROR_MEMORY;
    }
    u64 guest_start = space->regions[at].guest_start;
    u64 guest_end = space->regions[at].guest_end;
    for (u32 next = at + 1; next < space->region_count; next++) {
        const dbt_region *more = &space->regions[next];
        if (more->guest_start != guest_end || !is_lendable(more)) {
            break;
        }
        guest_end = more->guest_end;
    }
    out->guest_start = guest_start;
    out->bytes = (const u8 *)guest_start;
    out->size_bytes = guest_end - guest_start;
    return DBT_OK;
}

bool dbt_code_unwatch(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    if (space->watched_count == 0) {
        return false;
    }
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
        if (start < DBT_PAGE_DOWN(guest_start)) {
            start = DBT_PAGE_DOWN(guest_start);
        }
        if (end > DBT_PAGE_UP(guest_end)) {
            end = DBT_PAGE_UP(guest_end);
        }
        i64 result = dbt_host_mprotect(start, end - start, dbt_map_host_protection(region.protection));
        DBT_ASSERT(result == 0);
        dbt_map_set(space, start, end, region.protection, region.flags & ~DBT_REGION_WATCHED);
        any = true;
        at = dbt_map_lower_bound(space, end);
    }
    return any;
}

bool dbt_code_release(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    if (!dbt_code_unwatch(space, guest_start, guest_end)) {
        return false;
    }
    dbt_engine_invalidate(space->engine, DBT_PAGE_DOWN(guest_start), DBT_PAGE_UP(guest_end));
    dbt_shared_drop(space);
    return true;
}

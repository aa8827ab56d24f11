/* Job: the table of guest mappings: what the guest believes to be mapped, with its own permissions.
 * State: the sorted array in dbt_linux_space; memory reserved once, touched as it grows.
 * Invariant: regions are disjoint, sorted, not empty, and equal neighbours are merged, so the kernel's
 * limit on mappings (vm.max_map_count, 65,530) bounds their number too, apart from watched pages. */
#include "core/port.h"
#include "linux/linux.h"

#define REGION_CAPACITY 262144u

bool dbt_map_create(dbt_linux_space *space)
{
    u64 host = dbt_port_map(0, REGION_CAPACITY * sizeof(dbt_region), DBT_PORT_READ | DBT_PORT_WRITE);
    space->regions = (dbt_region *)host;
    space->region_capacity = REGION_CAPACITY;
    space->region_count = 0;
    return host != 0;
}

u32 dbt_map_lower_bound(const dbt_linux_space *space, u64 guest_address)
{
    u32 low = 0;
    u32 high = space->region_count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (space->regions[middle].guest_end <= guest_address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const dbt_region *dbt_map_find(const dbt_linux_space *space, u64 guest_address)
{
    u32 at = dbt_map_lower_bound(space, guest_address);
    if (at == space->region_count || space->regions[at].guest_start > guest_address) {
        return 0;
    }
    return &space->regions[at];
}

static void count_watched(dbt_linux_space *space, u32 flags, i32 change)
{
    if ((flags & DBT_REGION_WATCHED) != 0) {
        space->watched_count = (u32)((i32)space->watched_count + change);
    }
}

static void insert_at(dbt_linux_space *space, u32 at, dbt_region region)
{
    DBT_ASSERT(space->region_count < space->region_capacity);
    memmove(&space->regions[at + 1], &space->regions[at],
            (space->region_count - at) * sizeof(dbt_region));
    space->regions[at] = region;
    space->region_count++;
    count_watched(space, region.flags, 1);
}

static void remove_at(dbt_linux_space *space, u32 at)
{
    count_watched(space, space->regions[at].flags, -1);
    space->region_count--;
    memmove(&space->regions[at], &space->regions[at + 1],
            (space->region_count - at) * sizeof(dbt_region));
}

/* Makes an address a border between regions if it lies inside one. */
static void split(dbt_linux_space *space, u64 guest_address)
{
    u32 at = dbt_map_lower_bound(space, guest_address);
    if (at == space->region_count || space->regions[at].guest_start >= guest_address) {
        return;
    }
    dbt_region upper = space->regions[at];
    upper.guest_start = guest_address;
    space->regions[at].guest_end = guest_address;
    insert_at(space, at + 1, upper);
}

/* Joins the region at an index with the one before it, when nothing tells them apart. */
static void merge_before(dbt_linux_space *space, u32 at)
{
    if (at == 0 || at >= space->region_count) {
        return;
    }
    dbt_region *left = &space->regions[at - 1];
    const dbt_region *right = &space->regions[at];
    if (left->guest_end == right->guest_start && left->protection == right->protection &&
        left->flags == right->flags) {
        left->guest_end = right->guest_end;
        remove_at(space, at);
    }
}

void dbt_map_clear(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    split(space, guest_start);
    split(space, guest_end);
    u32 first = dbt_map_lower_bound(space, guest_start);
    u32 last = first;
    while (last < space->region_count && space->regions[last].guest_start < guest_end) {
        count_watched(space, space->regions[last].flags, -1);
        last++;
    }
    memmove(&space->regions[first], &space->regions[last],
            (space->region_count - last) * sizeof(dbt_region));
    space->region_count -= last - first;
}

void dbt_map_set(dbt_linux_space *space, u64 guest_start, u64 guest_end, u32 protection, u32 flags)
{
    if (guest_start >= guest_end) {
        return;
    }
    dbt_map_clear(space, guest_start, guest_end);
    u32 at = dbt_map_lower_bound(space, guest_start);
    insert_at(space, at, (dbt_region){guest_start, guest_end, protection, flags});
    merge_before(space, at + 1);
    merge_before(space, at);
}

void dbt_map_protect(dbt_linux_space *space, u64 guest_start, u64 guest_end, u32 protection)
{
    split(space, guest_start);
    split(space, guest_end);
    u32 at = dbt_map_lower_bound(space, guest_start);
    u32 first = at;
    for (; at < space->region_count && space->regions[at].guest_start < guest_end; at++) {
        dbt_region *region = &space->regions[at];
        count_watched(space, region->flags, -1);
        region->protection = protection;
        region->flags &= ~DBT_REGION_WATCHED;
    }
    /* From the back, so that indices in front stay what they are. */
    for (u32 index = at + 1; index-- > first;) {
        merge_before(space, index);
    }
}

bool dbt_map_is_whole(const dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    u32 at = dbt_map_lower_bound(space, guest_start);
    while (guest_start < guest_end) {
        if (at == space->region_count || space->regions[at].guest_start > guest_start) {
            return false;
        }
        guest_start = space->regions[at].guest_end;
        at++;
    }
    return true;
}

/* Guest pages are never executable on the host; on x86-64 what may be executed can be read. */
u32 dbt_map_host_protection(u32 guest_protection)
{
    u32 protection = guest_protection & ~(u32)PROT_EXEC;
    return (guest_protection & PROT_EXEC) != 0 ? protection | PROT_READ : protection;
}

void dbt_map_drop_code(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    u32 at = dbt_map_lower_bound(space, guest_start);
    for (; at < space->region_count && space->regions[at].guest_start < guest_end; at++) {
        if ((space->regions[at].protection & PROT_EXEC) != 0) {
            u64 before = space->statistics->units_invalidated;
            dbt_engine_change_drop(space->engine, guest_start, guest_end);
            space->statistics->units_invalidated_map += space->statistics->units_invalidated - before;
            return;
        }
    }
}

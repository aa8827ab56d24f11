/* Job: where the kernel and not the guest decides how far a mapping reaches: mappings that grow down when
 * they are touched, and huge pages.
 * State: regions of the mapping table; the space's lock is held.
 * Invariant: what the kernel has let grow is in the table before anything is concluded from its absence. */
#include "linux/linux.h"

#define HUGE_SHIFT_AT 26u
#define HUGE_SHIFT_MASK 0x3fu
#define HUGE_SHIFT_USUAL 21u
#define HUGE_FILE_SYSTEM 0x958458f6

static u32 shift_of(u64 page_bytes)
{
    u32 shift = 0;
    while ((page_bytes >> shift) > 1) {
        shift++;
    }
    return shift;
}

/* The page size of a file of huge pages; 0 for any other. */
static u64 file_page_bytes(i32 fd)
{
    u64 description[15] = {0}; /* struct statfs: type, block size, ... */
    i64 result = dbt_host_call2(__NR_fstatfs, (u64)fd, (u64)description);
    return result == 0 && description[0] == HUGE_FILE_SYSTEM ? description[1] : 0;
}

static u32 usual_shift(void)
{
    i64 fd = dbt_host_call2(__NR_memfd_create, (u64) "huge", MFD_HUGETLB | MFD_CLOEXEC);
    if (fd < 0) {
        return HUGE_SHIFT_USUAL;
    }
    u64 page_bytes = file_page_bytes((i32)fd);
    (void)dbt_host_call1(__NR_close, (u64)fd);
    return page_bytes != 0 ? shift_of(page_bytes) : HUGE_SHIFT_USUAL;
}

u32 dbt_extent_flags(u32 map_flags, i32 fd)
{
    u32 shift = 0;
    if ((map_flags & MAP_ANONYMOUS) == 0) {
        u64 page_bytes = file_page_bytes(fd);
        shift = page_bytes != 0 ? shift_of(page_bytes) : 0;
    } else if ((map_flags & MAP_HUGETLB) != 0) {
        u32 asked = (map_flags >> HUGE_SHIFT_AT) & HUGE_SHIFT_MASK;
        shift = asked != 0 ? asked : usual_shift();
    }
    return shift << DBT_REGION_SHIFT_AT;
}

u64 dbt_extent_page_bytes(u32 region_flags)
{
    u32 shift = region_flags >> DBT_REGION_SHIFT_AT;
    return shift != 0 ? 1ULL << shift : DBT_PAGE_BYTES;
}

u64 dbt_extent_round_up(u64 size_bytes, u32 region_flags)
{
    u64 mask = dbt_extent_page_bytes(region_flags) - 1;
    return (size_bytes + mask) & ~mask;
}

typedef struct growth {
    u64 guest_address;
    u64 start;
    u64 end;
} growth;

static bool find_growth(void *owner, const dbt_maps_entry *entry)
{
    growth *found = owner;
    if (found->guest_address >= entry->start && found->guest_address < entry->end) {
        found->start = entry->start;
        found->end = entry->end;
    }
    return entry->end <= found->guest_address;
}

bool dbt_extent_grow(dbt_linux_space *space, u64 guest_address)
{
    u32 at = dbt_map_lower_bound(space, guest_address);
    if (at == space->region_count || space->regions[at].guest_start <= guest_address ||
        (space->regions[at].flags & DBT_REGION_GROWS_DOWN) == 0) {
        return false;
    }
    dbt_region region = space->regions[at];
    u64 guest_least = at > 0 ? space->regions[at - 1].guest_end : 0;
    growth found = {guest_address, 0, 0};
    u64 host_start;
    u64 host_end;
    if (dbt_own_overlaps(guest_address, guest_address + 1, &host_start, &host_end) ||
        dbt_maps_read("/proc/thread-self/maps", find_growth, &found) < 0 ||
        found.end < region.guest_start) {
        return false;
    }
    u64 guest_start = found.start > guest_least ? found.start : guest_least;
    if ((region.flags & DBT_REGION_WATCHED) != 0) {
        /* It grew from a page that the guest may write and the host may not. */
        (void)dbt_host_mprotect(guest_start, region.guest_start - guest_start,
                                dbt_map_host_protection(region.protection));
    }
    dbt_map_set(space, guest_start, region.guest_start, region.protection,
                region.flags & ~DBT_REGION_WATCHED);
    return true;
}

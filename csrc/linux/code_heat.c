/* Job: decides for each page of code how its changes are noticed: by write protection, which costs nothing
 * until a write, and then a fault and the translation of all that was on the page; or by units that check
 * themselves, which costs a little at each entry.
 * State: dbt_linux_space.heat and the CHANGES flag of regions, under the space's lock.
 * Invariant: a region that CHANGES is private and has pages of 4 KiB. */
#include "linux/linux.h"

/* A write fault costs some 30,000 ticks with what is translated anew. Below one in two million it is not
 * worth a check at each entry. */
#define SOON_TICKS 2000000u
#define WRITES_UNTIL_CHANGES 4u
#define SETTLED_TICKS 100000000u
#define TURNS_MAX 8u

static dbt_heat *heat_of(dbt_linux_space *space, u64 guest_page)
{
    dbt_heat *heat = &space->heat[guest_page / DBT_PAGE_BYTES % DBT_HEAT_PAGES];
    if (heat->guest_page != guest_page) {
        *heat = (dbt_heat){.guest_page = guest_page};
    }
    return heat;
}

void dbt_heat_written(dbt_linux_space *space, u64 guest_page)
{
    const dbt_region *region = dbt_map_find(space, guest_page);
    if (region == 0 || (region->protection & PROT_EXEC) == 0 ||
        (region->flags & DBT_REGION_SHARED) != 0 ||
        dbt_extent_page_bytes(region->flags) != DBT_PAGE_BYTES ||
        dbt_engine_checks_nothing(space->engine)) {
        return;
    }
    dbt_heat *heat = heat_of(space, guest_page);
    u64 now = dbt_ticks();
    heat->writes = now - heat->changed_ticks < SOON_TICKS ? heat->writes + 1 : 1;
    heat->changed_ticks = now;
    if (heat->writes < WRITES_UNTIL_CHANGES) {
        return;
    }
    heat->writes = 0;
    heat->turns += heat->turns < TURNS_MAX ? 1 : 0;
    dbt_map_set(space, guest_page, guest_page + DBT_PAGE_BYTES, region->protection,
                region->flags | DBT_REGION_CHANGES);
    space->statistics->self_check_pages++;
}

/* A page that comes back is given twice the time before it is taken for settled again. */
bool dbt_heat_settles(void *owner, u64 guest_page, bool changed)
{
    dbt_linux_space *space = owner;
    bool settles = false;
    dbt_lock_take(&space->lock);
    const dbt_region *region = dbt_map_find(space, guest_page);
    if (region != 0 && (region->flags & DBT_REGION_CHANGES) != 0) {
        dbt_heat *heat = heat_of(space, guest_page);
        u64 now = dbt_ticks();
        if (changed) {
            heat->changed_ticks = now;
        } else if (now - heat->changed_ticks > (u64)SETTLED_TICKS << heat->turns) {
            dbt_map_set(space, guest_page, guest_page + DBT_PAGE_BYTES, region->protection,
                        region->flags & ~DBT_REGION_CHANGES);
            settles = true;
        }
    }
    dbt_lock_give(&space->lock);
    return settles;
}

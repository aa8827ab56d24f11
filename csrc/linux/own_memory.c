/* Job: remembers which addresses the VMM itself has mapped, so that no guest mapping lands there.
 * State: one process-wide sorted list: the ranges belong to the process's address space, whoever runs.
 * Invariant: its lock is the last one taken. Ranges are disjoint and not adjacent; changed only by the VMM's own mappings. */
#include "linux/linux.h"

#define OWN_CAPACITY 16384 /* of the 65,530 mappings that the kernel allows; untouched ones cost nothing */
#define DISTANCE_BYTES 0x20000000000ULL /* 2 TB: more than the kernel moves a start at random */

extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));

typedef struct own_range {
    u64 host_start;
    u64 host_end;
} own_range;

static struct {
    u32 lock;
    u32 count;
    own_range ranges[OWN_CAPACITY];
} own;

static void remove_at(u32 at)
{
    own.count--;
    memmove(&own.ranges[at], &own.ranges[at + 1], (own.count - at) * sizeof own.ranges[0]);
}

static void insert_at(u32 at, u64 host_start, u64 host_end)
{
    DBT_ASSERT(own.count < OWN_CAPACITY);
    memmove(&own.ranges[at + 1], &own.ranges[at], (own.count - at) * sizeof own.ranges[0]);
    own.ranges[at] = (own_range){host_start, host_end};
    own.count++;
}

void dbt_own_lock(void)
{
    dbt_lock_take(&own.lock);
}

void dbt_own_unlock(void)
{
    dbt_lock_give(&own.lock);
}

/* Far below the image, so that what the guest unmaps stays free for the guest, and its own mappings come
 * to lie as they would natively. A hint: where it is taken, the kernel chooses. */
u64 dbt_own_place(u64 size_bytes)
{
    static u64 next;
    if (__atomic_load_n(&next, __ATOMIC_RELAXED) == 0) {
        __atomic_store_n(&next, (u64)__ehdr_start - DISTANCE_BYTES, __ATOMIC_RELAXED);
    }
    u64 place = __atomic_fetch_add(&next, DBT_PAGE_UP(size_bytes), __ATOMIC_RELAXED);
    if (place > (u64)__ehdr_start - DISTANCE_BYTES / 2) {
        __atomic_store_n(&next, 0, __ATOMIC_RELAXED); /* once round: the first places are free again */
    }
    return place;
}

void dbt_own_add(u64 host_start, u64 host_end)
{
    u32 at = 0;
    dbt_own_lock();
    while (at < own.count && own.ranges[at].host_end < host_start) {
        at++;
    }
    while (at < own.count && own.ranges[at].host_start <= host_end) {
        if (own.ranges[at].host_start < host_start) {
            host_start = own.ranges[at].host_start;
        }
        if (own.ranges[at].host_end > host_end) {
            host_end = own.ranges[at].host_end;
        }
        remove_at(at);
    }
    insert_at(at, host_start, host_end);
    dbt_own_unlock();
}

void dbt_own_remove(u64 host_start, u64 host_end)
{
    dbt_own_lock();
    for (u32 at = 0; at < own.count;) {
        own_range range = own.ranges[at];
        if (range.host_end <= host_start || range.host_start >= host_end) {
            at++;
            continue;
        }
        remove_at(at);
        if (range.host_start < host_start) {
            insert_at(at++, range.host_start, host_start);
        }
        if (range.host_end > host_end) {
            insert_at(at++, host_end, range.host_end);
        }
    }
    dbt_own_unlock();
}

bool dbt_own_overlaps(u64 start, u64 end, u64 *host_start, u64 *host_end)
{
    u32 low = 0;
    dbt_own_lock();
    u32 high = own.count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (own.ranges[middle].host_end <= start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < own.count && own.ranges[low].host_start < end;
    own_range range = found ? own.ranges[low] : (own_range){0, 0};
    dbt_own_unlock();
    if (found) {
        *host_start = range.host_start > start ? range.host_start : start;
        *host_end = range.host_end < end ? range.host_end : end;
    }
    return found;
}

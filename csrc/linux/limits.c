/* Job: the guest's limits on address space and data (RLIMIT_AS, RLIMIT_DATA), kept against what the guest
 * itself has mapped: the host's count the VMM and the translation cache too.
 * State: limits of dbt_linux_process; they pass through execve in the VMM's first argument.
 * Invariant: the host's limits are as wide as they may be made; a guest that asks is told its own. */
#include "linux/linux.h"
#include "linux/text.h"

#define RESOURCE_FILE 1
#define RESOURCE_DATA 2
#define RESOURCE_AS 9
#define LIMIT_NONE (~0ULL)
#define CACHE_SHARE 16 /* of the address space: the engine maps some 7 times the size of its cache */
#define CACHE_LEAST_BYTES 65536u
#define STACK_START_BYTES 0x21000ULL /* what a stack takes before it grows */

static const u32 resources[DBT_LIMIT_COUNT] = {RESOURCE_AS, RESOURCE_DATA};

static bool host_get(u32 resource, dbt_limit *limit)
{
    return dbt_host_call4(__NR_prlimit64, 0, resource, 0, (u64)limit) == 0;
}

static bool host_set(u32 resource, u64 current, u64 maximum)
{
    dbt_limit limit = {current, maximum};
    return dbt_host_call4(__NR_prlimit64, 0, resource, (u64)&limit, 0) == 0;
}

static void widen_host(u32 resource, u64 maximum)
{
    if (!host_set(resource, LIMIT_NONE, LIMIT_NONE)) {
        (void)host_set(resource, maximum, maximum);
    }
}

void dbt_limits_start(dbt_linux_process *process, const dbt_limit *given)
{
    for (u32 at = 0; at < DBT_LIMIT_COUNT; at++) {
        dbt_limit host = {LIMIT_NONE, LIMIT_NONE};
        (void)host_get(resources[at], &host);
        process->limits[at] = given != 0 ? given[at] : host;
        if (host.current != LIMIT_NONE) {
            widen_host(resources[at], host.maximum);
        }
    }
}

bool dbt_limits_take_file(u64 size_bytes)
{
    dbt_limit host = {LIMIT_NONE, LIMIT_NONE};
    (void)host_get(RESOURCE_FILE, &host);
    return size_bytes <= host.current;
}

u64 dbt_limits_cache_bytes(u64 wanted_bytes)
{
    dbt_limit host = {LIMIT_NONE, LIMIT_NONE};
    (void)host_get(RESOURCE_AS, &host);
    u64 most_bytes = host.current / CACHE_SHARE;
    if (host.current == LIMIT_NONE || wanted_bytes <= most_bytes) {
        return wanted_bytes;
    }
    return most_bytes > CACHE_LEAST_BYTES ? DBT_PAGE_DOWN(most_bytes) : CACHE_LEAST_BYTES;
}

void dbt_limits_lend(const dbt_linux_process *process)
{
    for (u32 at = 0; at < DBT_LIMIT_COUNT; at++) {
        dbt_limit host;
        if (process->limits[at].current != LIMIT_NONE && host_get(resources[at], &host)) {
            (void)host_set(resources[at], process->limits[at].current, host.maximum);
        }
    }
}

void dbt_limits_take_back(const dbt_linux_process *process)
{
    for (u32 at = 0; at < DBT_LIMIT_COUNT; at++) {
        dbt_limit host;
        if (process->limits[at].current != LIMIT_NONE && host_get(resources[at], &host)) {
            widen_host(resources[at], host.maximum);
        }
    }
}

static i64 change(dbt_linux_process *process, u64 guest_new, u64 guest_old, u32 at)
{
    dbt_limit *limit = &process->limits[at];
    dbt_limit before = *limit;
    dbt_limit wanted = before;
    if (guest_new != 0 && !dbt_guest_read(&wanted, guest_new, sizeof wanted)) {
        return -EFAULT;
    }
    if (wanted.current > wanted.maximum) {
        return -EINVAL;
    }
    if (wanted.maximum > before.maximum && !dbt_host_has_capability(CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    *limit = wanted;
    return guest_old == 0 || dbt_guest_write(process->space, guest_old, &before, sizeof before)
               ? 0
               : -EFAULT;
}

i64 dbt_limits_call(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    dbt_linux_process *process = thread->process;
    bool names_process = number == __NR_prlimit64;
    u32 resource = (u32)arguments[names_process ? 1 : 0];
    u64 guest_limit = arguments[names_process ? 2 : 1];
    bool is_own = !names_process || (u32)arguments[0] == 0 || (u32)arguments[0] == process->pid;
    for (u32 at = 0; is_own && at < DBT_LIMIT_COUNT; at++) {
        if (resource != resources[at]) {
            continue;
        }
        if (names_process) {
            return change(process, guest_limit, arguments[3], at);
        }
        if (guest_limit == 0) {
            return -EFAULT;
        }
        return number == __NR_getrlimit ? change(process, 0, guest_limit, at)
                                        : change(process, guest_limit, 0, at);
    }
    return dbt_linux_pass(thread, number, arguments);
}

typedef struct usage {
    u64 all_bytes;
    u64 data_bytes; /* private and writable, stacks apart */
} usage;

static usage count_usage(const dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    usage sum = {0, 0};
    u32 at = dbt_map_lower_bound(space, guest_start);
    for (; at < space->region_count && space->regions[at].guest_start < guest_end; at++) {
        const dbt_region *region = &space->regions[at];
        u64 start = region->guest_start > guest_start ? region->guest_start : guest_start;
        u64 end = region->guest_end < guest_end ? region->guest_end : guest_end;
        u64 size_bytes = end - start;
        bool grows = (region->flags & DBT_REGION_GROWS_DOWN) != 0;
        if (grows && region->guest_end == space->guest_stack_end && size_bytes > STACK_START_BYTES) {
            size_bytes = STACK_START_BYTES; /* the rest is room, not memory */
        }
        sum.all_bytes += size_bytes;
        if ((region->protection & PROT_WRITE) != 0 && !grows &&
            (region->flags & DBT_REGION_SHARED) == 0) {
            sum.data_bytes += size_bytes;
        }
    }
    return sum;
}

bool dbt_limits_allow(const dbt_linux_space *space, u64 added_bytes, bool is_data,
                      u64 guest_replaced_start, u64 guest_replaced_end)
{
    const dbt_linux_thread *thread = dbt_thread_self();
    if (thread == 0) {
        return true;
    }
    const dbt_limit *limits = thread->process->limits;
    bool is_data_limited = is_data && limits[DBT_LIMIT_DATA].current != LIMIT_NONE;
    if (limits[DBT_LIMIT_AS].current == LIMIT_NONE && !is_data_limited) {
        return true;
    }
    usage now = count_usage(space, 0, DBT_ADDRESS_END);
    usage gone = count_usage(space, guest_replaced_start, guest_replaced_end);
    u64 all_bytes = now.all_bytes - gone.all_bytes;
    u64 data_bytes = now.data_bytes - gone.data_bytes;
    return added_bytes <= DBT_ADDRESS_END &&
           all_bytes + added_bytes <= limits[DBT_LIMIT_AS].current &&
           (!is_data_limited || data_bytes + added_bytes <= limits[DBT_LIMIT_DATA].current);
}

bool dbt_limits_allow_write(const dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    const dbt_linux_thread *thread = dbt_thread_self();
    if (thread == 0 || thread->process->limits[DBT_LIMIT_DATA].current == LIMIT_NONE) {
        return true;
    }
    u64 added_bytes = 0;
    u32 at = dbt_map_lower_bound(space, guest_start);
    for (; at < space->region_count && space->regions[at].guest_start < guest_end; at++) {
        const dbt_region *region = &space->regions[at];
        u64 start = region->guest_start > guest_start ? region->guest_start : guest_start;
        u64 end = region->guest_end < guest_end ? region->guest_end : guest_end;
        u32 excluded = DBT_REGION_SHARED | DBT_REGION_GROWS_DOWN;
        if ((region->protection & PROT_WRITE) == 0 && (region->flags & excluded) == 0) {
            added_bytes += end - start;
        }
    }
    usage now = count_usage(space, 0, DBT_ADDRESS_END);
    return added_bytes == 0 ||
           now.data_bytes + added_bytes <= thread->process->limits[DBT_LIMIT_DATA].current;
}

void dbt_limits_add_text(const dbt_linux_process *process, dbt_text *text)
{
    for (u32 at = 0; at < DBT_LIMIT_COUNT; at++) {
        dbt_text_add(text, ",");
        dbt_text_add_decimal(text, process->limits[at].current);
        dbt_text_add(text, ",");
        dbt_text_add_decimal(text, process->limits[at].maximum);
    }
}

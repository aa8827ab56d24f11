/* Job: gives the core memory by raw system calls (core/port.h).
 * State: none of its own; every range is recorded in linux/own_memory.c.
 * Invariant: what is recorded is what the VMM has mapped, so no guest mapping can replace it. */
#include "core/port.h"

#include "linux/host.h"
#include "linux/linux.h"

#define SLEEP_NS 200000000

static u32 host_protection(u32 protection)
{
    return ((protection & DBT_PORT_READ) != 0 ? (u32)PROT_READ : 0u) |
           ((protection & DBT_PORT_WRITE) != 0 ? (u32)PROT_WRITE : 0u) |
           ((protection & DBT_PORT_EXECUTE) != 0 ? (u32)PROT_EXEC : 0u);
}

u64 dbt_port_map(u64 address, u64 size_bytes, u32 protection)
{
    u32 flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    flags |= address != 0 ? (u32)MAP_FIXED_NOREPLACE : 0u;
    u64 place = address != 0 ? address : dbt_own_place(size_bytes);
    i64 result = dbt_host_mmap(place, size_bytes, host_protection(protection), flags, -1, 0);
    if (result < 0) {
        return 0;
    }
    u64 host_start = (u64)result;
    /* A kernel before 4.17 takes the address as a hint. */
    if (address != 0 && host_start != address) {
        dbt_host_munmap(host_start, size_bytes);
        return 0;
    }
    dbt_own_add(host_start, host_start + DBT_PAGE_UP(size_bytes));
    return host_start;
}

u64 dbt_port_map_shared(u64 size_bytes)
{
    i64 result = dbt_host_mmap(dbt_own_place(size_bytes), size_bytes, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (result < 0) {
        return 0;
    }
    dbt_own_add((u64)result, (u64)result + DBT_PAGE_UP(size_bytes));
    return (u64)result;
}

void dbt_port_unmap(u64 address, u64 size_bytes)
{
    if (dbt_host_munmap(address, size_bytes) == 0) {
        dbt_own_remove(address, address + DBT_PAGE_UP(size_bytes));
    }
}

void dbt_port_discard(u64 address, u64 size_bytes)
{
    (void)dbt_host_call3(__NR_madvise, address, size_bytes, MADV_DONTNEED);
}

void dbt_port_yield(void)
{
    (void)dbt_host_call1(__NR_sched_yield, 0);
}

/* A holder that is killed gives nothing back: look, now and then. */
void dbt_port_sleep(u32 *lock, u32 value)
{
    const i64 timeout[2] = {0, SLEEP_NS};
    i64 result = dbt_host_call4(__NR_futex, (u64)lock, FUTEX_WAIT_PRIVATE, value, (u64)timeout);
    if (result == -ETIMEDOUT) {
        dbt_lock_check_holder(value & DBT_LOCK_HOLDER_MASK);
    }
}

void dbt_port_wake(u32 *lock)
{
    (void)dbt_host_call3(__NR_futex, (u64)lock, FUTEX_WAKE_PRIVATE, 1);
}

void dbt_port_advise_huge(u64 address, u64 size_bytes)
{
    (void)dbt_host_call3(__NR_madvise, address, size_bytes, MADV_HUGEPAGE);
}

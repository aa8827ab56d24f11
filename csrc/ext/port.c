/* Job: the core's port for a hosted process: memory from libc's mmap, a fatal error by abort.
 * State: none; the kernel keeps the mappings.
 * Invariant: ranges are whole pages, as core/port.h says. */
#define _GNU_SOURCE
#include "core/port.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static int protection_bits(u32 protection)
{
    int bits = PROT_NONE;
    if (protection & DBT_PORT_READ) {
        bits |= PROT_READ;
    }
    if (protection & DBT_PORT_WRITE) {
        bits |= PROT_WRITE;
    }
    if (protection & DBT_PORT_EXECUTE) {
        bits |= PROT_EXEC;
    }
    return bits;
}

u64 dbt_port_map(u64 address, u64 size_bytes, u32 protection)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (address != 0) {
        flags |= MAP_FIXED_NOREPLACE;
    }
    void *wanted = (void *)(uintptr_t)address;
    void *got = mmap(wanted, size_bytes, protection_bits(protection), flags, -1, 0);
    if (got == MAP_FAILED) {
        return 0;
    }
    if (address != 0 && got != wanted) { /* a kernel before 4.17 takes the address as a hint */
        munmap(got, size_bytes);
        return 0;
    }
    return (u64)(uintptr_t)got;
}

u64 dbt_port_map_shared(u64 size_bytes)
{
    void *got = mmap(0, size_bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return got == MAP_FAILED ? 0 : (u64)(uintptr_t)got;
}

void dbt_port_unmap(u64 address, u64 size_bytes)
{
    munmap((void *)(uintptr_t)address, size_bytes);
}

void dbt_port_discard(u64 address, u64 size_bytes)
{
    madvise((void *)(uintptr_t)address, size_bytes, MADV_DONTNEED);
}

void dbt_port_yield(void)
{
    sched_yield();
}

void dbt_port_sleep(u32 *lock, u32 value)
{
    (void)lock;
    (void)value;
    sched_yield();
}

void dbt_port_wake(u32 *lock)
{
    (void)lock;
}

void dbt_port_advise_huge(u64 address, u64 size_bytes)
{
    madvise((void *)(uintptr_t)address, size_bytes, MADV_HUGEPAGE);
}

_Noreturn void dbt_fatal(const char *file, int line, const char *what)
{
    fprintf(stderr, "dbt: internal error: %s:%d: %s\n", file, line, what);
    abort();
}

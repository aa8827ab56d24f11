/* Job: what the core needs from whoever hosts it: memory, and nothing else. csrc/vmm implements it
 * with raw syscalls, csrc/ext with libc.
 * Invariant: the core calls no other function outside csrc/core (base.h's dbt_fatal apart). */
#ifndef DBT_CORE_PORT_H
#define DBT_CORE_PORT_H

#include "core/base.h"

#define DBT_PORT_READ 1u
#define DBT_PORT_WRITE 2u
#define DBT_PORT_EXECUTE 4u

/* Anonymous private zeroed memory of size_bytes (whole pages). address: 0 for anywhere, otherwise
 * exactly there and only if nothing is mapped (MAP_FIXED_NOREPLACE). Untouched pages cost nothing.
 * Returns 0 when it cannot. The VMM records the range as its own, so that no guest mapping lands on it. */
u64 dbt_port_map(u64 address, u64 size_bytes, u32 protection);

/* The same anywhere, readable and writable, shared with children forked from now on. */
u64 dbt_port_map_shared(u64 size_bytes);

/* Gives a range got from either back. */
void dbt_port_unmap(u64 address, u64 size_bytes);

/* Empties pages: they read as zero next and use no memory meanwhile. */
void dbt_port_discard(u64 address, u64 size_bytes);

/* Lets other threads run: an answer is waited for. */
void dbt_port_yield(void);

/* Sleeps while the word of a lock holds value, until somebody calls dbt_port_wake for it, or for a time;
 * may return at any moment. */
void dbt_port_sleep(u32 *lock, u32 value);
void dbt_port_wake(u32 *lock);

/* Asks for huge pages: the range is hot and will be used as a whole. A hint. */
void dbt_port_advise_huge(u64 address, u64 size_bytes);

#endif

/* Job: the VMM's reads and writes of guest memory.
 * State: none.
 * Invariant: an address the guest gave is touched only by dbt_gate_copy, whose faults are caught;
 * a write first releases watched code pages, so that it cannot meet its own protection. */
#include "linux/gate.h"
#include "linux/linux.h"

#define WRITE_TRIES 8u

static bool in_user_space(u64 guest_address, u64 size_bytes)
{
    return guest_address < DBT_ADDRESS_END && size_bytes <= DBT_ADDRESS_END - guest_address;
}

bool dbt_guest_read(void *to, u64 guest_from, u64 size_bytes)
{
    return in_user_space(guest_from, size_bytes) &&
           dbt_gate_copy(to, (const void *)guest_from, size_bytes) == 0;
}

bool dbt_guest_write(dbt_linux_space *space, u64 guest_to, const void *from, u64 size_bytes)
{
    u64 host_start;
    u64 host_end;
    if (!in_user_space(guest_to, size_bytes) ||
        dbt_own_overlaps(guest_to, guest_to + size_bytes, &host_start, &host_end)) {
        return false;
    }
    /* Another thread may translate from the page again between the two steps. */
    for (u32 tries = 0; tries < WRITE_TRIES; tries++) {
        bool was_watched = dbt_code_release(space, guest_to, guest_to + size_bytes);
        if (dbt_gate_copy((void *)guest_to, from, size_bytes) == 0) {
            return true;
        }
        if (tries > 0 && !was_watched) {
            break;
        }
    }
    return false;
}

bool dbt_guest_clear(u64 guest_to, u64 size_bytes)
{
    static const u8 zeroes[256];
    while (size_bytes > 0) {
        u64 part_bytes = size_bytes < sizeof zeroes ? size_bytes : sizeof zeroes;
        if (dbt_gate_copy((void *)guest_to, zeroes, part_bytes) != 0) {
            return false;
        }
        guest_to += part_bytes;
        size_bytes -= part_bytes;
    }
    return true;
}

bool dbt_guest_read_string(char *to, u64 guest_from, u64 capacity_bytes)
{
    u64 done_bytes = 0;
    while (done_bytes < capacity_bytes) {
        /* Never past a page's end: the string may stop just before unmapped memory. */
        u64 part_bytes = DBT_PAGE_BYTES - ((guest_from + done_bytes) & (DBT_PAGE_BYTES - 1));
        if (part_bytes > 64) {
            part_bytes = 64;
        }
        if (part_bytes > capacity_bytes - done_bytes) {
            part_bytes = capacity_bytes - done_bytes;
        }
        if (!dbt_guest_read(to + done_bytes, guest_from + done_bytes, part_bytes)) {
            return false;
        }
        for (u64 at = done_bytes; at < done_bytes + part_bytes; at++) {
            if (to[at] == 0) {
                return true;
            }
        }
        done_bytes += part_bytes;
    }
    return false;
}

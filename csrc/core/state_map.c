/* Job: reads the state map that emit.c writes: host pc to guest pc, spilled registers, depth of rsp.
 * State: none. Invariant: runs in signal handlers; reads nothing but the map it is given. */
#include "core/emit.h"
#include "generated/template_numbers.h"

bool dbt_state_find(const u8 *map, u32 map_bytes, u64 guest_pc, u64 host_start, u64 host_pc,
                  dbt_state_place *out) {
    const u8 *end = map + map_bytes;
    u32 instructions = 0;
    while (map < end) {
        const u8 guest_bytes = *map & 0x7f;
        const bool expanded = *map++ & DBT_MAP_EXPANDED;
        const u32 count = expanded ? *map++ : 1;
        const u8 *records = map;
        bool target = false;
        bool found = false;
        for (u32 i = 0; i < count; i++) {
            const u32 host_bytes = expanded ? records[3 * i] : guest_bytes;
            const u16 state = expanded ? (u16)(records[3 * i + 1] | records[3 * i + 2] << 8) : 0;
            target |= dbt_state_where(state) == DBT_WHERE_TARGET;
            if (!found && host_pc >= host_start && host_pc < host_start + host_bytes) {
                found = true;
                out->guest_pc = guest_pc;
                out->guest_bytes = guest_bytes;
                out->state = state;
                out->host_offset = host_pc - host_start;
                out->instructions = instructions;
            }
            host_start += host_bytes;
        }
        map += expanded ? 3 * count : 0;
        if (target) {
            memcpy(&out->target, map, 8);
            map += 8;
        }
        if (found) {
            return true;
        }
        guest_pc += guest_bytes;
        instructions += guest_bytes != 0;
    }
    return false;
}

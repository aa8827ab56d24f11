/* Job: the translator as Python sees it: a translation of bytes that nobody runs, for listings, golden
 * tests and state-map tests.
 * State: a dbt_listing, owned by the caller. Invariant: the same engine code as in the VMM. */
#ifndef DBT_EXT_TRANSLATE_API_H
#define DBT_EXT_TRANSLATE_API_H

#include "core/base.h"
#include "core/session.h"

/* cdef begin */
typedef struct dbt_listing dbt_listing;

#define DBT_LISTING_NONE 0xffffffff     /* no unit, no exit */
#define DBT_LISTING_RETURN_MISS 1       /* routines, for dbt_listing_routine */
#define DBT_LISTING_JUMP_MISS 2
#define DBT_LISTING_EXIT_ROUTINE 3

/* One guest instruction as it was emitted. host_pc is readable memory of this process. */
typedef struct dbt_listing_item {
    uint64_t guest_pc;
    uint64_t host_pc;
    uint32_t unit;
    uint32_t facts;         /* of dbt/translator/rules.py, bit n is row n */
    uint16_t host_bytes;
    uint8_t guest_bytes;
    uint8_t class_;         /* dbt_class */
    uint8_t template_;
    uint8_t scratch[2];     /* register numbers, as many as the template wants */
} dbt_listing_item;

typedef struct dbt_listing_unit {
    uint64_t guest_pc;
    uint64_t host_start;
    uint64_t host_entry;    /* where the tables lead */
    uint64_t host_body;
    uint64_t host_end;
    uint32_t guest_bytes;
    uint32_t instructions;
    uint32_t first_exit;
    uint32_t exit_count;
    uint32_t flags;         /* 1 live, 2 transient, 4 thunk, 8 falls into the next */
    uint32_t falls_from;
    uint32_t entry;         /* 0 body, 1 return, 2 jump */
    uint32_t incoming;      /* first exit of the list linked here, or none */
} dbt_listing_unit;

typedef struct dbt_listing_exit {
    uint64_t guest_target;
    uint64_t host_patch;
    uint64_t host_stub;
    uint64_t host_far;      /* the far jump between the exit and its unit, or 0 */
    uint32_t kind;          /* dbt_exit_kind */
    uint32_t unit;
    uint32_t linked;
    uint32_t next;          /* in the linked unit's list, or none */
    uint32_t entry;         /* by which it arrives: dbt_entry_kind */
    uint32_t reserved;
} dbt_listing_exit;

/* The guest state that the map gives for a host pc. */
typedef struct dbt_listing_state {
    uint64_t guest_pc;      /* of the instruction that the host pc belongs to */
    uint64_t target;        /* where says target: the guest's pc */
    uint64_t spilled_mask;  /* bit n: register n is in its spill slot */
    uint32_t where;         /* dbt_where: this, next, target, key, stack */
    uint32_t host_offset;   /* 0 at an instruction boundary */
    uint32_t guest_bytes;
    uint32_t low_bytes;     /* rsp is that much lower than the guest's */
    uint32_t flags_lost;    /* not 0: the instruction at guest_pc is the next to run, and overwrites them */
} dbt_listing_state;

/* A slot of the context by name. */
typedef struct dbt_listing_slot {
    const char *name;
    uint32_t offset;
    uint32_t count;         /* of 8 bytes each; more than one: by register number */
} dbt_listing_slot;

dbt_listing *dbt_listing_create(const uint8_t *code, uint64_t size_bytes, uint64_t guest_start,
                                const dbt_configuration *configuration);
dbt_status dbt_listing_add(dbt_listing *listing, const uint8_t *code, uint64_t size_bytes,
                           uint64_t guest_start);
void dbt_listing_destroy(dbt_listing *listing);
dbt_status dbt_listing_translate(dbt_listing *listing, uint64_t guest_pc, uint32_t entry,
                                 uint32_t *unit);
uint32_t dbt_listing_lookup(const dbt_listing *listing, uint64_t guest_pc, uint32_t entry);
uint32_t dbt_listing_item_count(const dbt_listing *listing);
dbt_status dbt_listing_item_get(const dbt_listing *listing, uint32_t at, dbt_listing_item *out);
uint32_t dbt_listing_unit_limit(const dbt_listing *listing);
uint32_t dbt_listing_exit_limit(const dbt_listing *listing);
dbt_status dbt_listing_unit_get(const dbt_listing *listing, uint32_t unit, dbt_listing_unit *out);
dbt_status dbt_listing_exit_get(const dbt_listing *listing, uint32_t number, dbt_listing_exit *out);
dbt_status dbt_listing_state_at(const dbt_listing *listing, uint64_t host_pc,
                                dbt_listing_state *out);
dbt_status dbt_listing_link(dbt_listing *listing, uint32_t exit, uint32_t unit);
void dbt_listing_fill_table(dbt_listing *listing, uint32_t unit);
void dbt_listing_invalidate(dbt_listing *listing, uint64_t guest_start, uint64_t guest_end);
const dbt_statistics *dbt_listing_statistics(const dbt_listing *listing);
uint64_t dbt_listing_table(const dbt_listing *listing, uint32_t entry);
uint64_t dbt_listing_routine(const dbt_listing *listing, uint32_t which);
uint64_t dbt_listing_routines_end(const dbt_listing *listing);
const dbt_arena_uses *dbt_listing_arenas(const dbt_listing *listing);
const char *dbt_template_name(uint8_t template_);
dbt_status dbt_listing_slot_get(uint32_t at, dbt_listing_slot *out);
uint64_t dbt_listing_context_bytes(void);
void dbt_listing_attach(dbt_listing *listing, void *context);
dbt_status dbt_listing_recover(dbt_listing *listing, void *context,
                               const uint64_t host_registers[16], uint64_t host_pc,
                               uint64_t rflags);
/* cdef end */

/* dbt_listing_table: the table of that entry, 65536 host addresses; for the body the second-level
 * table, DBT_SECOND_ENTRIES of dbt_second.
 *
 dbt_listing_create copies the code; dbt_listing_add gives the listing one more range of it, up to
 * four in all, so that code may lie far apart.
 *
 * dbt_listing_lookup: the unit at guest_pc with that entry, or DBT_LISTING_NONE.
 *
 * dbt_listing_item_get: items of the last translation, of all the units that it emitted.
 *
 * dbt_listing_state_at: DBT_ERROR_NOT_MAPPED where host_pc is no emitted code.
 *
 * dbt_listing_attach, dbt_listing_recover: the engine's own functions on a context in the caller's
 * memory (dbt_listing_context_bytes of it): for whoever runs the emitted code in an emulator. */

#endif

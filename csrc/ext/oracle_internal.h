/* Job: what the oracles share inside the extension: mirror of guest memory, log of stores, and the
 * check of a state against the record.
 * State: dbt_oracle. Invariant: regions are sorted and disjoint. */
#ifndef DBT_EXT_ORACLE_INTERNAL_H
#define DBT_EXT_ORACLE_INTERNAL_H

#include "core/decode.h"
#include "ext/oracle.h"

/* What user code can change and both sides keep: no TF, RF, or what the processor fixes. */
#define DBT_FLAGS_COMPARED 0x244cd5u

typedef struct dbt_mirror_region {
    u64 guest_start;
    u64 guest_end;
    u8 *host;        /* of guest_start */
    u32 protection;
    u8 *written;     /* a byte a page, in use for the whole of the first mapping */
    u64 file_at;     /* its place in dbt_oracle.file */
    bool is_shared;  /* another region may show the same memory */
    bool is_lent;    /* it shows another one's, until it is stored to: then the page becomes a copy */
} dbt_mirror_region;

typedef struct dbt_oracle_kind {
    int (*map)(dbt_oracle *oracle, const dbt_mirror_region *region);
    int (*unmap)(dbt_oracle *oracle, u64 guest_start, u64 guest_end);
    int (*protect)(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection);
    void (*code_changed)(dbt_oracle *oracle, u64 guest_start, u64 guest_end);
    void (*set_state)(dbt_oracle *oracle, const dbt_unit_record *state, const u8 *vector,
                      u64 features);
    void (*run)(dbt_oracle *oracle, dbt_oracle_outcome *outcome);
    int (*raises)(dbt_oracle *oracle, dbt_oracle_outcome *outcome);
    void (*close)(dbt_oracle *oracle);
} dbt_oracle_kind;

struct dbt_oracle {
    const dbt_oracle_kind *kind;
    void *own;                /* the kind's state */
    int file;                 /* guest memory */
    u64 file_used;
    dbt_mirror_region *regions;
    size_t region_count;
    size_t region_capacity;
    size_t region_last;       /* found last */
    dbt_oracle_write *writes;
    size_t write_count;
    size_t write_capacity;
    u64 *pages;               /* written since they were forgotten */
    size_t page_count;
    size_t page_capacity;
    u64 executed;
    /* The batch being run. */
    const dbt_record *record;
    const dbt_unit_record *units;
    u32 point;                /* the next one to be checked: units, then record->now */
    u32 undefined;            /* flags that may differ now */
    dbt_unit_record previous; /* the point before */
};

/* Makes the file that guest memory lies in: 0 or a negative errno. */
int dbt_oracle_open_file(dbt_oracle *oracle);
dbt_mirror_region *dbt_mirror_find(dbt_oracle *oracle, u64 guest_address);
/* The host address of a guest byte, or 0, with how many bytes follow in one piece. */
u8 *dbt_mirror_at(dbt_oracle *oracle, u64 guest_address, u64 *left_bytes);
/* What the reference may do there: PROT_ bits. */
u32 dbt_mirror_protection(const dbt_mirror_region *region);
/* Copies the pages of [guest_address, + size_bytes) that are lent and may be stored to; false: none is. */
bool dbt_mirror_take_copies(dbt_oracle *oracle, u64 guest_address, u64 size_bytes);
/* Copies guest bytes up to the first hole; answers how many. */
size_t dbt_mirror_read(dbt_oracle *oracle, u64 guest_address, void *to, size_t size_bytes);
void dbt_oracle_note_write(dbt_oracle *oracle, u64 guest_address, u32 size_bytes);
const dbt_unit_record *dbt_oracle_point(const dbt_oracle *oracle, u32 number);
/* Compares the reference's state with the point; fields and undefined flags go to the outcome. */
bool dbt_oracle_check(dbt_oracle *oracle, const dbt_unit_record *actual,
                      dbt_oracle_outcome *outcome);
/* The vector state recorded for a point, or 0. */
const u8 *dbt_oracle_vector(const dbt_oracle *oracle, u32 number);
/* Whether the instruction's result comes from the record; then *out is decoded. */
bool dbt_oracle_is_input(dbt_oracle *oracle, u64 guest_pc, dbt_instruction *out);
bool dbt_oracle_decode(dbt_oracle *oracle, u64 guest_pc, dbt_instruction *out);
/* x87 and SSE of two XSAVE areas; answers fields and the first byte. The masks say what is compared. */
u32 dbt_oracle_check_legacy(const u8 *expected, const u8 *actual, u32 mxcsr_mask, u32 fsw_mask,
                            u32 *first);

#endif

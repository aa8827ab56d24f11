/* Job: references that run a recorded guest again: their common face, for Python (dbt/reference).
 * State: one dbt_oracle per comparison, owned by its caller.
 * Invariant: an oracle never lets the guest reach the outside world; what came from there is put in by
 * its caller, from the record. */
#ifndef DBT_EXT_ORACLE_H
#define DBT_EXT_ORACLE_H

#include "core/base.h"
#include "core/record.h"

/* cdef begin */
typedef struct dbt_oracle dbt_oracle;

/* How a run of an oracle through a batch ended. */
typedef enum dbt_oracle_status {
    DBT_ORACLE_EQUAL = 0,  /* at the batch's end, equal all the way */
    DBT_ORACLE_DIFFERS = 1,
    DBT_ORACLE_FAULT = 2,  /* the reference raised an exception */
    DBT_ORACLE_FAILED = 3  /* the oracle itself went wrong: error is a negative errno or its own number */
} dbt_oracle_status;

/* dbt_oracle_outcome.fields: general register n is bit n */
#define DBT_DIFFERS_RIP 0x10000
#define DBT_DIFFERS_FLAGS 0x20000
#define DBT_DIFFERS_BASES 0x40000
#define DBT_DIFFERS_X87 0x80000
#define DBT_DIFFERS_MXCSR 0x100000
#define DBT_DIFFERS_VECTOR 0x200000

typedef struct dbt_oracle_outcome {
    uint32_t status;
    int32_t error;
    uint32_t point;            /* the unit that did not find what it should; count: the end */
    uint32_t fields;           /* what differs */
    uint32_t flags_undefined;  /* flags that were left undefined there, not compared */
    uint32_t vector_first;     /* first differing byte of the XSAVE area */
    uint64_t instructions;     /* executed in this run */
    uint64_t inputs;           /* of them taken from the record */
    uint64_t guest_fault_address;
    uint32_t is_unlogged;      /* stores were made that are not in the log, and cannot be taken back */
    uint32_t reserved;
    dbt_unit_record actual;    /* the reference's state */
    uint8_t vector[16384];     /* its XSAVE area, if a VECTOR field differs */
} dbt_oracle_outcome;

/* One store of the reference, in the order they were made. */
typedef struct dbt_oracle_write {
    uint64_t guest_address;
    uint64_t before;
    uint64_t executed;         /* instructions before the one that stored */
    uint32_t size_bytes;
    uint32_t reserved;
} dbt_oracle_write;

dbt_oracle *dbt_oracle_unicorn(const char *library, const int *register_ids, int count, char *error);
dbt_oracle *dbt_oracle_hardware(char *error);
void dbt_oracle_close(dbt_oracle *oracle);
int dbt_oracle_map(dbt_oracle *oracle, uint64_t guest_start, uint64_t guest_end, uint32_t protection);
int dbt_oracle_map_again(dbt_oracle *oracle, uint64_t guest_start, uint64_t guest_end,
                         uint32_t protection, uint64_t guest_of, int is_lent);
int dbt_oracle_unmap(dbt_oracle *oracle, uint64_t guest_start, uint64_t guest_end);
int dbt_oracle_protect(dbt_oracle *oracle, uint64_t guest_start, uint64_t guest_end,
                       uint32_t protection);
int dbt_oracle_read(dbt_oracle *oracle, uint64_t guest_address, void *to, size_t size_bytes);
int dbt_oracle_write_memory(dbt_oracle *oracle, uint64_t guest_address, const void *from,
                            size_t size_bytes);
int dbt_oracle_take_copies(dbt_oracle *oracle, int memory_fd, int pagemap_fd);
int64_t dbt_oracle_load(dbt_oracle *oracle, int memory_fd, int pagemap_fd, uint64_t guest_start,
                        uint64_t guest_end);
void dbt_oracle_set_state(dbt_oracle *oracle, const dbt_unit_record *state, const uint8_t *vector,
                          uint64_t features);
void dbt_oracle_run(dbt_oracle *oracle, const dbt_record *record, dbt_oracle_outcome *outcome);
int dbt_oracle_raises(dbt_oracle *oracle, dbt_oracle_outcome *outcome);
int64_t dbt_oracle_compare_written(dbt_oracle *oracle, int memory_fd, uint64_t guest_dead_start,
                                   uint64_t guest_dead_end, uint64_t *guest_address);
int64_t dbt_oracle_compare_range(dbt_oracle *oracle, int memory_fd, int pagemap_fd,
                                 uint64_t guest_start, uint64_t guest_end,
                                 uint64_t guest_dead_start, uint64_t guest_dead_end,
                                 uint64_t *guest_address);
size_t dbt_oracle_writes(const dbt_oracle *oracle, const dbt_oracle_write **out);
void dbt_oracle_forget_writes(dbt_oracle *oracle);
int dbt_oracle_roll_back(dbt_oracle *oracle, uint64_t executed);
int dbt_ext_record_wait(dbt_record *record, int vmm_pid);
void dbt_ext_record_take(dbt_record *record);
/* cdef end */

/* Functions that answer int: 0 or a negative errno. dbt_oracle_map_again shows memory that is mapped at
 * guest_of a second time; lent, a page of it becomes a copy of its own when the reference stores there, or
 * dbt_oracle_take_copies finds that the process's has become one. dbt_oracle_load answers the bytes that were
 * copied from a process's memory file; with a pagemap only pages that are present. dbt_oracle_compare_written
 * compares the pages that the reference wrote since they were forgotten, dbt_oracle_compare_range all that are
 * mapped: 1 and the first address that differs, 0, or a negative errno. dbt_oracle_raises: 1 if the next
 * instruction raises an exception; outcome then tells the state at it, and where the oracle knows them, vector
 * state, signal (error) and the address that Linux gives for it. dbt_ext_record_wait: 0, -ESRCH when the VMM
 * has ended, -EINTR. */

#endif

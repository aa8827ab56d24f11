/* Job: the shape of the tables that dbt/translator/render.py writes (templates, their ops and holes,
 * rules), and the tables themselves.
 * State: none, all constant. Invariant: indices and offsets only, no pointers. */
#ifndef DBT_CORE_TEMPLATE_H
#define DBT_CORE_TEMPLATE_H

#include "core/base.h"
#include "core/decode.h"

#define DBT_TEMPLATE_KEEPS_SPILLED 1u /* the body's target reloads */
#define DBT_TEMPLATE_ENDS 2u          /* control never falls out of it */
#define DBT_TEMPLATE_COSTS_FLAGS 4u   /* it stands before an instruction that overwrites them */

typedef struct dbt_template {
    u16 first_op;
    u8 op_count;
    u8 scratch_count;
    u8 fixed_mask;
    u8 entry_spilled_mask; /* those of fixed_mask that are spilled when it begins */
    u8 flags;
    u8 entry_where;
} dbt_template;

typedef struct dbt_template_op {
    u16 code_at;
    u16 first_hole;
    u8 code_bytes;
    u8 hole_count;
    u8 kind;     /* dbt_op_kind */
    u8 where;    /* dbt_where: the guest's pc while this op is the next to run */
    u8 argument; /* 0x80 + n: scratch register n; less: that register */
} dbt_template_op;

typedef struct dbt_template_hole {
    i32 addend;
    u8 at;
    u8 kind;     /* dbt_hole_kind */
    u8 argument; /* scratch: number | shift << 4 */
} dbt_template_hole;

typedef struct dbt_rule {
    u8 class_;
    u8 template_;
    u16 require;
    u16 exclude;
} dbt_rule;

#endif

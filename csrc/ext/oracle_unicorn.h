/* Job: kinds of instructions, between the Unicorn oracle (oracle_unicorn.c) and what tells them
 * (oracle_unicorn_kinds.c).
 * State: none. Invariant: a kind is never 0. */
#ifndef DBT_EXT_ORACLE_UNICORN_H
#define DBT_EXT_ORACLE_UNICORN_H

#include "ext/oracle_internal.h"

#define DBT_KIND_PLAIN 1u
#define DBT_KIND_REPEATED 2u
#define DBT_KIND_KEEPS_FLAGS 4u /* though it may go wrong in Unicorn */
#define DBT_KIND_BRANCH 8u      /* may lead to itself */
#define DBT_KIND_POPF 16u
#define DBT_KIND_WRONG 32u /* Unicorn gets it wrong */

/* Kinds of the instruction at a guest address. */
u32 dbt_unicorn_kind(dbt_oracle *oracle, u64 guest_pc);

#endif

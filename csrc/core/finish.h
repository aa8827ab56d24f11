/* Job: carries out in C the one guest instruction before which a thread was interrupted when an item put in
 * before it (insert.c) had cost the flags that it overwrites.
 * State: the context's. Invariant: runs in signal handlers; touches registers and flags alone. */
#ifndef DBT_CORE_FINISH_H
#define DBT_CORE_FINISH_H

#include "core/context.h"
#include "core/decode.h"

/* Whether it is one that dbt_finish can carry out: it reads no flag, overwrites all status flags, accesses
 * no memory and cannot fault. */
bool dbt_finish_can(const dbt_instruction *instruction);

/* Carries out the instruction at context->rip, whose bytes stand at code, and moves on behind it. */
void dbt_finish(dbt_context *context, const u8 *code);

#endif

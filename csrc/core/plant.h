/* Job: bugs made on purpose (dbt_configuration.plant), so that tests prove that comparing finds them.
 * State: none. Invariant: nothing is ever planted unless the configuration asks. */
#ifndef DBT_CORE_PLANT_H
#define DBT_CORE_PLANT_H

#include "core/tcache.h"

static inline bool dbt_plant_at(const dbt_engine *engine, u32 plant, u64 guest_pc) {
    return engine->configuration.plant == plant && engine->configuration.plant_pc == guest_pc;
}

#endif

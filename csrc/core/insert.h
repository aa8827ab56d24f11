/* Job: items that are put into the array between the two passes, and what is told of a unit for a profile.
 * State: dbt_engine.items, .item_count and .inserted_count, while the lock is held.
 * Invariant: an inserted item leaves every guest register and flag as it found it; the state map covers it
 * as it does any other. */
#ifndef DBT_CORE_INSERT_H
#define DBT_CORE_INSERT_H

#include "core/tcache.h"

/* Puts the counter of the unit to come where it costs least. alone: the unit is for single steps, whose
 * instruction must run on the processor. */
void dbt_insert_counter(dbt_engine *engine, bool alone);

/* Numbers the unit, and tells the personality of it; its code is taken from the items. */
void dbt_describe(dbt_engine *engine, dbt_unit *unit, const dbt_description *description);

#endif

/* Job: where indirect branches went, counted: each branch by its unit and its target.
 * State: notes, branches and index of the thread's dbt_profile_counters; .noted and .site of its context.
 * Invariant: a branch is noted once, by the arrival at its target or, where that was not reached in the TC
 * (a miss, a signal on the way, no room for the note), by the dispatcher. .site tells which is under way. */
#include "core/branches.h"

#define NOTES_AT ((u32)offsetof(dbt_profile_counters, notes))
#define NOTES_END ((u32)offsetof(dbt_profile_counters, guard))

_Static_assert(NOTES_AT % DBT_PAGE_BYTES == 0, "the guard fills a page");
_Static_assert(NOTES_END - NOTES_AT == DBT_PROFILE_NOTES * sizeof(dbt_profile_note), "it follows");

static u32 place_of(const dbt_profile_note *note) {
    const u64 mixed = (note->guest_target ^ note->site << 40) * 0x9e3779b97f4a7c15ULL;
    return (u32)(mixed >> 40) % DBT_PROFILE_BRANCH_INDEX;
}

static void count(dbt_profile_counters *counters, const dbt_profile_note *note) {
    const u32 site = (u32)note->site - 1;
    u32 place = place_of(note);
    /* The index has twice as many places as there are branches: an empty one is found. */
    while (counters->branch_index[place]) {
        dbt_profile_branch *branch = &counters->branches[counters->branch_index[place] - 1];
        if (branch->guest_target == note->guest_target && branch->site == site) {
            branch->count++;
            return;
        }
        place = (place + 1) % DBT_PROFILE_BRANCH_INDEX;
    }
    if (counters->branch_count == DBT_PROFILE_BRANCHES) {
        counters->branches_lost++;
        return;
    }
    counters->branches[counters->branch_count] =
        (dbt_profile_branch){.guest_target = note->guest_target, .count = 1, .site = site};
    counters->branch_index[place] = ++counters->branch_count;
}

/* Without the unit that is branched from, none is told: it was not counted. */
static void sum(dbt_profile_counters *counters) {
    for (u32 at = 0; at < DBT_PROFILE_NOTES; at++) {
        dbt_profile_note *note = &counters->notes[at];
        if (note->site) {
            count(counters, note);
            note->site = 0;
        }
    }
}

void dbt_branches_begin(dbt_context *context, bool is_new) {
    if (!is_new) { /* else it would touch pages for nothing */
        sum(dbt_context_counters(context));
    }
    context->noted = NOTES_AT;
    context->site = 0;
}

void dbt_branches_note(dbt_context *context, u64 guest_target) {
    if (context->noted == NOTES_END) {
        sum(dbt_context_counters(context));
        context->noted = NOTES_AT;
    }
    dbt_profile_note *note = (dbt_profile_note *)((u64)dbt_context_counters(context) + context->noted);
    note->guest_target = guest_target;
    note->site = context->site;
    context->noted += (u32)sizeof *note;
    context->site = 0;
}

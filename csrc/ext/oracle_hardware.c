/* Job: the hardware oracle: follows a record with the bare processor, which runs the guest in a process of
 * its own (oracle_tracee.c).
 * State: dbt_hardware, behind dbt_oracle.own. Guest memory is one memory file that both processes map,
 * so that what the guest stores is seen here at once.
 * Invariant: between two of the functions here the guest stands, and oracle->executed tells how far. */
#define _GNU_SOURCE
#include "ext/oracle_hardware.h"

#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define XSTATE_AT 512
#define PUSHF_OPCODE 0x9c
#define STRETCH_LEAST 2u
#define FREE_LEAST 8u
#define FREE_PASSES 1000u

/* Where a component lies in an area of the standard format (SDM vol. 1, 13.4.3). */
static bool component(u32 number, u32 *at, u32 *size_bytes)
{
    u32 c;
    u32 d;
    return __get_cpuid_count(0xd, number, size_bytes, at, &c, &d) != 0 && *size_bytes != 0;
}

static void set_state(dbt_oracle *oracle, const dbt_unit_record *state, const u8 *vector,
                      u64 features)
{
    dbt_hardware *own = oracle->own;
    dbt_tracee_set_sticky(own, state->rflags);
    dbt_tracee_set(own, state);
    if (vector == NULL || !dbt_tracee_get_vector(own)) {
        return;
    }
    u64 present;
    u64 wanted;
    memcpy(&present, own->area + XSTATE_AT, 8);
    memcpy(&wanted, vector + XSTATE_AT, 8);
    const u64 mask = features & ~(1ULL << 9);
    memcpy(own->area, vector, 464);
    for (u32 number = 2; number < 63; number++) {
        u32 at;
        u32 size_bytes;
        if (mask >> number & 1 && component(number, &at, &size_bytes)) {
            memcpy(own->area + at, vector + at, size_bytes);
        }
    }
    present = (present & ~mask) | (wanted & mask);
    memcpy(own->area + XSTATE_AT, &present, 8);
    dbt_tracee_put_vector(own);
}

static int map(dbt_oracle *oracle, const dbt_mirror_region *region)
{
    dbt_hardware *own = oracle->own;
    if (region->guest_start < DBT_STUB_END && region->guest_end > DBT_STUB_START) {
        return -EEXIST;
    }
    const i64 result = dbt_tracee_call(own, SYS_mmap, region->guest_start,
                                       region->guest_end - region->guest_start,
                                       dbt_mirror_protection(region), MAP_SHARED | MAP_FIXED,
                                       (u64)own->file, region->file_at);
    return result == (i64)region->guest_start ? dbt_tracee_put(own) : (int)result;
}

static int unmap(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    dbt_hardware *own = oracle->own;
    const i64 result =
        dbt_tracee_call(own, SYS_munmap, guest_start, guest_end - guest_start, 0, 0, 0, 0);
    return result == 0 ? dbt_tracee_put(own) : (int)result;
}

static int protect(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection)
{
    dbt_hardware *own = oracle->own;
    const i64 result =
        dbt_tracee_call(own, SYS_mprotect, guest_start, guest_end - guest_start, protection & 7u, 0, 0,
                        0);
    return result == 0 ? dbt_tracee_put(own) : (int)result;
}

/* What stands at rip; INVALID if it cannot be decoded. */
static void next_instruction(dbt_oracle *oracle, dbt_instruction *out)
{
    const dbt_hardware *own = oracle->own;
    if (!dbt_oracle_decode(oracle, own->registers.rip, out)) {
        memset(out, 0, sizeof *out);
        out->class_ = DBT_CLASS_INVALID;
    }
}

/* Runs the stretch; answers how many instructions were done, and whether it ended in an exception. */
static bool run_stretch(dbt_oracle *oracle, const dbt_stretch *stretch)
{
    dbt_hardware *own = oracle->own;
    u64 at = own->registers.rip;
    if (dbt_tracee_run_to(own, stretch->guest_end, false)) {
        oracle->executed += stretch->count;
        return true;
    }
    while (at != own->registers.rip && at != stretch->guest_end) {
        dbt_instruction instruction;
        if (!dbt_oracle_decode(oracle, at, &instruction)) {
            break;
        }
        at += instruction.length;
        oracle->executed++;
    }
    return false;
}

/* A pushf that is stepped shows the step's own trap flag. */
static void hide_trap_flag(dbt_oracle *oracle, const dbt_instruction *instruction)
{
    const dbt_hardware *own = oracle->own;
    u64 left;
    if (instruction->map != DBT_MAP_ONE_BYTE || instruction->opcode != PUSHF_OPCODE) {
        return;
    }
    u8 *host = dbt_mirror_at(oracle, own->registers.rsp + 1, &left);
    if (host != NULL) {
        *host &= (u8)~(DBT_FLAG_TF >> 8);
    }
}

static u32 check_vector(dbt_hardware *own, const u8 *expected, u64 features, u32 *first)
{
    if (!dbt_tracee_get_vector(own)) {
        return DBT_DIFFERS_VECTOR;
    }
    u32 fields = dbt_oracle_check_legacy(expected, own->area, 0xffff, 0xffff, first);
    for (u32 number = 2; number < 63 && fields == 0; number++) {
        u32 at;
        u32 size_bytes;
        if (number == 9 || !(features >> number & 1) || !component(number, &at, &size_bytes)) {
            continue;
        }
        for (u32 byte = at; byte < at + size_bytes; byte++) {
            if (expected[byte] != own->area[byte]) {
                *first = byte;
                return DBT_DIFFERS_VECTOR;
            }
        }
    }
    return fields;
}

static bool check_point(dbt_oracle *oracle)
{
    dbt_hardware *own = oracle->own;
    dbt_unit_record actual;
    dbt_tracee_tell(own, &actual);
    actual.executed = oracle->executed;
    if (!dbt_oracle_check(oracle, &actual, own->outcome)) {
        return false;
    }
    const u8 *expected = dbt_oracle_vector(oracle, oracle->point);
    if (expected != NULL) {
        own->outcome->fields = check_vector(own, expected, oracle->record->features,
                                            &own->outcome->vector_first);
        if (own->outcome->fields != 0) {
            own->outcome->actual = actual;
            memcpy(own->outcome->vector, own->area, sizeof own->outcome->vector);
            return false;
        }
    }
    return true;
}

static void take_input(dbt_oracle *oracle, const dbt_instruction *instruction)
{
    dbt_hardware *own = oracle->own;
    dbt_unit_record state;
    dbt_effects effects;
    dbt_tracee_tell(own, &state);
    const dbt_unit_record *after = dbt_oracle_point(oracle, oracle->point);
    dbt_instruction_effects(instruction, &effects);
    for (u32 number = 0; number < 16; number++) {
        if (effects.registers_written >> number & 1) {
            state.registers[number] = after->registers[number];
        }
    }
    const u64 written = effects.flags_written | effects.flags_undefined;
    state.rflags = (state.rflags & ~written) | (after->rflags & written);
    state.rip += instruction->length;
    dbt_tracee_set(own, &state);
    own->outcome->inputs++;
}

static void fault(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    const dbt_hardware *own = oracle->own;
    siginfo_t info;
    outcome->status = DBT_ORACLE_FAULT;
    outcome->error = own->stop_signal;
    if (dbt_tracee_get_signal(own, &info)) {
        outcome->guest_fault_address = (u64)info.si_addr;
    }
    dbt_tracee_tell(own, &outcome->actual);
    outcome->actual.executed = oracle->executed;
}

/* A store to a page that is lent, which has its own copy now: the instruction runs again. */
static bool goes_on(dbt_oracle *oracle)
{
    const dbt_hardware *own = oracle->own;
    siginfo_t info;
    return own->stop_signal == SIGSEGV && dbt_tracee_get_signal(own, &info) &&
           info.si_code == SEGV_ACCERR && dbt_mirror_take_copies(oracle, (u64)info.si_addr, 1);
}

/* Where units are not told, the guest runs by itself to the system call that ends the batch (no other call
 * is made before it), or to a unit that is always told. */
static bool may_run_free(const dbt_oracle *oracle, u64 input_at)
{
    const dbt_record *record = oracle->record;
    const dbt_unit_record *next = dbt_oracle_point(oracle, oracle->point);
    const bool is_told =
        oracle->point < record->count
            ? (next->flags & (DBT_UNIT_RECORD_INPUT | DBT_UNIT_RECORD_SAVES)) != 0
            : record->event == DBT_EVENT_ENTER;
    const bool may_break = (i64)next->rip > 0; /* not at the vsyscall page, which is the kernel's */
    return record->every == 0 && is_told && may_break && input_at == ~0ULL &&
           next->executed - oracle->executed >= FREE_LEAST;
}

/* Another unit may lead over the place, too: then the guest stands there with other registers. */
static bool stands_at(const dbt_hardware *own, const dbt_unit_record *point)
{
    dbt_unit_record actual;
    dbt_tracee_tell(own, &actual);
    return memcmp(actual.registers, point->registers, sizeof actual.registers) == 0;
}

static bool run_free(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    dbt_hardware *own = oracle->own;
    const dbt_unit_record *next = dbt_oracle_point(oracle, oracle->point);
    u32 passes = 0;
    outcome->is_unlogged = 1;
    do {
        if (!dbt_tracee_run_to(own, next->rip, true)) {
            return false;
        }
    } while (!stands_at(own, next) && oracle->point < oracle->record->count &&
             ++passes < FREE_PASSES);
    oracle->executed = next->executed;
    return true;
}

/* A repeated instruction that faults has done a part of its work, and one of SSE that raises an exception
 * has set its flag in MXCSR: the state at the signal is that of afterwards, of every other one that of
 * before. */
static void go_midway(dbt_oracle *oracle)
{
    dbt_hardware *own = oracle->own;
    const dbt_record *record = oracle->record;
    dbt_instruction instruction;
    if (oracle->point != record->count || record->event != DBT_EVENT_SIGNAL ||
        !record->is_synchronous) {
        return;
    }
    next_instruction(oracle, &instruction);
    if (dbt_tracee_is_repeated(&instruction) ||
        (record->signal == SIGFPE && instruction.traits & DBT_TRAIT_VECTOR)) {
        dbt_stretch_note_stores(oracle, &instruction);
        do {
            own->has_raised = !dbt_tracee_step(oracle, &instruction);
        } while (own->has_raised && goes_on(oracle));
    }
}

static void run_batch(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    dbt_hardware *own = oracle->own;
    u64 input_at = ~0ULL;
    own->outcome = outcome;
    own->has_raised = false;
    for (;;) {
        while (dbt_oracle_point(oracle, oracle->point)->executed == oracle->executed) {
            const dbt_unit_record *point = dbt_oracle_point(oracle, oracle->point);
            go_midway(oracle);
            if (!check_point(oracle)) {
                outcome->status = DBT_ORACLE_DIFFERS;
                return;
            }
            if (oracle->point == oracle->record->count) {
                outcome->status = DBT_ORACLE_EQUAL;
                return;
            }
            oracle->point++;
            input_at = point->flags & DBT_UNIT_RECORD_INPUT
                           ? dbt_oracle_point(oracle, oracle->point)->executed - 1
                           : ~0ULL;
        }
        if (may_run_free(oracle, input_at)) {
            if (!run_free(oracle, outcome) && !goes_on(oracle)) {
                fault(oracle, outcome);
                return;
            }
            continue;
        }
        dbt_stretch ahead;
        dbt_stretch_plan(oracle,
                         dbt_oracle_point(oracle, oracle->point)->executed - oracle->executed,
                         &ahead);
        if (ahead.count >= STRETCH_LEAST) {
            if (!run_stretch(oracle, &ahead) && !goes_on(oracle)) {
                fault(oracle, outcome);
                return;
            }
            continue;
        }
        dbt_instruction instruction;
        next_instruction(oracle, &instruction);
        if (oracle->executed == input_at && instruction.traits & DBT_TRAIT_INPUT) {
            take_input(oracle, &instruction);
        } else {
            if (ahead.count == 0) { /* else planning has noted them */
                dbt_stretch_note_stores(oracle, &instruction);
            }
            if (!dbt_tracee_step(oracle, &instruction)) {
                if (goes_on(oracle)) {
                    continue;
                }
                fault(oracle, outcome);
                return;
            }
            hide_trap_flag(oracle, &instruction);
        }
        oracle->executed++;
    }
}

/* On one processor a step costs a third of what it costs across two, where each wakes the other. */
static void run(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    const dbt_hardware *own = oracle->own;
    cpu_set_t before;
    cpu_set_t one;
    const bool is_kept = sched_getaffinity(0, sizeof before, &before) == 0;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    (void)sched_setaffinity(own->pid, sizeof one, &one);
    run_batch(oracle, outcome);
    if (is_kept) {
        (void)sched_setaffinity(0, sizeof before, &before);
    }
}

static int raises(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    dbt_hardware *own = oracle->own;
    if (!own->has_raised) {
        dbt_instruction instruction;
        next_instruction(oracle, &instruction);
        dbt_stretch_note_stores(oracle, &instruction);
        do {
            if (dbt_tracee_step(oracle, &instruction)) {
                return 0;
            }
        } while (goes_on(oracle));
    }
    own->has_raised = false;
    fault(oracle, outcome);
    if (dbt_tracee_get_vector(own)) {
        memcpy(outcome->vector, own->area, sizeof outcome->vector);
    }
    return 1;
}

static void close_hardware(dbt_oracle *oracle)
{
    dbt_tracee_end(oracle->own);
}

static const dbt_oracle_kind hardware_kind = {
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .set_state = set_state,
    .run = run,
    .raises = raises,
    .close = close_hardware,
};

dbt_oracle *dbt_oracle_hardware(char *error)
{
    dbt_oracle *oracle = calloc(1, sizeof *oracle);
    dbt_hardware *own = aligned_alloc(64, (sizeof *own + 63) & ~63UL);
    if (oracle == NULL || own == NULL) {
        snprintf(error, 256, "no memory");
        return NULL;
    }
    memset(own, 0, sizeof *own);
    oracle->kind = &hardware_kind;
    oracle->own = own;
    const int status = dbt_oracle_open_file(oracle);
    own->file = oracle->file;
    if (status != 0 || !dbt_tracee_start(own)) {
        snprintf(error, 256, "a process to be stepped cannot be made: %s", strerror(errno));
        return NULL;
    }
    return oracle;
}

/* Job: writes the record of a run (core/record.h) for a controller that compares it with a reference:
 * every unit, and what system calls and signals did to the guest.
 * State: the record, shared with the controller; dbt_linux_process.record is 0 where nothing is recorded.
 * Invariant: only one thread is recorded, and nothing it could do to the guest's memory happens while
 * the controller looks; a controller that has gone ends the record, not the guest. */
#include "core/record.h"
#include "linux/gate.h"
#include "linux/linux.h"

#define SPIN_ROUNDS 512u
#define WAIT_SECONDS 1
#define FEATURES_LEGACY 3ULL /* x87 and SSE */

static dbt_record *record_of(const dbt_linux_thread *thread)
{
    const dbt_linux_process *process = thread->process;
    return process->recorded == thread->context ? process->record : 0;
}

/* The components that are recorded, and the bytes they take. */
static void learn_features(const dbt_linux_process *process, dbt_record *record)
{
    record->features = dbt_host_features() & ~DBT_FEATURE_TILES & ~DBT_FEATURE_PKRU;
    if (process->session->configuration.cpu == DBT_CPU_LEVEL_2) {
        record->features &= FEATURES_LEGACY;
    }
    record->vector_bytes = (dbt_host_xsave_bytes(record->features) + 63) & ~63u;
}

void dbt_recorder_open(dbt_linux_process *process, i32 session_fd)
{
    const u64 size_bytes = process->session->configuration.record_bytes;
    if (size_bytes == 0) {
        return;
    }
    i64 host = dbt_host_call6(__NR_mmap, dbt_own_place(size_bytes), size_bytes,
                              PROT_READ | PROT_WRITE, MAP_SHARED, (u64)session_fd, DBT_PAGE_UP(sizeof(dbt_session)));
    if (host < 0) {
        return;
    }
    dbt_own_add((u64)host, (u64)host + DBT_PAGE_UP(size_bytes));
    dbt_record *record = (dbt_record *)host;
    u32 nobody = 0;
    const u32 pid = (u32)dbt_host_call1(__NR_getpid, 0);
    if (__atomic_compare_exchange_n(&record->vmm_pid, &nobody, pid, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        learn_features(process, record);
        process->record = record;
    } else if (nobody == pid) {
        record->reason = DBT_RECORD_EXECUTE;
        record->event = DBT_EVENT_END;
        record->count = 0;
        __atomic_fetch_add(&record->posted, 1, __ATOMIC_SEQ_CST);
        (void)dbt_host_call3(__NR_futex, (u64)&record->posted, FUTEX_WAKE, 1);
    }
}

static u8 *slot(dbt_record *record, u32 number)
{
    return (u8 *)record + record->vectors_at + (u64)number * record->vector_bytes;
}

static void take_state(const dbt_context *context, dbt_unit_record *to)
{
    memcpy(to->registers, context->registers, sizeof to->registers);
    to->rip = context->rip;
    to->rflags = context->rflags;
    to->executed = context->executed;
    to->gs_base = context->guest_gs_base;
    to->vector = 1;
    __asm__ volatile("rdfsbase %0" : "=r"(to->fs_base));
}

static void forget(dbt_linux_thread *thread)
{
    thread->process->record = 0;
    thread->process->recorded = 0;
}

/* The controller is the process's parent, or has gone. */
static bool wait_until_taken(dbt_record *record, u32 posted)
{
    const u64 parent = (u64)dbt_host_call1(__NR_getppid, 0);
    for (u32 round = 0; round < SPIN_ROUNDS; round++) {
        if (__atomic_load_n(&record->taken, __ATOMIC_ACQUIRE) == posted) {
            return true;
        }
        __asm__ volatile("pause");
    }
    for (;;) {
        const u32 taken = __atomic_load_n(&record->taken, __ATOMIC_ACQUIRE);
        if (taken == posted) {
            return true;
        }
        i64 timeout[2] = {WAIT_SECONDS, 0};
        (void)dbt_host_call6(__NR_futex, (u64)&record->taken, FUTEX_WAIT, taken, (u64)timeout, 0, 0);
        if ((u64)dbt_host_call1(__NR_getppid, 0) != parent) {
            return false;
        }
    }
}

/* Hands the batch over with the state of now, and waits. False: the record has ended. */
static bool post(dbt_linux_thread *thread, dbt_event event)
{
    dbt_record *record = thread->process->record;
    record->event = (u32)event;
    record->now.flags = record->skipped != 0 ? DBT_UNIT_RECORD_SKIPPED : 0u;
    record->skipped = 0;
    const u32 posted = record->posted + 1;
    if (record->now.vector != 0) {
        (void)dbt_gate_xsave((u64)slot(record, 0), record->features);
    }
    __atomic_store_n(&record->posted, posted, __ATOMIC_SEQ_CST);
    (void)dbt_host_call3(__NR_futex, (u64)&record->posted, FUTEX_WAKE, 1);
    const bool goes_on = event != DBT_EVENT_END && wait_until_taken(record, posted);
    record->count = 0;
    record->vector_count = 1;
    record->region_count = 0;
    if (!goes_on) {
        forget(thread);
    }
    return goes_on;
}

static void tell_regions(const dbt_linux_space *space, dbt_record *record)
{
    _Static_assert(sizeof(dbt_record_region) == sizeof(dbt_region), "one layout");
    const u64 room = (u64)record->unit_capacity * sizeof(dbt_unit_record) / sizeof(dbt_region);
    DBT_ASSERT(space->region_count <= room);
    memcpy((u8 *)record + record->units_at, space->regions, space->region_count * sizeof(dbt_region));
    record->region_count = space->region_count;
}

void dbt_recorder_start(dbt_linux_thread *thread)
{
    dbt_record *record = thread->process->record;
    if (record == 0) {
        return;
    }
    thread->process->recorded = thread->context;
    record->vector_count = 1;
    take_state(thread->context, &record->now);
    tell_regions(thread->process->space, record);
    (void)post(thread, DBT_EVENT_START);
}

/* Whether a unit is told; before: traits of the one before it. Of each pair the second finds flags that
 * only the first can have left undefined. */
static bool is_told(dbt_record *record, u32 before, u32 flags)
{
    const u32 position = record->position;
    record->position = position + 1 < record->every ? position + 1 : 0;
    return (record->every != 0 && position + 2 >= record->every) ||
           ((before | flags) & (DBT_UNIT_RECORD_INPUT | DBT_UNIT_RECORD_SAVES)) != 0;
}

void dbt_recorder_unit(dbt_context *context, u32 instructions, u32 flags)
{
    dbt_linux_thread *thread = context->process;
    dbt_record *record = record_of(thread);
    if (record == 0) {
        return;
    }
    if (!is_told(record, context->recorded, flags)) {
        record->skipped++;
        context->recorded = flags | (context->recorded & DBT_UNIT_RECORD_VECTOR);
        return;
    }
    const bool has_vector = (context->recorded & DBT_UNIT_RECORD_VECTOR) != 0;
    if ((context->recorded & DBT_UNIT_RECORD_SAVES) != 0 || record->count == record->unit_capacity ||
        (has_vector && record->vector_count == record->vector_capacity)) {
        take_state(context, &record->now);
        if (!post(thread, DBT_EVENT_FULL)) {
            return;
        }
    }
    dbt_unit_record *unit =
        (dbt_unit_record *)((u8 *)record + record->units_at) + record->count++;
    take_state(context, unit);
    unit->instructions = instructions;
    unit->flags = flags | (record->skipped != 0 ? DBT_UNIT_RECORD_SKIPPED : 0u);
    unit->vector = 0;
    record->skipped = 0;
    if (has_vector) {
        unit->vector = record->vector_count++;
        (void)dbt_gate_xsave((u64)slot(record, unit->vector), record->features);
    }
    context->recorded = flags;
}

void dbt_recorder_enter(dbt_linux_thread *thread, u64 number, const u64 *arguments,
                        u64 instruction_bytes)
{
    dbt_record *record = record_of(thread);
    if (record == 0) {
        return;
    }
    take_state(thread->context, &record->now);
    record->now.rip -= instruction_bytes;
    record->now.executed -= instruction_bytes != 0;
    record->number = number;
    memcpy(record->arguments, arguments, sizeof record->arguments);
    thread->context->recorded = 0;
    (void)post(thread, DBT_EVENT_ENTER);
}

static bool changes_regions(u64 number)
{
    switch (number) {
    case __NR_mmap:
    case __NR_munmap:
    case __NR_mprotect:
    case __NR_pkey_mprotect:
    case __NR_brk:
    case __NR_mremap:
    case __NR_shmat:
    case __NR_shmdt:
    case __NR_remap_file_pages:
        return true;
    default:
        return false;
    }
}

void dbt_recorder_leave(dbt_linux_thread *thread, u64 number)
{
    dbt_record *record = record_of(thread);
    if (record == 0) {
        return;
    }
    take_state(thread->context, &record->now);
    if (changes_regions(number)) {
        tell_regions(thread->process->space, record);
    }
    (void)post(thread, DBT_EVENT_LEAVE);
}

void dbt_recorder_signal(dbt_linux_thread *thread, const dbt_host_siginfo *info, bool has_vector)
{
    dbt_record *record = record_of(thread);
    if (record == 0) {
        return;
    }
    take_state(thread->context, &record->now);
    record->now.vector = has_vector;
    record->signal = (u32)info->number;
    record->is_synchronous = dbt_signal_is_fault((u32)info->number) && info->code > 0;
    record->fault_address = info->address;
    thread->context->recorded = 0;
    (void)post(thread, DBT_EVENT_SIGNAL);
}

void dbt_recorder_frame(dbt_linux_thread *thread, u64 guest_start, u64 guest_end)
{
    dbt_record *record = record_of(thread);
    if (record == 0) {
        return;
    }
    take_state(thread->context, &record->now);
    record->range_start = guest_start;
    record->range_end = guest_end;
    (void)post(thread, DBT_EVENT_FRAME);
}

void dbt_recorder_end(dbt_linux_thread *thread, u32 reason)
{
    dbt_record *record = record_of(thread);
    if (record == 0) {
        return;
    }
    take_state(thread->context, &record->now);
    record->reason = reason;
    (void)post(thread, DBT_EVENT_END);
    dbt_engine_stop_recording(thread->process->space->engine);
}

void dbt_recorder_forked(dbt_linux_thread *thread)
{
    if (thread->process->record != 0) {
        __atomic_fetch_add(&thread->process->record->forks, 1, __ATOMIC_SEQ_CST);
        forget(thread);
        dbt_engine_stop_recording(thread->process->space->engine);
    }
}

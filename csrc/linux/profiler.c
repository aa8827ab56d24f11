/* Job: what a process writes into a profile's memory (core/profile.h): notes, counts, and the list of
 * the units that were translated. sampler.c takes the samples.
 * State: dbt_linux_process.profile, 0 where nothing is profiled; the space's list of units.
 * Invariant: nothing here waits, and nothing can fail for the guest: what cannot be written is left out,
 * and the profile says that something is missing. */
#include "core/branches.h"
#include "core/port.h"
#include "linux/linux.h"
#include "linux/text.h"

#define SLOT_BYTES (DBT_PROFILE_SLOT_WORDS * sizeof(u64))
#define PATH_BYTES_MOST 1024u
#define TO_SESSION DBT_PAGE_UP(sizeof(dbt_session))
#define NANOSECONDS 1000000000ULL

/* host_at: in own memory, of which it takes the place; 0: anywhere. */
static i64 map_shared(const dbt_linux_process *process, u64 host_at, u64 offset, u64 size_bytes)
{
    i64 host = dbt_host_call6(__NR_mmap, host_at != 0 ? host_at : dbt_own_place(size_bytes), size_bytes,
                              PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_NORESERVE | (host_at != 0 ? MAP_FIXED : 0),
                              (u64)process->session_fd, offset);
    if (host >= 0 && host_at == 0) {
        dbt_own_add((u64)host, (u64)host + DBT_PAGE_UP(size_bytes));
    }
    return host;
}

void dbt_profiler_open(dbt_linux_process *process)
{
    if (process->session->configuration.profile_bytes == 0) {
        return;
    }
    i64 host = map_shared(process, 0, TO_SESSION, sizeof(dbt_profile));
    process->profile = host < 0 ? 0 : (dbt_profile *)host;
}

u64 dbt_profiler_time_ns(void)
{
    u64 now[2] = {0, 0};
    (void)dbt_host_call2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (u64)now);
    return now[0] * NANOSECONDS + now[1];
}

static void put_slot(dbt_profile *profile, u64 position, u32 kind, const void *bytes, u64 size_bytes)
{
    dbt_profile_slot *slot = &profile->slots[position % DBT_PROFILE_SLOTS];
    memset(slot->words, 0, sizeof slot->words);
    memcpy(slot->words, bytes, size_bytes);
    __atomic_store_n(&slot->stamp, (position + 1) << 8 | kind, __ATOMIC_RELEASE);
}

void dbt_profiler_note(dbt_profile *profile, u32 kind, const u64 words[DBT_PROFILE_SLOT_WORDS],
                       const void *text, u64 text_bytes)
{
    u64 slots = 1 + (text_bytes + SLOT_BYTES - 1) / SLOT_BYTES;
    u64 position = __atomic_fetch_add(&profile->head, slots, __ATOMIC_RELAXED);
    put_slot(profile, position, kind, words, SLOT_BYTES);
    for (u64 at = 0; at < text_bytes; at += SLOT_BYTES) {
        u64 rest = text_bytes - at;
        position++;
        put_slot(profile, position, DBT_NOTE_TEXT, (const u8 *)text + at,
                 rest < SLOT_BYTES ? rest : SLOT_BYTES);
    }
}

static void note_path(dbt_profile *profile, u32 kind, const u64 words[DBT_PROFILE_SLOT_WORDS],
                      const char *path)
{
    u64 length = dbt_text_length(path);
    dbt_profiler_note(profile, kind, words, path, length < PATH_BYTES_MOST ? length : PATH_BYTES_MOST);
}

static void note_module(const dbt_linux_process *process, u64 guest_start, u64 guest_end, u64 file_offset,
                        const char *path)
{
    u64 words[DBT_PROFILE_SLOT_WORDS] = {
        process->pid, dbt_profiler_time_ns(), guest_start, guest_end, file_offset,
    };
    note_path(process->profile, DBT_NOTE_MODULE, words, path);
}

static void note_process(const dbt_linux_process *process, u32 parent_pid, bool begins)
{
    u64 words[DBT_PROFILE_SLOT_WORDS] = {
        process->pid | (u64)parent_pid << 32,
        dbt_profiler_time_ns(),
        process->space->units_region,
        begins,
    };
    note_path(process->profile, DBT_NOTE_PROCESS, words, process->guest_path);
}

/* Room for one more region; DBT_NONE when there is none left. */
static u32 take_region(dbt_profile *profile, u64 size_bytes, u64 *at)
{
    size_bytes = DBT_PAGE_UP(size_bytes);
    *at = __atomic_fetch_add(&profile->free_at, size_bytes, __ATOMIC_RELAXED);
    if (*at + size_bytes > profile->size_bytes) {
        return DBT_NOT_DESCRIBED;
    }
    u32 number = __atomic_fetch_add(&profile->region_count, 1, __ATOMIC_RELAXED);
    return number < DBT_PROFILE_REGIONS ? number : DBT_NOT_DESCRIBED;
}

/* A region of the space's process, mapped as map_shared does; 0 when there is no room. */
static u64 map_region(const dbt_linux_process *process, u64 host_at, u32 kind, u64 size_bytes, u32 parent,
                      u32 inherited, u32 *number)
{
    dbt_profile *profile = process->profile;
    u64 at;
    *number = take_region(profile, size_bytes, &at);
    if (*number == DBT_NOT_DESCRIBED) {
        return 0;
    }
    i64 host = map_shared(process, host_at, TO_SESSION + at, size_bytes);
    if (host < 0) {
        *number = DBT_NOT_DESCRIBED;
        return 0;
    }
    dbt_profile_region *region = &profile->regions[*number];
    region->pid = process->pid;
    region->parent = parent;
    region->inherited = inherited;
    region->at = at;
    region->size_bytes = size_bytes;
    __atomic_store_n(&region->kind, kind, __ATOMIC_RELEASE);
    return (u64)host;
}

static void begin_units(const dbt_linux_process *process, u32 parent, u32 inherited)
{
    dbt_linux_space *space = process->space;
    space->units = (dbt_profile_units *)map_region(process, 0, DBT_PROFILE_REGION_UNITS,
                                                   sizeof(dbt_profile_units), parent, inherited,
                                                   &space->units_region);
    if (space->units != 0) {
        space->units->count = inherited;
    }
}

bool dbt_profiler_counts(const dbt_linux_process *process)
{
    return process->profile != 0 && (process->session->configuration.flags & DBT_CONFIG_COUNT) != 0;
}

/* Counters of the thread's own, in the list of units that its space has now. Those of a thread that had its
 * block before go on to be used. False: there is no memory. */
bool dbt_profiler_count_in(dbt_linux_thread *thread)
{
    const dbt_linux_process *process = thread->process;
    const dbt_linux_space *space = process->space;
    if (!dbt_profiler_counts(process)) {
        return true;
    }
    u64 host_counters = (u64)dbt_context_counters(thread->context);
    bool is_new = !thread->has_counters || thread->counted_region != space->units_region;
    if (is_new) {
        u32 number;
        u64 size_bytes = DBT_PAGE_UP(sizeof(dbt_profile_counters));
        if (map_region(process, host_counters, DBT_PROFILE_REGION_COUNTERS, size_bytes, space->units_region,
                       0, &number) == 0) {
            /* Emitted code counts somewhere, in any case. */
            dbt_profiler_count(process, DBT_PROFILER_NOT_COUNTED, 0);
            i64 host = dbt_host_call6(__NR_mmap, host_counters, size_bytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ULL, 0);
            if (host < 0) {
                return false;
            }
        }
        thread->has_counters = true;
        thread->counted_region = space->units_region;
        u64 host_guard = host_counters + offsetof(dbt_profile_counters, guard);
        (void)dbt_host_mprotect(host_guard, DBT_PAGE_BYTES, PROT_READ);
    }
    dbt_branches_begin(thread->context, is_new);
    return true;
}

static bool visit_mapping(void *owner, const dbt_maps_entry *entry)
{
    const dbt_linux_process *process = owner;
    const dbt_linux_space *space = process->space;
    u32 at = dbt_map_lower_bound(space, entry->start);
    /* The host may show several of the guest's mappings as one, since none of them is executable there. */
    for (; at < space->region_count && space->regions[at].guest_start < entry->end; at++) {
        const dbt_region *region = &space->regions[at];
        if (entry->name[0] != 0 && (region->protection & PROT_EXEC) != 0) {
            u64 lead_bytes = region->guest_start - entry->start;
            note_module(process, region->guest_start, region->guest_end,
                        entry->file_offset + lead_bytes, entry->name);
        }
    }
    return true;
}

void dbt_profiler_start(dbt_linux_thread *thread)
{
    dbt_linux_process *process = thread->process;
    if (process->profile == 0) {
        return;
    }
    begin_units(process, DBT_NOT_DESCRIBED, 0);
    if (!dbt_profiler_count_in(thread)) {
        dbt_fatal(__FILE__, __LINE__, "no memory for counters");
    }
    note_process(process, process->slab->parent_pid, true);
    (void)dbt_maps_read("/proc/self/maps", visit_mapping, process);
}

void dbt_profiler_forked(dbt_linux_thread *thread, u32 parent_pid)
{
    dbt_linux_process *process = thread->process;
    dbt_linux_space *space = process->space;
    if (process->profile == 0) {
        return;
    }
    if (space->units != 0) {
        u64 host_parent = (u64)space->units;
        /* Its parent may have gone on meanwhile: what was inherited is what this engine has. */
        begin_units(process, space->units_region, dbt_engine_descriptions(space->engine));
        dbt_host_munmap(host_parent, sizeof(dbt_profile_units));
        dbt_own_remove(host_parent, host_parent + DBT_PAGE_UP(sizeof(dbt_profile_units)));
    }
    if (!dbt_profiler_count_in(thread)) {
        dbt_fatal(__FILE__, __LINE__, "no memory for counters");
    }
    note_process(process, parent_pid, false);
}

void dbt_profiler_mapped(const dbt_linux_process *process, i64 result, const u64 *arguments)
{
    char link[64];
    char path[PATH_BYTES_MOST + 1];
    dbt_text text;
    if (process->profile == 0 || (result < 0 && result >= -4095) || (arguments[2] & PROT_EXEC) == 0 ||
        (arguments[3] & MAP_ANONYMOUS) != 0) {
        return;
    }
    dbt_text_begin(&text, link, sizeof link);
    dbt_text_add(&text, "/proc/self/fd/");
    dbt_text_add_decimal(&text, arguments[4]);
    i64 length = dbt_host_call3(__NR_readlink, (u64)link, (u64)path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    note_module(process, (u64)result, (u64)result + DBT_PAGE_UP(arguments[1]), arguments[5], path);
}

static dbt_profile_counts *counts_of(const dbt_linux_process *process)
{
    u64 number = (u64)(process->slab - process->session->slabs);
    return process->profile != 0 && number < DBT_SESSION_SLABS ? &process->profile->counts[number] : 0;
}

void dbt_profiler_count(const dbt_linux_process *process, dbt_profiler_what what, u64 number)
{
    dbt_profile_counts *counts = counts_of(process);
    u64 *counter = 0;
    if (counts == 0) {
        return;
    }
    switch (what) {
    case DBT_PROFILER_SYSCALL:
        counter = &counts->syscalls[number < DBT_PROFILE_SYSCALLS ? number : DBT_PROFILE_SYSCALLS - 1];
        break;
    case DBT_PROFILER_CALLOUT:
        counter = &counts->callouts[number < DBT_PROFILE_CLASSES ? number : DBT_PROFILE_CLASSES - 1];
        break;
    case DBT_PROFILER_THREAD:
        counter = &counts->threads_started;
        break;
    case DBT_PROFILER_NOT_SAMPLED:
        counter = &counts->threads_not_sampled;
        break;
    case DBT_PROFILER_NOT_COUNTED:
        counter = &counts->threads_not_counted;
        break;
    }
    (void)__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void dbt_profiler_callout(const dbt_context *context, u32 class_)
{
    dbt_profiler_count(context->process->process, DBT_PROFILER_CALLOUT, class_);
}

void dbt_profiler_describe(void *owner, u32 number, const dbt_description *unit)
{
    const dbt_linux_space *space = owner;
    dbt_profile_units *units = space->units;
    if (units == 0) {
        return;
    }
    if (number >= DBT_PROFILE_UNITS || units->code_bytes + unit->guest_bytes > DBT_PROFILE_CODE_BYTES) {
        units->is_full = 1;
        return;
    }
    units->units[number] = (dbt_profile_unit){
        .guest_pc = unit->guest_pc,
        .code_at = (u32)units->code_bytes,
        .guest_bytes = (u16)unit->guest_bytes,
        .instructions = (u16)unit->instructions,
        .ident = (u16)unit->ident,
        .host_bytes = (u16)unit->host_bytes,
        .host_instructions = (u16)unit->host_instructions,
        .ends = (u16)unit->ends,
        .own_bytes = (u16)unit->own_bytes,
        .host_pc = unit->host_pc,
    };
    memcpy(units->code + units->code_bytes, unit->code, unit->guest_bytes);
    units->code_bytes += unit->guest_bytes;
    __atomic_store_n(&units->count, number + 1, __ATOMIC_RELEASE);
}

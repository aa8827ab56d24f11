/* Job: the Unicorn oracle: someone else's emulator runs the guest, one callback an instruction.
 * State: unicorn, behind dbt_oracle.own. libunicorn is loaded when it is asked for; it is GPL software
 * that only this process, never the VMM, calls.
 * Invariant: the callback sees each guest instruction once; the rounds of a repeated string instruction
 * are one. */
#define _GNU_SOURCE
#include "ext/oracle_unicorn.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* unicorn/unicorn.h and unicorn/x86.h, as far as they are used. */
#define UC_ARCH_X86 4
#define UC_MODE_64 8
#define UC_HOOK_CODE 4
#define UC_HOOK_MEM_WRITE 2048
#define UC_CPU_HASWELL 19
#define UC_ERR_FETCH_UNMAPPED 8
#define UC_ERR_FETCH_PROT 14
#define UC_ERR_INSN_INVALID 10
#define UC_ERR_WRITE_PROT 12
#define PROTECTION_EXECUTE 4u
#define FLAGS_PRIVILEGED 0x193200ULL /* IF IOPL RF VIF VIP */
#define RFLAGS_RF 0x10000ULL
#define UC_CONTROL(type, count, way) ((u32)(type) | (u32)(count) << 26 | (u32)(way) << 30)
#define UC_CONTROL_CPU UC_CONTROL(7, 1, 1)
#define UC_CONTROL_FLUSH UC_CONTROL(10, 0, 1)

enum {
    ID_RIP = 16,
    ID_FLAGS,
    ID_FS_BASE,
    ID_GS_BASE,
    GENERAL_COUNT,
    ID_XMM = GENERAL_COUNT,
    ID_X87 = ID_XMM + 16,
    ID_FCW = ID_X87 + 8,
    ID_FSW,
    ID_FTW,
    ID_MXCSR,
    ID_COUNT
};

#define MXCSR_EXCEPTIONS 0x3fu
#define FSW_KNOWN 0x7d00u /* C3 TOP C2 C0: Unicorn has no exception flags and no C1 */
#define KINDS 65536u

/* What is known of an instruction, by its address. */
typedef struct known {
    u64 guest_pc;
    u32 kind;
} known;

typedef struct unicorn {
    void *library;
    void *engine;
    int (*open)(int, int, void **);
    int (*close)(void *);
    int (*start)(void *, u64, u64, u64, size_t);
    int (*stop)(void *);
    int (*read)(void *, const int *, void **, int);
    int (*write)(void *, const int *, void *const *, int);
    int (*map)(void *, u64, u64, u32, void *);
    int (*unmap)(void *, u64, u64);
    int (*protect)(void *, u64, u64, u32);
    int (*hook)(void *, size_t *, int, void *, void *, u64, u64, ...);
    int (*control)(void *, u32, ...);
    int ids[ID_COUNT];
    dbt_oracle_outcome *outcome;
    u64 last_pc;          /* of the instruction the callback saw last; ~0: none */
    u64 kept_flags;       /* before a repeated instruction that must not change them; ~0: none */
    known *known;         /* KINDS of them */
    u64 input_at;         /* executed, of an instruction whose outcome the record supplies */
    u64 guest_store;      /* the last one, done or not */
    u32 store_bytes;
    bool is_behind_popf;
    bool code_written;    /* Unicorn's translations are to be dropped before the next instruction */
    u32 why;              /* WHY_ */
} unicorn;

enum { WHY_NONE, WHY_END, WHY_DIFFERS, WHY_INPUT, WHY_FLUSH, WHY_WRONG, WHY_FAULT_EXPECTED };

static void read_general(unicorn *own, dbt_unit_record *to)
{
    void *values[GENERAL_COUNT];
    for (int number = 0; number < 16; number++) {
        values[number] = &to->registers[number];
    }
    values[ID_RIP] = &to->rip;
    values[ID_FLAGS] = &to->rflags;
    values[ID_FS_BASE] = &to->fs_base;
    values[ID_GS_BASE] = &to->gs_base;
    to->rflags = 0;
    own->read(own->engine, own->ids, values, GENERAL_COUNT);
}

/* Values of the vector and x87 registers, as Unicorn hands them out. */
typedef struct vector_values {
    u8 xmm[16][16];
    u8 x87[8][16];
    u64 fcw;
    u64 fsw;
    u64 ftw;
    u64 mxcsr;
    void *list[ID_COUNT - GENERAL_COUNT];
} vector_values;

static void list_values(vector_values *values)
{
    memset(values, 0, sizeof *values);
    for (int number = 0; number < 16; number++) {
        values->list[ID_XMM - GENERAL_COUNT + number] = values->xmm[number];
    }
    for (int number = 0; number < 8; number++) {
        values->list[ID_X87 - GENERAL_COUNT + number] = values->x87[number];
    }
    values->list[ID_FCW - GENERAL_COUNT] = &values->fcw;
    values->list[ID_FSW - GENERAL_COUNT] = &values->fsw;
    values->list[ID_FTW - GENERAL_COUNT] = &values->ftw;
    values->list[ID_MXCSR - GENERAL_COUNT] = &values->mxcsr;
}

/* As FXSAVE would store it (SDM vol. 1, 10.5.1): Unicorn numbers x87 registers physically. */
static void read_vector(unicorn *own, u8 *area)
{
    vector_values values;
    list_values(&values);
    own->read(own->engine, own->ids + GENERAL_COUNT, values.list, ID_COUNT - GENERAL_COUNT);
    memset(area, 0, 576);
    const u32 top = (u32)(values.fsw >> 11) & 7u;
    memcpy(area, &values.fcw, 2);
    memcpy(area + 2, &values.fsw, 2);
    for (u32 number = 0; number < 8; number++) {
        area[4] |= (u8)(((values.ftw >> 2 * number & 3u) != 3u) << number);
        memcpy(area + 32 + number * 16, values.x87[(top + number) & 7u], 10);
    }
    memcpy(area + 24, &values.mxcsr, 4);
    memcpy(area + 160, values.xmm, sizeof values.xmm);
}

static void write_vector(unicorn *own, const u8 *area)
{
    vector_values values;
    list_values(&values);
    memcpy(&values.fcw, area, 2);
    memcpy(&values.fsw, area + 2, 2);
    memcpy(&values.mxcsr, area + 24, 4);
    memcpy(values.xmm, area + 160, sizeof values.xmm);
    const u32 top = (u32)(values.fsw >> 11) & 7u;
    for (u32 number = 0; number < 8; number++) {
        values.ftw |= (u64)(area[4] >> number & 1 ? 0u : 3u) << 2 * number;
        memcpy(values.x87[(top + number) & 7u], area + 32 + number * 16, 10);
    }
    own->write(own->engine, own->ids + GENERAL_COUNT, values.list, ID_COUNT - GENERAL_COUNT);
}

/* Compares at the point; false ends the run. */
static bool check_point(dbt_oracle *oracle, u64 guest_pc)
{
    unicorn *own = oracle->own;
    dbt_unit_record actual;
    read_general(own, &actual);
    actual.rip = guest_pc;
    actual.executed = oracle->executed;
    if (!dbt_oracle_check(oracle, &actual, own->outcome)) {
        return false;
    }
    const u8 *expected = dbt_oracle_vector(oracle, oracle->point);
    if (expected != NULL) {
        u8 area[576];
        read_vector(own, area);
        own->outcome->fields = dbt_oracle_check_legacy(
            expected, area, 0xffffu & ~MXCSR_EXCEPTIONS, FSW_KNOWN, &own->outcome->vector_first);
        if (own->outcome->fields != 0) {
            own->outcome->actual = actual;
            memcpy(own->outcome->vector, area, sizeof area);
            return false;
        }
    }
    return true;
}

/* All points that stand at this instruction. False: the run ends here. */
static bool check_points(dbt_oracle *oracle, u64 guest_pc)
{
    unicorn *own = oracle->own;
    for (;;) {
        const dbt_unit_record *point = dbt_oracle_point(oracle, oracle->point);
        if (point->executed != oracle->executed) {
            return true;
        }
        if (!check_point(oracle, guest_pc)) {
            own->why = WHY_DIFFERS;
            return false;
        }
        if (oracle->point == oracle->record->count) {
            own->why = WHY_END;
            return false;
        }
        own->input_at = ~0ULL;
        if (point->flags & DBT_UNIT_RECORD_INPUT) {
            own->input_at = dbt_oracle_point(oracle, oracle->point + 1)->executed - 1;
        }
        oracle->point++;
    }
}

static u32 kind_of(dbt_oracle *oracle, u64 guest_pc)
{
    unicorn *own = oracle->own;
    known *entry = &own->known[guest_pc % KINDS];
    if (entry->guest_pc != guest_pc || entry->kind == 0) {
        entry->guest_pc = guest_pc;
        entry->kind = dbt_unicorn_kind(oracle, guest_pc);
    }
    return entry->kind;
}

static void write_flags(unicorn *own, u64 flags)
{
    void *values[1] = {&flags};
    own->write(own->engine, own->ids + ID_FLAGS, values, 1);
}

static u64 read_flags(unicorn *own)
{
    u64 flags = 0;
    void *values[1] = {&flags};
    own->read(own->engine, own->ids + ID_FLAGS, values, 1);
    return flags;
}

/* Unicorn 2.1 changes AF in rep movs, rep stos and loop, which affect no flag (SDM vol. 2, REP, LOOP):
 * it is put back. popf may not change IF and IOPL (SDM vol. 2, POPF), but Unicorn runs at privilege
 * level 0. These instructions end Unicorn's block, so the next one finds what is written here. */
static void keep_flags(dbt_oracle *oracle, u64 guest_pc)
{
    unicorn *own = oracle->own;
    if (own->kept_flags != ~0ULL) {
        write_flags(own, own->kept_flags);
        own->kept_flags = ~0ULL;
    }
    if (own->is_behind_popf) {
        write_flags(own, (read_flags(own) & ~FLAGS_PRIVILEGED) | DBT_FLAG_IF);
    }
    const u32 kind = kind_of(oracle, guest_pc);
    if (kind & DBT_KIND_KEEPS_FLAGS) {
        own->kept_flags = read_flags(own);
    }
    own->is_behind_popf = (kind & DBT_KIND_POPF) != 0;
}

static void on_code(void *engine, u64 guest_pc, u32 size_bytes, void *user)
{
    dbt_oracle *oracle = user;
    unicorn *own = oracle->own;
    (void)size_bytes;
    /* Again at the same place: the next round, or Unicorn has started a store into code anew. */
    if (guest_pc == own->last_pc && !(kind_of(oracle, guest_pc) & DBT_KIND_BRANCH)) {
        return;
    }
    keep_flags(oracle, guest_pc);
    if (own->why == WHY_FAULT_EXPECTED) {
        if (own->last_pc != ~0ULL) {
            own->why = WHY_END;
            own->stop(engine);
        }
        own->last_pc = guest_pc;
        return;
    }
    if (oracle->executed == dbt_oracle_point(oracle, oracle->point)->executed &&
        !check_points(oracle, guest_pc)) {
        own->stop(engine);
        return;
    }
    if (own->code_written) {
        own->why = WHY_FLUSH;
        own->stop(engine);
        return;
    }
    if (kind_of(oracle, guest_pc) & DBT_KIND_WRONG) {
        own->why = WHY_WRONG;
        own->stop(engine);
        return;
    }
    if (oracle->executed == own->input_at) {
        own->why = WHY_INPUT;
        own->stop(engine);
        return;
    }
    own->last_pc = guest_pc;
    oracle->executed++;
}

static void on_write(void *engine, int type, u64 guest_address, int size_bytes, i64 value,
                     void *user)
{
    dbt_oracle *oracle = user;
    unicorn *own = oracle->own;
    (void)engine;
    (void)type;
    (void)value;
    own->guest_store = guest_address;
    own->store_bytes = (u32)size_bytes;
    oracle->executed--; /* of the instruction that stores */
    dbt_oracle_note_write(oracle, guest_address, (u32)size_bytes);
    oracle->executed++;
    const dbt_mirror_region *region = dbt_mirror_find(oracle, guest_address);
    if (region != NULL && (region->is_shared || region->protection & PROTECTION_EXECUTE)) {
        own->code_written = true;
    }
}

static void flush(unicorn *own)
{
    own->control(own->engine, UC_CONTROL_FLUSH);
    memset(own->known, 0, KINDS * sizeof own->known[0]);
    own->code_written = false;
}

/* Unicorn reports a fetch that fails (or, at the last address of all, stops) before the callback sees the
 * instruction, and before it runs those in front of it in the same block: they are run one by one then. */
static bool is_fetch_error(int error)
{
    return error == UC_ERR_FETCH_UNMAPPED || error == UC_ERR_FETCH_PROT;
}

/* A store to a page that is lent, which has its own copy now: the instruction runs again. */
static bool goes_on(dbt_oracle *oracle, int error)
{
    unicorn *own = oracle->own;
    if (error != UC_ERR_WRITE_PROT ||
        !dbt_mirror_take_copies(oracle, own->guest_store, own->store_bytes)) {
        return false;
    }
    if (own->kept_flags != ~0ULL) {
        write_flags(own, own->kept_flags);
    }
    return true;
}

/* An instruction whose outcome comes from outside: its registers and flags as the next point has them. */
static bool take_input(dbt_oracle *oracle)
{
    unicorn *own = oracle->own;
    dbt_unit_record state;
    dbt_instruction instruction;
    dbt_effects effects;
    read_general(own, &state);
    if (!dbt_oracle_is_input(oracle, state.rip, &instruction)) {
        own->input_at = ~0ULL;
        return true;
    }
    const dbt_unit_record *after = dbt_oracle_point(oracle, oracle->point);
    dbt_instruction_effects(&instruction, &effects);
    void *values[GENERAL_COUNT];
    for (u32 number = 0; number < 16; number++) {
        if (effects.registers_written >> number & 1) {
            state.registers[number] = after->registers[number];
        }
        values[number] = &state.registers[number];
    }
    const u64 written = effects.flags_written | effects.flags_undefined;
    state.rflags = (state.rflags & ~written) | (after->rflags & written);
    state.rip += instruction.length;
    values[ID_RIP] = &state.rip;
    values[ID_FLAGS] = &state.rflags;
    values[ID_FS_BASE] = &state.fs_base;
    values[ID_GS_BASE] = &state.gs_base;
    own->write(own->engine, own->ids, values, GENERAL_COUNT);
    own->input_at = ~0ULL;
    own->outcome->inputs++;
    oracle->executed++;
    return true;
}

static void run(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    unicorn *own = oracle->own;
    own->outcome = outcome;
    own->input_at = ~0ULL;
    bool is_alone = false; /* the next instruction */
    for (;;) {
        u64 rip = 0;
        void *values[1] = {&rip};
        own->read(own->engine, own->ids + ID_RIP, values, 1);
        own->last_pc = own->kept_flags = ~0ULL;
        own->is_behind_popf = false;
        own->why = WHY_NONE;
        dbt_instruction alone;
        const bool stops = is_alone && dbt_oracle_decode(oracle, rip, &alone);
        const int error = own->start(own->engine, rip, stops ? rip + alone.length : ~0ULL, 0, 0);
        const bool was_alone = is_alone;
        is_alone = own->why == WHY_NONE && !was_alone && is_fetch_error(error);
        if (is_alone || (own->why == WHY_NONE && was_alone && error == 0)) {
            continue;
        }
        if (own->why == WHY_NONE) {
            own->read(own->engine, own->ids + ID_RIP, values, 1);
            if (is_fetch_error(error) || rip == ~0ULL) {
                (void)check_points(oracle, rip);
                own->last_pc = ~0ULL;
            }
        }
        if (own->why == WHY_FLUSH) {
            flush(own);
            continue;
        }
        if (own->why == WHY_NONE && goes_on(oracle, error)) {
            oracle->executed -= own->last_pc != ~0ULL;
            continue;
        }
        if (own->why == WHY_END) {
            outcome->status = DBT_ORACLE_EQUAL;
            return;
        }
        if (own->why == WHY_DIFFERS) {
            outcome->status = DBT_ORACLE_DIFFERS;
            return;
        }
        if (own->why != WHY_INPUT || !take_input(oracle)) {
            const bool is_wrong = own->why == WHY_WRONG;
            outcome->status = DBT_ORACLE_FAULT;
            outcome->error = is_wrong ? UC_ERR_INSN_INVALID : error;
            read_general(own, &outcome->actual);
            oracle->executed -= own->last_pc != ~0ULL && !is_wrong;
            outcome->actual.executed = oracle->executed;
            return;
        }
    }
}

static int raises(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    unicorn *own = oracle->own;
    u64 rip = 0;
    void *values[1] = {&rip};
    own->read(own->engine, own->ids + ID_RIP, values, 1);
    own->why = WHY_FAULT_EXPECTED;
    oracle->executed++; /* stores are noted as those of the one before */
    /* Unicorn calls a third fault in a row a shutdown and answers no error; it has not gone on, though. */
    int error;
    do {
        own->last_pc = own->kept_flags = ~0ULL;
        error = own->start(own->engine, rip, ~0ULL, 0, 0);
    } while (own->why == WHY_FAULT_EXPECTED && goes_on(oracle, error));
    oracle->executed--;
    read_general(own, &outcome->actual);
    return error != 0 || own->why != WHY_END;
}

static void set_state(dbt_oracle *oracle, const dbt_unit_record *state, const u8 *vector,
                      u64 features)
{
    unicorn *own = oracle->own;
    dbt_unit_record copy = *state;
    copy.rflags &= ~RFLAGS_RF; /* Unicorn would push it */
    void *values[GENERAL_COUNT];
    (void)features;
    for (int number = 0; number < 16; number++) {
        values[number] = &copy.registers[number];
    }
    values[ID_RIP] = &copy.rip;
    values[ID_FLAGS] = &copy.rflags;
    values[ID_FS_BASE] = &copy.fs_base;
    values[ID_GS_BASE] = &copy.gs_base;
    own->write(own->engine, own->ids, values, GENERAL_COUNT);
    if (vector != NULL) {
        write_vector(own, vector);
    }
}

static int map(dbt_oracle *oracle, const dbt_mirror_region *region)
{
    const unicorn *own = oracle->own;
    return -own->map(own->engine, region->guest_start, region->guest_end - region->guest_start,
                     dbt_mirror_protection(region), region->host);
}

static int unmap(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    unicorn *own = oracle->own;
    flush(own);
    return -own->unmap(own->engine, guest_start, guest_end - guest_start);
}

static int protect(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection)
{
    unicorn *own = oracle->own;
    flush(own); /* what was executable once would stay so, too */
    return -own->protect(own->engine, guest_start, guest_end - guest_start, protection);
}

static void code_changed(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    unicorn *own = oracle->own;
    for (u64 at = guest_start; at < guest_end;) {
        const dbt_mirror_region *region = dbt_mirror_find(oracle, at);
        if (region != NULL && (region->is_shared || region->protection & PROTECTION_EXECUTE)) {
            flush(own);
            return;
        }
        at = region != NULL ? region->guest_end : DBT_PAGE_DOWN(at) + DBT_PAGE_BYTES;
    }
}

static void close_unicorn(dbt_oracle *oracle)
{
    const unicorn *own = oracle->own;
    own->close(own->engine);
    free(own->known);
}

static const dbt_oracle_kind unicorn_kind = {
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .code_changed = code_changed,
    .set_state = set_state,
    .run = run,
    .raises = raises,
    .close = close_unicorn,
};

static bool find(void *library, const char *name, void *place)
{
    void *found = dlsym(library, name);
    memcpy(place, &found, sizeof found);
    return found != NULL;
}

static bool find_all(unicorn *own)
{
    void *library = own->library;
    return find(library, "uc_open", &own->open) && find(library, "uc_close", &own->close) &&
           find(library, "uc_emu_start", &own->start) && find(library, "uc_emu_stop", &own->stop) &&
           find(library, "uc_reg_read_batch", &own->read) &&
           find(library, "uc_reg_write_batch", &own->write) &&
           find(library, "uc_mem_map_ptr", &own->map) &&
           find(library, "uc_mem_unmap", &own->unmap) &&
           find(library, "uc_mem_protect", &own->protect) &&
           find(library, "uc_hook_add", &own->hook) && find(library, "uc_ctl", &own->control);
}

dbt_oracle *dbt_oracle_unicorn(const char *library, const int *register_ids, int count, char *error)
{
    dbt_oracle *oracle = calloc(1, sizeof *oracle);
    unicorn *own = calloc(1, sizeof *own);
    size_t hook;
    if (own != NULL) {
        own->known = calloc(KINDS, sizeof own->known[0]);
    }
    if (oracle == NULL || own == NULL || own->known == NULL || count != ID_COUNT) {
        snprintf(error, 256, "no memory, or %d registers instead of %d", count, ID_COUNT);
        return NULL;
    }
    oracle->kind = &unicorn_kind;
    oracle->own = own;
    memcpy(own->ids, register_ids, sizeof own->ids);
    own->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (own->library == NULL || !find_all(own)) {
        snprintf(error, 256, "%s", dlerror());
        return NULL;
    }
    if (dbt_oracle_open_file(oracle) != 0 || own->open(UC_ARCH_X86, UC_MODE_64, &own->engine) != 0 ||
        own->control(own->engine, UC_CONTROL_CPU, UC_CPU_HASWELL) != 0 ||
        own->hook(own->engine, &hook, UC_HOOK_CODE, (void *)on_code, oracle, 1, 0) != 0 ||
        own->hook(own->engine, &hook, UC_HOOK_MEM_WRITE, (void *)on_write, oracle, 1, 0) != 0) {
        snprintf(error, 256, "Unicorn cannot be started");
        return NULL;
    }
    return oracle;
}

/* Job: the hardware oracle: the bare processor runs the guest, stepped by ptrace in a process that has
 * nothing but the guest's memory.
 * State: dbt_hardware, behind dbt_oracle.own. Guest memory is one memory file that both processes map,
 * so that what the guest stores is seen here at once.
 * Invariant: no system call instruction of the guest's is ever executed; those of the stub are ours. */
#define _GNU_SOURCE
#include "ext/oracle_hardware.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define STUB_START 0x6d6274000000ULL /* where neither programs nor the kernel put anything */
#define STUB_END (STUB_START + DBT_PAGE_BYTES)
#define STUB_POPF_AT 3
#define STUB_WORD_AT 64
#define STICKY_FLAGS 0x204000ULL /* ID, NT */
#define USER_END 0x7ffffffff000ULL
#define XSTATE_AT 512
#define BREAKPOINT_ENABLE 1UL
#define TRAP_STEP 2
#define TRAP_BREAKPOINT 4
#define PUSHF_OPCODE 0x9c
#define SYSCALL_STOP (SIGTRAP | 0x80) /* ptrace(2), PTRACE_O_TRACESYSGOOD */
#define INT3_OPCODE 0xcc
#define INT_OPCODE 0xcd
#define STRETCH_LEAST 2u
#define FREE_LEAST 8u
#define FREE_LOOK_US 20
#define FREE_LOOKS 1000000u
#define FREE_PASSES 1000u
#define RSEQ_BYTES 32
#define RSEQ_UNREGISTER 1

static bool wait_stop(dbt_hardware *own, int *number)
{
    int status;
    if (waitpid(own->pid, &status, __WALL) != own->pid || !WIFSTOPPED(status)) {
        return false;
    }
    *number = WSTOPSIG(status);
    return true;
}

/* The same for a guest that may never stop by itself. */
static bool wait_stop_soon(dbt_hardware *own, int *number)
{
    int status = 0;
    pid_t found = 0;
    for (u32 look = 0; found == 0 && look < FREE_LOOKS; look++) {
        found = waitpid(own->pid, &status, __WALL | WNOHANG);
        if (found == 0) {
            usleep(FREE_LOOK_US);
        }
    }
    if (found == 0) {
        kill(own->pid, SIGSTOP);
        return wait_stop(own, number);
    }
    *number = WSTOPSIG(status);
    return found == own->pid && WIFSTOPPED(status);
}

/* One system call in the stub process; answers its result. */
static i64 call(dbt_hardware *own, u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    struct user_regs_struct registers = own->registers;
    int stop;
    registers.rip = STUB_START;
    registers.rax = number;
    registers.orig_rax = ~0ULL;
    registers.rdi = a;
    registers.rsi = b;
    registers.rdx = c;
    registers.r10 = d;
    registers.r8 = e;
    registers.r9 = f;
    if (ptrace(PTRACE_SETREGS, own->pid, 0, &registers) != 0 ||
        ptrace(PTRACE_SINGLESTEP, own->pid, 0, 0) != 0 || !wait_stop(own, &stop) ||
        ptrace(PTRACE_GETREGS, own->pid, 0, &registers) != 0) {
        return -ESRCH;
    }
    return (i64)registers.rax;
}

static int put_registers(dbt_hardware *own)
{
    own->registers.orig_rax = ~0ULL;
    return ptrace(PTRACE_SETREGS, own->pid, 0, &own->registers) == 0 ? 0 : -errno;
}

static void get_registers(dbt_hardware *own)
{
    (void)ptrace(PTRACE_GETREGS, own->pid, 0, &own->registers);
}

static void registers_from(struct user_regs_struct *to, const dbt_unit_record *from)
{
    const u64 *r = from->registers;
    to->rax = r[0];
    to->rcx = r[1];
    to->rdx = r[2];
    to->rbx = r[3];
    to->rsp = r[4];
    to->rbp = r[5];
    to->rsi = r[6];
    to->rdi = r[7];
    to->r8 = r[8];
    to->r9 = r[9];
    to->r10 = r[10];
    to->r11 = r[11];
    to->r12 = r[12];
    to->r13 = r[13];
    to->r14 = r[14];
    to->r15 = r[15];
    to->rip = from->rip;
    to->eflags = from->rflags & ~0x10100ULL; /* RF and TF are the tracer's */
    to->fs_base = from->fs_base;
    to->gs_base = from->gs_base;
}

void dbt_hardware_tell_registers(const struct user_regs_struct *from, dbt_unit_record *to)
{
    const u64 list[16] = {from->rax, from->rcx, from->rdx, from->rbx, from->rsp, from->rbp,
                          from->rsi, from->rdi, from->r8,  from->r9,  from->r10, from->r11,
                          from->r12, from->r13, from->r14, from->r15};
    memcpy(to->registers, list, sizeof list);
    to->rip = from->rip;
    to->rflags = from->eflags;
    to->fs_base = from->fs_base;
    to->gs_base = from->gs_base;
}

static bool get_vector(dbt_hardware *own)
{
    struct iovec part = {own->area, sizeof own->area};
    if (ptrace(PTRACE_GETREGSET, own->pid, NT_X86_XSTATE, &part) != 0) {
        return false;
    }
    own->area_bytes = part.iov_len;
    return true;
}

/* Where a component lies in an area of the standard format (SDM vol. 1, 13.4.3). */
static bool component(u32 number, u32 *at, u32 *size_bytes)
{
    u32 c;
    u32 d;
    return __get_cpuid_count(0xd, number, size_bytes, at, &c, &d) != 0 && *size_bytes != 0;
}

/* ptrace leaves ID and NT alone: the stub pops them. */
static void set_sticky_flags(dbt_hardware *own, u64 flags)
{
    struct user_regs_struct registers = own->registers;
    int stop;
    if (((registers.eflags ^ flags) & STICKY_FLAGS) == 0) {
        return;
    }
    registers.rip = STUB_START + STUB_POPF_AT;
    registers.rsp = STUB_START + STUB_WORD_AT;
    registers.orig_rax = ~0ULL;
    (void)ptrace(PTRACE_POKEDATA, own->pid, registers.rsp, flags & STICKY_FLAGS);
    (void)ptrace(PTRACE_SETREGS, own->pid, 0, &registers);
    (void)ptrace(PTRACE_SINGLESTEP, own->pid, 0, 0);
    (void)wait_stop(own, &stop);
}

static void set_state(dbt_oracle *oracle, const dbt_unit_record *state, const u8 *vector,
                      u64 features)
{
    dbt_hardware *own = oracle->own;
    set_sticky_flags(own, state->rflags);
    registers_from(&own->registers, state);
    (void)put_registers(own);
    if (vector == NULL || !get_vector(own)) {
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
    struct iovec part = {own->area, own->area_bytes};
    (void)ptrace(PTRACE_SETREGSET, own->pid, NT_X86_XSTATE, &part);
}

static int map(dbt_oracle *oracle, const dbt_mirror_region *region)
{
    dbt_hardware *own = oracle->own;
    if (region->guest_start < STUB_END && region->guest_end > STUB_START) {
        return -EEXIST;
    }
    const i64 result = call(own, SYS_mmap, region->guest_start,
                            region->guest_end - region->guest_start, region->protection,
                            MAP_SHARED | MAP_FIXED, (u64)own->file, region->file_at);
    return result == (i64)region->guest_start ? put_registers(own) : (int)result;
}

static int unmap(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    dbt_hardware *own = oracle->own;
    const i64 result = call(own, SYS_munmap, guest_start, guest_end - guest_start, 0, 0, 0, 0);
    return result == 0 ? put_registers(own) : (int)result;
}

static int protect(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection)
{
    dbt_hardware *own = oracle->own;
    const i64 result =
        call(own, SYS_mprotect, guest_start, guest_end - guest_start, protection & 7u, 0, 0, 0);
    return result == 0 ? put_registers(own) : (int)result;
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

/* Lets the guest go on until it stands behind a repeated instruction, by a breakpoint of the processor:
 * stepped, each round would be a stop. One that goes astray must not make system calls, which would have
 * their effects: the kernel stops it there. */
static bool run_to(dbt_hardware *own, u64 guest_pc, bool is_far)
{
    int stop;
    const size_t registers = offsetof(struct user, u_debugreg);
    (void)ptrace(PTRACE_POKEUSER, own->pid, registers, guest_pc);
    (void)ptrace(PTRACE_POKEUSER, own->pid, registers + 7 * sizeof(long), BREAKPOINT_ENABLE);
    const bool is_stopped = ptrace(PTRACE_SYSEMU, own->pid, 0, 0) == 0 &&
                            (is_far ? wait_stop_soon(own, &stop) : wait_stop(own, &stop));
    (void)ptrace(PTRACE_POKEUSER, own->pid, registers + 7 * sizeof(long), 0);
    own->stop_signal = is_stopped ? stop : SIGKILL;
    if (own->stop_signal == SYSCALL_STOP) {
        own->stop_signal = SIGSYS;
    }
    get_registers(own);
    return is_stopped && stop == SIGTRAP && own->registers.rip == guest_pc;
}

/* Instructions that the kernel carries out for the processor where it keeps them from user code (UMIP, SDM
 * vol. 3, 2.5). A step would end behind the next one only, and no breakpoint of the processor stops there,
 * for RF is set. */
static bool is_emulated(const dbt_instruction *instruction)
{
    const u32 group = instruction->modrm >> 3 & 7u;
    return instruction->map == DBT_MAP_0F &&
           ((instruction->opcode == 0 && group < 2) ||
            (instruction->opcode == 1 && (group < 2 || group == 4)));
}

/* Such a one runs to an int3 that stands behind it for the moment. */
static bool step_emulated(dbt_oracle *oracle, u64 guest_next)
{
    dbt_hardware *own = oracle->own;
    int stop;
    u64 left;
    u8 *next = dbt_mirror_at(oracle, guest_next, &left);
    if (next == NULL) {
        own->stop_signal = SIGKILL;
        return false;
    }
    const u8 kept = *next;
    *next = INT3_OPCODE;
    own->stop_signal = SIGKILL;
    if (ptrace(PTRACE_SYSEMU, own->pid, 0, 0) == 0 && wait_stop(own, &stop)) {
        own->stop_signal = stop;
    }
    *next = kept;
    get_registers(own);
    if (own->stop_signal != SIGTRAP || own->registers.rip != guest_next + 1) {
        return false;
    }
    own->registers.rip = guest_next;
    return put_registers(own) == 0;
}

/* A step; of a gather or scatter, which traps behind each element that is done as long as others are
 * left (SDM vol. 2, VPGATHERDD), all of them. */
static bool step_whole(dbt_hardware *own, const dbt_instruction *instruction)
{
    do {
        int stop;
        if (ptrace(PTRACE_SINGLESTEP, own->pid, 0, 0) != 0 || !wait_stop(own, &stop)) {
            own->stop_signal = SIGKILL;
            return false;
        }
        get_registers(own);
        own->stop_signal = stop;
    } while (own->stop_signal == SIGTRAP && instruction->traits & DBT_TRAIT_VSIB &&
             own->registers.rip == instruction->guest_pc);
    return own->stop_signal == SIGTRAP;
}

static bool is_repeated(const dbt_instruction *instruction)
{
    return instruction->traits & DBT_TRAIT_STRING &&
           instruction->prefixes & (DBT_PREFIX_REP | DBT_PREFIX_REPNE);
}

/* One instruction; false when the processor raised an exception or the instruction is not to run. */
static bool step(dbt_oracle *oracle, const dbt_instruction *instruction)
{
    dbt_hardware *own = oracle->own;
    const u64 guest_next = instruction->guest_pc + instruction->length;
    siginfo_t info;
    const bool is_old_call = instruction->map == DBT_MAP_ONE_BYTE &&
                             instruction->opcode == INT_OPCODE && instruction->immediate == 0x80;
    if (instruction->class_ == DBT_CLASS_SYSCALL || instruction->class_ == DBT_CLASS_SYSENTER ||
        is_old_call) {
        own->stop_signal = SIGSYS;
        return false;
    }
    if (is_repeated(instruction)) {
        return run_to(own, guest_next, false);
    }
    if (is_emulated(instruction)) {
        return step_emulated(oracle, guest_next);
    }
    if (!step_whole(own, instruction)) {
        return false;
    }
    if (own->registers.eflags & DBT_FLAG_TF) {
        /* Around a popf the kernel takes the step's trap flag for the guest's own, and leaves it set. */
        own->registers.eflags &= ~(u64)DBT_FLAG_TF;
        (void)put_registers(own);
    }
    if (instruction->class_ != DBT_CLASS_TRAP) {
        return true;
    }
    return ptrace(PTRACE_GETSIGINFO, own->pid, 0, &info) == 0 &&
           (info.si_code == TRAP_STEP || info.si_code == TRAP_BREAKPOINT);
}

/* Runs the stretch; answers how many instructions were done, and whether it ended in an exception. */
static bool run_stretch(dbt_oracle *oracle, const dbt_stretch *stretch)
{
    dbt_hardware *own = oracle->own;
    u64 at = own->registers.rip;
    if (run_to(own, stretch->guest_end, false)) {
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
    if (!get_vector(own)) {
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
    dbt_hardware_tell_registers(&own->registers, &actual);
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
    dbt_hardware_tell_registers(&own->registers, &state);
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
    registers_from(&own->registers, &state);
    (void)put_registers(own);
    own->outcome->inputs++;
}

static void fault(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    const dbt_hardware *own = oracle->own;
    siginfo_t info;
    outcome->status = DBT_ORACLE_FAULT;
    outcome->error = own->stop_signal;
    if (ptrace(PTRACE_GETSIGINFO, own->pid, 0, &info) == 0) {
        outcome->guest_fault_address = (u64)info.si_addr;
    }
    dbt_hardware_tell_registers(&own->registers, &outcome->actual);
    outcome->actual.executed = oracle->executed;
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
    return record->every == 0 && is_told && input_at == ~0ULL &&
           next->executed - oracle->executed >= FREE_LEAST;
}

/* Another unit may lead over the place, too: then the guest stands there with other registers. */
static bool stands_at(const dbt_hardware *own, const dbt_unit_record *point)
{
    dbt_unit_record actual;
    dbt_hardware_tell_registers(&own->registers, &actual);
    return memcmp(actual.registers, point->registers, sizeof actual.registers) == 0;
}

static bool run_free(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    dbt_hardware *own = oracle->own;
    const dbt_unit_record *next = dbt_oracle_point(oracle, oracle->point);
    u32 passes = 0;
    outcome->is_unlogged = 1;
    do {
        if (!run_to(own, next->rip, true)) {
            return false;
        }
    } while (!stands_at(own, next) && oracle->point < oracle->record->count &&
             ++passes < FREE_PASSES);
    oracle->executed = next->executed;
    return true;
}

/* A repeated instruction that faults has done a part of its work: the state at the signal is that of
 * afterwards, of every other one that of before. */
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
    if (is_repeated(&instruction)) {
        dbt_stretch_note_stores(oracle, &instruction);
        own->has_raised = !step(oracle, &instruction);
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
            if (!run_free(oracle, outcome)) {
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
            if (!run_stretch(oracle, &ahead)) {
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
            if (!step(oracle, &instruction)) {
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
        if (step(oracle, &instruction)) {
            return 0;
        }
    }
    own->has_raised = false;
    fault(oracle, outcome);
    if (get_vector(own)) {
        memcpy(outcome->vector, own->area, sizeof outcome->vector);
    }
    return 1;
}

static void close_hardware(dbt_oracle *oracle)
{
    const dbt_hardware *own = oracle->own;
    int status;
    kill(own->pid, SIGKILL);
    (void)waitpid(own->pid, &status, __WALL);
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

/* The kernel writes the C library's rseq area whenever it likes: not once it is unmapped. */
static void leave_rseq(void)
{
#ifdef RSEQ_SIG
    u8 *area = (u8 *)__builtin_thread_pointer() + __rseq_offset;
    if (__rseq_size != 0) {
        (void)syscall(SYS_rseq, area, RSEQ_BYTES, RSEQ_UNREGISTER, RSEQ_SIG);
    }
#endif
}

/* Child: nothing but a page with a system call instruction shall be left; the tracer sees to it. */
_Noreturn static void become_stub(void)
{
    static const u8 code[] = {0x0f, 0x05, 0xcc, [STUB_POPF_AT] = 0x9d};
    void *page = mmap((void *)STUB_START, DBT_PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == (void *)STUB_START) {
        memcpy(page, code, sizeof code);
        leave_rseq();
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
    }
    _exit(1);
}

static bool start_stub(dbt_hardware *own)
{
    int stop;
    own->pid = fork();
    if (own->pid == 0) {
        become_stub();
    }
    if (own->pid < 0 || !wait_stop(own, &stop)) {
        own->pid = 0;
        return false;
    }
    (void)ptrace(PTRACE_SETOPTIONS, own->pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    get_registers(own);
    return call(own, SYS_munmap, 0, STUB_START, 0, 0, 0, 0) == 0 &&
           call(own, SYS_munmap, STUB_END, USER_END - STUB_END, 0, 0, 0, 0) == 0 && get_vector(own);
}

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
    if (status != 0 || !start_stub(own)) {
        snprintf(error, 256, "a process to be stepped cannot be made: %s", strerror(errno));
        return NULL;
    }
    return oracle;
}

/* Job: the process in which the bare processor runs the guest: made with nothing but a stub for our own
 * system calls, held by ptrace, stepped or run to a place.
 * State: dbt_hardware's registers, area and stop_signal, which follow the process.
 * Invariant: no system call instruction of the guest's is ever executed; those of the stub are ours. */
#define _GNU_SOURCE
#include "ext/oracle_hardware.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
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

#define STUB_POPF_AT 3
#define STUB_WORD_AT 64
#define STICKY_FLAGS 0x204000ULL /* ID, NT */
#define USER_END 0x7ffffffff000ULL
#define BREAKPOINT_ENABLE 1UL
#define TRAP_STEP 2
#define TRAP_BREAKPOINT 4
#define SYSCALL_STOP (SIGTRAP | 0x80) /* ptrace(2), PTRACE_O_TRACESYSGOOD */
#define INT3_OPCODE 0xcc
#define INT_OPCODE 0xcd
#define FREE_LOOK_US 20
#define FREE_LOOKS 1000000u
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

i64 dbt_tracee_call(dbt_hardware *own, u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    struct user_regs_struct registers = own->registers;
    int stop;
    registers.rip = DBT_STUB_START;
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

int dbt_tracee_put(dbt_hardware *own)
{
    own->registers.orig_rax = ~0ULL;
    return ptrace(PTRACE_SETREGS, own->pid, 0, &own->registers) == 0 ? 0 : -errno;
}

static void get_registers(dbt_hardware *own)
{
    (void)ptrace(PTRACE_GETREGS, own->pid, 0, &own->registers);
}

void dbt_tracee_set(dbt_hardware *own, const dbt_unit_record *from)
{
    struct user_regs_struct *to = &own->registers;
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
    (void)dbt_tracee_put(own);
}

void dbt_tracee_tell(const dbt_hardware *own, dbt_unit_record *to)
{
    const struct user_regs_struct *from = &own->registers;
    const u64 list[16] = {from->rax, from->rcx, from->rdx, from->rbx, from->rsp, from->rbp,
                          from->rsi, from->rdi, from->r8,  from->r9,  from->r10, from->r11,
                          from->r12, from->r13, from->r14, from->r15};
    memcpy(to->registers, list, sizeof list);
    to->rip = from->rip;
    to->rflags = from->eflags;
    to->fs_base = from->fs_base;
    to->gs_base = from->gs_base;
}

bool dbt_tracee_get_vector(dbt_hardware *own)
{
    struct iovec part = {own->area, sizeof own->area};
    if (ptrace(PTRACE_GETREGSET, own->pid, NT_X86_XSTATE, &part) != 0) {
        return false;
    }
    own->area_bytes = part.iov_len;
    return true;
}

void dbt_tracee_put_vector(dbt_hardware *own)
{
    struct iovec part = {own->area, own->area_bytes};
    (void)ptrace(PTRACE_SETREGSET, own->pid, NT_X86_XSTATE, &part);
}

bool dbt_tracee_get_signal(const dbt_hardware *own, siginfo_t *info)
{
    return ptrace(PTRACE_GETSIGINFO, own->pid, 0, info) == 0;
}

void dbt_tracee_set_sticky(dbt_hardware *own, u64 flags)
{
    struct user_regs_struct registers = own->registers;
    int stop;
    if (((registers.eflags ^ flags) & STICKY_FLAGS) == 0) {
        return;
    }
    registers.rip = DBT_STUB_START + STUB_POPF_AT;
    registers.rsp = DBT_STUB_START + STUB_WORD_AT;
    registers.orig_rax = ~0ULL;
    (void)ptrace(PTRACE_POKEDATA, own->pid, registers.rsp, flags & STICKY_FLAGS);
    (void)ptrace(PTRACE_SETREGS, own->pid, 0, &registers);
    (void)ptrace(PTRACE_SINGLESTEP, own->pid, 0, 0);
    (void)wait_stop(own, &stop);
}

bool dbt_tracee_run_to(dbt_hardware *own, u64 guest_pc, bool is_far)
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
    return dbt_tracee_put(own) == 0;
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

bool dbt_tracee_is_repeated(const dbt_instruction *instruction)
{
    return instruction->traits & DBT_TRAIT_STRING &&
           instruction->prefixes & (DBT_PREFIX_REP | DBT_PREFIX_REPNE);
}

bool dbt_tracee_step(dbt_oracle *oracle, const dbt_instruction *instruction)
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
    if (dbt_tracee_is_repeated(instruction)) {
        return dbt_tracee_run_to(own, guest_next, false);
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
        (void)dbt_tracee_put(own);
    }
    if (instruction->class_ != DBT_CLASS_TRAP) {
        return true;
    }
    return dbt_tracee_get_signal(own, &info) &&
           (info.si_code == TRAP_STEP || info.si_code == TRAP_BREAKPOINT);
}

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
    void *page = mmap((void *)DBT_STUB_START, DBT_PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == (void *)DBT_STUB_START) {
        memcpy(page, code, sizeof code);
        leave_rseq();
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
    }
    _exit(1);
}

bool dbt_tracee_start(dbt_hardware *own)
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
    return dbt_tracee_call(own, SYS_munmap, 0, DBT_STUB_START, 0, 0, 0, 0) == 0 &&
           dbt_tracee_call(own, SYS_munmap, DBT_STUB_END, USER_END - DBT_STUB_END, 0, 0, 0, 0) == 0 &&
           dbt_tracee_get_vector(own);
}

void dbt_tracee_end(const dbt_hardware *own)
{
    int status;
    kill(own->pid, SIGKILL);
    (void)waitpid(own->pid, &status, __WALL);
}

/* Job: the host's handler of every signal: sorts faults of the guest, writes into watched code pages,
 * the VMM's own guarded accesses, and signals from outside.
 * State: what it leaves in dbt_linux_thread is delivered later, in delivery.c.
 * Locks: taken only for a thread that was inside the TC, after its guest state is recovered.
 * Invariant: never delivers by itself; it turns the interrupted host state into a guest state, or lets
 * VMM code finish. Once a signal is queued, all that can be are blocked on the host until delivery. */
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/text.h"

#define PF_WRITE 2

void dbt_signal_arrived(i32 number, dbt_host_siginfo *info, dbt_host_ucontext *host);

static void read_host(const dbt_host_sigcontext *from, dbt_host_state *to)
{
    to->registers[DBT_RAX] = from->rax;
    to->registers[DBT_RCX] = from->rcx;
    to->registers[DBT_RDX] = from->rdx;
    to->registers[DBT_RBX] = from->rbx;
    to->registers[DBT_RSP] = from->rsp;
    to->registers[DBT_RBP] = from->rbp;
    to->registers[DBT_RSI] = from->rsi;
    to->registers[DBT_RDI] = from->rdi;
    to->registers[8] = from->r8;
    to->registers[9] = from->r9;
    to->registers[10] = from->r10;
    to->registers[11] = from->r11;
    to->registers[12] = from->r12;
    to->registers[13] = from->r13;
    to->registers[14] = from->r14;
    to->registers[15] = from->r15;
    to->rip = from->rip;
    to->rflags = from->rflags;
}

static void write_host(const dbt_host_state *from, dbt_host_sigcontext *to)
{
    to->rax = from->registers[DBT_RAX];
    to->rcx = from->registers[DBT_RCX];
    to->rdx = from->registers[DBT_RDX];
    to->rbx = from->registers[DBT_RBX];
    to->rsp = from->registers[DBT_RSP];
    to->rbp = from->registers[DBT_RBP];
    to->rsi = from->registers[DBT_RSI];
    to->rdi = from->registers[DBT_RDI];
    to->r8 = from->registers[8];
    to->r9 = from->registers[9];
    to->r10 = from->registers[10];
    to->r11 = from->registers[11];
    to->r12 = from->registers[12];
    to->r13 = from->registers[13];
    to->r14 = from->registers[14];
    to->r15 = from->registers[15];
    to->rip = from->rip;
    to->rflags = from->rflags;
}

static bool is_between(u64 host_pc, const u8 *start, const u8 *end)
{
    return host_pc >= (u64)start && host_pc < (u64)end;
}

/* Frames of the host tell which components of processor state the kernel saves. */
static void learn_features(dbt_linux_process *process, const dbt_host_ucontext *host)
{
    dbt_host_fp_software software;
    if ((host->flags & DBT_UC_FP_XSTATE) == 0 || host->registers.fp_state == 0) {
        return;
    }
    memcpy(&software, (const void *)(host->registers.fp_state + DBT_FP_SOFTWARE_AT),
           sizeof software);
    if (software.magic1 == DBT_FP_MAGIC1) {
        process->fp_features = software.features;
        process->fp_bytes = software.xsave_bytes;
    }
}

static void recover(dbt_linux_thread *thread, const dbt_host_ucontext *host)
{
    dbt_host_state state;
    read_host(&host->registers, &state);
    dbt_status status = dbt_engine_recover(thread->context->engine, thread->context, &state);
    DBT_ASSERT(status == DBT_OK);
}

static void redirect(dbt_linux_thread *thread, dbt_host_ucontext *host, bool one_instruction)
{
    dbt_host_state state;
    read_host(&host->registers, &state);
    dbt_engine_redirect(thread->context, &state, one_instruction);
    write_host(&state, &host->registers);
}

/* A write into a watched page: its units go, the page becomes writable, and the store runs again in a
 * unit of its own. The guest state is recovered already: nobody waits for this thread to leave the TC. */
static bool release_write(dbt_linux_thread *thread, const dbt_host_siginfo *info,
                          dbt_host_ucontext *host)
{
    if (info->number != DBT_SIGSEGV || info->code != DBT_SEGV_ACCERR ||
        (host->registers.error & PF_WRITE) == 0 ||
        !dbt_code_write_fault(thread->process->space, info->address)) {
        return false;
    }
    dbt_code_let_run_alone(thread);
    redirect(thread, host, true);
    return true;
}

static void guest_fault(dbt_linux_thread *thread, const dbt_host_siginfo *info,
                        dbt_host_ucontext *host)
{
    u64 host_pc = host->registers.rip;
    dbt_linux_signal signal = {
        .info = *info,
        .error = host->registers.error,
        .trap_number = host->registers.trap_number,
        /* The host's own is of the last page fault, which may have been ours. */
        .cr2 = host->registers.trap_number == DBT_TRAP_PAGE_FAULT ? host->registers.cr2
                                                              : thread->trap_cr2,
    };
    if ((info->number == DBT_SIGILL || info->number == DBT_SIGFPE ||
         info->number == DBT_SIGTRAP) &&
        info->address == host_pc) {
        signal.info.address = thread->context->rip;
    }
    (void)__atomic_fetch_add(&thread->process->slab->statistics.exits_fault, 1, __ATOMIC_RELAXED);
    if (thread->machine != 0) {
        dbt_machine_fault(thread, &signal);
    } else {
        dbt_signals_force(thread, &signal);
    }
    host->mask |= dbt_signals_host_mask(~0ULL);
    redirect(thread, host, false);
}

_Noreturn static void own_fault(const dbt_linux_thread *thread, const dbt_host_siginfo *info,
                                const dbt_host_ucontext *host)
{
    static const struct {
        i32 number;
        char name[8];
    } names[] = {{DBT_SIGSEGV, "SIGSEGV"}, {DBT_SIGBUS, "SIGBUS"}, {DBT_SIGILL, "SIGILL"},
                 {DBT_SIGFPE, "SIGFPE"},   {DBT_SIGTRAP, "SIGTRAP"}};
    char bytes[160];
    dbt_text text;
    (void)thread;
    dbt_text_begin(&text, bytes, sizeof bytes);
    for (u32 at = 0; at < DBT_ARRAY_LENGTH(names); at++) {
        if (names[at].number == info->number) {
            dbt_text_add(&text, names[at].name);
        }
    }
    extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));
    dbt_text_add(&text, " in the VMM at image offset 0x");
    dbt_text_add_hex(&text, host->registers.rip - (u64)__ehdr_start, 1);
    dbt_text_add(&text, ", address 0x");
    dbt_text_add_hex(&text, info->address, 1);
    dbt_fatal("host signal", info->number, bytes);
}

static bool has_bytes(u64 host_at, u8 first, u8 second)
{
    u8 code[2];
    return dbt_gate_copy(code, (const void *)host_at, sizeof code) == 0 && code[0] == first &&
           code[1] == second;
}

static bool reads_counter(u64 host_pc)
{
    return has_bytes(host_pc, 0x0f, 0x31);
}

/* A process may send itself a signal with a code that says it was a fault: programs do so to die of the
 * fault that they have reported. It comes when a system call of ours has ended. */
static bool was_sent(const dbt_linux_thread *thread, u64 host_pc)
{
    const dbt_engine *engine = thread->context->engine;
    return (engine == 0 || !dbt_engine_in_tc(engine, host_pc)) &&
           !is_between(host_pc, dbt_gate_copy_start, dbt_gate_copy_end) &&
           has_bytes(host_pc - 2, 0x0f, 0x05);
}

/* The host traps after each of its instructions while the guest's trap flag is on: the guest's own trap
 * comes when one of its instructions is done. In the VMM the flag is put aside. */
static void single_step(dbt_linux_thread *thread, const dbt_host_siginfo *info,
                        dbt_host_ucontext *host)
{
    const dbt_engine *engine = thread->context->engine;
    dbt_host_state state;
    if (dbt_engine_in_entry(host->registers.rip)) {
        return;
    }
    if (engine == 0 || !dbt_engine_in_tc(engine, host->registers.rip)) {
        host->registers.rflags &= ~(u64)DBT_FLAG_TF;
        return;
    }
    read_host(&host->registers, &state);
    dbt_step step = dbt_engine_step(thread->context, &state);
    if (step == DBT_STEP_GOES_ON) {
        return;
    }
    recover(thread, host);
    if (step == DBT_STEP_ENDS) {
        guest_fault(thread, info, host);
    } else {
        redirect(thread, host, false);
    }
}

static void fault(dbt_linux_thread *thread, const dbt_host_siginfo *info, dbt_host_ucontext *host)
{
    u64 host_pc = host->registers.rip;
    dbt_engine *engine = thread->context->engine;
    if (info->number == DBT_SIGTRAP && info->code == DBT_TRAP_TRACE) {
        single_step(thread, info, host);
    } else if (is_between(host_pc, dbt_gate_copy_start, dbt_gate_copy_end)) {
        host->registers.rip = (u64)dbt_gate_copy_fault;
    } else if (is_between(host_pc, dbt_gate_state_start, dbt_gate_state_end)) {
        host->registers.rip = (u64)dbt_gate_state_fault;
    } else if (engine != 0 && dbt_engine_in_tc(engine, host_pc)) {
        /* Asked first: once the state is recovered, nobody waits for this thread to drop the unit. */
        bool is_arriving = dbt_engine_is_arriving(engine, host_pc);
        recover(thread, host);
        if (is_arriving) {
            /* A prologue's: the reload that an address that is not canonical makes fault, and the dispatcher
             * refuses that address; a load of part of it while the guest has alignment checked; or the note
             * of a branch for which there is no more room, and the dispatcher makes some. */
            redirect(thread, host, false);
        } else if (!release_write(thread, info, host)) {
            guest_fault(thread, info, host);
        }
    } else if (info->number == DBT_SIGSEGV && reads_counter(host_pc)) {
        /* The guest has taken the time-stamp counter away (PR_SET_TSC), from the VMM's statistics too. */
        host->registers.rax = 0;
        host->registers.rdx = 0;
        host->registers.rip += 2;
    } else {
        own_fault(thread, info, host);
    }
}

/* Standard signals do not queue: a second one of a number that waits is dropped, as the kernel does. */
void dbt_signal_enqueue(dbt_linux_thread *thread, const dbt_host_siginfo *info)
{
    for (u32 at = 0; at < thread->queue_length; at++) {
        if (thread->queue[at].info.number == info->number && info->number < DBT_SIGNAL_REALTIME) {
            return;
        }
    }
    DBT_ASSERT(thread->queue_length < DBT_QUEUE_LENGTH);
    thread->queue[thread->queue_length++] = (dbt_linux_signal){
        .info = *info,
        .error = thread->trap_error,
        .trap_number = thread->trap_number,
        .cr2 = thread->trap_cr2,
    };
}

static bool is_in_window(u64 host_pc)
{
    return is_between(host_pc, dbt_gate_window_start, dbt_gate_window_end);
}

static void leave_window(dbt_linux_thread *thread, dbt_host_ucontext *host)
{
    thread->was_entered = host->registers.rcx == (u64)dbt_gate_window_end;
    if (host->registers.rax == __NR_restart_syscall) {
        /* A sleep that went on after a stop: once a handler has run, it ends with EINTR. */
        thread->context->registers[DBT_RAX] = __NR_restart_syscall;
    }
    host->registers.rip = (u64)dbt_gate_window_abort;
}

/* A call that shows what is pending must begin again if it has not begun. */
static void look_again(dbt_linux_thread *thread, u32 number, dbt_host_ucontext *host)
{
    if ((thread->observes & DBT_SIGNAL_BIT(number)) == 0) {
        return;
    }
    thread->context->pending = 1;
    if (is_in_window(host->registers.rip)) {
        leave_window(thread, host);
    }
}

/* A kick has no meaning for the guest. Where it is not the real-time signal, which queues, any other of its
 * number may stand in for it. */
static void kicked(dbt_linux_thread *thread, dbt_host_ucontext *host)
{
    dbt_host_state state;
    read_host(&host->registers, &state);
    if (dbt_engine_kicked(thread->context, &state)) {
        write_host(&state, &host->registers);
    }
}

static void outside_signal(dbt_linux_thread *thread, const dbt_host_siginfo *info,
                           dbt_host_ucontext *host)
{
    u32 number = (u32)info->number;
    u64 handler = thread->process->actions->list[number].handler;
    u64 host_pc = host->registers.rip;
    dbt_engine *engine = thread->context->engine;
    bool is_blocked = (dbt_signals_blocked(thread) & DBT_SIGNAL_BIT(number)) != 0;
    if (!is_blocked && handler == DBT_SIG_IGN) {
        thread->was_ignored = true;
        return;
    }
    if (!is_blocked && handler == DBT_SIG_DFL && dbt_signal_is_ours(number)) {
        dbt_signals_die(thread, info);
    }
    bool is_kick = number == DBT_KICK_SIGNAL;
    if (is_kick && is_blocked && dbt_signals_shut(thread, host)) {
        kicked(thread, host);
    }
    if (is_blocked && dbt_held_put(thread, info)) {
        look_again(thread, number, host);
        return;
    }
    dbt_signal_enqueue(thread, info);
    if (is_kick && !is_blocked && dbt_signals_shut(thread, host)) {
        kicked(thread, host);
        host_pc = host->registers.rip;
    }
    if (is_blocked && dbt_signal_is_open(number)) {
        look_again(thread, number, host);
        return; /* delivered when the guest unblocks it */
    }
    host->mask |= dbt_signals_host_mask(~0ULL);
    thread->context->pending = 1;
    if (is_in_window(host_pc)) {
        leave_window(thread, host);
    } else if (engine != 0 && dbt_engine_in_entry(host_pc)) {
        redirect(thread, host, false);
    } else if (engine != 0 && dbt_engine_in_tc(engine, host_pc)) {
        recover(thread, host);
        redirect(thread, host, false);
    }
}

/* Whether a signal is a kick, or stands in for one. */
static bool takes_kick(dbt_linux_thread *thread, const dbt_host_siginfo *info)
{
    u32 number = (u32)info->number;
    u32 wanted = number;
    bool may_be = number == DBT_KICK_INSTEAD || (number == DBT_KICK_SIGNAL && info->code == DBT_SI_KICK);
    return may_be && __atomic_compare_exchange_n(&thread->kick_wanted, &wanted, 0, false,
                                                 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void dbt_signal_arrived(i32 number, dbt_host_siginfo *info, dbt_host_ucontext *host)
{
    dbt_linux_thread *thread = dbt_thread_of_signal_stack();
    learn_features(thread->process, host);
    info->code = info->code == DBT_SI_PASSED ? DBT_SI_USER : info->code;
    bool is_wanted = takes_kick(thread, info);
    if (dbt_sampler_owns(thread, info)) {
        dbt_host_state state;
        read_host(&host->registers, &state);
        dbt_sampler_take(thread, info, &state);
        return;
    }
    /* The kernel's own codes are above zero; those of kill, sigqueue and timers are not. A fault takes the
     * thread out of the TC as well as a kick does, which may have been dropped for it. */
    if (dbt_signal_is_fault((u32)number) && info->code > 0 &&
        !was_sent(thread, host->registers.rip)) {
        fault(thread, info, host);
        return;
    }
    /* Without memory to note it, the kernel forgets where a signal came from. */
    bool has_no_origin = info->code == DBT_SI_USER && info->address == 0;
    if (info->code == DBT_SI_NUDGE) {
        look_again(thread, (u32)number, host);
    } else if (info->code != DBT_SI_KICK && !(is_wanted && has_no_origin)) {
        outside_signal(thread, info, host);
    }
    if (is_wanted || info->code == DBT_SI_KICK) {
        kicked(thread, host);
    }
}

/* Job: delivers signals to the guest's handlers with the kernel's own frame, and returns from them.
 * State: the pending signals of dbt_linux_thread.
 * Invariant: runs on the VMM's stack with the guest's vector state live in the processor (the VMM
 * touches none of it), so XSAVE stores the guest's state and XRSTOR loads it. */
#include "linux/gate.h"
#include "linux/linux.h"

#define RED_ZONE_BYTES 128
#define FP_ALIGNMENT 64
#define FRAME_ALIGNMENT 16
#define XSAVE_HEADER_AT 512
#define XSAVE_HEADER_BYTES 64
#define MAGIC2_BYTES 4
#define MXCSR_AT 24
#define MXCSR_INITIAL 0x1f80
#define USER_CS 0x33
#define USER_SS 0x2b
#define RFLAGS_DF 0x400ULL
/* What rt_sigreturn takes from the frame: AC OF DF TF SF ZF AF PF CF RF. */
#define RFLAGS_RESTORED 0x50dd5ULL

/* An XSAVE area in which every component is in its initial state. */
static const u8 initial_state[DBT_XSAVE_LEGACY_BYTES] __attribute__((aligned(FP_ALIGNMENT))) = {
    [MXCSR_AT] = MXCSR_INITIAL & 0xff,
    [MXCSR_AT + 1] = MXCSR_INITIAL >> 8,
};

/* Which components frames hold, until a host frame has told: those enabled, without the ones that
 * need a permission. */
static void learn_features(dbt_linux_process *process)
{
    process->fp_features = dbt_host_features() & ~DBT_FEATURE_TILES;
    process->fp_bytes = dbt_host_xsave_bytes(process->fp_features);
}

/* Stores the vector and x87 state at guest_area as the kernel does, and resets the live one. */
static bool push_fp_state(dbt_linux_process *process, u64 guest_area)
{
    dbt_host_fp_software software = {
        .magic1 = DBT_FP_MAGIC1,
        .extended_bytes = (u32)process->fp_bytes + MAGIC2_BYTES,
        .features = process->fp_features,
        .xsave_bytes = (u32)process->fp_bytes,
    };
    u32 magic2 = DBT_FP_MAGIC2;
    dbt_linux_space *space = process->space;
    dbt_code_release(space, guest_area, guest_area + process->fp_bytes + MAGIC2_BYTES);
    if (!dbt_guest_clear(guest_area + XSAVE_HEADER_AT, XSAVE_HEADER_BYTES) ||
        !dbt_gate_xsave(guest_area, process->fp_features) ||
        !dbt_guest_write(space, guest_area + DBT_FP_SOFTWARE_AT, &software, sizeof software) ||
        !dbt_guest_write(space, guest_area + process->fp_bytes, &magic2, sizeof magic2)) {
        return false;
    }
    return dbt_gate_xrstor((u64)initial_state, process->fp_features & ~DBT_FEATURE_PKRU);
}

static void fill_registers(const dbt_linux_thread *thread, dbt_host_sigcontext *to)
{
    const u64 *from = thread->context->registers;
    to->rax = from[DBT_RAX];
    to->rcx = from[DBT_RCX];
    to->rdx = from[DBT_RDX];
    to->rbx = from[DBT_RBX];
    to->rsp = from[DBT_RSP];
    to->rbp = from[DBT_RBP];
    to->rsi = from[DBT_RSI];
    to->rdi = from[DBT_RDI];
    to->r8 = from[8];
    to->r9 = from[9];
    to->r10 = from[10];
    to->r11 = from[11];
    to->r12 = from[12];
    to->r13 = from[13];
    to->r14 = from[14];
    to->r15 = from[15];
    to->rip = thread->context->rip;
    to->rflags = thread->context->rflags;
    to->cs = USER_CS;
    to->ss = USER_SS;
    to->error = thread->trap_error;
    to->trap_number = thread->trap_number;
    to->cr2 = thread->trap_cr2;
}

static void take_registers(dbt_context *context, const dbt_host_sigcontext *from)
{
    u64 *to = context->registers;
    to[DBT_RAX] = from->rax;
    to[DBT_RCX] = from->rcx;
    to[DBT_RDX] = from->rdx;
    to[DBT_RBX] = from->rbx;
    to[DBT_RSP] = from->rsp;
    to[DBT_RBP] = from->rbp;
    to[DBT_RSI] = from->rsi;
    to[DBT_RDI] = from->rdi;
    to[8] = from->r8;
    to[9] = from->r9;
    to[10] = from->r10;
    to[11] = from->r11;
    to[12] = from->r12;
    to[13] = from->r13;
    to[14] = from->r14;
    to[15] = from->r15;
    context->rip = from->rip;
    context->rflags = (context->rflags & ~RFLAGS_RESTORED) | (from->rflags & RFLAGS_RESTORED);
}

/* Builds the frame and starts the handler; false: the frame cannot be written. */
static bool push_frame(dbt_linux_thread *thread, const dbt_linux_signal *signal,
                       const dbt_host_action *action)
{
    dbt_linux_process *process = thread->process;
    dbt_context *context = thread->context;
    u64 guest_rsp = context->registers[DBT_RSP];
    bool is_on = dbt_signals_on_guest_stack(thread, guest_rsp);
    bool enters = (action->flags & DBT_SA_ONSTACK) != 0 && !is_on &&
                  thread->guest_stack.size_bytes != 0;
    if (process->fp_bytes == 0) {
        learn_features(process);
    }
    u64 at = enters ? thread->guest_stack.pointer + thread->guest_stack.size_bytes
                    : guest_rsp - RED_ZONE_BYTES;
    u64 guest_area = (at - (process->fp_bytes + MAGIC2_BYTES)) & ~(u64)(FP_ALIGNMENT - 1);
    at = ((guest_area - sizeof(dbt_host_frame)) & ~(u64)(FRAME_ALIGNMENT - 1)) - 8;
    if ((is_on || enters) && (at < thread->guest_stack.pointer ||
                              at - thread->guest_stack.pointer >= thread->guest_stack.size_bytes)) {
        return false; /* the alternate stack overflows */
    }
    dbt_host_frame frame = {.restorer = action->restorer, .info = signal->info};
    frame.context.flags = DBT_UC_FP_XSTATE | DBT_UC_SIGCONTEXT_SS | DBT_UC_STRICT_RESTORE_SS;
    frame.context.stack = thread->guest_stack;
    fill_registers(thread, &frame.context.registers);
    frame.context.registers.old_mask = thread->blocked;
    frame.context.registers.fp_state = guest_area;
    frame.context.mask = thread->blocked;
    if ((action->flags & DBT_SA_RESTORER) == 0 || !push_fp_state(process, guest_area) ||
        !dbt_guest_write(process->space, at, &frame, sizeof frame)) {
        return false;
    }
    if ((thread->guest_stack.flags & DBT_SS_AUTODISARM) != 0) {
        thread->guest_stack = (dbt_host_stack){.flags = DBT_SS_DISABLE};
    }
    u64 *registers = context->registers;
    registers[DBT_RDI] = (u64)signal->info.number;
    registers[DBT_RAX] = 0;
    registers[DBT_RSI] = at + offsetof(dbt_host_frame, info);
    registers[DBT_RDX] = at + offsetof(dbt_host_frame, context);
    registers[DBT_RSP] = at;
    context->rip = action->handler;
    context->rflags &= ~(RFLAGS_DF | DBT_RFLAGS_RF | DBT_FLAG_TF);
    dbt_recorder_frame(thread, at, guest_area + process->fp_bytes + MAGIC2_BYTES);
    return true;
}

/* The kernel's answer to a frame that cannot be written or read. No trap: the last one's numbers stay. */
static dbt_linux_signal bad_frame(const dbt_linux_thread *thread)
{
    return (dbt_linux_signal){
        .info = {.number = DBT_SIGSEGV, .code = DBT_SI_KERNEL},
        .error = thread->trap_error,
        .trap_number = thread->trap_number,
        .cr2 = thread->trap_cr2,
    };
}

static void handle(dbt_linux_thread *thread, const dbt_linux_signal *signal)
{
    dbt_linux_process *process = thread->process;
    u32 number = (u32)signal->info.number;
    dbt_lock_take(&process->actions->lock);
    dbt_host_action action = process->actions->list[number];
    if (action.handler > DBT_SIG_IGN && (action.flags & DBT_SA_RESETHAND) != 0) {
        process->actions->list[number].handler = DBT_SIG_DFL;
        dbt_signals_install(process, number);
    }
    dbt_lock_give(&process->actions->lock);
    if (action.handler == DBT_SIG_IGN) {
        return;
    }
    dbt_recorder_signal(thread, &signal->info, true);
    if (action.handler == DBT_SIG_DFL) {
        if (dbt_signal_is_ours(number)) {
            dbt_signals_die(thread, &signal->info);
        }
        /* The handler went away meanwhile: the kernel carries the default out. */
        u64 pid = (u64)dbt_host_call1(__NR_getpid, 0);
        u64 tid = (u64)dbt_host_call1(__NR_gettid, 0);
        (void)dbt_host_call4(__NR_rt_tgsigqueueinfo, pid, tid, number, (u64)&signal->info);
        return;
    }
    if (!push_frame(thread, signal, &action)) {
        dbt_linux_signal fault = bad_frame(thread);
        if (number == DBT_SIGSEGV) {
            dbt_signals_die(thread, &fault.info);
        }
        dbt_signals_force(thread, &fault);
        return;
    }
    u64 base = thread->has_handler_mask ? thread->handler_mask : thread->blocked;
    u64 own = (action.flags & DBT_SA_NODEFER) != 0 ? 0 : DBT_SIGNAL_BIT(number);
    thread->has_handler_mask = false;
    thread->blocked = (base | action.mask | own) & ~DBT_NEVER_BLOCKED;
}

/* Takes the next signal that is not blocked out of the queue. */
static bool take_next(dbt_linux_thread *thread, dbt_linux_signal *signal)
{
    if (thread->has_sync) {
        thread->has_sync = false;
        *signal = thread->sync;
        return true;
    }
    u64 blocked = thread->has_handler_mask ? thread->handler_mask : thread->blocked;
    for (u32 at = 0; at < thread->queue_length; at++) {
        if ((blocked & DBT_SIGNAL_BIT(thread->queue[at].info.number)) != 0) {
            continue;
        }
        *signal = thread->queue[at];
        thread->queue_length--;
        memmove(&thread->queue[at], &thread->queue[at + 1],
                (thread->queue_length - at) * sizeof thread->queue[0]);
        return true;
    }
    return false;
}

void dbt_signals_deliver(dbt_linux_thread *thread)
{
    dbt_linux_signal signal;
    u64 all_blocked = dbt_signals_own_mask(thread, ~0ULL);
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&all_blocked, 0, 8);
    thread->context->pending = 0;
    while (take_next(thread, &signal)) {
        handle(thread, &signal);
    }
    thread->has_handler_mask = false;
    thread->context->pending = 0;
    dbt_signals_set_host_mask(thread);
}

static bool load_fp_state(dbt_linux_process *process, u64 guest_area)
{
    dbt_host_fp_software software;
    u32 magic2 = 0;
    if (process->fp_bytes == 0) {
        learn_features(process);
    }
    u64 own = process->fp_features & ~DBT_FEATURE_PKRU;
    if (!dbt_gate_xrstor((u64)initial_state, own)) {
        return false;
    }
    if (guest_area == 0) {
        return true;
    }
    if (!dbt_guest_read(&software, guest_area + DBT_FP_SOFTWARE_AT, sizeof software)) {
        return false;
    }
    bool is_extended =
        software.magic1 == DBT_FP_MAGIC1 && software.xsave_bytes >= DBT_XSAVE_LEGACY_BYTES &&
        software.xsave_bytes <= process->fp_bytes &&
        software.extended_bytes > software.xsave_bytes &&
        dbt_guest_read(&magic2, guest_area + software.xsave_bytes, sizeof magic2) &&
        magic2 == DBT_FP_MAGIC2;
    if (!is_extended) {
        return dbt_gate_fxrstor(guest_area);
    }
    return dbt_gate_xrstor(guest_area, software.features & process->fp_features);
}

void dbt_signals_return(dbt_linux_thread *thread)
{
    dbt_context *context = thread->context;
    dbt_host_frame frame;
    u64 guest_frame = context->registers[DBT_RSP] - 8;
    if (!dbt_guest_read(&frame, guest_frame, sizeof frame) ||
        !load_fp_state(thread->process, frame.context.registers.fp_state)) {
        dbt_linux_signal fault = bad_frame(thread);
        dbt_signals_force(thread, &fault);
        return;
    }
    take_registers(context, &frame.context.registers);
    thread->blocked = frame.context.mask & ~DBT_NEVER_BLOCKED;
    (void)dbt_signals_set_stack(thread, &frame.context.stack);
    dbt_held_claim(thread, thread->blocked);
    if (thread->queue_length > 0) {
        context->pending = 1;
    }
    dbt_signals_set_host_mask(thread);
}

/* Job: the Machine personality: bare guest memory and registers, run on request through the mailbox in
 * session memory. No system call of the guest's reaches the kernel.
 * State: dbt_machine, one a process; the guest's memory and registers live in this process.
 * Invariant: answers a request completely before done is set; both sides wait by futex after a spin. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "vmm/vmm.h"

#define SPIN_ROUNDS 64u
#define LOOKS_A_ROUND 32u
#define WAIT_SECONDS 1
#define ERRNO_BASE 1000
#define RFLAGS_FIXED 0x202ULL
#define RFLAGS_USER 0x240dd5ULL /* AC ID OF DF TF SF ZF AF PF CF */
#define XSAVE_HEADER_AT 512
#define DBT_XSAVE_BYTES sizeof(((dbt_mailbox *)0)->xsave)

typedef struct dbt_machine {
    dbt_mailbox *mailbox;
    u64 features;
    u32 xsave_bytes;
    u32 exit_reason; /* 0 while the guest runs */
    /* The mailbox's area lies at no multiple of 64, which XSAVE and XRSTOR want. */
    u8 area[DBT_XSAVE_BYTES] __attribute__((aligned(64)));
} dbt_machine;

static const u8 initial_state[DBT_XSAVE_LEGACY_BYTES] __attribute__((aligned(64))) = {
    [24] = 0x80,
    [25] = 0x1f,
};

static void leave(dbt_context *context, u32 reason)
{
    context->process->machine->exit_reason = reason;
    dbt_engine_leave(context);
}

void dbt_machine_exit(dbt_context *context, dbt_exit_kind kind, const dbt_instruction *instruction)
{
    dbt_linux_thread *thread = context->process;
    (void)instruction;
    switch (kind) {
    case DBT_EXIT_KIND_SYSCALL:
        context->registers[DBT_RCX] = context->rip;
        context->registers[11] = context->rflags;
        leave(context, DBT_EXIT_SYSCALL);
        return;
    case DBT_EXIT_KIND_SIGNAL:
        context->pending = 0;
        thread->queue_length = 0;
        dbt_signals_set_host_mask(thread);
        if (thread->machine->exit_reason != 0) {
            dbt_engine_leave(context);
        }
        return;
    case DBT_EXIT_KIND_FETCH:
        leave(context, DBT_EXIT_FETCH);
        return;
    case DBT_EXIT_KIND_UNSUPPORTED:
        leave(context, DBT_EXIT_UNSUPPORTED);
        return;
    case DBT_EXIT_KIND_STEP:
        dbt_signals_step(thread);
        return;
    case DBT_EXIT_KIND_STOP:
        leave(context, DBT_EXIT_UNTIL);
        return;
    case DBT_EXIT_KIND_COUNT:
        leave(context, DBT_EXIT_COUNT);
        return;
    case DBT_EXIT_KIND_MEMORY:
    case DBT_EXIT_KIND_BUDGET:
        leave(context, DBT_EXIT_UNSUPPORTED);
        return;
    case DBT_EXIT_KIND_CONTINUATION:
    case DBT_EXIT_KIND_MISS:
    case DBT_EXIT_KIND_CALLOUT:
    case DBT_EXIT_KIND_RECORD:
    case DBT_EXIT_KIND_CHECK:
    case DBT_EXIT_KIND_TABLE:
    default:
        DBT_ASSERT(!"an exit the Machine knows");
    }
}

void dbt_machine_fault(dbt_linux_thread *thread, const dbt_linux_signal *signal)
{
    dbt_mailbox *mailbox = thread->machine->mailbox;
    mailbox->signal = (u32)signal->info.number;
    mailbox->fault_address = signal->info.address;
    thread->machine->exit_reason = DBT_EXIT_FAULT;
    thread->context->pending = 1;
}

static i32 status_of(i64 result)
{
    return result < 0 && result >= -4095 ? (i32)result - ERRNO_BASE : DBT_OK;
}

static i32 map(dbt_linux_space *space, dbt_mailbox *mailbox)
{
    u64 flags = MAP_PRIVATE | MAP_ANONYMOUS | (mailbox->address != 0 ? MAP_FIXED_NOREPLACE : 0u);
    u64 arguments[6] = {mailbox->address, mailbox->size_bytes, mailbox->protection, flags, ~0ULL, 0};
    i64 result = dbt_memory_mmap(space, arguments);
    if (status_of(result) == DBT_OK) {
        mailbox->address = (u64)result;
    }
    return status_of(result);
}

static i32 protect(dbt_linux_space *space, const dbt_mailbox *mailbox)
{
    u64 arguments[4] = {mailbox->address, mailbox->size_bytes, mailbox->protection, 0};
    return status_of(dbt_memory_mprotect(space, __NR_mprotect, arguments));
}

static bool fits_bounce(const dbt_mailbox *mailbox)
{
    return mailbox->size_bytes <= sizeof mailbox->bounce;
}

/* Whatever the guest's permissions are: the owner of a Machine may look and write everywhere. */
static i32 access_held(dbt_linux_space *space, dbt_mailbox *mailbox, bool is_write)
{
    u64 guest_start = mailbox->address;
    u64 guest_end = guest_start + mailbox->size_bytes;
    if (!dbt_map_is_whole(space, guest_start, guest_end)) {
        return DBT_ERROR_NOT_MAPPED;
    }
    if (is_write) {
        (void)dbt_code_release_held(space, guest_start, guest_end);
        dbt_map_drop_code(space, guest_start, guest_end);
    }
    u8 *bytes = mailbox->bounce;
    u64 at = guest_start;
    while (at < guest_end) {
        const dbt_region *region = dbt_map_find(space, at);
        u64 end = region->guest_end < guest_end ? region->guest_end : guest_end;
        u32 host_protection = (region->flags & DBT_REGION_WATCHED) != 0
                                  ? (u32)PROT_READ
                                  : dbt_map_host_protection(region->protection);
        u32 wanted = is_write ? (u32)(PROT_READ | PROT_WRITE) : (u32)PROT_READ;
        u64 page = DBT_PAGE_DOWN(at);
        bool opens = (host_protection & wanted) != wanted;
        if (opens && dbt_host_mprotect(page, DBT_PAGE_UP(end) - page, wanted) != 0) {
            return DBT_ERROR_MEMORY;
        }
        u64 left = is_write ? dbt_gate_copy((void *)at, bytes, end - at)
                            : dbt_gate_copy(bytes, (const void *)at, end - at);
        if (opens) {
            (void)dbt_host_mprotect(page, DBT_PAGE_UP(end) - page, host_protection);
        }
        if (left != 0) {
            return DBT_ERROR_NOT_MAPPED;
        }
        bytes += end - at;
        at = end;
    }
    return DBT_OK;
}

static i32 access_memory(dbt_linux_space *space, dbt_mailbox *mailbox, bool is_write)
{
    if (!fits_bounce(mailbox) || mailbox->address + mailbox->size_bytes < mailbox->address) {
        return DBT_ERROR_ARGUMENT;
    }
    bool has_engine = dbt_space_lock_all(space);
    i32 status = access_held(space, mailbox, is_write);
    dbt_space_unlock(space, has_engine);
    return status;
}

static i32 load_registers(dbt_linux_thread *thread, const dbt_mailbox *mailbox)
{
    dbt_context *context = thread->context;
    dbt_machine *machine = thread->machine;
    memcpy(context->registers, mailbox->registers, sizeof context->registers);
    context->rip = mailbox->rip;
    context->rflags = (mailbox->rflags & RFLAGS_USER) | RFLAGS_FIXED;
    context->guest_gs_base = mailbox->gs_base;
    if (mailbox->fs_base >= DBT_ADDRESS_END) {
        return DBT_ERROR_ARGUMENT;
    }
    __asm__ volatile("wrfsbase %0" : : "r"(mailbox->fs_base));
    u64 features = machine->features & ~DBT_FEATURE_PKRU;
    if (!dbt_gate_xrstor((u64)initial_state, features)) {
        return DBT_ERROR_ARGUMENT;
    }
    if (mailbox->xsave_valid != 0) {
        memcpy(machine->area, mailbox->xsave, machine->xsave_bytes);
        if (!dbt_gate_xrstor((u64)machine->area, features)) {
            return DBT_ERROR_ARGUMENT;
        }
    }
    return DBT_OK;
}

static void store_registers(dbt_linux_thread *thread, dbt_mailbox *mailbox)
{
    const dbt_context *context = thread->context;
    dbt_machine *machine = thread->machine;
    memcpy(mailbox->registers, context->registers, sizeof mailbox->registers);
    mailbox->rip = context->rip;
    mailbox->rflags = context->rflags;
    mailbox->gs_base = context->guest_gs_base;
    __asm__ volatile("rdfsbase %0" : "=r"(mailbox->fs_base));
    memset(machine->area + XSAVE_HEADER_AT, 0, DBT_XSAVE_LEGACY_BYTES - XSAVE_HEADER_AT);
    bool saved = dbt_gate_xsave((u64)machine->area, machine->features);
    memcpy(mailbox->xsave, machine->area, machine->xsave_bytes);
    mailbox->xsave_bytes = machine->xsave_bytes;
    mailbox->xsave_valid = saved ? 1 : 0;
}

static i32 run(dbt_linux_thread *thread, dbt_mailbox *mailbox)
{
    i32 status = load_registers(thread, mailbox);
    if (status != DBT_OK) {
        return status;
    }
    dbt_engine *engine = thread->process->space->engine;
    mailbox->signal = 0;
    mailbox->fault_address = 0;
    thread->machine->exit_reason = 0;
    dbt_engine_set_stop(engine, mailbox->has_until != 0, mailbox->until);
    dbt_engine_set_budget(thread->context, mailbox->count);
    dbt_engine_run(thread->context);
    store_registers(thread, mailbox);
    if (mailbox->count != 0) {
        mailbox->count = dbt_engine_budget_used(thread->context);
    }
    mailbox->exit_reason = thread->machine->exit_reason;
    return DBT_OK;
}

static i32 serve_one(dbt_linux_thread *thread, dbt_mailbox *mailbox)
{
    dbt_linux_space *space = thread->process->space;
    switch (mailbox->command) {
    case DBT_MACHINE_MAP:
        return map(space, mailbox);
    case DBT_MACHINE_UNMAP:
        return status_of(dbt_memory_munmap(space, mailbox->address, mailbox->size_bytes));
    case DBT_MACHINE_PROTECT:
        return protect(space, mailbox);
    case DBT_MACHINE_READ:
        return access_memory(space, mailbox, false);
    case DBT_MACHINE_WRITE:
        return access_memory(space, mailbox, true);
    case DBT_MACHINE_RUN:
        return run(thread, mailbox);
    case DBT_MACHINE_QUIT:
        return DBT_OK;
    default:
        return DBT_ERROR_ARGUMENT;
    }
}

/* Waits for a request: first by looking, then asleep. False: the controller is gone. */
static bool wait_for_request(dbt_mailbox *mailbox, u32 done, u64 controller_pid)
{
    for (u32 round = 0; round < SPIN_ROUNDS; round++) {
        for (u32 look = 0; look < LOOKS_A_ROUND; look++) {
            if (__atomic_load_n(&mailbox->sequence, __ATOMIC_ACQUIRE) != done) {
                return true;
            }
            __asm__ volatile("pause");
        }
        /* On a processor shared with the controller, looking on would keep it from asking. */
        (void)dbt_host_call1(__NR_sched_yield, 0);
    }
    while (__atomic_load_n(&mailbox->sequence, __ATOMIC_ACQUIRE) == done) {
        i64 timeout[2] = {WAIT_SECONDS, 0};
        (void)dbt_host_call6(__NR_futex, (u64)&mailbox->sequence, FUTEX_WAIT, done, (u64)timeout, 0,
                             0);
        if ((u64)dbt_host_call1(__NR_getppid, 0) != controller_pid) {
            return false;
        }
    }
    return true;
}

static void learn_features(dbt_machine *machine)
{
    machine->features = dbt_host_features() & ~DBT_FEATURE_TILES;
    machine->xsave_bytes = dbt_host_xsave_bytes(machine->features);
    DBT_ASSERT(machine->xsave_bytes <= sizeof machine->mailbox->xsave);
}

i32 dbt_machine_serve(dbt_linux_thread *thread)
{
    dbt_machine machine = {.mailbox = &thread->process->session->mailbox};
    dbt_mailbox *mailbox = machine.mailbox;
    u64 controller_pid = (u64)dbt_host_call1(__NR_getppid, 0);
    learn_features(&machine);
    thread->machine = &machine;
    dbt_signals_start(thread);
    u32 done = mailbox->done;
    for (;;) {
        if (!wait_for_request(mailbox, done, controller_pid)) {
            break;
        }
        done = __atomic_load_n(&mailbox->sequence, __ATOMIC_ACQUIRE);
        mailbox->status = serve_one(thread, mailbox);
        u32 command = mailbox->command;
        __atomic_store_n(&mailbox->done, done, __ATOMIC_SEQ_CST);
        (void)dbt_host_call3(__NR_futex, (u64)&mailbox->done, FUTEX_WAKE, 1);
        if (command == DBT_MACHINE_QUIT) {
            break;
        }
    }
    dbt_slab_end(thread->process);
    return 0;
}

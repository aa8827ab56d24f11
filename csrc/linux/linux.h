/* Job: the Linux personality's state, and what its files call of one another.
 * State: dbt_linux_space for an address space, dbt_linux_process for what fork copies and vfork does
 * not share (dispositions, names, session slab), dbt_linux_thread for a thread. All three lie in
 * memory of dbt_port_map; whoever creates a thread owns them.
 * Invariant: a space is shared by threads and by a vfork child, a process by threads only; a thread
 * belongs to one process and one context.
 *
 * Locks, in the order they are taken: the engine's (dbt_engine_change_begin), dbt_linux_space.lock,
 * dbt_linux_space.threads_lock, dbt_linux_actions.lock, the list in own_memory.c. The engine calls
 * fetch with its lock held, so nothing that holds another lock may call an engine function that takes
 * it. A signal handler takes a lock only when it has interrupted the TC, where its thread holds none;
 * otherwise it writes nothing but its own thread's block. */
#ifndef DBT_LINUX_LINUX_H
#define DBT_LINUX_LINUX_H

#include "core/base.h"
#include "core/context.h"
#include "core/engine.h"
#include "core/lock.h"
#include "core/profile.h"
#include "core/record.h"
#include "core/session.h"
#include "linux/host.h"

#define DBT_PATH_BYTES 4096
#define DBT_ADDRESS_END 0x7ffffffff000ULL /* of user space: TASK_SIZE_MAX with four-level paging */
#define DBT_QUEUE_LENGTH 16
#define DBT_STATUS_FAILED 125    /* dbt itself cannot go on */
#define DBT_STATUS_NOT_RUN 126   /* as a shell: found, but it cannot be executed */
#define DBT_STATUS_NOT_FOUND 127 /* as a shell */

/* What the guest has mapped. Sorted by address, disjoint; protection is the guest's own view.
 * WATCHED: the guest may write, the host may not, because units were translated from here. */
#define DBT_REGION_SHARED 0x1u
#define DBT_REGION_WATCHED 0x2u
#define DBT_REGION_GROWS_DOWN 0x4u
#define DBT_REGION_CHANGES 0x8u /* a page of code that is written so often that its units check themselves */
#define DBT_REGION_FOREIGN 0x10u /* shared memory that other processes may write: its units check themselves */
#define DBT_REGION_FILLED 0x20u /* the kernel may fill it at any time (kernel_fills.c): its units check themselves */
#define DBT_REGION_SHIFT_AT 8 /* from here on: log2 of the size of its pages, when they are huge */
typedef struct dbt_region {
    u64 guest_start;
    u64 guest_end;
    u32 protection; /* PROT_ bits, PROT_EXEC among them */
    u32 flags;
} dbt_region;

#define DBT_DIE_WORD "die" /* to a VMM that shall only end by a signal, which follows */
#define DBT_OPEN_COUNT 4 /* signals that are never blocked on the host */
/* Real-time, so that it queues and no other is lost for it; and one that libraries keep out of the masks they
 * offer, so that it is hardly ever blocked or waited for. */
#define DBT_KICK_SIGNAL 33
#define DBT_KICK_INSTEAD DBT_SIGILL /* where that cannot be sent: it takes no place in the queue */
#define DBT_SI_KICK (-0x4442)
#define DBT_SI_PASSED (-0x4443) /* DBT_SI_USER, when another thread got it first */
#define DBT_SI_MARK (-0x4445)   /* a place in this thread's own queue */
#define DBT_SI_NUDGE (-0x4444)  /* to a thread that polls: such a signal is held back for the process */

struct dbt_linux_thread;
struct dbt_seccomp_filter;

#define DBT_HEAT_PAGES 256

/* How often a page of code is written: by page, some forgotten. */
typedef struct dbt_heat {
    u64 guest_page;
    u64 changed_ticks; /* time-stamp counter when it changed last */
    u32 writes;        /* in a row, each soon after the one before */
    u32 turns;         /* how often it has been taken for one that changes */
} dbt_heat;

#define DBT_RINGS 8

/* A ring of io_uring: where the guest has mapped it, or 0, and what lies where in it. */
typedef struct dbt_ring {
    i32 fd;
    u32 setup_flags;
    u32 head_at, tail_at, mask_at, array_at;
    u64 guest_ring;
    u64 guest_entries;
} dbt_ring;

/* lock guards all but the threads; the table and the break may be read only with it held. */
typedef struct dbt_linux_space {
    dbt_engine *engine;
    u32 lock;
    u32 threads_lock;
    struct dbt_linux_thread *threads;      /* alive, of every process that shares the space */
    struct dbt_linux_thread *free_threads; /* blocks to be used again */
    dbt_statistics *statistics; /* of the process that runs here now */
    dbt_region *regions;
    u32 region_count;
    u32 region_capacity;
    u32 watched_count;   /* regions that are WATCHED */
    u32 deny_write_exec; /* PR_SET_MDWE, virtual */
    dbt_profile_units *units; /* those translated here, for a profile; or 0. Its region: */
    u32 units_region;
    bool has_memory_file; /* a /proc/PID/mem was opened: calls that write files may write memory */
    bool has_shared_code; /* shared_code.c; and the mapping it was last called for: */
    u64 guest_shared_start, guest_shared_end;
    u64 guest_stack_end; /* of the first thread's stack */
    u64 guest_brk_start;
    u64 guest_brk;
    u64 guest_brk_limit; /* the break may not pass this: what lies behind is not the heap's */
    dbt_heat heat[DBT_HEAT_PAGES];
    dbt_ring rings[DBT_RINGS]; /* kernel_fills.c */
    u32 ring_count;
    bool is_filled_anywhere; /* by the kernel, who knows where: no page of code is watched that may be written */
} dbt_linux_space;

/* The guest's dispositions, virtual; lock guards them. */
typedef struct dbt_linux_actions {
    u32 lock;
    u64 ignored; /* of the signals that are never blocked on the host, the kick's apart, those with SIG_IGN; atomic */
    dbt_host_action list[DBT_SIGNAL_COUNT];
} dbt_linux_actions;

/* A resource limit as struct rlimit64 has it, in bytes; all bits set: none. */
typedef struct dbt_limit {
    u64 current;
    u64 maximum;
} dbt_limit;

#define DBT_LIMIT_AS 0
#define DBT_LIMIT_DATA 1
#define DBT_LIMIT_COUNT 2

typedef struct dbt_linux_process {
    dbt_linux_space *space;
    dbt_session *session;
    dbt_slab *slab;
    i32 session_fd;
    dbt_record *record;            /* what a controller compares, or 0; */
    const dbt_context *recorded;   /* of this thread */
    dbt_profile *profile;          /* what a controller profiles, or 0 */
    i32 proc_fd; /* /proc, from when the guest was about to leave it behind by chroot; or -1 */
    u32 pid;
    bool is_refused;       /* dbt has said why it cannot go on, and ends the process */
    bool has_lent_actions; /* to a process that may outlive this one (CLONE_SIGHAND) */
    u32 exit_signal;       /* what its parent gets at its end */
    dbt_limit limits[DBT_LIMIT_COUNT]; /* the guest's, of RLIMIT_AS and RLIMIT_DATA; limits.c */
    u32 foreign_seen; /* of the slab's foreign_writes */
    bool clears_handlers; /* CLONE_CLEAR_SIGHAND: its first thread does it, before it runs */
    u32 thread_count; /* threads that have not ended: the last one ends the process */
    u64 held, held_busy;   /* signals that wait for a thread to unblock them: held_signals.c */
    dbt_host_siginfo held_info[DBT_OPEN_COUNT];
    bool has_sent_again;   /* a signal that the kernel queues for the process with DBT_SI_PASSED */
    u64 fp_features;    /* XSAVE components the kernel puts into signal frames, and their bytes; */
    u64 fp_bytes;       /* learnt from the first host frame, 0 before */
    u64 minimum_stack_bytes; /* AT_MINSIGSTKSZ */
    dbt_linux_actions *actions;    /* own_actions, or those of the process it shares them with */
    dbt_linux_actions own_actions;
    char guest_path[DBT_PATH_BYTES];           /* what /proc/self/exe names */
} dbt_linux_process;

/* A signal that waits to be delivered, as the host frame told it. */
typedef struct dbt_linux_signal {
    dbt_host_siginfo info;
    u64 error;
    u64 trap_number;
    u64 cr2;
} dbt_linux_signal;

struct dbt_machine;

typedef struct dbt_linux_thread {
    dbt_context *context;
    dbt_linux_process *process;
    struct dbt_machine *machine; /* not 0: bare guest, faults are exits */
    u64 blocked;                 /* the guest's signal mask; the host's lacks the fault signals */
    u64 handler_mask;            /* rt_sigsuspend and others: the mask in force when it was interrupted */
    bool has_handler_mask;
    bool was_entered;            /* the system call to be restarted has been in the kernel */
    bool has_wait_mask;          /* a call waits under wait_mask */
    u64 wait_mask;
    bool hides_faults;           /* some signals of faults are blocked on the host, while a call sleeps */
    u64 asks, observes;          /* signals that the call takes, or shows, when they are pending; */
    i32 asks_fd;                 /* by reading this descriptor, if it is a signalfd; or -1. Atomic; so is */
    u32 givers;                  /* how many threads are about to send it one of those */
    bool was_given;              /* one was sent since the call began */
    bool was_ignored;            /* a signal came for which only the VMM has a handler */
    bool has_sync;
    bool is_vfork_child;         /* its parent frees the block */
    u32 tid;
    u32 sample_timer;            /* the kernel's number of it, plus 1; or 0 */
    u32 system_call;             /* number of the last one */
    u32 kick_wanted;             /* number of a signal that only makes the thread leave the TC, on its way; or 0 */
    bool is_shut;                /* the kick's signal is blocked on the host: one of the guest's is held back */
    u32 lone_ticket;             /* a store into a watched page that runs alone: its unit is used once, */
    u64 guest_lone_pc;           /* so its page is lent unwatched until the thread has entered a unit */
    u64 guest_clear_tid;         /* the kernel writes 0 there when the thread ends */
    struct dbt_linux_thread *next;     /* in one of the space's lists */
    struct dbt_linux_thread *previous; /* in the list of those alive */
    struct dbt_seccomp_filter *filters; /* of seccomp, newest first; seccomp_filters.c */
    u32 seccomp_mode;            /* SECCOMP_MODE_; not 0: every system call is judged */
    bool wants_no_new_privs;     /* another thread's TSYNC: set at the next system call */
    struct dbt_linux_process *own_process; /* freed with the block: a process of this one thread */
    u32 queue_length;
    dbt_linux_signal sync;       /* a fault of the guest's, delivered before anything else */
    dbt_linux_signal queue[DBT_QUEUE_LENGTH];
    u64 trap_number, trap_error, trap_cr2; /* of the last fault: signal frames repeat them */
    dbt_host_stack guest_stack;  /* sigaltstack, virtual */
    /* What the block keeps for its next thread. */
    u64 host_block;              /* the mapping that all of this lies in */
    bool has_counters;           /* of executions, for a profile; */
    u32 counted_region;          /* the list of units that they count */
} dbt_linux_thread;

/* locks.c */
/* Whether a process has ended, waited for or not. */
bool dbt_process_is_dead(u32 pid);
/* Ends the run if the thread that holds a lock belongs to a process that has been killed. */
void dbt_locks_begin(dbt_linux_space *space);
void dbt_lock_check_holder(u32 holder);
/* Takes the space's lock for a change of [start, end); the engine's before it, when code may lie there.
 * Answers whether it did, for dbt_space_unlock. */
bool dbt_space_lock(dbt_linux_space *space, u64 guest_start, u64 guest_end);
bool dbt_space_lock_all(dbt_linux_space *space);
void dbt_space_unlock(dbt_linux_space *space, bool has_engine);

/* guest_memory.c: the VMM's accesses to memory of the guest; they never fault. */
bool dbt_guest_read(void *to, u64 guest_from, u64 size_bytes);
bool dbt_guest_write(dbt_linux_space *space, u64 guest_to, const void *from, u64 size_bytes);
bool dbt_guest_clear(u64 guest_to, u64 size_bytes);
/* Copies a string of less than capacity_bytes; false when it is longer or unreadable. */
bool dbt_guest_read_string(char *to, u64 guest_from, u64 capacity_bytes);

/* memory_map.c: the table of guest mappings; the space's lock is held for all of it. */
bool dbt_map_create(dbt_linux_space *space);
const dbt_region *dbt_map_find(const dbt_linux_space *space, u64 guest_address);
/* Index of the first region that ends above guest_address. */
u32 dbt_map_lower_bound(const dbt_linux_space *space, u64 guest_address);
void dbt_map_set(dbt_linux_space *space, u64 guest_start, u64 guest_end, u32 protection, u32 flags);
void dbt_map_clear(dbt_linux_space *space, u64 guest_start, u64 guest_end);
/* Changes protection, keeping flags but WATCHED, of all that is mapped in the range. */
void dbt_map_protect(dbt_linux_space *space, u64 guest_start, u64 guest_end, u32 protection);
bool dbt_map_is_whole(const dbt_linux_space *space, u64 guest_start, u64 guest_end);
u32 dbt_map_host_protection(u32 guest_protection);
/* Drops the range's units; the engine's lock is held if there can be any. */
void dbt_map_drop_code(dbt_linux_space *space, u64 guest_start, u64 guest_end);

/* map_extent.c: the space's lock is held. Region flags that a new mapping gets for its page size. */
u32 dbt_extent_flags(u32 map_flags, i32 fd);
u64 dbt_extent_page_bytes(u32 region_flags);
u64 dbt_extent_round_up(u64 size_bytes, u32 region_flags);
/* Takes over what a mapping above has grown down to guest_address; whether it has. */
bool dbt_extent_grow(dbt_linux_space *space, u64 guest_address);

/* Pages of code that keep being written (code_heat.c). Written: a write into a watched page was stopped;
 * space's lock held. Settles: hook of the engine. */
void dbt_heat_written(dbt_linux_space *space, u64 guest_page);
bool dbt_heat_settles(void *owner, u64 guest_page, bool changed);

/* code_pages.c: lending code to the translator and watching what it was translated from. */
dbt_status dbt_code_fetch(void *owner, u64 guest_pc, dbt_code_view *out);
bool dbt_code_is_lasting(void *owner, u64 guest_pc);
/* Makes watched pages in the range writable again and drops their units; false: none was watched. */
bool dbt_code_release(dbt_linux_space *space, u64 guest_start, u64 guest_end);
/* The same with the locks of dbt_space_lock held for the range. */
bool dbt_code_release_held(dbt_linux_space *space, u64 guest_start, u64 guest_end);
/* A store of the guest's was stopped: whether the page may be written by now, its units being gone. */
bool dbt_code_write_fault(dbt_linux_space *space, u64 guest_address);
/* The thread's next unit holds only the store at its guest pc, and is used once. */
void dbt_code_let_run_alone(dbt_linux_thread *thread);
bool dbt_code_watch(dbt_linux_space *space, u64 guest_start, u64 guest_end);

/* shared_code.c: views of the file that the code at guest_pc lies in; false when they cannot be watched. */
bool dbt_shared_watch(dbt_linux_space *space, u64 guest_pc);
/* With the locks of dbt_space_lock held. */
void dbt_shared_drop(dbt_linux_space *space);
/* Takes them itself. */
void dbt_shared_drop_all(dbt_linux_space *space);
/* All shared memory will be another process's, too; the locks of a fork are held. */
void dbt_shared_before_fork(dbt_linux_space *space);
bool dbt_shared_is_file_write(u64 number);

/* kernel_fills.c: io_uring_setup, _enter and _register, io_submit; a ring was mapped (space's lock held). */
i64 dbt_fills_setup(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_fills_enter(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_fills_register(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_fills_submit(dbt_linux_thread *thread, const u64 *arguments);
void dbt_fills_note_mapping(dbt_linux_space *space, i32 fd, u64 offset, u64 guest_start);

/* foreign_memory.c: the write of a file that may be a process's memory; process_vm_writev. */
i64 dbt_foreign_file_write(dbt_linux_thread *thread, u64 number, const u64 *arguments);
i64 dbt_foreign_vectors(dbt_linux_thread *thread, const u64 *arguments);
/* Drops all units when another process has written into this one's memory. */
void dbt_foreign_notice(const dbt_linux_thread *thread);

/* limits.c: given: what the program that started this one had, or 0. */
struct dbt_text;
void dbt_limits_start(dbt_linux_process *process, const dbt_limit *given);
i64 dbt_limits_call(dbt_linux_thread *thread, u64 number, const u64 *arguments);
/* Around an execve of a program that runs untranslated: the host enforces the limits in force. */
void dbt_limits_lend(const dbt_linux_process *process);
void dbt_limits_take_back(const dbt_linux_process *process);
void dbt_limits_add_text(const dbt_linux_process *process, struct dbt_text *text);
/* Whether so much may be mapped more, when what lies in the range given goes; the space's lock is held.
 * is_data: private and writable. */
bool dbt_limits_allow(const dbt_linux_space *space, u64 added_bytes, bool is_data,
                      u64 guest_replaced_start, u64 guest_replaced_end);
/* Whether a file of this size can be written: a memfd, too, would cost the guest a SIGXFSZ. */
bool dbt_limits_take_file(u64 size_bytes);
/* How large the translation cache may be, where the host's limit could not be widened. */
u64 dbt_limits_cache_bytes(u64 wanted_bytes);
/* Whether all of a range may become writable. */
bool dbt_limits_allow_write(const dbt_linux_space *space, u64 guest_start, u64 guest_end);

/* memory_calls.c */
i64 dbt_memory_mmap(dbt_linux_space *space, const u64 *arguments);
i64 dbt_memory_munmap(dbt_linux_space *space, u64 guest_start, u64 size_bytes);
i64 dbt_memory_mprotect(dbt_linux_space *space, u64 number, const u64 *arguments);
i64 dbt_memory_mremap(dbt_linux_space *space, const u64 *arguments);
i64 dbt_memory_brk(dbt_linux_space *space, u64 guest_brk);
i64 dbt_memory_shmat(dbt_linux_space *space, const u64 *arguments);
i64 dbt_memory_shmdt(dbt_linux_space *space, u64 guest_start);
i64 dbt_memory_madvise(dbt_linux_space *space, const u64 *arguments);
i64 dbt_memory_process_madvise(dbt_linux_space *space, const u64 *arguments);
i64 dbt_memory_remap_file_pages(dbt_linux_space *space, const u64 *arguments);
i64 dbt_memory_mincore(const u64 *arguments);

/* loader.c, stack.c */
typedef struct dbt_start {
    i32 argc;
    char **argv;      /* dbt-vmm, fd, program, guest argv[0], ... */
    char **envp;
    u64 *auxv; /* pairs of type and value, ended by AT_NULL */
} dbt_start;

#define DBT_SCRIPT_DEPTH 5 /* as the kernel's exec_binprm: the sixth file in a row is ELOOP */
#define DBT_SCRIPT_LINE_BYTES 256

typedef struct dbt_image {
    u64 guest_entry;         /* where execution starts: the interpreter's, if there is one */
    u64 guest_program_entry; /* AT_ENTRY */
    u64 guest_headers;       /* AT_PHDR */
    u64 header_count;
    u64 guest_base;          /* AT_BASE */
    u64 guest_low, guest_high;
    u64 guest_code_start, guest_code_end, guest_data_start, guest_data_end;
    bool stack_is_executable;
    bool has_interpreter;
    /* Arguments that scripts put in front of the guest's own; they replace its argv[0]. */
    u32 prefix_count;
    u32 text_count;
    const char *prefix[3 * DBT_SCRIPT_DEPTH];
    char text[DBT_SCRIPT_DEPTH][2][DBT_SCRIPT_LINE_BYTES]; /* interpreter and argument of each script */
} dbt_image;

/* Follows scripts and checks everything the kernel checks before it gives up the old image. Returns a
 * descriptor of the ELF file, or a negative errno; -ENOEXEC with is_foreign: another architecture. */
i64 dbt_loader_open(const char *path, i32 given_fd, dbt_image *image, bool *is_foreign);
/* Whether the kernel would have given the program of an opened file other privileges than it has. */
bool dbt_loader_loses_privileges(i32 fd);
/* Maps the image of an opened file; 0 or a negative errno. */
i64 dbt_loader_map(dbt_linux_space *space, i32 fd, dbt_image *image);
/* Builds the initial stack on the process's own stack; returns the guest's rsp. */
u64 dbt_stack_build(dbt_linux_process *process, const dbt_start *start, const dbt_image *image);

/* threads.c */
dbt_linux_thread *dbt_thread_create(dbt_linux_process *process);
/* Gives back the block of a thread that runs no more and is not the caller's. */
void dbt_thread_destroy(dbt_linux_thread *thread);
/* Ends the calling thread; its block is free for others at once. */
_Noreturn void dbt_thread_end(dbt_linux_thread *thread, u64 status);
/* In a forked child: the blocks of the threads that stayed behind are free. threads_lock is held. */
void dbt_thread_forget_others(dbt_linux_thread *survivor);
/* The thread whose VMM code this is; 0 before the first one runs. */
dbt_linux_thread *dbt_thread_self(void);
void dbt_thread_kick(dbt_context *context);
u64 dbt_thread_stack_top(const dbt_linux_thread *thread);
void dbt_thread_use_signal_stack(const dbt_linux_thread *thread);

/* From now on the thread counts in its process's slab, and pays for translations there. */
void dbt_slab_charge(dbt_linux_thread *thread);

/* slabs.c: a process's part of session memory. */
void dbt_slab_claim(dbt_linux_process *process, u32 parent_pid);
/* In a forked child: its own counts from here on. */
void dbt_slab_adopt(dbt_linux_thread *thread, u32 parent_pid);
/* Lets other processes of the session know what this one runs. */
void dbt_slab_show_path(const dbt_linux_process *process);
/* Where the process's engine tells of its arenas, or 0: nobody will read it. And from now on it does. */
dbt_arena_uses *dbt_slab_arenas(const dbt_linux_process *process);
void dbt_slab_show_arenas(const dbt_linux_process *process);
void dbt_slab_end(const dbt_linux_process *process);
/* An execve has failed for which the slab had been ended. */
void dbt_slab_resume(dbt_linux_thread *thread);
/* Gives back what a slab outside of session memory takes, when nobody counts there any more. */
void dbt_slab_drop(const dbt_linux_process *process, dbt_slab *slab);

/* syscalls.c, and the files it hands calls to. Results are the kernel's. */
void dbt_linux_exit(dbt_context *context, dbt_exit_kind kind, const dbt_instruction *instruction);
/* A system call with the guest's arguments through the gate. DBT_RESTART: a signal came first; the
 * guest stands at its syscall instruction again once the signal is delivered. */
#define DBT_RESTART (-512)
i64 dbt_linux_pass(dbt_linux_thread *thread, u64 number, const u64 *arguments);
void dbt_outputs_release(dbt_linux_space *space, u64 number, const u64 *arguments);

/* processes.c: fork, vfork, clone, exit. */
i64 dbt_process_clone(dbt_linux_thread *thread, u64 number, const u64 *arguments);
i64 dbt_process_clone3(dbt_linux_thread *thread, u64 guest_arguments, u64 size_bytes);
i64 dbt_process_exit(dbt_linux_thread *thread, u64 number, u64 status);

/* execute.c: execve and execveat. */
i64 dbt_execute_call(dbt_linux_thread *thread, u64 number, const u64 *arguments);

/* files.c: names that would show the VMM; see proc_files.h. */
i64 dbt_files_call(dbt_linux_thread *thread, u64 number, u64 *arguments);

/* signals.c: the virtual dispositions and masks; delivery.c: frames. faults.c: the host's handler. */
void dbt_signals_start(dbt_linux_thread *thread);
void dbt_signals_before_exec(dbt_linux_thread *thread);
void dbt_signals_exec_failed(dbt_linux_thread *thread);
void dbt_signals_set_host_mask(dbt_linux_thread *thread);
bool dbt_signal_is_fault(u32 number);
/* Never blocked on the host while guest code may run. */
bool dbt_signal_is_open(u32 number);
/* One or the other: the VMM has a handler for it even where the guest leaves it to the kernel. */
bool dbt_signal_is_ours(u32 number);
/* What the guest blocks now: in a call that waits under a mask of its own, that one. */
u64 dbt_signals_blocked(const dbt_linux_thread *thread);
/* Blocks on the host what the guest blocks, and makes pending there what was held back; then undoes it. */
void dbt_signals_give_back(dbt_linux_thread *thread);
void dbt_signals_block(u64 mask);
void dbt_signals_unblock(dbt_linux_thread *thread, u64 mask);
void dbt_signals_take_back(dbt_linux_thread *thread);
u64 dbt_signals_host_mask(u64 guest_mask);
/* The same for this thread, and unblocks the kick's signal if none is in the queue any more. */
u64 dbt_signals_own_mask(dbt_linux_thread *thread, u64 guest_mask);
/* Blocks the kick's signal from the end of the handler on, and takes a kick that is under way: whether there
 * was one. */
bool dbt_signals_shut(dbt_linux_thread *thread, dbt_host_ucontext *host);
i64 dbt_signals_action(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_signals_mask(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_signals_pending(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_signals_stack(dbt_linux_thread *thread, const u64 *arguments);
i64 dbt_signals_set_stack(dbt_linux_thread *thread, const dbt_host_stack *wanted);
/* signal_calls.c. sleep: a call that a signal can end, or that can show what is pending. */
i64 dbt_signals_sleep(dbt_linux_thread *thread, u64 number, const u64 *arguments);
i64 dbt_signals_wait(dbt_linux_thread *thread, u64 number, u64 *arguments);
i64 dbt_signals_timed_wait(dbt_linux_thread *thread, const u64 *arguments);
/* Takes the engine's lock when no kick is under way. */
void dbt_signals_await_kicks(dbt_linux_space *space);
i64 dbt_signals_send(dbt_linux_thread *thread, u64 number, const u64 *arguments);
void dbt_signals_install(const dbt_linux_process *process, u32 number);
/* Every handler of the guest's becomes the default. */
void dbt_signals_clear_handlers(dbt_linux_process *process);
/* held_signals.c: puts a signal for the process, which the calling thread blocks, where any thread finds it;
 * false: it is for this thread. In its handler. */
bool dbt_held_put(dbt_linux_thread *thread, const dbt_host_siginfo *info);
bool dbt_held_is_signalfd(const dbt_linux_process *process, i32 fd);
/* From begin to end other threads know which of the blocked signals a call takes or shows. */
void dbt_held_begin(dbt_linux_thread *thread, u64 number, const u64 *arguments, u64 blocked);
void dbt_held_end(dbt_linux_thread *thread);
/* Makes what is held back for the process, and the call can find, pending in this thread. They are blocked. */
void dbt_held_show(dbt_linux_thread *thread);
/* Takes those that the thread does not block, or is about to ask for, into its queue. */
void dbt_held_claim(dbt_linux_thread *thread, u64 blocked);
void dbt_held_drop(dbt_linux_process *process, u32 number);
/* In a new process: what is pending is the parent's. */
void dbt_held_forget(dbt_linux_process *process);
/* faults.c: into the thread's own queue; in the handler, or while all signals are blocked. */
void dbt_signal_enqueue(dbt_linux_thread *thread, const dbt_host_siginfo *info);
/* The process ends by the signal's default; info may be 0. */
_Noreturn void dbt_signals_end(u32 number, const dbt_host_siginfo *info);
_Noreturn void dbt_signals_die(dbt_linux_thread *thread, const dbt_host_siginfo *info);
void dbt_signals_force(dbt_linux_thread *thread, const dbt_linux_signal *signal);
/* The trap behind an instruction that the VMM has carried out under the trap flag. */
void dbt_signals_step(dbt_linux_thread *thread);
void dbt_signals_deliver(dbt_linux_thread *thread);
void dbt_signals_return(dbt_linux_thread *thread);
bool dbt_signals_on_guest_stack(const dbt_linux_thread *thread, u64 guest_rsp);

/* recorder.c: the record of a run for a controller that compares it; all do nothing without one. Of
 * them, enter, leave, signal, frame and end may wait for the controller. */
void dbt_recorder_open(dbt_linux_process *process, i32 session_fd);
void dbt_recorder_start(dbt_linux_thread *thread);
void dbt_recorder_unit(dbt_context *context, u32 instructions, u32 flags);
/* The guest stands behind the instruction that calls, or in the vsyscall page, where there is none: 0. */
void dbt_recorder_enter(dbt_linux_thread *thread, u64 number, const u64 *arguments,
                        u64 instruction_bytes);
void dbt_recorder_leave(dbt_linux_thread *thread, u64 number);
/* About to be delivered, or to end the process (has_vector: the processor holds the guest's vector
 * state, as in no signal handler); the frame was pushed to [guest_start, guest_end). */
void dbt_recorder_signal(dbt_linux_thread *thread, const dbt_host_siginfo *info, bool has_vector);
void dbt_recorder_frame(dbt_linux_thread *thread, u64 guest_start, u64 guest_end);
void dbt_recorder_end(dbt_linux_thread *thread, u32 reason);
/* In a forked child, which is not recorded. */
void dbt_recorder_forked(dbt_linux_thread *thread);

/* profiler.c: notes and counts of a process, and the units translated; all do nothing without a profile.
 * Called when the program is mapped; in a forked child; after an mmap of the guest's. */
typedef enum dbt_profiler_what {
    DBT_PROFILER_SYSCALL,
    DBT_PROFILER_CALLOUT,
    DBT_PROFILER_THREAD,
    DBT_PROFILER_NOT_SAMPLED,
    DBT_PROFILER_NOT_COUNTED
} dbt_profiler_what;
void dbt_profiler_open(dbt_linux_process *process);
void dbt_profiler_start(dbt_linux_thread *thread);
void dbt_profiler_forked(dbt_linux_thread *thread, u32 parent_pid);
/* Before a thread enters the TC for the first time; false: it cannot. */
bool dbt_profiler_count_in(dbt_linux_thread *thread);
/* Whether the session counts executions. */
bool dbt_profiler_counts(const dbt_linux_process *process);
void dbt_profiler_mapped(const dbt_linux_process *process, i64 result, const u64 *arguments);
void dbt_profiler_count(const dbt_linux_process *process, dbt_profiler_what what, u64 number);
u64 dbt_profiler_time_ns(void);
void dbt_profiler_note(dbt_profile *profile, u32 kind, const u64 words[DBT_PROFILE_SLOT_WORDS],
                       const void *text, u64 text_bytes);
/* Hooks of the engine. */
void dbt_profiler_callout(const dbt_context *context, u32 class_);
void dbt_profiler_describe(void *owner, u32 number, const dbt_description *unit);

/* sampler.c: called by the thread itself, once it can take signals and before it cannot any more. */
void dbt_sampler_start(dbt_linux_thread *thread);
void dbt_sampler_stop(dbt_linux_thread *thread);
/* Around a call that could show the sampler's signal. */
void dbt_sampler_pause(const dbt_linux_thread *thread);
void dbt_sampler_resume(const dbt_linux_thread *thread);
/* Whether a signal is the sampler's; what it interrupted is noted. In signal handlers. */
bool dbt_sampler_owns(const dbt_linux_thread *thread, const dbt_host_siginfo *info);
void dbt_sampler_take(const dbt_linux_thread *thread, const dbt_host_siginfo *info,
                      const dbt_host_state *host);

/* vmm/machine.c: a fault of a bare guest ends its run. */
void dbt_machine_fault(dbt_linux_thread *thread, const dbt_linux_signal *signal);

/* The thread whose host signal stack this code runs on (only in signal handlers). */
dbt_linux_thread *dbt_thread_of_signal_stack(void);

/* maps.c: the kernel's own list of mappings. */
typedef struct dbt_maps_entry {
    u64 start;
    u64 end;
    u64 file_offset;
    u32 protection;
    bool is_shared;
    const char *rest; /* of the line, from the offset column on */
    const char *name; /* without leading blanks; empty when there is none */
} dbt_maps_entry;
/* Calls visit for every line until it answers false. 0, or a negative errno. */
i64 dbt_maps_read(const char *path, bool (*visit)(void *owner, const dbt_maps_entry *entry), void *owner);

/* own_memory.c: ranges that the VMM itself has mapped. */
void dbt_own_add(u64 host_start, u64 host_end);
void dbt_own_remove(u64 host_start, u64 host_end);
/* Where a mapping of the VMM's shall lie that may lie anywhere. */
u64 dbt_own_place(u64 size_bytes);
/* Whether [start, end) touches one; then the part of the first one inside is answered. */
bool dbt_own_overlaps(u64 start, u64 end, u64 *host_start, u64 *host_end);
/* Around a fork: the list must be whole in the child. */
void dbt_own_lock(void);
void dbt_own_unlock(void);

#endif

/* Job: starts the VMM process: relocation, session, main thread, then the personality.
 * State: the process's dbt_linux_space and dbt_linux_process, which live as long as it does.
 * Invariant: a failure before the guest's first instruction is one line on standard error and a
 * status as a shell gives it: 127 not found, 126 not executable, 125 for everything of our own. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/proc_files.h"
#include "linux/seccomp_filters.h"
#include "linux/text.h"
#include "vmm/vmm.h"

#define CPUID_FEATURES 7u
#define CPUID_EBX_BMI2 (1u << 8)
#define CPUID_EXTENDED 0x80000000u
#define CPUID_EXTENDED_FEATURES 0x80000001u
#define CPUID_EDX_RDTSCP (1u << 27)
#define CPUID_ECX_INTEL 0x6c65746eu /* the end of GenuineIntel */
#define CPUID_FAMILY_ZEN3 0x19u
#define AUX_HWCAP2 26
#define AUX_MINIMUM_SIGNAL_STACK 51
#define HWCAP2_FSGSBASE 2u
#define MINIMUM_SIGNAL_STACK_OLD 2048
#define PROC_PATH_BYTES 6 /* "/proc/" */
#define RELOCATION_RELATIVE 8
#define RFLAGS_START 0x202

typedef struct boot {
    dbt_start start;
    dbt_linux_process *process;
    dbt_linux_thread *thread;
    /* Handed over by who executed us, or -1. */
    i32 session_fd;
    i32 program_fd; /* the program, opened */
    i32 filters_fd; /* its seccomp filters */
    i32 proc_fd;    /* /proc, where it is not to be found */
    bool has_limits;
    dbt_limit limits[DBT_LIMIT_COUNT];
} boot;

extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));
extern const u8 _end[] __attribute__((visibility("hidden")));
void dbt_start_relocate(u8 *host_base, const Elf64_Dyn *dynamic);
_Noreturn void dbt_start_main(u64 *kernel_stack);

/* Applies R_X86_64_RELATIVE relocations: a static-PIE without libc has nobody else to do it. Runs
 * before them, so it may use no pointer constant. */
void dbt_start_relocate(u8 *host_base, const Elf64_Dyn *dynamic)
{
    const Elf64_Rela *entry = 0;
    u64 size_bytes = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        if (dynamic->d_tag == DT_RELA) {
            entry = (const Elf64_Rela *)(host_base + dynamic->d_un.d_ptr);
        } else if (dynamic->d_tag == DT_RELASZ) {
            size_bytes = dynamic->d_un.d_val;
        }
    }
    for (u64 count = size_bytes / sizeof *entry; count > 0; count--, entry++) {
        if ((entry->r_info & 0xffffffff) == RELOCATION_RELATIVE) {
            *(u64 *)(host_base + entry->r_offset) = (u64)host_base + (u64)entry->r_addend;
        }
    }
}

_Noreturn static void quit(i32 status)
{
    for (;;) {
        (void)dbt_host_call1(__NR_exit_group, (u64)(u32)status);
    }
}

_Noreturn static void fail(i32 status, const char *what, const char *name)
{
    dbt_text_complain(what, name);
    quit(status);
}

static const char *error_text(i64 error)
{
    switch (-error) {
    case ENOENT:
        return "No such file or directory";
    case EACCES:
        return "Permission denied";
    case ENOEXEC:
        return "Exec format error";
    case ELIBBAD:
        return "its interpreter is no x86-64 ELF file";
    case ELOOP:
        return "too many levels of scripts or symbolic links";
    case ENOTDIR:
        return "Not a directory";
    case ENOMEM:
        return "Cannot allocate memory";
    case EEXIST:
        return "the addresses it wants are taken";
    case EPERM:
        return "Operation not permitted";
    default:
        return "it cannot be loaded";
    }
}

static u64 auxiliary(const dbt_start *start, u64 type, u64 otherwise)
{
    for (const u64 *entry = start->auxv; entry[0] != 0; entry += 2) {
        if (entry[0] == type) {
            return entry[1];
        }
    }
    return otherwise;
}

/* Maps the session and moves its descriptor out of the guest's way. */
static void open_session(dbt_linux_process *process, i32 fd)
{
    u64 size_bytes = DBT_PAGE_UP(sizeof(dbt_session));
    i64 host = dbt_host_mmap(dbt_own_place(size_bytes), size_bytes, PROT_READ | PROT_WRITE,
                             MAP_SHARED, fd, 0);
    if (host < 0) {
        fail(DBT_STATUS_FAILED, "this program is started by the dbt command only", "");
    }
    dbt_own_add((u64)host, (u64)host + DBT_PAGE_UP(sizeof(dbt_session)));
    process->session = (dbt_session *)host;
    if (process->session->magic != DBT_SESSION_MAGIC ||
        process->session->version != DBT_SESSION_VERSION) {
        fail(DBT_STATUS_FAILED, "session memory of another version", "");
    }
    process->session_fd = dbt_descriptors_place(fd);
    dbt_recorder_open(process, process->session_fd);
    dbt_profiler_open(process);
}

static bool visit_start_mapping(void *owner, const dbt_maps_entry *entry)
{
    dbt_linux_process *process = owner;
    if (dbt_text_equal(entry->name, "[vdso]")) {
        (void)dbt_host_mprotect(entry->start, entry->end - entry->start, PROT_READ);
        dbt_map_set(process->space, entry->start, entry->end, entry->protection, 0);
    } else if (dbt_text_starts(entry->name, "[vvar")) {
        dbt_map_set(process->space, entry->start, entry->end, entry->protection, 0);
    } else if (dbt_text_equal(entry->name, "[stack]")) {
        /* Room to grow down to the limit; the kernel keeps mappings out of it. */
        u64 limit[2] = {0, 0};
        (void)dbt_host_call4(__NR_prlimit64, 0, 3 /* RLIMIT_STACK */, 0, (u64)limit);
        u64 room_bytes = limit[0] > 0x40000000 ? 0x8000000 : DBT_PAGE_UP(limit[0]);
        u64 start = entry->end - room_bytes;
        process->space->guest_stack_end = entry->end;
        dbt_map_set(process->space, start < entry->start ? start : entry->start, entry->end,
                    PROT_READ | PROT_WRITE, DBT_REGION_GROWS_DOWN);
    }
    return true;
}

static void set_names(const dbt_linux_process *process, const char *program)
{
    const char *name = program;
    for (const char *at = program; *at != 0; at++) {
        if (*at == '/') {
            name = at + 1;
        }
    }
    (void)dbt_host_call2(__NR_prctl, PR_SET_NAME, (u64)name);
    (void)dbt_host_call2(__NR_prctl, PR_GET_NAME, (u64)process->slab->name);
}

/* What /proc/self/exe will name: the path of the ELF file as the kernel knows it. */
static void learn_path(dbt_linux_process *process, i32 fd)
{
    char link[64];
    dbt_text text;
    dbt_text_begin(&text, link, sizeof link);
    dbt_text_add(&text, "/proc/self/fd/");
    dbt_text_add_decimal(&text, (u64)fd);
    i64 length = dbt_host_call3(__NR_readlink, (u64)link, (u64)process->guest_path,
                                sizeof process->guest_path - 1);
    if (length == -ENOENT && process->proc_fd >= 0) {
        length = dbt_host_call4(__NR_readlinkat, (u64)process->proc_fd, (u64)(link + PROC_PATH_BYTES),
                                (u64)process->guest_path, sizeof process->guest_path - 1);
    }
    process->guest_path[length > 0 ? length : 0] = 0;
    dbt_slab_show_path(process);
}

/* The kernel executes the VMM, whose file gives no privileges: said once in a session. */
static void tell_privileges(const dbt_linux_process *process, i32 fd, const char *program)
{
    if (dbt_loader_loses_privileges(fd) &&
        __atomic_exchange_n(&process->session->privileges_told, 1, __ATOMIC_RELAXED) == 0) {
        char bytes[DBT_PATH_BYTES + 64];
        dbt_text text;
        dbt_text_begin(&text, bytes, sizeof bytes);
        dbt_text_add(&text, program);
        dbt_text_complain(bytes, ": runs without the privileges that its file would give it");
    }
}

/* AMD's processors before Zen 3 carry PEXT out bit by bit (Agner Fog, instruction tables). */
static bool has_fast_pext(void)
{
    u32 vendor[4];
    u32 model[4];
    u32 features[4];
    dbt_host_cpuid(0, 0, vendor);
    if (vendor[0] < CPUID_FEATURES) {
        return false;
    }
    dbt_host_cpuid(CPUID_FEATURES, 0, features);
    if ((features[1] & CPUID_EBX_BMI2) == 0 || vendor[2] == CPUID_ECX_INTEL) {
        return (features[1] & CPUID_EBX_BMI2) != 0;
    }
    dbt_host_cpuid(1, 0, model); /* asked last: in a virtual machine each takes an exit */
    return (model[0] >> 8 & 0xf) + (model[0] >> 20 & 0xff) >= CPUID_FAMILY_ZEN3;
}

static bool has_rdtscp(void)
{
    u32 features[4];
    dbt_host_cpuid(CPUID_EXTENDED, 0, features);
    if (features[0] < CPUID_EXTENDED_FEATURES) {
        return false;
    }
    dbt_host_cpuid(CPUID_EXTENDED_FEATURES, 0, features);
    return (features[3] & CPUID_EDX_RDTSCP) != 0;
}

static void create_engine(dbt_linux_process *process, dbt_linux_thread *thread,
                          dbt_exit_function exit_function, u64 avoid_low, u64 avoid_high,
                          u64 guest_code_bytes)
{
    dbt_engine_hooks hooks = {
        .owner = process->space,
        .fetch = dbt_code_fetch,
        .is_lasting = dbt_code_is_lasting,
        .exit = exit_function,
        .kick = dbt_thread_kick,
        .record = dbt_recorder_unit,
        .describe = process->profile != 0 ? dbt_profiler_describe : 0,
        .callout = process->profile != 0 ? dbt_profiler_callout : 0,
        .settles = dbt_heat_settles,
        .avoid_low = avoid_low,
        .avoid_high = avoid_high,
        .guest_code_bytes = guest_code_bytes,
        .statistics = process->space->statistics,
        .arenas = dbt_slab_arenas(process),
    };
    dbt_configuration configuration = process->session->configuration;
    configuration.flags |= has_fast_pext() ? DBT_CONFIG_WIDE_RETURNS : 0u;
    if ((configuration.flags & DBT_CONFIG_TSC_CALLOUT) != 0 && !has_rdtscp()) {
        fail(DBT_STATUS_FAILED, "this processor lacks rdtscp; do without --tsc callout", "");
    }
    if (process->record == 0) {
        configuration.flags &= ~(u32)DBT_CONFIG_RECORD;
    }
    configuration.tc_size_bytes = dbt_limits_cache_bytes(configuration.tc_size_bytes);
    dbt_status status = dbt_engine_create(&configuration, &hooks, &process->space->engine);
    if (status != DBT_OK) {
        fail(DBT_STATUS_FAILED, "no memory for the translation cache (`ulimit -v`?); a smaller one: ",
             "--tc-size 4M");
    }
    dbt_slab_show_arenas(process);
    dbt_engine_attach(process->space->engine, thread->context);
}

static void start_program(boot *boot)
{
    dbt_linux_process *process = boot->process;
    dbt_linux_thread *thread = boot->thread;
    bool is_foreign;
    dbt_image *image = (dbt_image *)dbt_port_map(0, DBT_PAGE_UP(sizeof(dbt_image)),
                                                 DBT_PORT_READ | DBT_PORT_WRITE);
    DBT_ASSERT(image != 0);
    const char *program = boot->start.argv[2];
    i64 fd = dbt_loader_open(program, boot->program_fd, image, &is_foreign);
    if (fd < 0) {
        char what[DBT_PATH_BYTES + 64];
        dbt_text text;
        dbt_text_begin(&text, what, sizeof what);
        dbt_text_add(&text, program);
        dbt_text_add(&text, ": ");
        fail(fd == -ENOENT ? DBT_STATUS_NOT_FOUND : DBT_STATUS_NOT_RUN, what,
             is_foreign ? "not a 64-bit x86 program" : error_text(fd));
    }
    learn_path(process, (i32)fd);
    tell_privileges(process, (i32)fd, program);
    /* The kernel takes the name from the path, or from the file where only a descriptor was given. */
    set_names(process, dbt_text_starts(program, "/dev/fd/") ? process->guest_path : program);
    i64 result = dbt_loader_map(process->space, (i32)fd, image);
    (void)dbt_host_call1(__NR_close, (u64)fd);
    if (result < 0) {
        char what[DBT_PATH_BYTES + 64];
        dbt_text text;
        dbt_text_begin(&text, what, sizeof what);
        dbt_text_add(&text, program);
        dbt_text_add(&text, ": ");
        fail(DBT_STATUS_NOT_RUN, what, error_text(result));
    }
    (void)dbt_maps_read("/proc/self/maps", visit_start_mapping, process);
    u64 guest_stack = dbt_stack_build(process, &boot->start, image);
    dbt_profiler_start(thread);
    const dbt_region *stack = dbt_map_find(process->space, guest_stack);
    if (image->stack_is_executable && stack != 0) {
        dbt_map_protect(process->space, stack->guest_start, stack->guest_end,
                        PROT_READ | PROT_WRITE | PROT_EXEC);
    }
    bool is_low = image->guest_low < 0x80000000ULL;
    create_engine(process, thread, dbt_linux_exit,
                  is_low ? image->guest_low : process->space->guest_brk_start,
                  process->space->guest_brk_limit,
                  image->guest_code_end - image->guest_code_start);
    dbt_context *context = thread->context;
    context->registers[DBT_RSP] = guest_stack;
    context->rip = image->guest_entry;
    context->rflags = RFLAGS_START;
    dbt_port_unmap((u64)image, DBT_PAGE_UP(sizeof(dbt_image)));
    dbt_signals_start(thread);
    dbt_recorder_start(thread);
    dbt_sampler_start(thread);
    dbt_engine_run(context);
}

static void start_on_own_stack(void *argument)
{
    /* The original lies on the kernel's stack, which becomes the guest's. */
    struct boot copy = *(const struct boot *)argument;
    struct boot *boot = &copy;
    if (boot->process->session->configuration.personality == DBT_PERSONALITY_MACHINE) {
        create_engine(boot->process, boot->thread, dbt_machine_exit, 0, 0, 0);
        quit(dbt_machine_serve(boot->thread));
    }
    if (boot->start.argc < 3) {
        fail(DBT_STATUS_FAILED, "no program to run", "");
    }
    start_program(boot);
    quit(DBT_STATUS_FAILED);
}

static void read_start(dbt_start *start, u64 *kernel_stack)
{
    start->argc = (i32)kernel_stack[0];
    start->argv = (char **)(kernel_stack + 1);
    start->envp = start->argv + start->argc + 1;
    u64 *at = (u64 *)start->envp;
    while (*at != 0) {
        at++;
    }
    start->auxv = at + 1;
}

static bool next_number(const char **text, u64 *number)
{
    bool found = dbt_text_parse(*text, ',', number) || dbt_text_parse(*text, 0, number);
    while (**text >= '0' && **text <= '9') {
        (*text)++;
    }
    *text += **text == ',' ? 1 : 0;
    return found;
}

/* "SESSION,PROGRAM,FILTERS,PROC" and the limits, current and maximum of each, all in decimal: descriptors that
 * are not there are empty, and all but the first may be left out. */
static bool read_words(const char *text, boot *boot)
{
    i32 *const found[] = {&boot->session_fd, &boot->program_fd, &boot->filters_fd, &boot->proc_fd};
    u64 number;
    for (u32 at = 0; at < DBT_ARRAY_LENGTH(found); at++) {
        *found[at] = next_number(&text, &number) ? (i32)number : -1;
    }
    boot->has_limits = *text != 0;
    for (u32 at = 0; boot->has_limits && at < DBT_LIMIT_COUNT; at++) {
        if (!next_number(&text, &boot->limits[at].current) ||
            !next_number(&text, &boot->limits[at].maximum)) {
            return false;
        }
    }
    return boot->session_fd >= 0 && *text == 0;
}

/* For the session's first program only: what it starts belongs to it. */
static void die_with_parent(const dbt_linux_process *process)
{
    u32 parent_pid = process->session->configuration.die_with;
    if (parent_pid == 0 || process->slab != &process->session->slabs[0]) {
        return;
    }
    (void)dbt_host_call2(__NR_prctl, PR_SET_PDEATHSIG, DBT_SIGKILL);
    if ((u32)dbt_host_call1(__NR_getppid, 0) != parent_pid) {
        /* It died before it could be asked for. */
        (void)dbt_host_call2(__NR_kill, process->pid, DBT_SIGKILL);
    }
}

_Noreturn void dbt_start_main(u64 *kernel_stack)
{
    boot boot;
    read_start(&boot.start, kernel_stack);
    dbt_own_add((u64)__ehdr_start, DBT_PAGE_UP((u64)_end));
    u64 number;
    if (boot.start.argc == 3 && dbt_text_equal(boot.start.argv[1], DBT_DIE_WORD) &&
        dbt_text_parse(boot.start.argv[2], 0, &number)) {
        dbt_signals_end((u32)number, 0);
    }
    if (boot.start.argc < 2 || !read_words(boot.start.argv[1], &boot)) {
        fail(DBT_STATUS_FAILED, "this program is started by the dbt command only", "");
    }
    if ((auxiliary(&boot.start, AUX_HWCAP2, 0) & HWCAP2_FSGSBASE) == 0) {
        fail(DBT_STATUS_FAILED, "this processor or kernel lacks FSGSBASE (Linux 5.9 and later)", "");
    }
    u64 room_bytes = DBT_PAGE_UP(sizeof(dbt_linux_process) + sizeof(dbt_linux_space));
    u64 host = dbt_port_map(0, room_bytes, DBT_PORT_READ | DBT_PORT_WRITE);
    DBT_ASSERT(host != 0);
    dbt_linux_process *process = (dbt_linux_process *)host;
    boot.process = process;
    process->space = (dbt_linux_space *)(host + sizeof *process);
    process->actions = &process->own_actions;
    process->exit_signal = DBT_SIGCHLD;
    dbt_limits_start(process, boot.has_limits ? boot.limits : 0);
    dbt_locks_begin(process->space);
    process->minimum_stack_bytes =
        auxiliary(&boot.start, AUX_MINIMUM_SIGNAL_STACK, MINIMUM_SIGNAL_STACK_OLD);
    open_session(process, boot.session_fd);
    process->proc_fd = boot.proc_fd >= 0 ? dbt_descriptors_place(boot.proc_fd) : -1;
    dbt_slab_claim(process, (u32)dbt_host_call1(__NR_getppid, 0));
    process->space->statistics = &process->slab->statistics;
    die_with_parent(process);
    boot.thread = dbt_thread_create(process);
    if (boot.thread == 0 || !dbt_map_create(process->space)) {
        fail(DBT_STATUS_FAILED, "out of memory", "");
    }
    /* From here on the thread knows itself: reports, reading /proc, code that it lends to translations. */
    __asm__ volatile("wrgsbase %0" : : "r"(boot.thread->context));
    boot.thread->tid = process->pid;
    dbt_slab_charge(boot.thread);
    if (boot.filters_fd >= 0 && !dbt_seccomp_load(boot.thread, boot.filters_fd)) {
        fail(DBT_STATUS_FAILED, "the seccomp filters of the program that started this one are lost", "");
    }
    dbt_gate_call_on(dbt_thread_stack_top(boot.thread), start_on_own_stack, &boot);
    quit(DBT_STATUS_FAILED);
}

/* Runs a program step by step, natively to write down all its states, or under the VMM to interrupt it by
 * a signal at every host instruction, once at each.
 *
 *   step_signals native LOG CONTEXT STACK LOW HIGH 0 0 0 1 PROGRAM ARGUMENTS...
 *   step_signals tc|all LOG CONTEXT STACK LOW HIGH EXIT ENTRY END STRIDE VMM ARGUMENTS...
 *
 * The guest (guests/signal_steps.S) sends itself SIGURG, which the tracer takes away: once when it begins,
 * then at the end of each handler, when the word at CONTEXT is the address of its ucontext. STACK is the
 * middle of the guest's stack; LOW to HIGH is its alternate stack, where nothing is interrupted. EXIT,
 * ENTRY and END are where in the VMM's image the exit routine and the entry routine begin and the latter
 * ends: with `tc`, other code of the VMM is run through and not interrupted. Of the host instructions, each
 * STRIDE-th new one is interrupted.
 * The log holds one `struct record` for each state; the last line on standard output tells how many host
 * instructions were seen and how many signals sent. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define WINDOW_BYTES 512
#define SEEN_SLOTS (1u << 18)
#define PUSHF 0x9c
#define POPF 0x9d
#define CONTEXT_RSP 0xe0 /* of csrc/core/context.h */

struct record {
    uint64_t host_pc, stepped;
    uint64_t registers[18]; /* r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags */
    uint8_t vectors[256];
    uint8_t window[WINDOW_BYTES];
};

static pid_t child;
static FILE *log_file;
static uint64_t guest_context, guest_stack, guest_low, guest_high;
static uint64_t vmm_start, vmm_end, host_exit, host_entry, host_entry_end, stride;
static uint64_t seen[SEEN_SLOTS];
static unsigned long seen_count, sent_count, step_count;

static void fail(const char *what)
{
    fprintf(stderr, "step_signals: %s: %s\n", what, strerror(errno));
    if (child > 0)
        kill(child, SIGKILL);
    exit(2);
}

static void peek(uint64_t address, void *to, size_t bytes)
{
    struct iovec local = {to, bytes}, remote = {(void *)address, bytes};
    if (process_vm_readv(child, &local, 1, &remote, 1, 0) != (ssize_t)bytes)
        fail("reading memory");
}

static void write_record(struct record *record)
{
    peek(guest_stack - WINDOW_BYTES / 2, record->window, WINDOW_BYTES);
    if (fwrite(record, sizeof *record, 1, log_file) != 1)
        fail("writing the log");
}

/* Resumes and waits; answers the signal that stopped it, or exits with it. */
static int resume(int request, int number)
{
    int status;
    if (ptrace(request, child, 0, (void *)(long)number) != 0)
        fail("resuming");
    if (waitpid(child, &status, 0) != child)
        fail("waiting");
    if (WIFSTOPPED(status))
        return WSTOPSIG(status);
    fclose(log_file);
    printf("%lu %lu %lu\n", seen_count, sent_count, step_count);
    if (!WIFEXITED(status))
        fprintf(stderr, "step_signals: ended by signal %d\n", WTERMSIG(status));
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

static int resume_until(int wanted, int number)
{
    do
        number = resume(PTRACE_CONT, number);
    while (number != wanted);
    return 0;
}

/* Lets it run until it is about to execute host_pc. */
static void run_to(uint64_t host_pc)
{
    struct user_regs_struct registers;
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, child, (void *)host_pc, 0);
    if (errno || ptrace(PTRACE_POKETEXT, child, (void *)host_pc, (void *)((code & ~0xffl) | 0xcc)))
        fail("setting a breakpoint");
    resume_until(SIGTRAP, 0);
    ptrace(PTRACE_POKETEXT, child, (void *)host_pc, (void *)code);
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    if (registers.rip != host_pc + 1) {
        fprintf(stderr, "step_signals: a trap at %llx, VMM at %lx\n", registers.rip, vmm_start);
        fail("an unexpected trap");
    }
    registers.rip = host_pc;
    ptrace(PTRACE_SETREGS, child, 0, &registers);
}

/* Behind a repeated string instruction, which would be a step for each byte. */
static uint64_t behind_string(uint64_t host_pc)
{
    uint8_t code[3];
    peek(host_pc, code, sizeof code);
    int at = code[1] == 0x48 ? 2 : 1;
    return code[0] == 0xf3 && (code[at] & 0xf4) == 0xa4 ? host_pc + (uint64_t)at + 1 : 0;
}

/* A flags image that was pushed during a step shows the trap flag, which is the tracer's. */
static void hide_trap_flag(const struct user_regs_struct *registers)
{
    long word = ptrace(PTRACE_PEEKDATA, child, (void *)registers->rsp, 0);
    ptrace(PTRACE_POKEDATA, child, (void *)registers->rsp, (void *)(word & ~0x100l));
}

static void find_vmm(void)
{
    char path[32], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", child);
    FILE *maps = fopen(path, "r");
    unsigned long start, end;
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "dbt-vmm") && sscanf(line, "%lx-%lx", &start, &end) == 2) {
            if (vmm_start == 0)
                vmm_start = start;
            vmm_end = end;
        }
    fclose(maps);
    host_exit += vmm_start;
    host_entry += vmm_start;
    host_entry_end += vmm_start;
}

static int is_routine(uint64_t host_pc)
{
    return host_pc >= host_exit && host_pc < host_entry_end;
}

static int is_new(uint64_t host_pc)
{
    for (uint64_t at = host_pc * 0x9e3779b97f4a7c15 >> 46;; at = (at + 1) % SEEN_SLOTS) {
        if (seen[at] == host_pc)
            return 0;
        if (seen[at] == 0) {
            seen[at] = host_pc;
            if (++seen_count > SEEN_SLOTS / 2)
                fail("too many host instructions");
            return 1;
        }
    }
}

static void native(void)
{
    struct user_regs_struct registers;
    struct user_fpregs_struct vectors;
    struct record record = {0};
    for (;;) {
        ptrace(PTRACE_GETREGS, child, 0, &registers);
        ptrace(PTRACE_GETFPREGS, child, 0, &vectors);
        const uint64_t order[18] = {
            registers.r8,  registers.r9,  registers.r10, registers.r11, registers.r12, registers.r13,
            registers.r14, registers.r15, registers.rdi, registers.rsi, registers.rbp, registers.rbx,
            registers.rdx, registers.rax, registers.rcx, registers.rsp, registers.rip, registers.eflags};
        memcpy(record.registers, order, sizeof order);
        memcpy(record.vectors, vectors.xmm_space, sizeof record.vectors);
        record.stepped = ++step_count;
        write_record(&record);
        if (resume(PTRACE_SINGLESTEP, 0) != SIGTRAP)
            fail("an unexpected signal");
    }
}

/* The handler is at its end: what it was given. */
static void write_frame(uint64_t host_pc)
{
    struct record record = {.host_pc = host_pc, .stepped = step_count};
    uint64_t user;
    ucontext_t context;
    struct _libc_fpstate vectors;
    peek(guest_context, &user, sizeof user);
    peek(user, &context, 40 + 8 * 24);
    for (int i = 0; i < 18; i++)
        record.registers[i] = (uint64_t)context.uc_mcontext.gregs[i];
    peek((uint64_t)context.uc_mcontext.fpregs, &vectors, sizeof vectors);
    memcpy(record.vectors, vectors._xmm, sizeof record.vectors);
    write_record(&record);
}

static void interrupt_all(int everywhere)
{
    struct user_regs_struct registers;
    int number = 0;
    uint8_t code = 0;
    for (;;) {
        if (code == POPF) { /* after a step over it, the kernel takes the trap flag for the program's own */
            run_to(registers.rip + 1);
        } else {
            number = resume(PTRACE_SINGLESTEP, number);
            step_count++;
            if (number != SIGTRAP) {
                code = 0;
                continue; /* for the VMM */
            }
        }
        number = 0;
        ptrace(PTRACE_GETREGS, child, 0, &registers);
        if (code == PUSHF)
            hide_trap_flag(&registers);
        int in_vmm = registers.rip >= vmm_start && registers.rip < vmm_end;
        uint64_t rsp = registers.rsp;
        if (in_vmm && !everywhere && !is_routine(registers.rip)) {
            run_to(host_entry);
            ptrace(PTRACE_GETREGS, child, 0, &registers);
            rsp = registers.rsp;
        }
        if (in_vmm) {
            uint64_t next = behind_string(registers.rip);
            if (next) {
                run_to(next);
                registers.rip = next;
            }
            peek(registers.gs_base + CONTEXT_RSP, &rsp, sizeof rsp);
        }
        peek(registers.rip, &code, 1);
        if ((rsp > guest_low && rsp <= guest_high) || !is_new(registers.rip) ||
            seen_count % stride != 0)
            continue;
        sent_count++;
        number = resume_until(SIGURG, SIGUSR1);
        code = 0;
        write_frame(registers.rip);
    }
}

int main(int argc, char **argv)
{
    if (argc < 13)
        return 2;
    log_file = fopen(argv[2], "w");
    guest_context = strtoull(argv[3], 0, 16);
    guest_stack = strtoull(argv[4], 0, 16);
    guest_low = strtoull(argv[5], 0, 16);
    guest_high = strtoull(argv[6], 0, 16);
    host_exit = strtoull(argv[7], 0, 16);
    host_entry = strtoull(argv[8], 0, 16);
    host_entry_end = strtoull(argv[9], 0, 16);
    stride = strtoull(argv[10], 0, 10);
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[11], argv + 12);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0, (void *)PTRACE_O_EXITKILL);
    resume_until(SIGURG, 0);
    if (strcmp(argv[1], "native") == 0)
        native();
    find_vmm();
    interrupt_all(strcmp(argv[1], "all") == 0);
}

/* Tests: a program that is hardened in every way the compiler and the linker offer (full RELRO, IBT and shadow
 * stack marks, stack protector, fortified calls, probed stacks): what RELRO covers cannot be written (the fault is
 * at the right address), indirect calls and jumps land on endbr64, the marks are in the file as the kernel sees
 * it, a shadow stack's instructions do nothing, a smashed stack is noticed. argv[1], if any: a hardened library.
 * Expected: status 0, prints what was found. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static sigjmp_buf back;
static volatile uintptr_t faulted;
static unsigned covered, refused, marked;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    faulted = (uintptr_t)info->si_addr;
    siglongjmp(back, number * 16 + info->si_code);
}

/* Whole pages of RELRO are read-only once the program runs. */
static void write_to(volatile unsigned char *byte)
{
    covered++;
    if (!sigsetjmp(back, 1)) {
        *byte = *byte;
        printf("written: RELRO is not in force\n");
    } else if (faulted == (uintptr_t)byte) {
        refused++;
    }
}

static void look_at_marks(const ElfW(Nhdr) *note, size_t left)
{
    while (left >= sizeof *note) {
        const unsigned *words = (const unsigned *)(const void *)((const char *)(note + 1) + 4);
        /* NT_GNU_PROPERTY_TYPE_0: GNU_PROPERTY_X86_FEATURE_1_AND with IBT and SHSTK. */
        if (note->n_type == 5 && note->n_namesz == 4)
            for (unsigned at = 0; at + 2 < note->n_descsz / 4; at += 2 + (words[at + 1] + 7) / 8 * 2)
                marked += words[at] == 0xc0000002 && (words[at + 2] & 3) == 3;
        size_t size = sizeof *note + ((note->n_namesz + 3) & ~3u) + ((note->n_descsz + 7) & ~7u);
        note = (const ElfW(Nhdr) *)(const void *)((const char *)note + size);
        left -= size < left ? size : left;
    }
}

static int look(struct dl_phdr_info *info, size_t size, void *only)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (only && !strstr(info->dlpi_name, only))
            continue;
        if (header->p_type == PT_GNU_RELRO) {
            const uintptr_t first = start & ~(PAGE - 1), end = (start + header->p_memsz) & ~(PAGE - 1);
            for (uintptr_t page = first; page < end; page += PAGE)
                write_to((volatile unsigned char *)page + 123);
        }
        if (header->p_type == PT_NOTE && header->p_align == 8)
            look_at_marks((const ElfW(Nhdr) *)start, header->p_memsz);
    }
    return only == 0; /* the program itself comes first */
}

/* rdsspq and incsspq are no-operations where there is no shadow stack. */
static uint64_t shadow_stack(void)
{
    uint64_t pointer = 0;
    __asm__ volatile("rdsspq %0" : "+r"(pointer));
    if (pointer)
        __asm__ volatile("incsspq %0" : : "r"(0ul));
    return pointer;
}

static unsigned begins_with_endbr(const void *function)
{
    return memcmp(function, "\xf3\x0f\x1e\xfa", 4) == 0;
}

__attribute__((noinline)) unsigned dispatched(unsigned kind, unsigned value)
{
    switch (kind) { /* a notrack jump through a table */
    case 0: return value + 3;
    case 1: return value * 5;
    case 2: return value ^ 0x55;
    case 3: return value >> 1;
    case 4: return ~value;
    case 5: return value - 17;
    case 6: return value * value;
    default: return 7;
    }
}

__attribute__((noinline)) static void smash(char *to, const char *from, size_t size)
{
    char room[16];
    for (size_t i = 0; i < size; i++)
        ((volatile char *)room)[i] = from[i];
    memcpy(to, room, sizeof room);
}

static int signal_of_child(int fortified)
{
    static char text[400];
    int status = -1;
    volatile size_t size = 200;
    memset(text, 'x', sizeof text - 1);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(2);
        char to[64];
        if (fortified)
            memcpy(to, text, size); /* the compiler knows how large `to` is */
        else
            smash(to, text, size);
        _exit(to[3]);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    uint64_t sum = 0;
    sigaction(SIGSEGV, &action, 0);
    dl_iterate_phdr(look, 0);
    printf("RELRO %d, all refused %d, marked %d\n", covered > 0, covered == refused, marked > 0);
    if (argc > 1) {
        void *library = dlopen(argv[1], RTLD_LAZY);
        if (!library)
            return 1;
        unsigned (*compute)(unsigned) = (unsigned (*)(unsigned))dlsym(library, "compute");
        covered = refused = marked = 0;
        dl_iterate_phdr(look, strrchr(argv[1], '/'));
        printf("library: RELRO %d, all refused %d, marked %d, endbr %u, %u\n", covered > 0, covered == refused,
               marked > 0, begins_with_endbr((const void *)(uintptr_t)compute), compute(4));
    }
    for (unsigned i = 0; i < 20000; i++)
        sum = sum * 31 + dispatched(i % 9, i) + (shadow_stack() != 0);
    printf("%lu endbr %u\n", sum, begins_with_endbr((const void *)(uintptr_t)dispatched));
    printf("%d %d\n", signal_of_child(0), signal_of_child(1));
    return 0;
}

/* Tests: code pages under random mmap, munmap, mprotect, mremap, madvise, stores, file writes and forks; each
 * page is run after each step that may have touched it, and must return what was written there last, or
 * fault. argv[1] is the seed. Expected: status 0, prints a sum of all results and faults. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 48u
#define PAGE 4096ul
#define RX (PROT_READ | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)

static char *area;
static int file;
static unsigned long long noise;
static unsigned long sum;
static sigjmp_buf back;

/* What each page holds: a number that its code returns, or -1 for no code; its permissions, -1 unmapped; the
 * page of the file that it shows, or -1. */
static struct {
    int number, access, file_page;
} pages[PAGES];

static unsigned draw(unsigned below)
{
    noise = noise * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(noise >> 33) % below;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    siglongjmp(back, number * 16 + (info->si_code & 15));
}

static unsigned run(unsigned page)
{
    int fault = sigsetjmp(back, 1);
    return fault ? 0x10000u + (unsigned)fault : ((unsigned (*)(void))(area + page * PAGE))();
}

static void put(char *to, int number)
{
    unsigned char code[6] = {0xb8, (unsigned char)number, (unsigned char)(number >> 8), 0, 0, 0xc3};
    memcpy(to, code, sizeof code);
}

static void check(unsigned page)
{
    if (pages[page].number < 0 && pages[page].access >= 0 && (pages[page].access & PROT_EXEC))
        return; /* zeroes are code, too */
    unsigned result = run(page);
    int runs = pages[page].access >= 0 && (pages[page].access & PROT_EXEC);
    if (runs ? result != (unsigned)pages[page].number : result < 0x10000u) {
        printf("page %u: %x instead of %d\n", page, result, pages[page].number);
        exit(1);
    }
    sum = sum * 31 + result;
}

static int random_access(void)
{
    static const int accesses[] = {PROT_NONE, PROT_READ, RW, RX, RX, RX | PROT_WRITE, RX | PROT_WRITE};
    return accesses[draw(7)];
}

static void set(unsigned first, unsigned count, int number, int access, int file_page)
{
    for (unsigned i = 0; i < count; i++) {
        pages[first + i].number = number;
        pages[first + i].access = access;
        pages[first + i].file_page = file_page < 0 ? -1 : file_page + (int)i;
    }
}

static void map_anonymous(unsigned first, unsigned count)
{
    int access = random_access();
    mmap(area + first * PAGE, count * PAGE, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    set(first, count, -1, access, -1);
}

static int file_numbers[PAGES];

static void map_file(unsigned first, unsigned count)
{
    int access = random_access();
    unsigned from = draw(PAGES - count + 1);
    mmap(area + first * PAGE, count * PAGE, access, MAP_SHARED | MAP_FIXED, file, (long)(from * PAGE));
    set(first, count, -1, access, (int)from);
    for (unsigned i = 0; i < count; i++)
        pages[first + i].number = file_numbers[from + i];
}

static void change_file(unsigned file_page, int number)
{
    file_numbers[file_page] = number;
    for (unsigned i = 0; i < PAGES; i++)
        if (pages[i].file_page == (int)file_page)
            pages[i].number = number;
}

static void store(unsigned page, int number)
{
    if (pages[page].access < 0 || !(pages[page].access & PROT_WRITE))
        return;
    put(area + page * PAGE, number);
    if (pages[page].file_page >= 0)
        change_file((unsigned)pages[page].file_page, number);
    else
        pages[page].number = number;
}

static void protect(unsigned first, unsigned count)
{
    int access = random_access();
    unsigned mapped = 0;
    while (mapped < count && pages[first + mapped].access >= 0)
        pages[first + mapped++].access = access;
    mprotect(area + first * PAGE, count * PAGE, access);
}

static void drop(unsigned first, unsigned count)
{
    madvise(area + first * PAGE, count * PAGE, MADV_DONTNEED); /* a hole: the rest is done all the same */
    for (unsigned i = 0; i < count; i++)
        if (pages[first + i].file_page < 0)
            pages[first + i].number = -1;
}

static void move(unsigned first, unsigned second)
{
    if (pages[first].access < 0 || first == second)
        return;
    if (mremap(area + first * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + second * PAGE) == MAP_FAILED)
        exit(3);
    pages[second] = pages[first];
    set(first, 1, -1, -1, -1);
}

static void in_child(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < PAGES; i++)
            if (pages[i].file_page < 0)
                store(i, (int)draw(60000));
        for (unsigned i = 0; i < PAGES; i++)
            check(i);
        _exit((int)(sum & 0x7f));
    }
    waitpid(child, &status, 0);
    sum = sum * 31 + (unsigned)status;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    noise = strtoull(argv[argc - 1], 0, 10);
    sigaction(SIGSEGV, &action, 0);
    area = mmap(0, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    file = memfd_create("code", 0);
    if (argc != 2 || area == MAP_FAILED || ftruncate(file, PAGES * PAGE))
        return 2;
    set(0, PAGES, -1, PROT_NONE, -1);
    memset(file_numbers, -1, sizeof file_numbers);
    for (int step = 0; step < 4000; step++) {
        unsigned first = draw(PAGES), count = 1 + draw(PAGES - first < 6 ? PAGES - first : 6);
        unsigned char code[8];
        switch (draw(12)) {
        case 0: map_anonymous(first, count); break;
        case 1: map_file(first, count); break;
        case 2: munmap(area + first * PAGE, count * PAGE); set(first, count, -1, -1, -1); break;
        case 3: case 4: protect(first, count); break;
        case 5: drop(first, count); break;
        case 6: move(first, draw(PAGES)); break;
        case 7:
            put((char *)code, step);
            if (pwrite(file, code, 6, (long)(first * PAGE)) != 6)
                return 4;
            change_file(first, step);
            break;
        case 8: if (draw(20) == 0) in_child(); break;
        default: store(first, step); break;
        }
        check(first);
        check(first + count - 1);
        check(draw(PAGES));
    }
    for (unsigned i = 0; i < PAGES; i++)
        check(i);
    printf("%lu\n", sum);
    return 0;
}

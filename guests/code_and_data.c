/* Tests: data and code mixed on one page that is hot in both: counters that the code beside them changes by
 * mov, locked add, a vector store and rep stos, a switch's table, results of system calls (clock, read, a
 * pipe, getcwd), a lock word that two threads hand to each other; the code itself changes now and then.
 * Expected: status 0, prints sums. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t (*function)(uint64_t, void *);

static unsigned char *page;

static function put(unsigned at, const void *code, unsigned size)
{
    memcpy(page + at, code, size);
    return (function)(void *)(page + at);
}

static uint64_t *data(unsigned at) { return (uint64_t *)(void *)(page + at); }

/* rsi points to data on the same page. */
static const unsigned char add_to[] = {
    0x48, 0x01, 0x3e,                   /* add [rsi], rdi */
    0xf0, 0x48, 0x0f, 0xc1, 0x7e, 0x08, /* lock xadd [rsi + 8], rdi */
    0x48, 0x8d, 0x47, 0x05, 0xc3,       /* lea rax, [rdi + 5]; ret */
};
static const unsigned char vector_to[] = {
    0x66, 0x48, 0x0f, 0x6e, 0xc7,       /* movq xmm0, rdi */
    0x66, 0x0f, 0x6c, 0xc0,             /* punpcklqdq xmm0, xmm0 */
    0x0f, 0x11, 0x46, 0x10,             /* movups [rsi + 16], xmm0 */
    0x48, 0x8b, 0x46, 0x18, 0xc3,       /* mov rax, [rsi + 24]; ret */
};
static const unsigned char fill[] = {
    0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, /* mov rax, rdi; mov rdi, rsi */
    0x48, 0x83, 0xc7, 0x20,             /* add rdi, 32 */
    0xb9, 0x04, 0, 0, 0, 0xf3, 0x48, 0xab, 0xc3, /* mov ecx, 4; rep stosq; ret */
};
/* jmp [rsi + rdi * 8]: the table is data beside the code. */
static const unsigned char through_table[] = {0xff, 0x24, 0xfe};
static const unsigned char case_code[] = {0xb8, 0, 0, 0, 0, 0xc3};

static uint64_t mixed(void)
{
    function add = put(0, add_to, sizeof add_to), vector = put(64, vector_to, sizeof vector_to);
    function stos = put(128, fill, sizeof fill), table = put(192, through_table, sizeof through_table);
    uint64_t *values = data(256), *targets = data(512), sum = 0;
    for (unsigned i = 0; i < 4; i++)
        targets[i] = (uintptr_t)put(768 + 16 * i, case_code, sizeof case_code);
    for (uint64_t i = 0; i < 8000; i++) {
        sum = sum * 31 + add(i, values) + vector(i * 3, values) + stos(i ^ 7, values);
        sum = sum * 31 + table(i & 3, targets) + values[0] + values[1] + values[3] + values[7];
        if (i % 500 == 0)
            page[768 + 16 * (i / 500 % 4) + 1] = (unsigned char)(i / 500);
        if (i % 700 == 0) {
            uint64_t swapped = targets[0];
            targets[0] = targets[i / 700 % 4];
            targets[i / 700 % 4] = swapped;
        }
    }
    return sum;
}

static int from_the_kernel(void)
{
    function number = put(1024, case_code, sizeof case_code);
    struct timespec *time = (struct timespec *)(void *)(page + 1040);
    char *text = (char *)page + 1100;
    int file = open("/proc/self/exe", O_RDONLY), ends[2];
    if (file < 0 || pipe(ends))
        return 1;
    for (unsigned i = 0; i < 400; i++) {
        unsigned char value = (unsigned char)(i / 8);
        page[1025] = value;
        time->tv_sec = 0;
        text[0] = 0;
        if (clock_gettime(CLOCK_REALTIME, time) || time->tv_sec == 0 || number(0, 0) != value)
            return 2;
        if (pread(file, text, 4, 0) != 4 || memcmp(text, "\177ELF", 4) || number(0, 0) != value)
            return 3;
        if (write(ends[1], "word", 4) != 4 || read(ends[0], text, 4) != 4 || memcmp(text, "word", 4))
            return 4;
        if (number(0, 0) != value || !getcwd(text, 900) || text[0] != '/' || number(0, 0) != value)
            return 5;
    }
    return 0;
}

/* cmpxchg [rsi], edx from rdi: a lock word right behind the code that takes it. */
static const unsigned char take[] = {
    0x89, 0xf8, 0x8d, 0x57, 0x01,       /* mov eax, edi; lea edx, [rdi + 1] */
    0xf0, 0x0f, 0xb1, 0x16,             /* lock cmpxchg [rsi], edx */
    0x0f, 0x94, 0xc0, 0x0f, 0xb6, 0xc0, 0xc3, /* sete al; movzx eax, al; ret */
};

static void *in_turns(void *argument)
{
    function try = (function)(void *)(page + 2048);
    for (uint64_t turn = (uintptr_t)argument; turn < 1000; turn += 2)
        while (!try(turn, page + 2064))
            __asm__ volatile("pause");
    return 0;
}

int main(void)
{
    page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%lu\n", mixed());
    printf("%d\n", from_the_kernel());
    put(2048, take, sizeof take);
    pthread_t other;
    pthread_create(&other, 0, in_turns, (void *)1);
    in_turns(0);
    pthread_join(other, 0);
    printf("%u\n", *(unsigned *)(void *)(page + 2064));
    return 0;
}

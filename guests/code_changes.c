/* Tests: a page of code that is written all the time, so often that write protection does not pay:
 * stores into the next instruction, into one further down by push and by rep movs, into another function
 * on the page, into data between them; flags and registers across it; bytes that are no instruction for
 * a while; a page that calms down, for so many rounds as the argument says, and changes again; a unit that
 * runs on into such a page. Expected: status 0, prints ten sums. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

typedef unsigned long (*function)(unsigned long);

static unsigned char *page;

static function put(unsigned at, const void *code, unsigned size)
{
    memcpy(page + at, code, size);
    return (function)(void *)(page + at);
}

static void skip(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] += 1000;
}

static unsigned long next_instruction(void)
{
    static const unsigned char code[] = {
        0x31, 0xc0,                               /* xor eax, eax */
        0x89, 0x3d, 0x01, 0, 0, 0,                /* 1: mov [the immediate below], edi */
        0x05, 0, 0, 0, 0,                         /* add eax, immediate */
        0xff, 0xcf, 0x75, 0xf1, 0xc3,             /* dec edi; jnz 1b; ret */
    };
    return put(0, code, sizeof code)(20000);
}

static unsigned long by_push(void)
{
    static const unsigned char code[] = {
        0x49, 0x89, 0xe0,                         /* mov r8, rsp */
        0x48, 0x8d, 0x25, 0x0e, 0, 0, 0,          /* lea rsp, [behind the immediate below] */
        0x57,                                     /* push rdi */
        0x4c, 0x89, 0xc4,                         /* mov rsp, r8 */
        0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xc3, /* mov rax, immediate; ret */
    };
    function f = put(512, code, sizeof code);
    unsigned long sum = 0;
    for (unsigned long i = 0; i < 5000; i++)
        sum = sum * 31 + f(i << 33 | i);
    return sum;
}

static unsigned long by_string(void)
{
    static const unsigned char code[] = {
        0x48, 0x89, 0xfe,                         /* mov rsi, rdi */
        0x48, 0x8d, 0x3d, 0x08, 0, 0, 0,          /* lea rdi, [the immediate below] */
        0xb9, 0x04, 0, 0, 0, 0xf3, 0xa4,          /* mov ecx, 4; rep movsb */
        0xb8, 0, 0, 0, 0, 0xc3,                   /* mov eax, immediate; ret */
    };
    function f = put(1024, code, sizeof code);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 5000; i++) {
        unsigned value = i * 2654435761u;
        sum = sum * 31 + f((unsigned long)&value);
    }
    return sum;
}

/* The carry and rdx cross from the function on the page to the one that it has just changed. */
static unsigned long other_function(void)
{
    static const unsigned char first[] = {
        0x89, 0xfa, 0x89, 0x15, 0xf9, 0, 0, 0,    /* mov edx, edi; mov [immediate of second], edx */
        0x83, 0xff, 0x64, 0xe9, 0xf0, 0, 0, 0,    /* cmp edi, 100; jmp second */
    };
    static const unsigned char second[] = {
        0xb8, 0, 0, 0, 0, 0x11, 0xd0, 0xc3,       /* mov eax, immediate; adc eax, edx; ret */
    };
    put(1536 + 256, second, sizeof second);
    function f = put(1536, first, sizeof first);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 5000; i++)
        sum = sum * 31 + f(i % 200);
    return sum;
}

static unsigned long data_between(void)
{
    static const unsigned char code[] = {
        0xff, 0x05, 0x0a, 0, 0, 0, 0x8b, 0x05, 0x04, 0, 0, 0, /* inc dword [counter]; mov eax, [counter] */
        0x01, 0xf8, 0xc3, 0x90, 0, 0, 0, 0,       /* add eax, edi; ret; nop; counter */
    };
    function f = put(2048, code, sizeof code);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 20000; i++)
        sum = sum * 31 + f(i);
    return sum;
}

static unsigned long no_instruction(void)
{
    static const unsigned char code[] = {0x89, 0xf8, 0x0f, 0x0b, 0xff, 0xc0, 0xc3};
    function f = put(2560, code, sizeof code);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 3000; i++) {
        page[2562] = i % 3 ? 0x66 : 0x0f; /* xchg ax, ax or ud2 */
        page[2563] = i % 3 ? 0x90 : 0x0b;
        sum = sum * 31 + f(i);
    }
    return sum;
}

static unsigned long no_opcode(void)
{
    static const unsigned char code[] = {0x89, 0xf8, 0xe9, 0, 0, 0, 0, 0x06, 0x90, 0xff, 0xc0, 0xc3};
    function f = put(2688, code, sizeof code);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 3000; i++) {
        page[2695] = i % 3 ? 0x90 : 0x06; /* nop, or a byte that is none in 64-bit mode */
        sum = sum * 31 + f(i);
    }
    return sum;
}

/* Thirty long instructions that never change, then a page that does. */
static unsigned long runs_into_it(void)
{
    enum { COUNT = 30, BYTES = 10 };
    unsigned char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *start = pages + 4096 - COUNT * BYTES;
    for (int i = 0; i < COUNT; i++)
        memcpy(start + i * BYTES, "\x48\xb8\1\2\3\4\5\6\7", BYTES); /* mov rax, immediate */
    mprotect(pages, 4096, PROT_READ | PROT_EXEC);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 3000; i++) {
        unsigned char code[] = {0x48, 0x8d, 0x47, (unsigned char)(i & 127), 0xc3}; /* lea rax, [rdi + i]; ret */
        memcpy(pages + 4096, code, sizeof code);
        sum = sum * 31 + ((function)(void *)start)(i);
    }
    return sum;
}

static unsigned long short_ones(void)
{
    unsigned long sum = 0;
    for (unsigned i = 0; i < 5000; i++) { /* one byte before the ret changes */
        unsigned char code[] = {0x48, 0x8d, 0x47, (unsigned char)(i & 127), 0xc3};
        sum = sum * 31 + put(3072 + (i & 3) * 16 + (i & 1), code, sizeof code)(i);
    }
    return sum;
}

static unsigned long calms_down(unsigned long quiet_rounds)
{
    static const unsigned char code[] = {
        0x31, 0xc0, 0x05, 1, 0, 0, 0, 0x48, 0xff, 0xcf, 0x75, 0xf6, 0xc3, /* add eax, 1 until rdi is 0 */
    };
    function f = put(3584, code, sizeof code);
    unsigned long sum = 0;
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 40; i++) {
            page[3587] = (unsigned char)i;
            sum = sum * 31 + f(3);
        }
        sum = sum * 31 + f(quiet_rounds);
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, 0);
    page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%lu\n", next_instruction());
    printf("%lu\n", by_push());
    printf("%lu\n", by_string());
    printf("%lu\n", other_function());
    printf("%lu\n", data_between());
    printf("%lu\n", no_instruction());
    printf("%lu\n", short_ones());
    printf("%lu\n", calms_down(argc > 1 ? strtoul(argv[1], 0, 10) : 30000000));
    printf("%lu\n", no_opcode());
    printf("%lu\n", runs_into_it());
    return 0;
}

/* Tests: code that is copied, run once or twice and thrown away: over and over in one place, in fresh mappings
 * at the same and at other addresses, in memory of malloc that other data gets afterwards, on a stack frame;
 * what is copied is code of this program that calls back, loops and returns a float.
 * Expected: status 0, prints sums. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

typedef uint64_t (*callback)(uint64_t);
typedef uint64_t (*function)(callback, uint64_t);

static uint64_t mix(uint64_t value) { return value * 6364136223846793005u + 1442695040888963407u; }

/* Position-independent, since it is copied: calls its first argument rsi & 7 times. `salt` is an immediate. */
__asm__(".pushsection .rodata\n"
        "template_start: push %rbx\n push %rbp\n push %r12\n mov %rdi, %rbx\n mov %rsi, %rbp\n"
        "  mov %esi, %r12d\n and $7, %r12d\n inc %r12d\n"
        "1: mov %rbp, %rdi\n call *%rbx\n mov %rax, %rbp\n dec %r12d\n jnz 1b\n"
        "template_salt: movabs $0x1122334455667788, %rax\n"
        "  cvtsi2sd %ebp, %xmm0\n addsd %xmm0, %xmm0\n cvttsd2si %xmm0, %rcx\n"
        "  xor %rbp, %rax\n add %rcx, %rax\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
        "template_end: .popsection");
extern const unsigned char template_start[], template_salt[], template_end[];

static uint64_t once(unsigned char *at, uint64_t value)
{
    memcpy(at, template_start, (size_t)(template_end - template_start));
    memcpy(at + (template_salt - template_start) + 2, &value, 8);
    return ((function)(uintptr_t)at)(mix, value);
}

static uint64_t in_one_place(void)
{
    unsigned char *page = mmap(0, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 4000; i++)
        sum = sum * 31 + once(page + i % 3, i);
    for (uint64_t i = 0; i < 2000; i++) {
        sum = sum * 31 + once(page + 1024, i) + once(page + 2048, i + 1);
        memset(page, (int)i, PAGE); /* nothing of it is code any more */
    }
    munmap(page, PAGE);
    return sum;
}

static uint64_t in_fresh_mappings(void)
{
    uint64_t sum = 0;
    unsigned char *before = 0;
    for (uint64_t i = 0; i < 1500; i++) {
        unsigned char *hint = i % 2 ? before : 0;
        unsigned char *page = mmap(hint, 2 * PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        sum = sum * 31 + once(page + PAGE - i % 64, i);
        munmap(page, 2 * PAGE);
        before = page;
    }
    return sum;
}

static uint64_t in_the_heap(void)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 600; i++) {
        unsigned char *block = aligned_alloc(PAGE, 2 * PAGE);
        memset(block, 0xcc, 2 * PAGE);
        mprotect(block, 2 * PAGE, RWX);
        sum = sum * 31 + once(block + i % 100, i);
        mprotect(block, 2 * PAGE, PROT_READ | PROT_WRITE);
        free(block);
        uint64_t *data = malloc(PAGE);
        for (unsigned word = 0; word < PAGE / 8; word++)
            data[word] = i;
        sum += data[i % 512];
        free(data);
    }
    return sum;
}

__attribute__((noinline)) static uint64_t in_a_frame(uint64_t depth)
{
    unsigned char code[256];
    uint64_t result = once(code + depth % 16, depth);
    return depth ? result + in_a_frame(depth - 1) : result;
}

static uint64_t on_the_stack(void)
{
    uint64_t sum = 0;
    char here;
    unsigned char *page = (unsigned char *)((uintptr_t)&here & ~(PAGE - 1));
    mprotect(page - 7 * PAGE, 8 * PAGE, RWX);
    for (uint64_t i = 0; i < 300; i++)
        sum = sum * 31 + in_a_frame(i % 20);
    mprotect(page - 7 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE);
    return sum;
}

int main(void)
{
    printf("%lu\n", in_one_place());
    printf("%lu\n", in_fresh_mappings());
    printf("%lu\n", in_the_heap());
    printf("%lu\n", on_the_stack());
    return 0;
}

/* Job: the four functions that GCC may call on its own, for builds without libc (the VMM); the
 * extension takes them from libc and does not link this file.
 * State: none.
 * Invariant: string instructions only, so that no vector register of the guest is touched and GCC
 * cannot turn a loop in here into a call to itself. */
#include "core/base.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size_bytes) : : "memory");
    return to;
}

void *memset(void *to, int value, size_t size_bytes)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(size_bytes) : "a"(value) : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t size_bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= size_bytes) {
        return memcpy(to, from, size_bytes);
    }
    u8 *target = (u8 *)to + size_bytes;
    const u8 *source = (const u8 *)from + size_bytes;
    size_t words = size_bytes / 8;
    /* Backwards by words: a `rep movsb` with the direction flag set moves one byte a cycle. */
    for (size_t bytes = size_bytes % 8; bytes > 0; bytes--) {
        *--target = *--source;
        __asm__ volatile("" : : : "memory");
    }
    for (; words > 0; words--) {
        u64 word;
        target -= 8;
        source -= 8;
        __asm__ volatile("movq (%1), %0" : "=r"(word) : "r"(source) : "memory");
        __asm__ volatile("movq %0, (%1)" : : "r"(word), "r"(target) : "memory");
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t size_bytes)
{
    const u8 *l = left;
    const u8 *r = right;
    for (size_t at = 0; at < size_bytes; at++) {
        if (l[at] != r[at]) {
            return (int)l[at] - (int)r[at];
        }
    }
    return 0;
}

/* Job: the four functions that GCC may call on its own, for builds without libc (the VMM); the
 * extension takes them from libc and does not link this file.
 * State: none.
 * Invariant: no vector register of the guest is touched, and GCC cannot turn a loop in here into a call
 * to itself. */
#include "core/base.h"

#define SMALL_BYTES 128u /* up to here moves beat the start of a string instruction */

static u64 load_word(const u8 *from)
{
    u64 word;
    __builtin_memcpy(&word, from, 8);
    return word;
}

static void store_word(u8 *to, u64 word)
{
    __builtin_memcpy(to, &word, 8);
}

/* Fewer than 8 bytes: two moves that overlap. */
static void copy_tail(u8 *to, const u8 *from, size_t size_bytes)
{
    if (size_bytes >= 4) {
        u32 first;
        u32 last;
        __builtin_memcpy(&first, from, 4);
        __builtin_memcpy(&last, from + size_bytes - 4, 4);
        __builtin_memcpy(to, &first, 4);
        __builtin_memcpy(to + size_bytes - 4, &last, 4);
    } else if (size_bytes > 0) {
        const u8 first = from[0];
        const u8 middle = from[size_bytes / 2];
        const u8 last = from[size_bytes - 1];
        to[0] = first;
        to[size_bytes / 2] = middle;
        to[size_bytes - 1] = last;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes)
{
    u8 *target = to;
    const u8 *source = from;
    if (size_bytes > SMALL_BYTES) {
        __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(size_bytes) : : "memory");
        return to;
    }
    if (size_bytes < 8) {
        copy_tail(target, source, size_bytes);
        return to;
    }
    const u64 last = load_word(source + size_bytes - 8);
    u8 *const target_last = target + size_bytes - 8;
    for (; target < target_last; target += 8, source += 8) {
        store_word(target, load_word(source));
        __asm__ volatile("" : : : "memory"); /* or GCC makes this loop a call of memcpy */
    }
    store_word(target_last, last);
    return to;
}

void *memset(void *to, int value, size_t size_bytes)
{
    u8 *target = to;
    if (size_bytes > SMALL_BYTES || size_bytes < 8) {
        __asm__ volatile("rep stosb" : "+D"(target), "+c"(size_bytes) : "a"(value) : "memory");
        return to;
    }
    const u64 word = (u8)value * 0x0101010101010101ULL;
    u8 *const last = target + size_bytes - 8;
    for (; target < last; target += 8) {
        store_word(target, word);
        __asm__ volatile("" : : : "memory");
    }
    store_word(last, word);
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

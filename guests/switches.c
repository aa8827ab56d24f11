/* Tests: a bytecode interpreter with a switch (a jump table) or, with -DGOTO=1, computed goto.
 * Expected: status 0, prints a sum. */
#include <stdio.h>

enum { PUSH, ADD, MUL, XOR, DUP, LOAD, STORE, JUMP, DECREMENT, HALT };

static long run(const unsigned char *code)
{
    long stack[16], *top = stack, variables[4] = {200000, 1, 2, 3};
    const unsigned char *at = code;
#ifdef GOTO
    static void *const labels[] = {&&l_PUSH, &&l_ADD, &&l_MUL, &&l_XOR, &&l_DUP,
                                   &&l_LOAD, &&l_STORE, &&l_JUMP, &&l_DECREMENT, &&l_HALT};
#define OPERATION(name) l_##name:
#define NEXT goto *labels[*at++]
    NEXT;
#else
#define OPERATION(name) case name:
#define NEXT break
    for (;;)
        switch (*at++) {
#endif
    OPERATION(PUSH) *top++ = *at++; NEXT;
    OPERATION(ADD) top--; top[-1] += top[0]; NEXT;
    OPERATION(MUL) top--; top[-1] *= top[0]; NEXT;
    OPERATION(XOR) top--; top[-1] ^= top[0]; NEXT;
    OPERATION(DUP) top[0] = top[-1]; top++; NEXT;
    OPERATION(LOAD) *top++ = variables[*at++]; NEXT;
    OPERATION(STORE) variables[*at++] = *--top; NEXT;
    OPERATION(JUMP) at = *--top ? code + *at : at + 1; NEXT;
    OPERATION(DECREMENT) variables[*at++]--; NEXT;
    OPERATION(HALT) return variables[1] ^ variables[2];
#ifndef GOTO
        }
#endif
}

int main(void)
{
    static const unsigned char code[] = {LOAD, 1, PUSH, 31, MUL, LOAD, 0, ADD, DUP, STORE, 1, LOAD, 2, XOR,
                                         STORE, 2, DECREMENT, 0, LOAD, 0, JUMP, 0, HALT};
    printf("%ld\n", run(code));
    return 0;
}

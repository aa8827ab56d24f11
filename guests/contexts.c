/* Tests: makecontext and swapcontext: two coroutines on their own stacks take turns.
 * Expected: status 0, prints a sum. */
#include <stdio.h>
#include <ucontext.h>

static ucontext_t home, one, two;
static char stack_one[65536], stack_two[65536];
static unsigned long sum;

static void body(int self)
{
    for (unsigned i = 0; i < 5000; i++) {
        sum = sum * 31 + (unsigned)self + i;
        swapcontext(self == 1 ? &one : &two, self == 1 ? &two : &one);
    }
}

int main(void)
{
    getcontext(&one);
    getcontext(&two);
    one.uc_stack.ss_sp = stack_one;
    one.uc_stack.ss_size = sizeof stack_one;
    two.uc_stack.ss_sp = stack_two;
    two.uc_stack.ss_size = sizeof stack_two;
    one.uc_link = two.uc_link = &home;
    makecontext(&one, (void (*)(void))body, 1, 1);
    makecontext(&two, (void (*)(void))body, 1, 2);
    swapcontext(&home, &one);
    printf("%lu\n", sum);
    return 0;
}

/* Tests: the fixed vsyscall page: time through it, where the kernel offers it.
 * Expected: status 0 and "ok", or death by SIGSEGV where the kernel does not. */
#include <stdio.h>
#include <time.h>

int main(void)
{
    time_t (*entry)(time_t *) = (time_t(*)(time_t *))0xffffffffff600400;
    time_t given = 0, before = time(0), now = entry(&given);
    puts(now >= before && now <= before + 2 && given == now ? "ok" : "wrong");
    return 0;
}

/* Tests: thread-local variables of the first thread, initial values, addresses, errno, stdio locks.
 * Expected: status 0, prints values. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static __thread int initialised = 77;
static __thread char block[1000];

int main(void)
{
    block[999] = 3;
    initialised += block[999];
    errno = 0;
    int failed = close(-1);
    printf("%d %d %d %d\n", initialised, block[0], failed, errno == EBADF);
    return 0;
}

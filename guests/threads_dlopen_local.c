/* Tests: the library of threads_dlopen.c: a thread-local counter that begins at 1000. */
static __thread long mine = 1000;
static __thread char room[5000] = {1};

long add_to_mine(long amount)
{
    room[amount & 1023]++;
    return mine += amount;
}

/* Tests: nothing by itself: the second library of dlopen.c; other code at the same place. */
static unsigned table[4] = {9, 8, 7, 6};
unsigned compute(unsigned x) { return table[x & 3] ^ (x << 4); }

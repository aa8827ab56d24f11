/* Tests: nothing by itself: the first library of dlopen.c. */
unsigned compute(unsigned x) { return x * 3 + 1; }

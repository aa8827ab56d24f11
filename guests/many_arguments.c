/* Tests: a large argument vector and environment: passed whole to a program executed by itself; too
 * much is refused with E2BIG. Expected: status 0, prints counts and sums. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static unsigned sum(char **words)
{
    unsigned total = 0;
    for (; *words; words++)
        for (char *at = *words; *at; at++)
            total = total * 31 + (unsigned char)*at;
    return total;
}

int main(int argc, char **argv)
{
    static char *arguments[3002], *environment[502], text[3000][64], variables[500][512];
    if (argc > 1) {
        printf("%d %u %u\n", argc, sum(argv + 1), sum(environ));
        return 0;
    }
    arguments[0] = argv[0];
    for (int i = 0; i < 3000; i++) {
        sprintf(text[i], "argument %d%.*s", i, i % 40, "........................................");
        arguments[i + 1] = text[i];
    }
    for (int i = 0; i < 500; i++) {
        sprintf(variables[i], "V%d=", i);
        memset(variables[i] + strlen(variables[i]), 'v', 480);
        environment[i] = variables[i];
    }
    char *huge = malloc(200000);
    memset(huge, 'h', 199999);
    huge[199999] = 0;
    execve("/proc/self/exe", (char *[]){argv[0], huge, 0}, environment);
    printf("too big %d\n", errno == E2BIG);
    fflush(stdout);
    execve("/proc/self/exe", arguments, environment);
    return 1;
}

/* Tests: execve of itself by path, by /proc/self/exe and by fexecve; arguments and environment pass
 * on; close-on-exec. Expected: status 3, prints one line for each step. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *const environment[] = {"FIRST=1", "SECOND=two words", 0};
    int step = argc > 1 ? atoi(argv[1]) : 0;
    printf("step %d argc %d FIRST=%s\n", step, argc, step ? getenv("FIRST") : "-");
    fflush(stdout);
    if (step == 0) {
        int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
        char kept_text[16], closed_text[16];
        sprintf(kept_text, "%d", kept);
        sprintf(closed_text, "%d", closed);
        execve(argv[0], (char *[]){argv[0], "1", kept_text, closed_text, "", 0}, environment);
    } else if (step == 1) {
        printf("%d %d\n", fcntl(atoi(argv[2]), F_GETFD), fcntl(atoi(argv[3]), F_GETFD));
        fflush(stdout);
        execve("/proc/self/exe", (char *[]){"renamed", "2", 0}, environment);
    } else if (step == 2) {
        int self = open("/proc/self/exe", O_RDONLY);
        puts(argv[0]);
        fflush(stdout);
        fexecve(self, (char *[]){argv[0], "3", 0}, environment);
    } else {
        return 3;
    }
    perror("exec");
    return 1;
}

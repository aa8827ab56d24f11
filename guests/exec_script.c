/* Tests: execve of a script: its interpreter gets the script's path and arguments; a script of a
 * script; a script without #! gives ENOEXEC. Expected: status 0, prints what the scripts saw. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_script(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    chmod(path, 0755);
}

static int run(char *path)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "a b", "c", (char *)0);
        printf("%s\n", strerror(errno));
        fflush(stdout);
        _exit(9);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(void)
{
    char directory[] = "/tmp/script-XXXXXX";
    if (!mkdtemp(directory) || chdir(directory))
        return 1;
    write_script("one", "#!/bin/sh\necho \"$0|$#|$1|$2\"\nexit 5\n");
    write_script("two", "#! /usr/bin/env -S sh -eu\necho \"$0|$#|$1|$2\"\nexit 6\n");
    write_script("plain", "echo never\n");
    write_script("deep", "#!./one x y\n");
    printf("%d\n", run("./one"));
    printf("%d\n", run("./two"));
    printf("%d\n", run("./plain"));
    printf("%d\n", run("./deep"));
    unlink("one"), unlink("two"), unlink("plain"), unlink("deep");
    return rmdir(directory);
}

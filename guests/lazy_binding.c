/* Tests: how symbols are bound: on the first call (the registers that hold arguments, vectors among them, come
 * through the resolver), all at once (LD_BIND_NOW), to a library loaded before all others (LD_PRELOAD), which
 * passes calls on (RTLD_NEXT) and calls back, and with libraries where they were linked to lie (LD_USE_LOAD_BIAS).
 * The program runs itself with each; argv[1] is the library. Expected: status 0, prints what each run found. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef double (*work)(double (*)(double, double, double, double, double, double, double, double, long, long, long,
                                  long, long, long, long));

/* Found by the library under this name, through its own table. */
__attribute__((visibility("default"))) double called_back(double a, double b, double c, double d, double e, double f,
                                                          double g, double h, long i, long j, long k, long l, long m,
                                                          long n, long o)
{
    double sum = a + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h;
    return sum + (double)(i * 19 + j * 23 + k * 29 + l * 31 + m * 37 + n * 41 + o * 43);
}

static int work_here(const char *path)
{
    char text[200];
    void *library = dlopen(path, RTLD_LAZY);
    if (!library) {
        printf("%s\n", dlerror());
        return 1;
    }
    work library_work = (work)dlsym(library, "library_work");
    snprintf(text, sizeof text, "%d %.2f %ld %.3f %s %c %.1f %.4f %x %.2f %.2f %.2f %.2f", 1, 2.5, 3L, 4.125, "five", '6',
             7.0, 8.0625, 9u, 10.5, 11.5, 12.5, 13.5);
    printf("%s\n", text);
    for (int i = 0; i < 3; i++)
        printf("%.3f ", library_work(called_back));
    struct link_map *map = 0;
    dlinfo(library, RTLD_DI_LINKMAP, &map);
    printf("page %d, %d of ours, %ld, %s\n", getpagesize(), (*(int *)dlsym(library, "library_calls")),
           strtol("123", 0, 10), map->l_addr ? "moved" : "in place");
    return dlclose(library);
}

static int run(const char *self, const char *path, char *const *environment)
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execle(self, self, path, "child", (char *)0, environment);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return status;
}

int main(int argc, char **argv)
{
    char preload[4200];
    if (argc == 3)
        return work_here(argv[1]);
    if (argc != 2)
        return 1;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", argv[1]);
    char *now = "LD_BIND_NOW=1", *not_now = "LD_BIND_NOT=1", *bias = "LD_USE_LOAD_BIAS=1";
    char *const environments[][4] = {{0}, {now, 0}, {not_now, 0}, {preload, 0}, {preload, now, 0}, {preload, bias, 0}};
    for (unsigned i = 0; i < sizeof environments / sizeof *environments; i++)
        printf("%d\n", run(argv[0], argv[1], environments[i]));
    return 0;
}

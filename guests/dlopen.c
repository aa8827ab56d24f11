/* Tests: two libraries loaded and unloaded in turn, often at the same addresses: their code must not
 * be mixed up. argv[1] and argv[2] are the libraries. Expected: status 0, prints a sum. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    unsigned long sum = 0;
    if (argc != 3)
        return 1;
    for (int i = 0; i < 200; i++) {
        void *library = dlopen(argv[1 + (i & 1)], RTLD_NOW);
        if (!library) {
            fprintf(stderr, "%s\n", dlerror());
            return 2;
        }
        unsigned (*compute)(unsigned) = (unsigned (*)(unsigned))dlsym(library, "compute");
        for (unsigned j = 0; j < 5; j++)
            sum = sum * 31 + compute(j);
        dlclose(library);
    }
    printf("%lu\n", sum);
    return 0;
}

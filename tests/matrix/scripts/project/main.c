#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "project.h"

static char text[1 << 20], *starts[1 << 17];

int main(int count, char **words)
{
    struct words found = {0};
    int threads = 1, option;
    while ((option = getopt(count, words, "t:")) != -1)
        switch (option) {
        case 't': threads = atoi(optarg); break;
        default: return 2;
        }
    text[fread(text, 1, sizeof text - 1, stdin)] = 0;
    workers_count(&found, starts, words_split(text, starts, 1 << 17), threads);
    words_sort(&found);
    for (long i = 0; i < found.used; i++)
        printf("%ld %s\n", found.items[i].count, found.items[i].text);
    return 0;
}

/* Tests: what /proc/self tells: exe, comm, cmdline, and that maps holds our own text, stack, heap and
 * libc with right permissions and nothing that is not ours. Expected: status 0, prints them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char text[512], line[512];
    static char data[8192];
    ssize_t length = readlink("/proc/self/exe", text, sizeof text - 1);
    text[length < 0 ? 0 : length] = 0;
    printf("exe %s\n", strrchr(text, '/'));
    FILE *file = fopen("/proc/self/comm", "r");
    printf("comm %s", fgets(text, sizeof text, file));
    fclose(file);
    int fd = open("/proc/self/cmdline", O_RDONLY);
    length = read(fd, text, sizeof text);
    printf("cmdline %d %s\n", length > 0 && text[length - 1] == 0, strrchr(text, '/'));
    void *heap = sbrk(0);
    unsigned long seek[] = {(unsigned long)main, (unsigned long)data, (unsigned long)&length,
                            (unsigned long)heap - 1, (unsigned long)malloc};
    char found[5][8] = {"", "", "", "", ""};
    char *first = malloc(10);
    int strangers = 0, unordered = 0;
    unsigned long last = 0;
    file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file)) {
        unsigned long start, end;
        char permissions[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, permissions) != 3)
            return 1;
        unordered += start < last;
        last = end;
        for (int i = 0; i < 5; i++)
            if (start <= seek[i] && seek[i] < end)
                strcpy(found[i], permissions);
        strangers += strstr(line, "vmm") != 0 || strstr(line, "memfd:") != 0;
    }
    printf("text %s data %s stack %s heap %s libc %s\n", found[0], found[1], found[2],
           found[3][0] ? found[3] : "none", found[4]);
    printf("strangers %d unordered %d\n", strangers, unordered);
    free(first);
    return 0;
}

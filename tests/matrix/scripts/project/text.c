#include <ctype.h>
#include "project.h"

long words_split(char *text, char **starts, long most)
{
    long count = 0;
    while (count < most) {
        while (isspace((unsigned char)*text))
            *text++ = 0;
        if (!*text)
            break;
        starts[count++] = text;
        while (*text && !isspace((unsigned char)*text))
            text++;
    }
    return count;
}

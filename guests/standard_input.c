/* Tests: standard input, output and error are the caller's own. Reads lines and answers on both.
 * Expected: status 4 with the table's input, prints them numbered. */
#include <stdio.h>

int main(void)
{
    char line[256];
    int number = 0;
    while (fgets(line, sizeof line, stdin))
        fprintf(++number & 1 ? stdout : stderr, "%d %s", number, line);
    return number;
}

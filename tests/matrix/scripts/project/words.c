#include <stdlib.h>
#include <string.h>
#include "project.h"

void words_add(struct words *words, char *text, long count)
{
    for (long i = 0; i < words->used; i++)
        if (!strcmp(words->items[i].text, text)) {
            words->items[i].count += count;
            return;
        }
    if (words->used == words->room) {
        words->room = words->room * 2 + 8;
        words->items = realloc(words->items, (size_t)words->room * sizeof *words->items);
    }
    words->items[words->used++] = (struct word){text, count};
}

static int order(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : strcmp(a->text, b->text);
}

void words_sort(struct words *words)
{
    qsort(words->items, (size_t)words->used, sizeof *words->items, order);
}

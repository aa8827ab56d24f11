#include <pthread.h>
#include "config.h"
#include "project.h"
#if !HAVE_PTHREAD_H || !HAVE_FORK
#error configure has not found what is there
#endif

struct share { pthread_t thread; struct words words; char **starts; long count; };

static void *count_share(void *argument)
{
    struct share *share = argument;
    for (long i = 0; i < share->count; i++)
        words_add(&share->words, share->starts[i], 1);
    return 0;
}

void workers_count(struct words *words, char **starts, long count, int threads)
{
    struct share shares[16] = {{0}};
    threads = threads < 1 ? 1 : threads > 16 ? 16 : threads;
    for (int i = 0; i < threads; i++) {
        long from = count * i / threads, to = count * (i + 1) / threads;
        shares[i].starts = starts + from;
        shares[i].count = to - from;
        pthread_create(&shares[i].thread, 0, count_share, shares + i);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(shares[i].thread, 0);
        for (long j = 0; j < shares[i].words.used; j++)
            words_add(words, shares[i].words.items[j].text, shares[i].words.items[j].count);
    }
}

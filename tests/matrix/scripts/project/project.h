/* The parts of the program that the matrix configures, builds and checks. */
struct word { char *text; long count; };
struct words { struct word *items; long used, room; };
long words_split(char *text, char **starts, long most);
void words_add(struct words *words, char *text, long count);
void words_sort(struct words *words);
void workers_count(struct words *words, char **starts, long count, int threads);

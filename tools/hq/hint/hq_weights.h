/* The weights that hints go by, kept beside hq.db: <data>/hq.weights, the text of
 * score_model_write. Written by `laneway-hq duplicates --estimate`; whoever is lost without it
 * learns anew. */
#ifndef LANEWAY_HQ_WEIGHTS_H
#define LANEWAY_HQ_WEIGHTS_H

#include <stddef.h>

struct score_model;

/* 0 and *out, NULL when there is no such file; -1 with a sentence in err. */
int hq_weights_read(const char *dir, struct score_model **out, char *err, size_t err_size);
/* Written beside it, synced, renamed. 0, or -1 with a sentence in err. */
int hq_weights_write(const char *dir, const struct score_model *m, char *err, size_t err_size);

#endif

/* How far hq.db has come, in a file of its own beside it: a restored hq.db is behind it.
 *
 * The number (hq.db's `turn`) rises with every commit. It is written here after the commit and
 * before anybody is told of it, so the file is never behind what HQ has said, and hq.db is behind
 * the file only when it was brought back from an older copy. The generation tells lives of one
 * database apart: a copy of another life may have come as far. Two places in turn, each with a
 * check: a torn write leaves the other one.
 */
#ifndef LANEWAY_HQ_MARK_H
#define LANEWAY_HQ_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HQ_MARK_GENERATION_SIZE 17 /* 16 hex digits and NUL */

struct hq_mark;

/* Open <dir>/hq.mark, made when it is not there. 0; -1 with a sentence in err. */
int hq_mark_open(struct hq_mark **out, const char *dir, char *err, size_t err_size);
void hq_mark_close(struct hq_mark *m);

/* false: the file says nothing (new, or spoilt). */
bool hq_mark_known(const struct hq_mark *m);
uint64_t hq_mark_turn(const struct hq_mark *m);          /* 0 when it says nothing */
const char *hq_mark_generation(const struct hq_mark *m); /* "" when it says nothing */

/* Durable when it returns 0. -1: it could not be written (logged). What is there already costs
 * nothing. */
int hq_mark_write(struct hq_mark *m, uint64_t turn, const char *generation);

#endif

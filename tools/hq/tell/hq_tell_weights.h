/* The weights that stores score suggestions by: hq.weights, shortened to what a store needs.
 * Another process writes that file (`laneway-hq duplicates --estimate`), so it is looked at when a
 * store asks. */
#ifndef LANEWAY_HQ_TELL_WEIGHTS_H
#define LANEWAY_HQ_TELL_WEIGHTS_H

#include "base/buf.h"

struct hq_tell_weights;
/* dir: where hq.weights stands; must live as long. NULL: out of memory. */
struct hq_tell_weights *hq_tell_weights_new(const char *dir);
void hq_tell_weights_free(struct hq_tell_weights *w);

/* Their version, and the text; both are w's until the next call. "": there are none, or they cannot
 * be read (logged once for each file). */
const char *hq_tell_weights_now(struct hq_tell_weights *w, const struct buf **text);

#endif

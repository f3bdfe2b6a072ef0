/* Message ids, and changes to customers, that come back with a damaged journal after the start has
 * made the resend window and the overlay: read again on a thread of its own when salvage has come
 * to rest, and taken into the loop's in small pieces. Loop thread, but for the thread's own work.
 */
#ifndef LANEWAY_FLOW_RECALL_H
#define LANEWAY_FLOW_RECALL_H

#include <stdbool.h>

struct flow;
struct flow_recall;

/* Looks at the journal once a second while something can come back. NULL: out of memory. */
struct flow_recall *flow_recall_new(struct flow *f);
void flow_recall_stop(struct flow_recall *r);
void flow_recall_free(struct flow_recall *r); /* NULL is allowed */

/* The window knows every message of what has come back so far, and the overlay every change. r may
 * be NULL: they do not. */
bool flow_recall_known(const struct flow_recall *r);

#endif

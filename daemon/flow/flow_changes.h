/* This store's own changes to customers that come back with a damaged journal: read on the recall's
 * thread, taken into the overlay by the loop in small pieces. */
#ifndef LANEWAY_FLOW_CHANGES_H
#define LANEWAY_FLOW_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

struct flow;
struct flow_changes;
struct journal_reader;

/* All that is awaited, but for the epoch of this run. NULL: out of memory, or it cannot be read
 * (logged). */
struct flow_changes *flow_changes_read(struct journal_reader *reader, const char *store,
                                       const uint8_t *epoch);
void flow_changes_free(struct flow_changes *c); /* NULL is allowed */

/* The next ones into the overlay; what is there already stays as it is. true: there is more. */
bool flow_changes_take(struct flow_changes *c, struct flow *f, int max);

#endif

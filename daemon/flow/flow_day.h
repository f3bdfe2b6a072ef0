/* Closing the store's days: at the cut a signed `Day Closed` is journaled (DESIGN.md, "The day and
 * its proof"). Loop thread; the counting runs on a thread of its own with its own connection.
 *
 * What is closed stands in two marks of the journal, written in the commit of `Day Closed`:
 * `covered`, the last event that a statement covers, and `statement`, what was closed when.
 *
 *   D1  A day is closed by a trusted clock only, and later than the cut when trust comes later.
 *   D2  A statement begins behind the last event of the one before it; `Day Closed` itself belongs
 *       to the next one.
 *   D3  Days that were missed are closed by one statement that names the first and the last.
 */
#ifndef LANEWAY_FLOW_DAY_H
#define LANEWAY_FLOW_DAY_H

#include <stdbool.h>

#include "base/buf.h"

struct entry;
struct flow;
struct flow_day;
struct journal_reader;

/* Reads the marks. NULL with a sentence in err. */
struct flow_day *flow_day_new(struct flow *f, struct journal_reader *r, char *err, size_t err_size);
/* Begin nothing more; NULL is allowed. */
void flow_day_stop(struct flow_day *d);
void flow_day_free(struct flow_day *d);

/* Close what is due; it is looked at every second, and when the configuration has changed. */
void flow_day_tick(struct flow_day *d);
/* The journal's answer to a `Day Closed`. */
void flow_day_answered(struct flow_day *d, const struct entry *e);

/* What was closed, newest first (WIRE.md section 12, "Statements"). */
void flow_day_json(const struct flow_day *d, struct buf *out);
/* The member `days` of the status: why no day is closed now, and the oldest statement that HQ has
 * not countersigned. d is NULL: the box starts. */
void flow_day_status(const struct flow_day *d, struct buf *out);

#endif

/* One message of a till under two names: counted once.
 *
 * A source that did not hear `kept` sends again under the same id. A store that was brought back
 * from a backup, or a copy of it, does not know that it kept the message already and journals it a
 * second time, in another epoch. Both are events and both are kept; of the two only one counts.
 * Which one does not depend on which came first here: the earlier by its own time, then the lower
 * epoch.
 *
 * The same id with other content (a till that begins its counter anew) is an alarm, and both count.
 */
#ifndef LANEWAY_HQ_MESSAGE_H
#define LANEWAY_HQ_MESSAGE_H

#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_line.h"
#include "hq/base/hq_names.h"

struct hq_messages;

struct hq_messages *hq_messages_new(struct hq_db *db); /* NULL: out of memory */
void hq_messages_free(struct hq_messages *m);

/* Within a fold's transaction. */
struct hq_message_at {
	int64_t store, epoch_row;
	const char *store_name;
	uint64_t seq;
	int64_t wall_us; /* now */
};
/* Take in an event's message id, if it has one; its fact stands already. orders: those to be folded
 * again are added. */
void hq_messages_note(struct hq_messages *m, const struct hq_message_at *at,
                      const struct hq_line *line, struct hq_names *orders);
/* The end of the step: 0, or the step was undone (what was remembered is forgotten). */
void hq_messages_end(struct hq_messages *m, bool kept, struct hq_names *orders);

#endif

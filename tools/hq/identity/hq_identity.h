/* Events about who somebody is, brought into units, claims, facts, links, choices and points.
 *
 * An event is taken in once, with its place. What it says under a reference that is known already,
 * as after a copy of a store's disk, says nothing new. A value that HQ's own rules refuse is not
 * taken; it goes to the steward's list and stays in the event.
 */
#ifndef LANEWAY_HQ_IDENTITY_H
#define LANEWAY_HQ_IDENTITY_H

#include <stdbool.h>

#include "hq/base/hq_line.h"
#include "hq/base/hq_names.h"
#include "hq/base/hq_scope.h"
#include "hq/identity/hq_unit.h"

struct hq_identity {
	struct hq_db *db;
	const struct hq_scope *scope;
	struct hq_names *orders; /* those that are somebody else's now */
	struct hq_origin at;     /* epoch and seq of the event */
	const char *store;
	int64_t from_us, to_us; /* when it happened */
	int64_t wall_us;        /* now, at HQ */
};

/* Is it one of these events? */
bool hq_identity_is(const struct hq_line *line);
/* Is what it says to HQ in `sealed`? (What lifts a block names the block; a person's words on it
 * stand there, if there are any.) */
bool hq_identity_is_sealed(const struct hq_line *line);

enum hq_identity_result {
	HQ_IDENTITY_TAKEN,
	HQ_IDENTITY_WAITS, /* for the unit in *unit, which is not known yet */
	HQ_IDENTITY_BAD,   /* it counts for nothing: *why */
};
/* sealed: what it says there, or NULL. */
enum hq_identity_result hq_identity_take(struct hq_identity *id, const struct hq_line *line,
                                         const struct json_t *sealed, struct ref *unit,
                                         const char **why);

/* The event's time is another one now. */
void hq_identity_moved(struct hq_db *db, int64_t epoch, uint64_t seq, int64_t from_us,
                       int64_t to_us);

#endif

/* What flow_guard.c (the guards at work) and flow_guard_keep.c (over a restart, and what the
 * journal refuses) share. */
#ifndef LANEWAY_FLOW_GUARD_INTERNAL_H
#define LANEWAY_FLOW_GUARD_INTERNAL_H

#include "flow/flow_internal.h"

#define GUARD_KNOWN_MAX 256 /* answers remembered: a scan and its basket are moments apart */
#define GUARD_OWED_MAX 64   /* not answered yet by the journal; beyond it, what it refuses stands */

/* An identifier that was presented. */
struct guard_known {
	char ref[RESOLVE_CANDIDATES_MAX][EVENT_ID_SIZE];
	uint8_t key[WARD_KEY_BYTES];
	enum ident_kind kind;
	char value[IDENT_VALUE_SIZE];
};

/* What an entry changed that the journal has not answered yet. */
struct guard_owed {
	const struct entry *e;         /* compared, never followed */
	char basket_id[EVENT_ID_SIZE]; /* counted; empty: none was */
	bool caused, cleared;
	struct ward_row was; /* before; its key is set in any case */
};

struct flow_guard {
	struct ward *ward;
	struct guard_known known[GUARD_KNOWN_MAX];
	size_t next;
	int64_t cleaned_us;
	struct guard_owed owed[GUARD_OWED_MAX];
	size_t owed_count;
	char mark[WARD_SETS][sizeof "guards_000"]; /* the name of each set's */
	bool whole; /* the mark of an older release stands beside them */
};

void guard_keep_names(struct flow_guard *g);
/* The entry's own, to be filled; NULL: too many are owed. */
struct guard_owed *guard_owe(struct flow_guard *g, const struct entry *e,
                             const uint8_t key[WARD_KEY_BYTES]);
/* Note with this entry what has changed. */
void guard_keep_note(struct flow *f, struct entry *e);

#endif

/* What the sources of hq_component.h share: a component while it is being loaded. */
#ifndef LANEWAY_HQ_COMPONENT_INTERNAL_H
#define LANEWAY_HQ_COMPONENT_INTERNAL_H

#include <sqlite3.h>
#include <string.h>

#include "event/event.h"
#include "hq/identity/hq_component.h"
#include "hq/identity/hq_op.h"

/* What has been seen, by number and kind. */
struct hq_component_seen {
	uint64_t *slot; /* 0: free */
	size_t cap, count;
};

/* An entry before it has its place. */
struct hq_component_entry {
	struct fold_op op;
	struct hq_component_row row;
	enum hq_op_kind kind;         /* of the log; of a claim HQ_OP_KIND_COUNT */
	char store[EVENT_STORE_SIZE]; /* empty: HQ's own */
	int64_t rank, seq, place, unit;
};

struct hq_component_unit {
	int64_t n;
	bool said; /* it has claims */
	struct fold_made made;
};

struct hq_component_loading {
	struct hq_db *db;
	const struct rule_set *rules;
	struct hq_component *c;
	struct hq_component_seen seen;
	struct hq_component_unit *unit; /* in the order in which they were found */
	size_t unit_count, unit_cap, unit_done, ident_cap, ident_done;
	struct hq_component_entry *entry;
	size_t entry_count, entry_cap, entry_done;
	bool has_ops, failed;
};

static inline struct ref hq_component_ref(struct sqlite3_stmt *q, int column)
{
	struct ref ref = {0};

	hq_db_ref(q, column, &ref);
	return ref;
}

/* Everything that was read, in canonical order: the component. */
void hq_component_order(struct hq_component_loading *l);

#endif

/* Links and what takes them back: the log of who was said to be one person. It holds references
 * only, never a value. Inside a transaction of the caller; whom an entry may concern is marked as
 * dirty. */
#ifndef LANEWAY_HQ_OP_H
#define LANEWAY_HQ_OP_H

#include "hq/identity/hq_unit.h"

enum hq_op_kind {
	HQ_OP_LINK,  /* left, right: units */
	HQ_OP_UNDO,  /* left: what never was; near_left, near_right: the units that it was about */
	HQ_OP_APART, /* left, right: units */
	HQ_OP_BLOCK, /* ident */
	HQ_OP_SHARE, /* ident */
	HQ_OP_UNBLOCK, /* ident: takes back every block and share of it in front of this entry: HQ's
	                */
	HQ_OP_ERASE,   /* left: unit */
	HQ_OP_PROPOSE, /* left, right: units that somebody in a store says are one person; a steward
	                  decides, and no fold looks at it */
	HQ_OP_KIND_COUNT
};
const char *hq_op_kind_name(enum hq_op_kind kind);  /* as in hq.db: "link", ... */
enum hq_op_kind hq_op_kind_named(const char *name); /* HQ_OP_KIND_COUNT: none */

struct hq_op {
	enum hq_op_kind kind;
	struct ref ref; /* none: a random one is made */
	struct ref left, right, near_left, near_right;
	int64_t ident;
	bool by_person;
	const char *actor; /* who: a person's name at HQ, "store", "rule" */
	const char *why;
	int64_t made_us;
	struct hq_origin at;
};
/* The entry's reference goes to *made unless that is NULL. */
bool hq_op_add(struct hq_db *db, const struct hq_op *op, struct ref *made);

#endif

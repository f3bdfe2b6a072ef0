/* Units: customers' records that are never taken apart, and what each says for itself. Which units
 * are one person is folded of this (hq_fold.h); nothing here is ever moved from one unit to
 * another. All of it inside a transaction of the caller; what a change may alter is marked as
 * dirty.
 */
#ifndef LANEWAY_HQ_UNIT_H
#define LANEWAY_HQ_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "identity/ident.h"
#include "identity/ref.h"

/* Where something was said: an event's place, or HQ itself (epoch 0; seq: hq_unit_sequence). */
struct hq_origin {
	int64_t epoch; /* row id */
	int64_t seq;
	int64_t place; /* in the event */
};

struct hq_unit {
	const char *external; /* the chain's own key; NULL: none */
	struct ref ref;       /* none: a random one is made */
	bool confirmed;       /* HQ's master data or a steward vouches for this customer */
	bool company;
};
/* The number of a new unit; -1. It is a person of its own until it is folded. */
int64_t hq_unit_new(struct hq_db *db, const struct hq_unit *unit);

/* HQ's next own number, for what HQ itself says. */
int64_t hq_unit_sequence(struct hq_db *db);

struct hq_claim {
	int64_t unit;
	enum ident_kind kind;
	const char *value; /* normal form */
	const char *typed; /* an address as it was typed; NULL or empty: so */
	bool verified;
	const char *source; /* "import", "till", ... */
	struct ref ref;     /* none: a random one is made */
	struct hq_origin at;
	int64_t from_us, to_us; /* when a store said so */
};
bool hq_unit_claim(struct hq_db *db, const struct hq_claim *claim);

/* The identifier's number; made when it is new. */
int64_t hq_unit_ident(struct hq_db *db, enum ident_kind kind, const char *value);

struct hq_said {
	int64_t unit;
	const char *field; /* as field_name has it */
	const char *value; /* "": it was taken back */
	const char *source;
	struct ref ref; /* none: a random one is made */
	int64_t from_us, to_us;
	struct hq_origin at;
};
bool hq_unit_say(struct hq_db *db, const struct hq_said *said);

/* false: there is no such unit. */
bool hq_unit_ref(struct hq_db *db, int64_t unit, struct ref *out);

/* All that the unit said is gone for good, and it takes part in nothing any more. */
void hq_unit_forget(struct hq_db *db, int64_t unit, int64_t wall_us);

#endif

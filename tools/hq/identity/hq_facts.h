/* What units have said of themselves, read out of hq.db for identity/field.h. */
#ifndef LANEWAY_HQ_FACTS_H
#define LANEWAY_HQ_FACTS_H

#include "hq/base/hq_db.h"
#include "identity/field.h"
#include "identity/fold.h"

struct sqlite3_stmt;

struct hq_facts {
	struct field_fact *fact; /* sorted by unit, field, id; their values are their own */
	size_t count, cap;
	bool failed; /* out of memory: not whole */
};
/* Append a unit's. */
void hq_facts_add(struct hq_facts *f, struct hq_db *db, int64_t unit, const struct ref *ref);
/* Append those of all units of a person. */
void hq_facts_of_person(struct hq_facts *f, struct hq_db *db, int64_t person);
/* Append the row on which q stands: field, ref, value, source, from_us, to_us, and the trust where
 * it is not the delivered one (hq_trust.h). */
bool hq_facts_take(struct hq_facts *f, struct sqlite3_stmt *q, const struct ref *unit);
void hq_facts_free(struct hq_facts *f); /* empty again */

/* What a unit's own facts say for conflicts: first_name and born, by the unit's number. */
void hq_facts_compared(struct hq_db *db, struct fold_unit *unit);

#endif

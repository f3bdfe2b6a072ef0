/* A component: the units that an operation can influence, with all that was said of their being one
 * person, as fold_run wants it (identity/fold.h). Units are connected by claims on one identifier
 * and by any entry of the log that names both, live or not: a larger set gives the same persons.
 *
 * Bounds. An identifier that more than HQ_COMPONENT_HOLDERS_MAX units claim connects nobody: it is
 * shared, whatever else is said of it. A component of more than HQ_COMPONENT_UNITS_MAX units is not
 * loaded: what it was stays, and a person is told.
 */
#ifndef LANEWAY_HQ_COMPONENT_H
#define LANEWAY_HQ_COMPONENT_H

#include "hq/base/hq_db.h"
#include "identity/fold.h"

#define HQ_COMPONENT_UNITS_MAX 4096
#define HQ_COMPONENT_HOLDERS_MAX 256

struct hq_component {
	struct fold_unit *unit; /* sorted by number */
	int64_t *person;        /* per unit: the number of the unit whose person it was so far */
	size_t unit_count;
	struct hq_component_ident {
		int64_t id;
		struct ref ref;
		bool crowded;        /* more than HQ_COMPONENT_HOLDERS_MAX */
		const char *blocked; /* why it is nobody's by its value; NULL: it is not */
	} * ident;                   /* sorted by ref */
	size_t ident_count;
	struct fold_op *op; /* in canonical order */
	struct hq_component_row {
		int64_t id; /* of the claim or the entry; 0: made up here */
		bool claim;
		int64_t ident;
		size_t unit; /* of a claim: the place of its unit */
	} * row;             /* per operation */
	size_t op_count;
	bool too_large; /* nothing else is loaded */
};

/* NULL: out of memory. */
struct hq_component *hq_component_load(struct hq_db *db, const struct rule_set *rules,
                                       int64_t unit);
/* The same of what an entry of the log can reach, which may be no customer at all. */
struct hq_component *hq_component_of_op(struct hq_db *db, const struct rule_set *rules, int64_t op);
void hq_component_free(struct hq_component *c);

#endif

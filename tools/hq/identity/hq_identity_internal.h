/* What the files of hq_identity.h share. */
#ifndef LANEWAY_HQ_IDENTITY_INTERNAL_H
#define LANEWAY_HQ_IDENTITY_INTERNAL_H

#include "hq/identity/hq_identity.h"

/* One event as it is read. */
struct hq_identity_event {
	const struct hq_line *line;
	const struct json_t *sealed;
	struct ref unit; /* out: whom it waits for */
	const char *why; /* out */
};

/* Customer Enrolled, Customer Corrected: hq_enrol.c */
enum hq_identity_result hq_enrol_take(struct hq_identity *id, struct hq_identity_event *ev);

/* The number of a unit that is known; 0. */
int64_t hq_identity_unit(const struct hq_identity *id, const struct ref *ref);
/* Orders that came with this claim, or for this unit, are looked at again. */
void hq_identity_orders(const struct hq_identity *id, enum hq_sql query, const struct ref *ref);

#endif

/* What an event says about orders and people, as one row: all that the fold needs of it. Pure. */
#ifndef LANEWAY_HQ_FACT_H
#define LANEWAY_HQ_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_line.h"
#include "identity/ref.h"

#define HQ_FACT_ITEMS_MAX 10 /* of one order: a profile shows no more than its ten newest */

enum hq_fact_kind {
	HQ_FACT_NONE, /* the event says nothing about an order */
	HQ_FACT_ATTACHED,
	HQ_FACT_DETACHED,
	HQ_FACT_ORDER,
	HQ_FACT_REFUNDED,
	HQ_FACT_CANCELLED,
	HQ_FACT_CLAIMED,
	HQ_FACT_KIND_COUNT
};
const char *hq_fact_kind_name(enum hq_fact_kind kind); /* as in hq.db: "attached", "order", ... */

struct hq_fact {
	enum hq_fact_kind kind;
	const char *basket, *order_id, *ref, *visit, *profile_ref,
	    *currency; /* "" when there is none; ref: a refund's number, an order's kind */
	int64_t time_us, amount; /* amount: minor units of currency */
	bool training;
	bool names_person; /* `sealed` holds the customer */
	char *items; /* JSON list of {name, quantity, sku}; NULL: none. Freed with hq_fact_free */
};

/* Read a line's fact; texts point into the line. 0; -1 with a sentence in *why when the event
 * should be one but lacks what it needs: it then counts for nothing. store: the order's number must
 * be its own. */
int hq_fact_read(const struct hq_line *line, const char *store, struct hq_fact *out,
                 const char **why);
void hq_fact_free(struct hq_fact *fact);

/* Whom an opened `sealed` names: HQ's customer id ('C' and 6 to 9 digits), or the enrolment that HQ
 * had not answered; and the claim by which it was found, where it says so. false: nobody. */
#define HQ_FACT_CUSTOMER_SIZE 11
struct hq_fact_who {
	char customer[HQ_FACT_CUSTOMER_SIZE]; /* empty: an enrolment */
	struct ref unit, claim;               /* none: not said */
};
bool hq_fact_who(const char *json, size_t len, struct hq_fact_who *out);

#endif

/* Customers as HQ knows them, and the feed of their changes.
 *
 * Every change that a lane can see gives the profile the next version of the one sequencer, within
 * the same transaction: a store that stands at version V has every profile whose version is V or
 * less. All of it inside a transaction of the caller.
 */
#ifndef LANEWAY_HQ_PROFILE_H
#define LANEWAY_HQ_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "hq/base/hq_db.h"
#include "hq/identity/hq_includes.h"
#include "identity/consent.h"
#include "identity/ident.h"

#define HQ_PROFILE_IDENTS_MAX 16 /* of one customer; what a page's line can carry */
#define HQ_PROFILE_ID_SIZE 24
#define HQ_PROFILE_NAME_SIZE 160 /* of first and last name together */

/* A choice as an import tells it. Without its text it can lower what is allowed, not raise it. */
#define HQ_PERSON_CHOICES_MAX 32
struct hq_person_choice {
	enum consent_purpose purpose;
	enum consent_channel channel;
	enum consent_value value;
	int64_t from_us, to_us;
	char text[33], how[33]; /* empty: not known */
};

/* What an import says of one customer. NULL: says nothing of it. */
struct hq_person {
	const char *external; /* the chain's own key for the customer */
	const char *first_name, *last_name, *name, *tier, *points_as_of, *language;
	const char *birth_date, *street, *postcode, *city, *country;
	const char *state; /* "active", "restricted", "confidential", "deleted" */
	int64_t as_of_us;  /* when it was true */
	bool has_points;
	int64_t points;
	struct {
		enum ident_kind kind;
		char value[IDENT_VALUE_SIZE]; /* normal form */
		char typed[IDENT_VALUE_SIZE]; /* an address, where that is another one */
	} ident[IDENT_KIND_COUNT];
	int ident_count;
	struct hq_person_choice choice[HQ_PERSON_CHOICES_MAX];
	int choice_count;
};

enum hq_upsert {
	HQ_UPSERT_NEW,
	HQ_UPSERT_CHANGED,
	HQ_UPSERT_SAME,
	HQ_UPSERT_AMBIGUOUS, /* its first known identifier belongs to several customers, or one that
	                        only one person can have belongs to another */
	HQ_UPSERT_OTHER,     /* a person's row names a company, or a company's a person */
	HQ_UPSERT_FULL, /* the customer would have more than HQ_PROFILE_IDENTS_MAX identifiers */
};

/* Find the customer's unit by the external key if one is given, else by the first identifier that
 * is known, and add what differs to what it says; a new one gets the next id. An address does not
 * find whoever has another first name or birth date. What the unit's person then looks like is
 * folded later (hq_persons.h). unit: out, which one; 0: none, or it is forgotten. */
enum hq_upsert hq_profile_upsert(struct hq_db *db, const struct hq_person *person, int64_t *unit);

/* Of a row that is AMBIGUOUS: whose record it means by its key or first identifier (0: nobody's
 * alone), whose one of its identifiers is as well, and which. */
struct hq_conflict {
	int64_t unit, other;
	int ident;
};
void hq_profile_conflict(struct hq_db *db, const struct hq_person *person, struct hq_conflict *out);

/* The feed's newest version. */
uint64_t hq_profile_version(struct hq_db *db);

/* Append at most `max` profiles above `since` in order of version, one line each, as long as the
 * whole stays within bytes_max (at least one). includes: of the store's events. Returns the
 * version of the last one, `since` if there was none; *more: something newer is left. */
struct hq_profile_page {
	uint64_t since;
	int max;
	size_t bytes_max;
	const struct hq_includes *includes;
	int64_t store; /* row id: of what this store was chosen (hq_hold.h); 0: of all customers */
};
uint64_t hq_profile_page(struct hq_db *db, const struct hq_profile_page *page, struct buf *out,
                         bool *more);

/* The lines of those who have this identifier (normal form), at most HQ_PROFILE_ASKED_MAX. How
 * many. */
#define HQ_PROFILE_ASKED_MAX 4
int hq_profile_of_ident(struct hq_db *db, const char *kind, const char *value,
                        const struct hq_includes *includes, struct buf *out);

/* One unit's line as a page has it, without version and `includes`. */
void hq_profile_line(struct hq_db *db, int64_t unit, struct buf *out);

#endif

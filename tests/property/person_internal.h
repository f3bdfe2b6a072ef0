#ifndef TESTS_PROPERTY_PERSON_INTERNAL_H
#define TESTS_PROPERTY_PERSON_INTERNAL_H

#include "person.h"

/* A person in its world: what of it is the person's. */
struct person_view {
	const struct person_world *w;
	size_t person;
	struct ref *unit; /* sorted */
	size_t unit_count;
	size_t *claim; /* operations that were not undone: by identifier, then in their order */
	size_t claim_count;
};

bool person_has(const struct person_view *v, const struct ref *unit);
/* The claims from `at` on that are on one identifier: their count, 0 at the end. holds: does one of
 * them hold? */
size_t person_claims(const struct person_view *v, size_t at, bool *holds);
/* Was this claim undone? */
bool person_never_was(const struct person_world *w, const struct ref *claim);
/* What the fold says of the identifier of that claim. */
const struct fold_ident *person_ident(const struct person_view *v, size_t claim);

void person_put_ref(struct buf *out, const char *key, const struct ref *r);
void person_put_element(struct buf *out, const struct ref *r); /* of a list */

/* person_said.c: fields and consents, as members of the object that is being written. */
void person_put_fields(const struct person_view *v, struct buf *out);
void person_put_consents(const struct person_view *v, struct buf *out);

#endif

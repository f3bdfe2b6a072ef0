/* Facts in JSON: the member `facts` of a page's line, and `fields` of what Customer Enrolled and
 * Customer Corrected seal (WIRE.md, sections 1 and 10).
 *
 * A field that a release does not know is left out; anything else that is wrong refuses the list.
 */
#ifndef LANEWAY_IDENTITY_FIELD_JSON_H
#define LANEWAY_IDENTITY_FIELD_JSON_H

#include <stddef.h>

#include "base/buf.h"
#include "identity/field.h"

#define FIELD_FACTS_MAX 512 /* of one person in a list */

struct json_t;

struct field_list {
	struct field_fact *fact;
	size_t count;
	char *text; /* the list's own; facts point into it */
};
void field_list_free(struct field_list *l); /* of a zeroed or a read list */

/* `facts` of a line; NULL: none. 0, or -1 with a sentence in err and an empty list. */
int field_json_read(const struct json_t *facts, struct field_list *out, char *err, size_t err_size);

/* One fact as an object, in a list that has been begun. */
void field_json_write(struct buf *out, const struct field_fact *f);

/* Facts from `fields` of an event: {"first_name":"Anna","city":null}. What they have in common
 * comes in `as` (unit, source, from_us, to_us; its id is the enrolment's), trust out of the table
 * (NULL: the defaults). Same results as field_json_read. */
int field_json_said(const struct json_t *fields, const struct field_fact *as,
                    const struct field_trust *trust, struct field_list *out, char *err,
                    size_t err_size);

/* The reference of the fact that an enrolment, or a correction, made of this field: the same in the
 * store and at HQ without being sent. One enrolment says each field once. */
struct ref field_fact_ref(const struct ref *enrolment, enum field f);

/* The same object for the event, keys in order. A field that was taken back is null. */
void field_json_fields(struct buf *out, const struct field_fact *facts, size_t n);

#endif

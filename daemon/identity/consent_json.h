/* Choices in JSON: the member `choices` of a page's line, and the event Consent Changed (WIRE.md,
 * sections 1 and 10).
 *
 * A release meets words of newer ones. A purpose or channel that it does not know is nothing it can
 * be asked about: the choice is left out. A value that it does not know forbids. A method that it
 * does not know grants nothing, and what forbids by it binds the address like a STOP. Anything else
 * that is wrong refuses the whole list, which then must be taken for "nothing is allowed".
 */
#ifndef LANEWAY_IDENTITY_CONSENT_JSON_H
#define LANEWAY_IDENTITY_CONSENT_JSON_H

#include <stddef.h>

#include "base/buf.h"
#include "identity/consent.h"

#define CONSENT_CHOICES_MAX 512 /* of one person in a list */
#define CONSENT_COVERS_MAX 256  /* units of one choice */
#define CONSENT_TEXT_MAX 32     /* bytes of a text's version */
#define CONSENT_LANGUAGE_MAX 35 /* bytes of a language's name */

struct json_t;

struct consent_list {
	struct consent_choice *choice; /* may be changed: address from claim to identifier */
	size_t count;
	struct ref *covers; /* the list's own; choices point into it */
	char *text;
};
void consent_list_free(struct consent_list *l); /* of a zeroed or a read list */

/* `choices` of a line; NULL: no choices. `address` is what stands there, a claim. 0, or -1 with a
 * sentence in err and an empty list. */
int consent_json_read(const struct json_t *choices, struct consent_list *out, char *err,
                      size_t err_size);

/* One choice as an object, in a list that has been begun. */
void consent_json_write(struct buf *out, const struct consent_choice *c);

/* The one choice of an event Consent Changed, from its properties and its sealed text (NULL: it has
 * none, then the choice has no unit). Its address is the event's ident_ref. Same results. */
int consent_json_event(const struct json_t *properties, const struct json_t *sealed,
                       struct consent_list *out, char *err, size_t err_size);

/* What the event says beside the choice. All of it may be NULL. */
struct consent_said {
	const char *profile_ref; /* of the event's visit */
	const char *proof_ref;
	const char *value; /* the address itself, where HQ does not know the claim */
};
/* Canonical JSON objects: the properties, and the text that is to be sealed. */
void consent_json_properties(struct buf *out, const struct consent_choice *c,
                             const struct consent_said *said);
void consent_json_sealed(struct buf *out, const struct consent_choice *c,
                         const struct consent_said *said);

#endif

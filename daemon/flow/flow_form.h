/* What a cashier fills in at a lane, read and checked (WIRE.md, section 12): enrolments,
 * corrections, notes, "that is not me". */
#ifndef LANEWAY_FLOW_FORM_H
#define LANEWAY_FLOW_FORM_H

#include "flow/flow_hint.h"
#include "identity/consent_json.h"
#include "identity/field_json.h"
#include "identity/note.h"

#define FORM_CHOICES_MAX 12
#define FORM_DROPS_MAX 16 /* numbers and addresses that one correction lets go */
#define FORM_IDENTS_MAX 3 /* a phone, an address, the card that was just shown */
#define FORM_FACTS_MAX 8
#define FORM_REASON_CHARS_MAX 200 /* of why somebody is looked for */

/* An identifier that the person is said to have. */
struct form_ident {
	const char *field; /* whose member it was; "card" */
	struct answer answer;
	struct ref ref; /* of the claim */
	bool verified;
	char typed[IDENT_VALUE_SIZE]; /* an address, where its normal form is another one */
};
struct form_choice {
	enum consent_purpose purpose;
	enum consent_channel channel;
	enum consent_value value;
	char text_version[CONSENT_TEXT_MAX + 1], language[CONSENT_LANGUAGE_MAX + 1];
};
struct form {
	char first_name[65], last_name[65], language[36], note[33], no_note[33], known[9],
	    suggestion[33];
	char details[33]; /* whom the screen showed (person.details), or empty: it does not say */
	/* a manager's note, as its fact; or why somebody is looked for */
	char text[NOTE_CHARS_MAX * 4 + sizeof NOTE_TEXT];
	bool has_age, age_ok;
	bool no_phone, no_email; /* those that are known are the customer's no longer */
	struct ref drop[FORM_DROPS_MAX];
	int drop_count;
	struct form_ident ident[FORM_IDENTS_MAX];
	int ident_count;
	struct form_choice choice[FORM_CHOICES_MAX];
	int choice_count;
};

/* Read the request's object. 0, or FLOW_FORM_WRONG with err, which names the member and what was
 * expected. */
int form_read(struct flow *f, const struct flow_form *from, struct form *out,
              struct sale_error *err);
/* A manager's note. The same results. */
int form_read_note(struct flow *f, const struct flow_form *from, struct form *out,
                   struct sale_error *err);
/* Whom somebody looks for: one identifier, and in `text` why, or empty. The same results. */
int form_read_find(struct flow *f, const void *body, struct form *out, struct sale_error *err);
int form_wrong(struct sale_error *err, const char *code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The events of a form; the texts belong to `text`. */
struct form_told {
	struct sale_told told[FORM_CHOICES_MAX + 2];
	size_t count;
	struct buf text[2 * (FORM_CHOICES_MAX + 2)];
	size_t texts;
};
struct form_person {
	struct ref unit;         /* who is told of */
	struct ref id;           /* of the enrolment or correction */
	const char *customer_id; /* HQ's, of a correction; or NULL */
	const struct ref *units; /* of the person, as the cashier sees it */
	size_t unit_count;
	int64_t from_us, to_us;
};
/* Each adds its events. false: out of memory. */
bool form_tell_person(struct form_told *t, enum event_kind kind, const struct form *form,
                      const struct form_person *who);
bool form_tell_choices(struct form_told *t, const struct form *form, const struct form_person *who,
                       const struct overlay_person *known);
/* What a cashier says of a hint: the two are one person (a steward is to decide), or they are not.
 */
bool form_tell_pair(struct form_told *t, const struct hint *h, bool same, const char *ruleset);
void form_told_free(struct form_told *t);

#endif

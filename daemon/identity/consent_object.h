/* The consent object: what a forwarded event says of its person, and whether it may flow.
 *
 * It stands in the event's `context.consent` in Segment's form, so that what reads Segment events
 * enforces it too (WIRE.md, section 13):
 *
 *   {"categoryPreferences":{"loyalty":true,"marketing_email":false,...}}
 *
 * Rule 9: HQ asks consent_forward before it forwards anything. An event without the object does not
 * flow, nor does one to a destination that names no category.
 */
#ifndef LANEWAY_IDENTITY_CONSENT_OBJECT_H
#define LANEWAY_IDENTITY_CONSENT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "identity/consent.h"

/* Sorted by their names' bytes. */
enum consent_category {
	CONSENT_CATEGORY_LOYALTY,
	CONSENT_CATEGORY_MARKETING_CALL,
	CONSENT_CATEGORY_MARKETING_EMAIL,
	CONSENT_CATEGORY_MARKETING_POST,
	CONSENT_CATEGORY_MARKETING_PUSH,
	CONSENT_CATEGORY_MARKETING_SMS,
	CONSENT_CATEGORY_PERSONALISATION,
	CONSENT_CATEGORY_PROFILING,
	CONSENT_CATEGORY_RECOGNISE_BY_PAYMENT,
	CONSENT_CATEGORY_SELL_SHARE,
	CONSENT_CATEGORY_COUNT
};
const char *consent_category_name(enum consent_category c); /* "" for none of them */
/* CONSENT_CATEGORY_COUNT: none of them. */
enum consent_category consent_category_named(const char *name);

struct json_t;

struct consent_address {
	enum consent_channel channel; /* a phone stands here for sms and for call */
	struct ref address;
	const char *label; /* for consent_why: what a person reads of it; NULL: its reference */
};
struct consent_person {
	const struct consent_choice *choice; /* as consent_evaluate wants them */
	size_t choice_count;
	const struct ref *unit;
	size_t unit_count;
	const struct consent_address *address; /* all that the person has */
	size_t address_count;
	bool restricted;
};

/* The object as canonical JSON. Marketing by e-mail, SMS or call is true only when the person has
 * such an address and each of them is allowed. */
void consent_object_write(struct buf *out, const struct consent_person *p);

/* What is allowed and which choice says so, a line for each category and address, ended by a
 * newline. Choices that say the same behind the one that is named stand after "also": without all
 * of them the answer is another one. Of who is restricted none is named.
 *
 *   consent marketing_email to a***: no, pending; granted by till 2026-11-20T10:00:00.000Z, choice
 * Hs.. consent profiling: no, nothing_recorded
 */
void consent_why(const struct consent_person *p, struct buf *out);

struct consent_route {
	uint32_t needs;   /* 1 << category, each: all of them have to be true */
	bool suppression; /* the webhook that can only stop a message; needs count for nothing */
};
/* NULL: it may flow. Otherwise why not, static text: "no_consent_object" (or none that can be
 * read), "no_category" (the route names none), "not_allowed", "more_than_suppression" (the payload
 * of a suppression route has other members than type, customer_id, order_id and time). `event` is
 * the event as it would be sent, or the payload of the suppression route. */
const char *consent_forward(const struct consent_route *route, const struct json_t *event);

#endif

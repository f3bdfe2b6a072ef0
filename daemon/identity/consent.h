/* What a person has allowed: a pure function of all recorded choices and of who is one person.
 *
 * Rules 1 to 9 stand in DESIGN.md, "Consent". How they are worked out for the asked person M (its
 * units), purpose, channel and address:
 *
 *   Which choices count. A choice counts for a unit when the unit is its origin, or is covered and
 *       the choice forbids, or is covered and the origin is in M. So a grant on the merged profile
 *       speaks for all its units as long as they are one person, a withdrawal for ever. A grant for
 *       an address counts for that address alone; a grant without one only where no address is
 *       asked about; what forbids without an address forbids for all of them. An import that grants
 *       counts only with its text. What was chosen about the asked address without a unit is
 *       evaluated like one unit more of everybody who has it; M's own grants that were confirmed
 *       from the address count there too.
 *   Each unit alone. Among the choices that count, those that no other one lies wholly after; the
 *       strictest of them.
 *   All units. The strictest recorded value. A unit without a record neither allows nor forbids. A
 *       choice that covers all units and is later than theirs is the latest of each: it decides.
 *   Pending. A marketing grant for an address that staff typed (till, staff, paper) is granted only
 *       if the address confirmed: a grant of method confirmed counts for the same unit and lies
 *       wholly after all that forbids there. It may be older than what was typed: whoever has
 *       confirmed is not asked again because a till asked again.
 *   The address. A STOP, unsubscribe or complaint about the asked address forbids whoever it came
 *       with, until a grant of method confirmed from that address lies wholly after it. That grant
 *       has to be M's own (its origin in M, or the address alone): another person with the same
 *       address, or who was one with M once, lifts it for themself only.
 *
 * All choices of M's units and all about the asked address have to be given, in any order.
 */
#ifndef LANEWAY_IDENTITY_CONSENT_H
#define LANEWAY_IDENTITY_CONSENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/ref.h"

enum consent_purpose {
	CONSENT_LOYALTY,
	CONSENT_MARKETING,
	CONSENT_PERSONALISATION,
	CONSENT_RECOGNISE_BY_PAYMENT,
	CONSENT_PROFILING,
	CONSENT_SELL_SHARE,
	CONSENT_PURPOSE_COUNT
};
enum consent_channel {
	CONSENT_ANY,
	CONSENT_EMAIL,
	CONSENT_SMS,
	CONSENT_CALL,
	CONSENT_POST,
	CONSENT_PUSH,
	CONSENT_CHANNEL_COUNT
};
/* Rising strictness. */
enum consent_value {
	CONSENT_NOT_ASKED,
	CONSENT_GRANTED,
	CONSENT_PENDING,
	CONSENT_REFUSED,
	CONSENT_WITHDRAWN,
	CONSENT_VALUE_COUNT
};
enum consent_method {
	CONSENT_TILL,
	CONSENT_PAPER,
	CONSENT_CUSTOMER,
	CONSENT_STAFF,
	CONSENT_IMPORT,
	CONSENT_STOP, /* STOP, or an unsubscribe link */
	CONSENT_COMPLAINT,
	CONSENT_CONFIRMED, /* from the address itself */
	CONSENT_METHOD_COUNT
};

struct consent_choice {
	struct ref id;
	enum consent_purpose purpose;
	enum consent_channel channel; /* ANY: all of them */
	enum consent_value value; /* GRANTED, REFUSED or WITHDRAWN as it was said; whatever is said
	                             by STOP or COMPLAINT is WITHDRAWN */
	enum consent_method method;
	bool has_text; /* text version and time are recorded: what an import needs to raise */
	int64_t from_us, to_us; /* from_us <= to_us. An import whose date is not known: 0 to when it
	                           was imported */
	struct ref unit;        /* with whose record it came; none: it is about the address alone */
	struct ref address;     /* the identifier that it was given for, which is the same one
	                           whichever unit claims it; none: about the person */
	const struct ref
	    *covers; /* units of the person as the one who chose saw it, `unit` among them */
	size_t cover_count;
	const char *text_version, *language; /* for the record; NULL: not known */
};

struct consent_question {
	enum consent_purpose purpose;
	enum consent_channel channel; /* ANY: is it allowed on every channel */
	struct ref address;           /* what is to be written to; none: no address is needed */
	const struct ref *unit;       /* the person's units */
	size_t unit_count;
	bool restricted; /* GDPR 18, 21: nothing but loyalty is allowed, whatever was chosen */
};

struct consent_answer {
	bool allowed;
	enum consent_value value;
	/* Static text: "nothing_recorded", "import" (one that cannot raise), "latest", "overlap",
	 * "strictest" (the units differ), "pending", "stop", "restricted". */
	const char *rule;
	const struct consent_choice *because; /* NULL: nothing recorded */
};

/* The same choices in another order give the same answer. */
void consent_evaluate(const struct consent_choice *choices, size_t n,
                      const struct consent_question *q, struct consent_answer *out);

/* A yes that no rule makes less of: where room for choices is short these are left out before all
 * others, and what is left then allows nothing that all of them forbid. A yes that may be pending,
 * or that an import cannot say, is not one: next to another of the same time it forbids. */
bool consent_plain_yes(const struct consent_choice *c);

/* Does `by`, which was said surely later, leave nothing of `c`? Then no question, about whichever
 * units, and whatever else was or will be said, has another answer without c while `by` is there:
 * neither what is allowed nor why. False where that is not sure. */
bool consent_superseded(const struct consent_choice *c, const struct consent_choice *by);

/* Mark those that others of the list supersede: `over` has a place for each. The rest answers every
 * question as all of them do. */
void consent_supersede(const struct consent_choice *choices, size_t n, bool *over);

/* "" for none of them; ..._COUNT for a name that is none. */
const char *consent_purpose_name(enum consent_purpose p);
const char *consent_channel_name(enum consent_channel c);
const char *consent_value_name(enum consent_value v);
const char *consent_method_name(enum consent_method m);
enum consent_purpose consent_purpose_named(const char *name);
enum consent_channel consent_channel_named(const char *name);
enum consent_value consent_value_named(const char *name);
enum consent_method consent_method_named(const char *name);

#endif

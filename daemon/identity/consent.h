/* What a person has allowed: a pure function of all recorded choices and of who is one person.
 *
 * Rules 1 to 9 stand in DESIGN.md. In short: nothing recorded is not allowed; the latest choice
 * wins, the stricter one where their times overlap; each unit of a merged person is evaluated alone
 * and the strictest recorded choice wins; a choice made on the merged person speaks for all units
 * that it covers (a grant only as long as they are one person, a withdrawal for ever); STOP sits on
 * the address; an import lowers and raises only with its proof; a marketing grant that was typed at
 * a till is pending until the address's owner confirms it.
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
	CONSENT_WITHDRAWN
};
enum consent_method {
	CONSENT_TILL,
	CONSENT_PAPER,
	CONSENT_CUSTOMER,
	CONSENT_STAFF,
	CONSENT_IMPORT,
	CONSENT_STOP,
	CONSENT_COMPLAINT,
	CONSENT_CONFIRMED /* from the address itself */
};

struct consent_choice {
	struct ref id;
	enum consent_purpose purpose;
	enum consent_channel channel; /* ANY: all of them */
	enum consent_value value;     /* GRANTED, REFUSED or WITHDRAWN as it was said */
	enum consent_method method;
	bool has_text; /* text version and time are recorded: what an import needs to raise */
	int64_t from_us, to_us;
	struct ref unit;    /* with whose record it came; none: it is about the address alone */
	struct ref address; /* the identifier that it was given for; none: about the person */
	const struct ref
	    *covers; /* units of the person as the one who chose saw it, `unit` among them */
	size_t cover_count;
};

struct consent_question {
	enum consent_purpose purpose;
	enum consent_channel channel;
	struct ref address;     /* what is to be written to; none: no address is needed */
	const struct ref *unit; /* the person's units */
	size_t unit_count;
	bool restricted; /* GDPR 18, 21: nothing but loyalty is allowed, whatever was chosen */
};

struct consent_answer {
	bool allowed;
	enum consent_value value;
	const char *rule; /* "nothing_recorded", "latest", "overlap", "strictest", "stop", "import",
	                     "pending", "restricted", ... */
	const struct consent_choice *because; /* NULL: nothing recorded */
};

void consent_evaluate(const struct consent_choice *choices, size_t n,
                      const struct consent_question *q, struct consent_answer *out);

const char *consent_purpose_name(enum consent_purpose p);
const char *consent_channel_name(enum consent_channel c);
const char *consent_value_name(enum consent_value v);

#endif

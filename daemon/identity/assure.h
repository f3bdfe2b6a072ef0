/* What an identification is good for: who may do what with a customer that was found this way.
 * Anybody can type somebody's number; a card or a wallet has to be there. */
#ifndef LANEWAY_IDENTITY_ASSURE_H
#define LANEWAY_IDENTITY_ASSURE_H

#include <stdbool.h>

#include "identity/resolve.h"

enum assurance {
	ASSURANCE_NONE,    /* nobody is known */
	ASSURANCE_SHARED,  /* somebody who has what several people have */
	ASSURANCE_TYPED,   /* a number or address that was given */
	ASSURANCE_SCANNED, /* the customer's card or wallet was read here */
	ASSURANCE_CODE,    /* a code that was sent to the address came back */
};
enum assure_action {
	ASSURE_EARN,
	ASSURE_SEE_NAME, /* first name and points */
	ASSURE_REDEEM,
	ASSURE_SEE_EMAIL,
	ASSURE_SEE_PHONE,
	ASSURE_SEE_HISTORY, /* last visit, last items */
	ASSURE_SEE_NOTES,   /* what the staff should know */
	ASSURE_CHANGE_CONTACT,
	ASSURE_LOOK_UP, /* find a person by phone or e-mail */
	ASSURE_ACTION_COUNT
};
enum assure_answer {
	ASSURE_NO,
	ASSURE_PIN,    /* with a manager's PIN */
	ASSURE_MASKED, /* only the first letter */
	ASSURE_REASON, /* with a written reason; each is logged */
	ASSURE_YES
};

enum assurance assurance_of(const struct answer *a);
const char *assurance_name(enum assurance a); /* "none", "shared", "typed", "scanned", "code" */

/* basket_open: a basket is open where it is asked. Pure. */
enum assure_answer assure(enum assurance a, enum assure_action action, bool basket_open);

#endif

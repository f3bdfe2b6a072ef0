#include "identity/assure.h"

enum assurance assurance_of(const struct answer *a)
{
	if (!answer_is_somebody(a))
		return ASSURANCE_NONE;
	if (a->outcome == OUTCOME_SHARED)
		return ASSURANCE_SHARED;
	return a->scanned ? ASSURANCE_SCANNED : ASSURANCE_TYPED;
}

const char *assurance_name(enum assurance a)
{
	static const char *const names[] = {
	    [ASSURANCE_NONE] = "none",   [ASSURANCE_SHARED] = "shared",
	    [ASSURANCE_TYPED] = "typed", [ASSURANCE_SCANNED] = "scanned",
	    [ASSURANCE_CODE] = "code",
	};

	return names[a];
}

enum assure_answer assure(enum assurance a, enum assure_action action, bool basket_open)
{
	if (action == ASSURE_LOOK_UP)
		return basket_open ? ASSURE_YES : ASSURE_REASON;
	if (a == ASSURANCE_NONE)
		return ASSURE_NO;
	switch (action) {
	case ASSURE_EARN:
		return ASSURE_YES;
	case ASSURE_SEE_NAME:
		return basket_open ? ASSURE_YES : ASSURE_MASKED;
	case ASSURE_SEE_HISTORY:
		/* Whose it would be is not known. */
		if (a == ASSURANCE_SHARED)
			return ASSURE_NO;
		break;
	case ASSURE_SEE_NOTES:
		return a == ASSURANCE_SHARED ? ASSURE_NO : ASSURE_YES;
	default:
		break;
	}
	return a >= ASSURANCE_SCANNED ? ASSURE_YES : ASSURE_PIN;
}

/* The rules of consent a second time, as what they forbid: independent of identity/consent.c, from
 * which it shares nothing, not even its structs. A unit is a number from 1, an address is one, 0 is
 * none; a person is a set of units, bit u for unit u. */
#ifndef LANEWAY_CONSENT_RULES_H
#define LANEWAY_CONSENT_RULES_H

#include <stdbool.h>

enum rules_word { YES, NO };
enum rules_way { TILL, PAPER, CUSTOMER, STAFF, IMPORT, STOP, COMPLAINT, CONFIRMED, WAY_COUNT };
enum rules_purpose { LOYALTY, MARKETING, PERSONALISATION };
enum rules_channel { EVERY, EMAIL, SMS, CALL, POST, PUSH, CHANNEL_COUNT };

struct rules_choice {
	enum rules_purpose purpose;
	enum rules_channel channel;
	enum rules_word word;
	enum rules_way way;
	bool text;     /* version and time of what was agreed to are recorded */
	long from, to; /* it was said between these */
	int unit, address;
	unsigned covers;
};

struct rules_ask {
	enum rules_purpose purpose;
	enum rules_channel channel;
	int address;
	unsigned person;
	bool restricted;
};

/* Which rule forbids it, or NULL: it has to be allowed. Static text. */
const char *rules_forbid(const struct rules_choice *c, int n, const struct rules_ask *ask);

#endif

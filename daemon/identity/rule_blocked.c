/* Values that are nobody's, by their shape or because a list names them. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "identity/phone.h"
#include "identity/rule.h"

#define RUN_DIGITS_MIN 7 /* shorter ones stand in real numbers, and on somebody's card */
#define ZEROS_MIN 3      /* of a card: where counting begins, nobody's card is number 0 */

/* ---- digits ---- */

/* How many digits at the end of text follow each other by the same step: 0 (all the same), 1 or -1
 * (rising or falling, 9 and 0 are neighbours). */
static size_t run_at_end(const char *text, int step)
{
	size_t len = strlen(text), n = 0;

	while (n < len && isdigit((unsigned char)text[len - 1 - n])) {
		int here = text[len - 1 - n] - '0';
		if (n > 0 && (here + step + 10) % 10 != text[len - n] - '0')
			break;
		n++;
	}
	return n;
}

static const char *digits_blocked(const char *digits, size_t least)
{
	if (run_at_end(digits, 0) >= least)
		return "all digits the same";
	if (run_at_end(digits, 1) >= least || run_at_end(digits, -1) >= least)
		return "digits in sequence";
	return NULL;
}

/* ---- cards ---- */

/* What stands between a scheme's prefix and its check digit; the whole number without a scheme. */
static void payload_of(const struct ident_rules *forms, const char *nf, char out[IDENT_VALUE_SIZE])
{
	size_t len = strlen(nf), from = 0;

	for (int i = 0; forms && i < forms->scheme_count; i++) {
		const char *prefix = forms->schemes[i].prefix;
		if (len != (size_t)forms->schemes[i].length ||
		    strncasecmp(nf, prefix, strlen(prefix)) != 0)
			continue;
		from = strlen(prefix);
		len -= forms->schemes[i].check && len > from;
		break;
	}
	memcpy(out, nf + from, len - from);
	out[len - from] = 0;
}

static const char *card_blocked(const struct rule_set *rules, const char *nf)
{
	char payload[IDENT_VALUE_SIZE];

	payload_of(rules->forms, nf, payload);
	size_t len = strlen(payload);
	if (len >= ZEROS_MIN && payload[strspn(payload, "0")] == 0)
		return "a default card";
	return len >= RUN_DIGITS_MIN ? digits_blocked(payload, len) : NULL;
}

/* ---- phone numbers ---- */

static const char *phone_blocked(const char *nf)
{
	const char *why = digits_blocked(nf, RUN_DIGITS_MIN);

	if (why)
		return why;
	return phone_is_example(nf) ? "a country's example number" : NULL;
}

/* ---- e-mail addresses ---- */

/* What people type where an address is asked for and they have none. */
static bool is_no_address(const char *local, size_t len)
{
	static const char *const words[] = {
	    "no",      "non",      "none",    "nobody",    "noone",   "nomail",   "noemail",
	    "no-mail", "no-email", "no.mail", "no.email",  "no_mail", "no_email", "noreply",
	    "nospam",  "no-reply", "null",    "test",      "asdf",    "qwerty",   "keine",
	    "kein",    "ohne",     "unknown", "unbekannt", "xxx",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strlen(words[i]) == len && memcmp(words[i], local, len) == 0)
			return true;
	}
	return false;
}

/* "a@a.de", "xx@xxx.com": one letter again and again, on both sides. */
static bool is_one_letter(const char *nf, const char *at)
{
	const char letter[2] = {nf[0], 0};

	return nf[strspn(nf, letter)] == '@' && at[1 + strspn(at + 1, letter)] == '.' &&
	       at[1] == letter[0];
}

static bool is_listed_domain(const struct rule_set *rules, enum rule_list list, const char *at)
{
	char domain[IDENT_VALUE_SIZE] = "@";

	for (const char *from = at + 1; from; from = strchr(from, '.')) {
		from += *from == '.';
		memcpy(domain + 1, from, strlen(from) + 1);
		if (rule_listed(rules, list, IDENT_EMAIL, domain))
			return true;
	}
	return false;
}

static const char *email_blocked(const struct rule_set *rules, const char *nf)
{
	const char *at = strchr(nf, '@');

	if (!at)
		return NULL;
	if (is_no_address(nf, (size_t)(at - nf)) || is_one_letter(nf, at))
		return "no real address";
	if (is_listed_domain(rules, RULE_LIST_OWN, at))
		return "the chain's own domain";
	return is_listed_domain(rules, RULE_LIST_BLOCKED, at) ? "on the list of blocked values"
	                                                      : NULL;
}

const char *rule_blocked(const struct rule_set *rules, enum ident_kind kind, const char *nf)
{
	if (rule_listed(rules, RULE_LIST_BLOCKED, kind, nf))
		return "on the list of blocked values";
	if (rule_listed(rules, RULE_LIST_OWN, kind, nf))
		return kind == IDENT_PHONE ? "the chain's own number" : "the chain's own";
	switch (kind) {
	case IDENT_LOYALTY:
		return card_blocked(rules, nf);
	case IDENT_PHONE:
		return phone_blocked(nf);
	case IDENT_EMAIL:
		return email_blocked(rules, nf);
	default:
		return NULL;
	}
}

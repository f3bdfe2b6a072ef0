/* Identifiers: (kind, normal form), and how a value becomes its normal form.
 *
 * What HQ and every store hold is keyed by these forms:
 *   loyalty, account  the digits or letters of the number, upper case, as printed with prefix and
 *                     check digit, accepted by one of the configured schemes
 *   phone             E.164, '+' and at most 15 digits (libphonenumber; national numbers by the
 *                     default region)
 *   email             trimmed, lower case, domain in its IDNA 2008 ASCII form
 *   gsrn              the 18 digits of a GS1 service relation number (AI 8018)
 *   wallet            the token in a wallet's code, as it is, accepted by one of the configured
 *                     schemes
 *   par               the 29 characters of a payment account reference; only ever with consent
 *   vat_id            country prefix and number, upper case, nothing between, and without the
 *                     word for VAT that some countries write behind it
 * A card number (PAN) is none of these: it is refused before anything else is looked at. An AIM
 * identifier decides what a scan can mean, beside the value or in front of it.
 */
#ifndef LANEWAY_IDENTITY_IDENT_H
#define LANEWAY_IDENTITY_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define IDENT_VALUE_SIZE 321 /* longest normal form (an e-mail address) and NUL */

enum ident_kind {
	IDENT_NONE,
	IDENT_LOYALTY,
	IDENT_PHONE,
	IDENT_EMAIL,
	IDENT_GSRN,
	IDENT_WALLET,
	IDENT_PAR,
	IDENT_ACCOUNT,
	IDENT_VAT_ID,
	IDENT_KIND_COUNT
};

/* "none", "loyalty", "phone", "email", "gsrn", "wallet", "par", "account", "vat_id" */
const char *ident_kind_name(enum ident_kind kind);
enum ident_kind ident_kind_of(const char *name); /* IDENT_NONE if unknown */

/* Why a value is no identifier. */
enum ident_reason {
	IDENT_OK,
	IDENT_EMPTY,
	IDENT_TOO_LONG,
	IDENT_CONTROL,
	IDENT_NOT_TEXT,
	IDENT_CARD_NUMBER,
	IDENT_LETTERS,
	IDENT_CHECK_DIGIT,
	IDENT_SCHEME,
	IDENT_PRODUCT,
	IDENT_PROVIDER,
	IDENT_GS1_OTHER,
	IDENT_GS1_FORM,
	IDENT_LINK,
	IDENT_ROTATING,
	IDENT_EXTENSION,
	IDENT_PHONE_REGION,
	IDENT_PHONE_FORM,
	IDENT_EMAIL_FORM,
	IDENT_VAT_FORM,
	IDENT_PAR_FORM,
	IDENT_CONSENT,
	IDENT_REASON_COUNT
};

const char *ident_reason_name(enum ident_reason reason); /* as in events: "check_digit" */
/* For a person: "This is a product, not a customer card". At most 80 bytes. */
const char *ident_reason_text(enum ident_reason reason);

enum ident_check { IDENT_CHECK_NONE, IDENT_CHECK_LUHN, IDENT_CHECK_EAN, IDENT_CHECK_MOD11 };

/* One scheme of the chain's own numbers: every value that starts with prefix, has this many
 * characters in all, and passes the check. A wallet's check is made over the digits behind a prefix
 * that has other characters. */
struct ident_scheme {
	char name[33];
	char prefix[33]; /* letters and digits; of a wallet any text without spaces */
	int length;      /* 4 to 32; of a wallet to 128, and 0 (any) where it is rotating */
	enum ident_check check;
	bool rotating; /* of a wallet: it changes every few seconds and is nobody's number */
};

#define IDENT_SCHEMES_MAX 16
#define IDENT_DOMAINS_MAX 8
#define IDENT_GS1_PREFIXES_MAX 8
#define IDENT_WALLET_LENGTH_MAX 128

struct ident_rules {
	struct ident_scheme schemes[IDENT_SCHEMES_MAX]; /* of loyalty cards */
	int scheme_count;
	struct ident_scheme wallets[IDENT_SCHEMES_MAX];
	int wallet_count;
	struct ident_scheme accounts[IDENT_SCHEMES_MAX]; /* of companies */
	int account_count;
	char domains[IDENT_DOMAINS_MAX][254]; /* whose Digital Links name customers */
	int domain_count;
	/* A number of 18 digits that begins with one of these company prefixes is a GSRN also where
	 * no AI says so. */
	char gs1_prefixes[IDENT_GS1_PREFIXES_MAX][13];
	int gs1_prefix_count;
	char region[3];   /* ISO 3166 code for phone numbers without '+': "DE" */
	char ruleset[33]; /* version that stands in every decision */
};

/* Why a scheme of loyalty cards or accounts cannot be used, or NULL: bad length, or a prefix inside
 * a card issuer's range at a length a card number can have (it would hide card numbers). Static
 * text. */
const char *ident_scheme_fault(const struct ident_scheme *scheme);
const char *ident_wallet_fault(const struct ident_scheme *scheme); /* the same for wallets */
/* Is there a number that both would claim? */
bool ident_scheme_clash(const struct ident_scheme *a, const struct ident_scheme *b);

/* As a configuration names it: none, luhn, ean or mod11; none for any other word. */
enum ident_check ident_check_named(const char *name);

/* A value as it came. */
struct ident_given {
	enum ident_kind kind;  /* IDENT_NONE: to be found */
	bool scanned;          /* read from a card or wallet, not typed */
	const char *symbology; /* AIM identifier of the scan ("]C1"), or NULL */
	const char *value;
};

/* What it is. */
struct ident_form {
	enum ident_reason reason;
	enum ident_kind kind;         /* as given or as found; IDENT_NONE: it is none of them */
	char value[IDENT_VALUE_SIZE]; /* normal form; refused: what may be kept of it: as it came,
	                                 cut, card numbers masked; of a PAR nothing */
	/* Of a phone number: the country whose it is (ISO 3166, or "001"), else empty. */
	char region[4];
	/* It came without '+' or an international prefix and is another country's than the
	 * configured one, or may be: show flag and country; it never links without a tap on the
	 * name. */
	bool foreign;
};

/* The normal form of a value whose kind is known, or whose kind must be found (without a kind only
 * a number with '+' is taken for a phone, or every unknown card would be one). Returns out->reason:
 * IDENT_OK (0), or why there is none. */
enum ident_reason ident_normalise(const struct ident_rules *rules, const struct ident_given *given,
                                  struct ident_form *out);

bool ident_email(const char *value, char out[IDENT_VALUE_SIZE]);
/* The address as it was typed, without white space around it: mail goes there. Empty when that is
 * the normal form, and when its normal form is another one than `normal`. */
void ident_email_typed(const char *value, const char *normal, char out[IDENT_VALUE_SIZE]);
/* The address as UID2 folds it: trimmed, lower case, and of gmail.com without dots and what follows
 * a plus. For hints and for the hash that goes to ad platforms, never for a link. false: it is no
 * address. */
bool ident_email_uid2(const char *value, char out[IDENT_VALUE_SIZE]);

/* Check digits, right-most digit checked. Digits only. */
bool ident_luhn(const char *digits);
bool ident_mod10(const char *digits); /* GS1, weights 3 1 3 1 from the right */
bool ident_mod11(const char *digits); /* weights 2 to 7 from the right, X not allowed */

/* Is there a card number in this text: 12 to 19 digits, possibly in groups split by single spaces
 * or hyphens, in an issuer's range with an issuer's length, Luhn right, and not a valid GTIN-13/14
 * where `product` says that a product code is expected. A '+' in front of 12 or 13 digits makes a
 * phone number of them. Full-width and Arabic digits count as digits. */
bool pan_find(const char *text, bool product);
/* The same, masked in place: every digit but the last four becomes '*'. How many were masked. */
int pan_mask(char *text);

#endif

/* Names: of kinds and of reasons, as they stand in events, and as a person reads them. */
#include <string.h>

#include "identity/ident.h"

static const char *const kind_names[IDENT_KIND_COUNT] = {
    [IDENT_NONE] = "none",   [IDENT_LOYALTY] = "loyalty", [IDENT_PHONE] = "phone",
    [IDENT_EMAIL] = "email", [IDENT_GSRN] = "gsrn",       [IDENT_WALLET] = "wallet",
    [IDENT_PAR] = "par",     [IDENT_ACCOUNT] = "account", [IDENT_VAT_ID] = "vat_id",
};

static const struct {
	const char *name, *text;
} reasons[IDENT_REASON_COUNT] = {
    [IDENT_OK] = {"ok", "Good"},
    [IDENT_EMPTY] = {"empty", "Nothing was read"},
    [IDENT_TOO_LONG] = {"too_long", "Too long for a card, phone number or address"},
    [IDENT_CONTROL] = {"control", "Not readable: a control character in it"},
    [IDENT_NOT_TEXT] = {"not_text", "Not readable: not UTF-8 text"},
    [IDENT_CARD_NUMBER] = {"card_number", "Payment card: not read"},
    [IDENT_LETTERS] = {"letters", "Letters or signs where this number has none"},
    [IDENT_CHECK_DIGIT] = {"check_digit", "A digit is wrong: read or type it again"},
    [IDENT_SCHEME] = {"unknown_scheme", "Not a card of this chain"},
    [IDENT_PRODUCT] = {"product", "A product, not a customer card"},
    [IDENT_PROVIDER] = {"provider", "A card of staff or a provider, not a customer's"},
    [IDENT_GS1_OTHER] = {"gs1_other", "A GS1 code that names no customer"},
    [IDENT_GS1_FORM] = {"gs1_form", "A GS1 code that is not well formed"},
    [IDENT_LINK] = {"link", "A web address that names no customer of this chain"},
    [IDENT_ROTATING] = {"rotating", "A code that changes: ask for the card or phone number"},
    [IDENT_EXTENSION] = {"extension", "A phone number with an extension: ask for another"},
    [IDENT_PHONE_REGION] = {"phone_region", "A phone number without its country code"},
    [IDENT_PHONE_FORM] = {"phone_form", "Not a phone number"},
    [IDENT_EMAIL_FORM] = {"email_form", "Not an e-mail address"},
    [IDENT_VAT_FORM] = {"vat_form", "Not a VAT number with its country in front"},
    [IDENT_PAR_FORM] = {"par_form", "Not a payment account reference"},
    [IDENT_CONSENT] = {"consent", "Only for a customer who agreed to be known by payment"},
};

const char *ident_kind_name(enum ident_kind kind)
{
	return kind_names[kind];
}

enum ident_kind ident_kind_of(const char *name)
{
	for (int kind = IDENT_NONE; kind < IDENT_KIND_COUNT; kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return (enum ident_kind)kind;
	return IDENT_NONE;
}

const char *ident_reason_name(enum ident_reason reason)
{
	return reasons[reason].name;
}

const char *ident_reason_text(enum ident_reason reason)
{
	return reasons[reason].text;
}

#include <string.h>

#include "identity/consent.h"

static const char *const purposes[CONSENT_PURPOSE_COUNT] = {
    [CONSENT_LOYALTY] = "loyalty",
    [CONSENT_MARKETING] = "marketing",
    [CONSENT_PERSONALISATION] = "personalisation",
    [CONSENT_RECOGNISE_BY_PAYMENT] = "recognise_by_payment",
    [CONSENT_PROFILING] = "profiling",
    [CONSENT_SELL_SHARE] = "sell_share",
};

static const char *const channels[CONSENT_CHANNEL_COUNT] = {
    [CONSENT_ANY] = "any",   [CONSENT_EMAIL] = "email", [CONSENT_SMS] = "sms",
    [CONSENT_CALL] = "call", [CONSENT_POST] = "post",   [CONSENT_PUSH] = "push",
};

static const char *const values[CONSENT_VALUE_COUNT] = {
    [CONSENT_NOT_ASKED] = "not_asked", [CONSENT_GRANTED] = "granted",
    [CONSENT_PENDING] = "pending",     [CONSENT_REFUSED] = "refused",
    [CONSENT_WITHDRAWN] = "withdrawn",
};

static const char *const methods[CONSENT_METHOD_COUNT] = {
    [CONSENT_TILL] = "till",           [CONSENT_PAPER] = "paper",
    [CONSENT_CUSTOMER] = "customer",   [CONSENT_STAFF] = "staff",
    [CONSENT_IMPORT] = "import",       [CONSENT_STOP] = "stop",
    [CONSENT_COMPLAINT] = "complaint", [CONSENT_CONFIRMED] = "confirmed",
};

static const char *name_of(const char *const *names, int count, int i)
{
	return i >= 0 && i < count ? names[i] : "";
}

static int named(const char *const *names, int count, const char *name)
{
	int i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

const char *consent_purpose_name(enum consent_purpose p)
{
	return name_of(purposes, CONSENT_PURPOSE_COUNT, (int)p);
}

const char *consent_channel_name(enum consent_channel c)
{
	return name_of(channels, CONSENT_CHANNEL_COUNT, (int)c);
}

const char *consent_value_name(enum consent_value v)
{
	return name_of(values, CONSENT_VALUE_COUNT, (int)v);
}

const char *consent_method_name(enum consent_method m)
{
	return name_of(methods, CONSENT_METHOD_COUNT, (int)m);
}

enum consent_purpose consent_purpose_named(const char *name)
{
	return (enum consent_purpose)named(purposes, CONSENT_PURPOSE_COUNT, name);
}

enum consent_channel consent_channel_named(const char *name)
{
	return (enum consent_channel)named(channels, CONSENT_CHANNEL_COUNT, name);
}

enum consent_value consent_value_named(const char *name)
{
	return (enum consent_value)named(values, CONSENT_VALUE_COUNT, name);
}

enum consent_method consent_method_named(const char *name)
{
	return (enum consent_method)named(methods, CONSENT_METHOD_COUNT, name);
}

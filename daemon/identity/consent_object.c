#include "identity/consent_object.h"

#include <jansson.h>
#include <string.h>

#include "event/member.h"

static const struct {
	const char *name;
	enum consent_purpose purpose;
	enum consent_channel channel;
} categories[CONSENT_CATEGORY_COUNT] = {
    [CONSENT_CATEGORY_LOYALTY] = {"loyalty", CONSENT_LOYALTY, CONSENT_ANY},
    [CONSENT_CATEGORY_MARKETING_CALL] = {"marketing_call", CONSENT_MARKETING, CONSENT_CALL},
    [CONSENT_CATEGORY_MARKETING_EMAIL] = {"marketing_email", CONSENT_MARKETING, CONSENT_EMAIL},
    [CONSENT_CATEGORY_MARKETING_POST] = {"marketing_post", CONSENT_MARKETING, CONSENT_POST},
    [CONSENT_CATEGORY_MARKETING_PUSH] = {"marketing_push", CONSENT_MARKETING, CONSENT_PUSH},
    [CONSENT_CATEGORY_MARKETING_SMS] = {"marketing_sms", CONSENT_MARKETING, CONSENT_SMS},
    [CONSENT_CATEGORY_PERSONALISATION] = {"personalisation", CONSENT_PERSONALISATION, CONSENT_ANY},
    [CONSENT_CATEGORY_PROFILING] = {"profiling", CONSENT_PROFILING, CONSENT_ANY},
    [CONSENT_CATEGORY_RECOGNISE_BY_PAYMENT] = {"recognise_by_payment", CONSENT_RECOGNISE_BY_PAYMENT,
                                               CONSENT_ANY},
    [CONSENT_CATEGORY_SELL_SHARE] = {"sell_share", CONSENT_SELL_SHARE, CONSENT_ANY},
};

const char *consent_category_name(enum consent_category c)
{
	return c < CONSENT_CATEGORY_COUNT ? categories[c].name : "";
}

enum consent_category consent_category_named(const char *name)
{
	int c = 0;

	while (c < CONSENT_CATEGORY_COUNT && strcmp(categories[c].name, name) != 0)
		c++;
	return (enum consent_category)c;
}

static bool goes_to_address(enum consent_channel c)
{
	return c == CONSENT_EMAIL || c == CONSENT_SMS || c == CONSENT_CALL;
}

static bool ask(const struct consent_person *p, enum consent_category c, const struct ref *address)
{
	struct consent_question q = {.purpose = categories[c].purpose,
	                             .channel = categories[c].channel,
	                             .unit = p->unit,
	                             .unit_count = p->unit_count,
	                             .restricted = p->restricted};
	struct consent_answer a;

	if (address)
		q.address = *address;
	consent_evaluate(p->choice, p->choice_count, &q, &a);
	return a.allowed;
}

static bool allowed(const struct consent_person *p, enum consent_category c)
{
	size_t asked = 0, granted = 0;

	if (!goes_to_address(categories[c].channel))
		return ask(p, c, NULL);
	for (size_t i = 0; i < p->address_count; i++) {
		if (p->address[i].channel != categories[c].channel)
			continue;
		asked++;
		granted += ask(p, c, &p->address[i].address);
	}
	return asked > 0 && granted == asked;
}

void consent_object_write(struct buf *out, const struct consent_person *p)
{
	buf_str(out, "{\"categoryPreferences\":{");
	for (int c = 0; c < CONSENT_CATEGORY_COUNT; c++)
		member_bool(out, categories[c].name, allowed(p, (enum consent_category)c));
	buf_str(out, "}}");
}

static const char *forward_suppression(const struct json_t *payload)
{
	static const char *const members[] = {"type", "customer_id", "order_id", "time"};
	size_t known = 0;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		known += json_is_string(json_object_get(payload, members[i]));
	if (known == 0 || known != json_object_size(payload))
		return "more_than_suppression";
	return NULL;
}

const char *consent_forward(const struct consent_route *route, const struct json_t *event)
{
	if (route->suppression)
		return forward_suppression(event);
	const json_t *consent = json_object_get(json_object_get(event, "context"), "consent");
	const json_t *preferences = json_object_get(consent, "categoryPreferences");
	if (!json_is_object(preferences))
		return "no_consent_object";
	if (route->needs == 0 || route->needs >> CONSENT_CATEGORY_COUNT)
		return "no_category";
	for (int c = 0; c < CONSENT_CATEGORY_COUNT; c++) {
		if (route->needs >> c & 1 &&
		    !json_is_true(json_object_get(preferences, categories[c].name)))
			return "not_allowed";
	}
	return NULL;
}

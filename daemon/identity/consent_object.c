#include "identity/consent_object.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
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

static void ask(const struct consent_person *p, enum consent_category c, const struct ref *address,
                struct consent_answer *out)
{
	struct consent_question q = {.purpose = categories[c].purpose,
	                             .channel = categories[c].channel,
	                             .unit = p->unit,
	                             .unit_count = p->unit_count,
	                             .restricted = p->restricted};

	if (address)
		q.address = *address;
	consent_evaluate(p->choice, p->choice_count, &q, out);
}

static bool allowed(const struct consent_person *p, enum consent_category c)
{
	size_t asked = 0, granted = 0;
	struct consent_answer a;

	if (!goes_to_address(categories[c].channel)) {
		ask(p, c, NULL, &a);
		return a.allowed;
	}
	for (size_t i = 0; i < p->address_count; i++) {
		if (p->address[i].channel != categories[c].channel)
			continue;
		ask(p, c, &p->address[i].address, &a);
		asked++;
		granted += a.allowed;
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

static void put_because(struct buf *out, const struct consent_choice *c)
{
	char at[CLOCK_ISO8601_SIZE], id[EVENT_ID_SIZE];

	clock_iso8601(c->from_us, at);
	buf_printf(out, " %s by %s %s", consent_value_name(c->value),
	           consent_method_name(c->method), at);
	if (c->to_us != c->from_us) {
		clock_iso8601(c->to_us, at);
		buf_printf(out, " to %s", at);
	}
	text_b64(c->id.byte, sizeof c->id.byte, id);
	buf_printf(out, ", choice %s", id);
}

/* What says the same behind the one that was named: without all of them the answer is another one.
 * `left` is p's choices, which grow fewer. */
static void put_also(const struct consent_person *p, enum consent_category c,
                     const struct ref *address, struct consent_choice *left, struct buf *out)
{
	struct consent_person rest = *p;
	struct consent_answer first, a;

	rest.choice = left;
	ask(&rest, c, address, &first);
	for (a = first; a.because;) {
		size_t i = (size_t)(a.because - left);
		left[i] = left[--rest.choice_count];
		ask(&rest, c, address, &a);
		if (!a.because || a.value != first.value || a.allowed != first.allowed)
			return;
		buf_str(out, "; also");
		put_because(out, a.because);
	}
}

static void put_line(const struct consent_person *p, enum consent_category c,
                     const struct consent_address *to, struct consent_choice *left, struct buf *out)
{
	const struct ref *address = to ? &to->address : NULL;
	char ref[EVENT_ID_SIZE];
	struct consent_answer a;

	ask(p, c, address, &a);
	buf_printf(out, "consent %s", categories[c].name);
	if (to) {
		text_b64(to->address.byte, sizeof to->address.byte, ref);
		buf_printf(out, " to %s", to->label ? to->label : ref);
	}
	buf_printf(out, ": %s, %s", a.allowed ? "yes" : "no", a.rule);
	/* Of who is restricted no choice makes it so. */
	if (a.because && strcmp(a.rule, "restricted") != 0) {
		buf_byte(out, ';');
		put_because(out, a.because);
		if (p->choice_count)
			memcpy(left, p->choice, p->choice_count * sizeof *left);
		put_also(p, c, address, left, out);
	}
	buf_byte(out, '\n');
}

static void put_lines(const struct consent_person *p, struct consent_choice *left, struct buf *out)
{
	for (int i = 0; i < CONSENT_CATEGORY_COUNT; i++) {
		enum consent_category c = (enum consent_category)i;
		size_t lines = 0;
		if (!goes_to_address(categories[c].channel)) {
			put_line(p, c, NULL, left, out);
			continue;
		}
		for (size_t k = 0; k < p->address_count; k++) {
			if (p->address[k].channel != categories[c].channel)
				continue;
			put_line(p, c, &p->address[k], left, out);
			lines++;
		}
		if (lines == 0)
			buf_printf(out, "consent %s: no, there is no such address\n",
			           categories[c].name);
	}
}

void consent_why(const struct consent_person *p, struct buf *out)
{
	struct consent_choice *left = memory_zeroed(p->choice_count + 1, sizeof *left);

	out->failed = out->failed || !left;
	if (left)
		put_lines(p, left, out);
	free(left);
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

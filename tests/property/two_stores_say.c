/* What stores and HQ say, by chance. */
#include "two_stores.h"

#include <jansson.h>

#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_unit.h"
#include "identity/field_json.h"

const struct said_ident idents[IDENTS] = {
    {"phone", "+4915127418395"},  {"phone", "+4915127418396"},  {"phone", "+4915127418397"},
    {"loyalty", "2600000000017"}, {"loyalty", "2600000000024"}, {"loyalty", "2600000000031"},
    {"email", "a@example.org"},   {"email", "b@example.org"},   {"email", "c@example.org"}};
static const char *const names[] = {"Anna", "anna", "Bert", "Carla", ""};
static const char *const last_names[] = {"Berg", "Hahn", ""};
static const char *const languages[] = {"de", "fr", ""};

unsigned below(struct bench *b, unsigned n)
{
	return property_below(&b->r, n);
}

struct ref a_ref(struct bench *b)
{
	struct ref ref;
	uint64_t one = property_next(&b->r), two = property_next(&b->r);
	memcpy(ref.byte, &one, 8);
	memcpy(ref.byte + 8, &two, 8);
	return ref;
}

const char *text_of(const struct ref *ref)
{
	static char text[8][EVENT_ID_SIZE];
	static int next;
	next = (next + 1) % 8;
	text_b64(ref->byte, sizeof ref->byte, text[next]);
	return text[next];
}

/* ---- what a store says ---- */

static void add_field(struct buf *out, const char *field, const char *value)
{
	if (value[0])
		buf_printf(out, "%s\"%s\":\"%s\"", out->len ? "," : "", field, value);
}

#define ONE_OF(list) (list)[below(b, sizeof(list) / sizeof *(list))]

static void fields_of(struct bench *b, struct buf *out)
{
	add_field(out, "first_name", ONE_OF(names));
	add_field(out, "language", ONE_OF(languages));
	add_field(out, "last_name", ONE_OF(last_names));
	buf_byte(out, '\0');
}

static void claim_of(struct bench *b, const struct ref *unit, struct buf *out)
{
	/* as many phones as all others, for most rules are about them */
	const struct said_ident *is = &idents[below(b, 2) ? below(b, 3) : 3 + below(b, 6)];
	struct ref ref = a_ref(b);
	if (b->claim_count == sizeof b->claim / sizeof b->claim[0])
		return;
	buf_printf(out, "%s{\"kind\":\"%s\",\"ref\":\"%s\",\"value\":\"%s\",\"verified\":%s}",
	           out->len ? "," : "", is->kind, text_of(&ref), is->value,
	           strcmp(is->kind, "loyalty") == 0 || below(b, 5) == 0 ? "true" : "false");
	b->claim[b->claim_count] = ref;
	b->claim_unit[b->claim_count++] = *unit;
}

static void say_person(struct bench *b, struct shop *s, const struct ref *unit, bool enrolled)
{
	struct buf fields = {0}, claims = {0};
	struct ref id = enrolled ? *unit : a_ref(b);
	char properties[300], sealed[700], drop[64] = "", about[64] = "";
	fields_of(b, &fields);
	for (size_t i = 0; !enrolled && !drop[0] && i < b->claim_count; i++)
		if (ref_same(&b->claim_unit[i], unit) && below(b, 8) == 0)
			snprintf(drop, sizeof drop, "\"drop\":[\"%s\"],", text_of(&b->claim[i]));
	if (enrolled || below(b, 4) == 0)
		claim_of(b, unit, &claims);
	if (enrolled && below(b, 3) == 0)
		claim_of(b, unit, &claims);
	buf_byte(&claims, '\0');
	if (!enrolled)
		snprintf(about, sizeof about, ",\"unit\":\"%s\"", text_of(unit));
	snprintf(properties, sizeof properties,
	         "{\"age_ok\":%s,\"by\":\"%s\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         enrolled ? "true" : "null", below(b, 6) ? "till" : "manager", text_of(&id));
	snprintf(sealed, sizeof sealed, "{%s\"fields\":{%s},\"identifiers\":[%s]%s}", drop,
	         (char *)fields.data, (char *)claims.data, about);
	shop_say(s, enrolled ? "Customer Enrolled" : "Customer Corrected", properties, sealed);
	s->event[s->journal->seq].id = id;
	s->event[s->journal->seq].unit = *unit;
	snprintf(b->what, sizeof b->what, "%s says %s", s->journal->name, sealed);
	buf_free(&fields);
	buf_free(&claims);
}

bool known_person(struct bench *b, struct shop *s, struct ref *unit, struct overlay_person *p)
{
	const struct overlay_hq hq = shop_hq(s);
	for (int tries = 0; b->unit_count && tries < 8; tries++) {
		*unit = b->unit[below(b, (unsigned)b->unit_count)];
		if (overlay_person(s->o, &hq, "unit", text_of(unit), p) == 1)
			return true;
	}
	return false;
}

static bool known_unit(struct bench *b, struct shop *s, struct ref *unit)
{
	struct overlay_person p;
	if (!known_person(b, s, unit, &p))
		return false;
	overlay_person_free(&p);
	return true;
}

static void say_points(struct bench *b, struct shop *s, const struct ref *unit)
{
	char properties[300], sealed[100];
	struct ref entry = a_ref(b);
	snprintf(properties, sizeof properties,
	         "{\"balance_as_of\":null,\"balance_seen\":null,\"change_type\":\"accumulate\","
	         "\"entry_id\":\"%s\",\"order_id\":null,\"points\":%u,\"reservation_id\":null,"
	         "\"reverses\":null}",
	         text_of(&entry), 1 + below(b, 100));
	snprintf(sealed, sizeof sealed, "{\"unit\":\"%s\"}", text_of(unit));
	shop_say(s, "Points Changed", properties, sealed);
	snprintf(b->what, sizeof b->what, "%s counts points of %s", s->journal->name,
	         text_of(unit));
}

/* About whom the store sees, for one of the addresses or none. */
static void say_choice(struct bench *b, struct shop *s)
{
	static const char *const values[] = {"granted", "refused", "withdrawn"};
	static const char *const purposes[] = {"marketing", "personalisation", "profiling"};
	static const char *const channels[] = {"any", "email", "sms"};
	static const char *const methods[] = {"till", "till", "customer", "stop"};
	char properties[500], at[CLOCK_ISO8601_SIZE];
	struct ref id = a_ref(b), unit;
	struct overlay_person p;
	struct buf sealed = {0};
	const char *method = ONE_OF(methods);
	bool stop = strcmp(method, "stop") == 0;
	if (!known_person(b, s, &unit, &p))
		return;
	clock_iso8601(b->w->wall_us, at);
	snprintf(properties, sizeof properties,
	         "{\"channel\":\"%s\",\"choice_id\":\"%s\",\"chosen_from\":\"%s\",\"chosen_to\":"
	         "\"%s\",\"language\":\"de\",\"method\":\"%s\",\"proof_ref\":null,\"purpose\":"
	         "\"%s\",\"scope\":\"chain\",\"text_version\":\"1\",\"value\":\"%s\"}",
	         ONE_OF(channels), text_of(&id), at, at, method,
	         stop ? "marketing" : ONE_OF(purposes), stop ? "withdrawn" : ONE_OF(values));
	buf_str(&sealed, "{");
	if (p.claim_count && (stop || below(b, 2)))
		buf_printf(&sealed, "\"address\":\"%s\",",
		           text_of(&p.claim[below(b, (unsigned)p.claim_count)].ref));
	for (size_t i = 0; i < p.unit_count && i < 8; i++)
		buf_printf(&sealed, "%s\"%s\"", i ? "," : "\"covers\":[", text_of(&p.unit[i]));
	buf_printf(&sealed, "],\"id\":\"%s\",\"unit\":\"%s\"}", text_of(&id), text_of(&unit));
	buf_byte(&sealed, '\0');
	shop_say(s, "Consent Changed", properties, (char *)sealed.data);
	snprintf(b->what, sizeof b->what, "%s says %s of %s", s->journal->name, properties,
	         (char *)sealed.data);
	buf_free(&sealed);
	overlay_person_free(&p);
}

bool say(struct bench *b, struct shop *s)
{
	unsigned what = below(b, 100);
	struct ref unit;
	b->w->wall_us += 1000000 * (1 + below(b, 5));
	b->events++;
	if (what < 30 || !known_unit(b, s, &unit)) {
		if (b->unit_count == UNITS_MAX)
			return true;
		b->unit[b->unit_count++] = unit = a_ref(b);
		say_person(b, s, &unit, true);
	} else if (what < 52) {
		say_person(b, s, &unit, false);
	} else if (what < 60) {
		say_points(b, s, &unit);
	} else if (what < 72) {
		say_choice(b, s);
	} else if (what < 80) {
		say_link(b, s);
	} else if (what < 87) {
		return say_unlink(b, s);
	} else if (what < 95) {
		say_block(b, s);
	} else {
		return say_unblock(b, s);
	}
	return true;
}

/* ---- what HQ says ---- */

static int64_t unit_number(struct bench *b, const struct ref *unit)
{
	return hq_db_int(b->w->db, 0, HQ_SQL_UNIT_BY_REF, "b", unit->byte, sizeof unit->byte);
}

/* Birth dates, too, which no store knows. */
void steward_says(struct bench *b)
{
	static const char *const words[][2] = {{"first_name", "Dora"},
	                                       {"language", "it"},
	                                       {"birth_date", "1990-02-28"},
	                                       {"birth_date", "1991-03-01"}};
	const char *const *word = ONE_OF(words);
	struct hq_said said = {.field = word[0],
	                       .value = word[1],
	                       .source = below(b, 2) ? "steward" : "import",
	                       .from_us = b->w->wall_us,
	                       .to_us = b->w->wall_us};
	said.ref = a_ref(b);
	said.unit = b->unit_count ? unit_number(b, &b->unit[below(b, (unsigned)b->unit_count)]) : 0;
	if (!said.unit)
		return;
	assert_int_equal(hq_db_begin(b->w->db), 0);
	hq_unit_say(b->w->db, &said);
	assert_int_equal(hq_persons_fold(b->w->db, &b->w->scope, b->w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(b->w->db), 0);
	snprintf(b->what, sizeof b->what, "HQ's steward says %s", said.value);
}

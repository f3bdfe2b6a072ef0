/* What stores and HQ say, by chance. */
#include "two_stores.h"

#include <jansson.h>

#include "hq/identity/hq_links.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_unit.h"
#include "identity/field_json.h"

const char *const phones[3] = {"+4915127418395", "+4915127418396", "+4915127418397"};
const char *const cards[3] = {"2600000000017", "2600000000024", "2600000000031"};
const char *const mails[3] = {"a@example.org", "b@example.org", "c@example.org"};
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
	unsigned kind = below(b, 4);
	struct ref ref = a_ref(b);
	if (b->claim_count == sizeof b->claim / sizeof b->claim[0])
		return;
	buf_printf(out, "%s{\"kind\":\"%s\",\"ref\":\"%s\",\"value\":\"%s\",\"verified\":%s}",
	           out->len ? "," : "",
	           kind < 2    ? "phone"
	           : kind == 2 ? "email"
	                       : "loyalty",
	           text_of(&ref),
	           kind < 2    ? ONE_OF(phones)
	           : kind == 2 ? ONE_OF(mails)
	                       : ONE_OF(cards),
	           kind == 3 ? "true" : "false");
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
	         "{\"age_ok\":%s,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         enrolled ? "true" : "null", text_of(&id));
	snprintf(sealed, sizeof sealed, "{%s\"fields\":{%s},\"identifiers\":[%s]%s}", drop,
	         (char *)fields.data, (char *)claims.data, about);
	shop_say(s, enrolled ? "Customer Enrolled" : "Customer Corrected", properties, sealed);
	s->event[s->journal->seq].id = id;
	s->event[s->journal->seq].unit = *unit;
	snprintf(b->what, sizeof b->what, "%s says %s", s->journal->name, sealed);
	buf_free(&fields);
	buf_free(&claims);
}

/* One of the units that this store knows; false: none. */
static bool known_unit(struct bench *b, struct shop *s, struct ref *out)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_person p;
	for (int tries = 0; b->unit_count && tries < 8; tries++) {
		*out = b->unit[below(b, (unsigned)b->unit_count)];
		if (overlay_person(s->o, &hq, "unit", text_of(out), &p) == 1) {
			overlay_person_free(&p);
			return true;
		}
	}
	return false;
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

static void say_choice(struct bench *b, struct shop *s, const struct ref *unit)
{
	static const char *const values[] = {"granted", "refused", "withdrawn"};
	static const char *const purposes[] = {"marketing", "personalisation", "profiling"};
	char properties[500], sealed[200], at[CLOCK_ISO8601_SIZE];
	struct ref id = a_ref(b);
	clock_iso8601(b->w->wall_us, at);
	snprintf(properties, sizeof properties,
	         "{\"channel\":\"any\",\"choice_id\":\"%s\",\"chosen_from\":\"%s\",\"chosen_to\":"
	         "\"%s\",\"language\":\"de\",\"method\":\"till\",\"proof_ref\":null,\"purpose\":"
	         "\"%s\",\"scope\":\"chain\",\"text_version\":\"1\",\"value\":\"%s\"}",
	         text_of(&id), at, at, ONE_OF(purposes), ONE_OF(values));
	snprintf(sealed, sizeof sealed, "{\"covers\":[\"%s\"],\"id\":\"%s\",\"unit\":\"%s\"}",
	         text_of(unit), text_of(&id), text_of(unit));
	shop_say(s, "Consent Changed", properties, sealed);
	snprintf(b->what, sizeof b->what, "%s says %s of %s", s->journal->name, properties,
	         text_of(unit));
}

static void say_link(struct bench *b, struct shop *s, const struct ref *a, const struct ref *c)
{
	char properties[400];
	struct ref id = a_ref(b);
	bool apart = below(b, 2) == 0;
	snprintf(properties, sizeof properties,
	         "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"%s\",\"link_id\":\"%s\","
	         "\"right_ref\":\"%s\",\"rule\":\"%s\",\"ruleset\":\"1\",\"status\":\"confirmed\"}",
	         text_of(a), text_of(&id), text_of(c), apart ? "not_me" : "manual");
	shop_say(s, apart ? "Identity Unlinked" : "Identity Linked", properties, NULL);
	snprintf(b->what, sizeof b->what, "%s says %s", s->journal->name, properties);
}

void say(struct bench *b, struct shop *s)
{
	unsigned what = below(b, 100);
	struct ref unit, other;
	b->w->wall_us += 1000000 * (1 + below(b, 5));
	b->events++;
	if (what < 35 || !known_unit(b, s, &unit)) {
		if (b->unit_count == UNITS_MAX)
			return;
		b->unit[b->unit_count++] = unit = a_ref(b);
		say_person(b, s, &unit, true);
	} else if (what < 65) {
		say_person(b, s, &unit, false);
	} else if (what < 78) {
		say_points(b, s, &unit);
	} else if (what < 92) {
		say_choice(b, s, &unit);
	} else if (known_unit(b, s, &other) && !ref_same(&unit, &other)) {
		say_link(b, s, &unit, &other);
	}
}

/* ---- what HQ says ---- */

static int64_t unit_number(struct bench *b, const struct ref *unit)
{
	return hq_db_int(b->w->db, 0, HQ_SQL_UNIT_BY_REF, "b", unit->byte, sizeof unit->byte);
}

void steward_says(struct bench *b)
{
	struct hq_said said = {.field = below(b, 2) ? "first_name" : "language",
	                       .source = "steward",
	                       .from_us = b->w->wall_us,
	                       .to_us = b->w->wall_us};
	said.ref = a_ref(b);
	said.value = strcmp(said.field, "language") == 0 ? "it" : "Dora";
	said.unit = b->unit_count ? unit_number(b, &b->unit[below(b, (unsigned)b->unit_count)]) : 0;
	if (!said.unit)
		return;
	assert_int_equal(hq_db_begin(b->w->db), 0);
	hq_unit_say(b->w->db, &said);
	assert_int_equal(hq_persons_fold(b->w->db, &b->w->scope, b->w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(b->w->db), 0);
	snprintf(b->what, sizeof b->what, "HQ's steward says %s", said.value);
}

void steward_does(struct bench *b)
{
	const struct hq_links l = {b->w->db, &b->w->scope, b->w->wall_us};
	static const char *const actions[] = {"link", "apart", "confirm"};
	unsigned n = (unsigned)world_number(b->w, "SELECT count(*) FROM profile");
	char first[16], second[16], err[200];
	if (n < 2)
		return;
	snprintf(first, sizeof first, "C%06u", 1 + below(b, n));
	snprintf(second, sizeof second, "C%06u", 1 + below(b, n));
	json_t *ask = json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "action", ONE_OF(actions), "actor",
	                        "eva", "reason", "so", "first", first, "second", second, "yes", 1);
	json_decref(hq_links_do(&l, ask, err, sizeof err));
	snprintf(b->what, sizeof b->what, "HQ: %s %s %s",
	         json_string_value(json_object_get(ask, "action")), first, second);
	json_decref(ask);
}

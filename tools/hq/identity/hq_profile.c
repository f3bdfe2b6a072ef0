#include "hq/identity/hq_profile.h"

#include <sqlite3.h>
#include <string.h>

#include "base/text.h"
#include "hq/identity/hq_unit.h"
#include "identity/field.h"
#include "store/vault.h"

#define OWNERS_MAX 256 /* of one address that are looked at: beyond, it is anybody's */

uint64_t hq_profile_version(struct hq_db *db)
{
	return (uint64_t)hq_db_meta(db, "version");
}

/* A card is one person's; an address may be several people's, which the fold finds. */
static bool is_ones_own(enum ident_kind kind)
{
	return kind != IDENT_PHONE && kind != IDENT_EMAIL;
}

/* What the newest import said of the unit; "" nothing. */
static void said_before(struct hq_db *db, int64_t n, const char *field, char *out, size_t size)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_FACT_SAID, "itt", n, field, "import");

	out[0] = '\0';
	if (!hq_db_row(db, q))
		return;
	text_copy(out, size, hq_db_text(q, 0));
	hq_db_end(q);
}

static bool other_names(const char *one, const char *two)
{
	char a[FIELD_VALUE_SIZE], b[FIELD_VALUE_SIZE];

	field_compare_form(one, a, sizeof a);
	field_compare_form(two, b, sizeof b);
	return a[0] && b[0] && strcmp(a, b) != 0;
}

/* Another first name, or another birth date: two people with one address. */
static bool is_another(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	char said[FIELD_VALUE_SIZE];

	said_before(db, n, "birth_date", said, sizeof said);
	if (said[0] && p->birth_date && strcmp(said, p->birth_date) != 0)
		return true;
	said_before(db, n, "first_name", said, sizeof said);
	if (!said[0])
		said_before(db, n, "name", said, sizeof said);
	return other_names(said, p->first_name ? p->first_name : p->name ? p->name : "");
}

/* Whose record has this identifier of the row's out of an import; 0 nobody, -1 several. What only a
 * store has said makes no record of two: that is the fold's to decide. */
static int64_t owner_of(struct hq_db *db, const struct hq_person *p, int i)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_IDENT_OWNERS, "tti", ident_kind_name(p->ident[i].kind),
	                p->ident[i].value, (int64_t)OWNERS_MAX);
	int64_t n = 0, one;
	int hits = 0;

	while (hq_db_row(db, q)) {
		one = sqlite3_column_int64(q, 0);
		if (!is_ones_own(p->ident[i].kind) && is_another(db, one, p))
			continue;
		n = one;
		hits++;
	}
	return hits > 1 ? -1 : n;
}

/* By the key, else by the first identifier that is known. */
static int64_t find_person(struct hq_db *db, const struct hq_person *p)
{
	int64_t n = 0;

	if (p->external)
		n = hq_db_int(db, 0, HQ_SQL_PROFILE_BY_EXTERNAL, "t", p->external);
	for (int i = 0; i < p->ident_count && n == 0; i++)
		n = owner_of(db, p, i);
	return n < 0 && p->external ? 0 : n;
}

/* A customer that came without the chain's key so far gets it with the first row that names it; one
 * that has another key is another customer. */
static int64_t adopt(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	if (!p->external || n == 0 ||
	    hq_db_int(db, 0, HQ_SQL_PROFILE_BY_EXTERNAL, "t", p->external) == n)
		return n;
	return hq_db_run(db, HQ_SQL_PROFILE_ADOPT, "it", n, p->external) == 1 ? n : 0;
}

static bool has_ident(struct hq_db *db, int64_t n, const struct hq_person *p, int i)
{
	return hq_db_int(db, 0, HQ_SQL_CLAIM_OF, "tti", ident_kind_name(p->ident[i].kind),
	                 p->ident[i].value, n) != 0;
}

/* The first identifier that says that this is somebody else; -1: none. */
static int contradiction(struct hq_db *db, int64_t n, const struct hq_person *p, int64_t *other)
{
	for (int i = 0; i < p->ident_count; i++) {
		*other = is_ones_own(p->ident[i].kind)
		             ? hq_db_int(db, 0, HQ_SQL_IDENT_OTHER, "tti",
		                         ident_kind_name(p->ident[i].kind), p->ident[i].value, n)
		             : 0;
		if (*other != 0)
			return i;
	}
	return -1;
}

void hq_profile_conflict(struct hq_db *db, const struct hq_person *p, struct hq_conflict *out)
{
	*out = (struct hq_conflict){.ident = -1};
	if (p->external)
		out->unit = hq_db_int(db, 0, HQ_SQL_PROFILE_BY_EXTERNAL, "t", p->external);
	for (int i = 0; i < p->ident_count && out->unit == 0; i++) {
		out->unit = owner_of(db, p, i);
		out->ident = i;
	}
	if (out->unit > 0)
		out->ident = contradiction(db, out->unit, p, &out->other);
	else
		out->unit = 0;
}

static int missing_idents(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	int missing = 0;

	for (int i = 0; i < p->ident_count; i++)
		missing += !has_ident(db, n, p, i);
	return missing;
}

static int add_idents(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	int added = 0;

	for (int i = 0; i < p->ident_count; i++) {
		/* A card or an account was handed out by the chain; a number or an address is only
		 * what somebody said. */
		struct hq_claim claim = {.unit = n,
		                         .kind = p->ident[i].kind,
		                         .value = p->ident[i].value,
		                         .typed = p->ident[i].typed,
		                         .verified = p->ident[i].kind != IDENT_PHONE &&
		                                     p->ident[i].kind != IDENT_EMAIL,
		                         .source = "import"};
		if (has_ident(db, n, p, i))
			continue;
		claim.at.seq = hq_unit_sequence(db);
		added += hq_unit_claim(db, &claim);
	}
	return added;
}

/* What the newest import said already stands as it is. */
static bool say(struct hq_db *db, int64_t n, const struct hq_person *p, const char *field,
                const char *value)
{
	struct sqlite3_stmt *q;
	bool same;

	if (!value)
		return false;
	q = hq_db_query(db, HQ_SQL_FACT_SAID, "itt", n, field, "import");
	same = hq_db_row(db, q);
	if (same) {
		same = strcmp(hq_db_text(q, 0), value) == 0;
		hq_db_end(q);
	}
	return !same && hq_unit_say(db, &(struct hq_said){.unit = n,
	                                                  .field = field,
	                                                  .value = value,
	                                                  .source = "import",
	                                                  .from_us = p->as_of_us,
	                                                  .to_us = p->as_of_us});
}

static bool say_all(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	const struct {
		const char *field, *value;
	} said[] = {
	    {"first_name", p->first_name},
	    {"last_name", p->last_name},
	    {"name", p->name},
	    {"birth_date", p->birth_date},
	    {"language", p->language},
	    {"street", p->street},
	    {"postcode", p->postcode},
	    {"city", p->city},
	    {"country", p->country},
	    {"tier", p->tier},
	    {"state", p->state},
	};
	bool changed = false;

	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
		changed |= say(db, n, p, said[i].field, said[i].value);
	return changed;
}

/* The address that a channel writes to, where the row says one; 0: about the person. */
static int64_t address_of(struct hq_db *db, const struct hq_person *p, enum consent_channel channel)
{
	enum ident_kind kind = channel == CONSENT_EMAIL                            ? IDENT_EMAIL
	                       : channel == CONSENT_SMS || channel == CONSENT_CALL ? IDENT_PHONE
	                                                                           : IDENT_NONE;

	for (int i = 0; i < p->ident_count && kind != IDENT_NONE; i++) {
		if (p->ident[i].kind == kind)
			return hq_unit_ident(db, kind, p->ident[i].value);
	}
	return 0;
}

/* The same import again says nothing new. */
static bool choose(struct hq_db *db, int64_t n, const struct hq_person *p,
                   const struct hq_person_choice *c)
{
	int64_t address = address_of(db, p, c->channel);
	const void *no_claim = NULL;
	const char *no_language = NULL;
	struct ref id, unit = {0};

	if (hq_db_int(db, 0, HQ_SQL_CHOICE_SAID, "itttiit", n, consent_purpose_name(c->purpose),
	              consent_channel_name(c->channel), consent_value_name(c->value), c->from_us,
	              address, c->text) != 0 ||
	    !hq_unit_ref(db, n, &unit))
		return false;
	vault_random(id.byte, sizeof id.byte);
	if (hq_db_run(db, HQ_SQL_CHOICE_PUT, "biibtttttttiibiiii", id.byte, sizeof id.byte, n,
	              address, no_claim, (size_t)0, consent_purpose_name(c->purpose),
	              consent_channel_name(c->channel), consent_value_name(c->value), "import",
	              c->text[0] ? c->text : NULL, no_language, c->how[0] ? c->how : NULL,
	              c->from_us, c->to_us, unit.byte, sizeof unit.byte, (int64_t)0,
	              hq_unit_sequence(db), (int64_t)0, (int64_t)0) != 1)
		return false;
	hq_db_run(db, HQ_SQL_CHOICE_COVER, "bb", id.byte, sizeof id.byte, unit.byte,
	          sizeof unit.byte);
	return true;
}

static bool choose_all(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	bool changed = false;

	for (int i = 0; i < p->choice_count; i++)
		changed |= choose(db, n, p, &p->choice[i]);
	return changed;
}

static bool set_points(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	if (!p->has_points && !p->points_as_of)
		return false;
	return hq_db_run(db, HQ_SQL_PROFILE_POINTS, "iit", n, p->has_points ? p->points : INT64_MIN,
	                 p->points_as_of) == 1;
}

static enum hq_upsert delete_person(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	if (n == 0)
		return HQ_UPSERT_SAME;
	hq_unit_forget(db, n, p->as_of_us);
	return HQ_UPSERT_CHANGED;
}

static bool is_company(const struct hq_person *p)
{
	for (int i = 0; i < p->ident_count; i++) {
		if (p->ident[i].kind == IDENT_ACCOUNT || p->ident[i].kind == IDENT_VAT_ID)
			return true;
	}
	return false;
}

static bool is_somebody(const struct hq_person *p)
{
	for (int i = 0; i < p->ident_count; i++) {
		enum ident_kind kind = p->ident[i].kind;
		if (kind == IDENT_LOYALTY || kind == IDENT_GSRN || kind == IDENT_WALLET)
			return true;
	}
	return p->first_name || p->last_name || p->birth_date;
}

/* Whoever buys for a company is not the company. */
static bool is_the_other(struct hq_db *db, int64_t n, const struct hq_person *p)
{
	bool company = hq_db_int(db, 0, HQ_SQL_UNIT_COMPANY, "i", n) != 0;

	return company ? is_somebody(p) : is_company(p);
}

enum hq_upsert hq_profile_upsert(struct hq_db *db, const struct hq_person *person, int64_t *unit)
{
	int64_t n = find_person(db, person), other;
	bool is_new, changed;

	*unit = 0;
	if (n < 0 || (n > 0 && contradiction(db, n, person, &other) >= 0))
		return HQ_UPSERT_AMBIGUOUS;
	if (n > 0 && is_the_other(db, n, person))
		return HQ_UPSERT_OTHER;
	n = adopt(db, n, person);
	is_new = n == 0;
	if (person->state && strcmp(person->state, "deleted") == 0)
		return delete_person(db, n, person);
	if (!is_new &&
	    hq_db_int(db, 0, HQ_SQL_CLAIM_COUNT, "i", n) + missing_idents(db, n, person) >
	        HQ_PROFILE_IDENTS_MAX)
		return HQ_UPSERT_FULL;
	if (is_new)
		n = hq_unit_new(db, &(struct hq_unit){.external = person->external,
		                                      .confirmed = true,
		                                      .company = is_company(person)});
	*unit = n;
	changed = say_all(db, n, person);
	changed |= set_points(db, n, person);
	changed |= add_idents(db, n, person) > 0;
	changed |= choose_all(db, n, person);
	if (is_new || changed)
		hq_db_run(db, HQ_SQL_DIRTY_ADD, "i", n);
	return is_new ? HQ_UPSERT_NEW : changed ? HQ_UPSERT_CHANGED : HQ_UPSERT_SAME;
}

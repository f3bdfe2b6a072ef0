/* What a store shows of everybody, and what HQ knows of them out of its own tables. */
#include "two_stores.h"

#include "hq/identity/hq_facts.h"
#include "hq/tell/hq_page.h"
#include "identity/consent_json.h"
#include "identity/consent_object.h"

#define CHOICES_MAX 400
#define ADDRESSES_MAX 24
#define CLAIMS_MAX 360

static size_t place_of(const struct bench *b, const struct ref *unit)
{
	size_t i = 0;
	while (i < b->unit_count && !ref_same(&b->unit[i], unit))
		i++;
	return i;
}

/* ---- words that are the same wherever they come from ---- */

static void put_fields(const struct field_fact *fact, size_t count, struct buf *out)
{
	size_t win[FIELD_COUNT];
	field_choose(fact, count, win);
	for (int f = 0; f < FIELD_COUNT; f++)
		if (win[f] < count && f != FIELD_BIRTH_DATE) /* of which no store is told */
			buf_printf(out, " %s=%s", field_name((enum field)f),
			           fact[win[f]].value ? fact[win[f]].value : "");
	buf_byte(out, '\n');
}

static void put_profile(struct view *v, size_t at, const struct shown *p)
{
	struct buf *out = &v->unit[at];
	v->points[at] = p->points;
	buf_printf(out, "unit %zu: %s; %s; %s;", at, p->first_name, p->name, p->language);
}

struct addresses {
	struct consent_address at[ADDRESSES_MAX];
	char label[ADDRESSES_MAX][64];
	size_t count;
};

/* Sorted by what they are, each once. */
static void add_address(struct addresses *a, const char *kind, const char *value,
                        const struct ref *ident)
{
	size_t i = 0;
	bool phone = strcmp(kind, "phone") == 0;
	if (!phone && strcmp(kind, "email") != 0)
		return;
	while (i < a->count && strcmp(a->label[i], value) < 0)
		i++;
	if (i < a->count && strcmp(a->label[i], value) == 0)
		return;
	assert_true(a->count < ADDRESSES_MAX);
	for (size_t k = a->count++; k > i; k--) {
		a->at[k] = a->at[k - 1];
		memcpy(a->label[k], a->label[k - 1], sizeof a->label[k]);
	}
	snprintf(a->label[i], sizeof a->label[i], "%s", value);
	a->at[i] = (struct consent_address){.channel = phone ? CONSENT_SMS : CONSENT_EMAIL,
	                                    .address = *ident};
}

static void put_consents(struct consent_person *asked, struct addresses *a, struct buf *out)
{
	for (size_t i = 0; i < a->count; i++)
		a->at[i].label = a->label[i];
	asked->address = a->at;
	asked->address_count = a->count;
	consent_why(asked, out);
}

/* One identifier: how many have it, and of each the lowest unit and what is said of it. */
struct holder {
	size_t who;
	bool shared, blocked;
};

static void put_holders(const char *value, struct holder *h, size_t n, struct buf *out)
{
	buf_printf(out, "%s: %zu", value, n);
	for (size_t u = 0; u <= UNITS_MAX; u++)
		for (size_t i = 0; i < n; i++)
			if (h[i].who == u)
				buf_printf(out, " %zu%s%s", u, h[i].shared ? " shared" : "",
				           h[i].blocked ? " blocked" : "");
	buf_byte(out, '\0');
}

static void has_ident(struct view *v, size_t at, const char *kind, const char *value)
{
	for (size_t i = 0; i < IDENTS; i++)
		if (strcmp(idents[i].kind, kind) == 0 && strcmp(idents[i].value, value) == 0)
			v->has[at][i] = true;
}

static int by_ref(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ref));
}

static void put_refs(struct ref *ref, size_t count, struct buf *out)
{
	if (count)
		qsort(ref, count, sizeof *ref, by_ref);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, " %s", text_of(&ref[i]));
	buf_byte(out, '\0');
}

/* ---- a store's ---- */

static void store_unit(struct bench *b, struct shop *s, size_t at, struct view *v)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_person p;
	struct addresses to = {0};
	struct ref ref[CLAIMS_MAX];
	struct buf *out = &v->unit[at];
	int rc = overlay_person(s->o, &hq, "unit", text_of(&b->unit[at]), &p);
	assert_true(rc >= 0);
	if (rc == 0)
		return;
	for (size_t i = 0; i < p.unit_count; i++)
		v->is[at][place_of(b, &p.unit[i])] = true;
	put_profile(v, at,
	            &(struct shown){p.profile.first_name, p.profile.name, p.profile.language,
	                            p.profile.has_points ? p.profile.points : 0});
	/* of whom it has parted it has no figure */
	v->no_points[at] = p.touched && !p.profile.has_points;
	put_fields(p.fact, p.fact_count, out);
	assert_true(p.claim_count < CLAIMS_MAX);
	for (size_t i = 0; i < p.claim_count; i++) {
		ref[i] = p.claim[i].ref;
		has_ident(v, at, p.claim[i].kind, p.claim[i].value);
		add_address(&to, p.claim[i].kind, p.claim[i].value, &p.claim[i].ident);
	}
	put_refs(ref, p.claim_count, &v->claims[at]);
	put_consents(&(struct consent_person){.choice = p.choice,
	                                      .choice_count = p.choice_count,
	                                      .unit = p.unit,
	                                      .unit_count = p.unit_count,
	                                      .restricted = p.profile.restricted},
	             &to, out);
	overlay_person_free(&p);
}

static size_t lowest_unit(struct bench *b, struct shop *s, const char *customer_id)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_person p;
	size_t low = UNITS_MAX;
	if (overlay_person(s->o, &hq, "customer_id", customer_id, &p) != 1)
		return low;
	for (size_t k = 0; k < p.unit_count; k++)
		if (place_of(b, &p.unit[k]) < low)
			low = place_of(b, &p.unit[k]);
	overlay_person_free(&p);
	return low;
}

static void store_ident(struct bench *b, struct shop *s, size_t at, struct view *v)
{
	struct shard_hit hit[HOLDERS_MAX];
	struct holder h[HOLDERS_MAX];
	int n = shop_find(s, idents[at].kind, idents[at].value, hit, HOLDERS_MAX);
	assert_true(n >= 0 && n <= HOLDERS_MAX);
	for (int i = 0; i < n; i++)
		h[i] = (struct holder){lowest_unit(b, s, hit[i].profile.customer_id), hit[i].shared,
		                       hit[i].blocked};
	put_holders(idents[at].value, h, (size_t)n, &v->ident[at]);
}

struct view *view_of(struct bench *b, struct shop *s)
{
	struct view *v = calloc(1, sizeof *v);
	assert_non_null(v);
	v->units = b->unit_count;
	for (size_t i = 0; i < b->unit_count; i++) {
		store_unit(b, s, i, v);
		buf_byte(&v->unit[i], '\0');
	}
	for (size_t i = 0; i < IDENTS; i++)
		store_ident(b, s, i, v);
	return v;
}

void view_free(struct view *v)
{
	for (size_t i = 0; i < UNITS_MAX; i++) {
		buf_free(&v->unit[i]);
		buf_free(&v->claims[i]);
	}
	for (size_t i = 0; i < IDENTS; i++)
		buf_free(&v->ident[i]);
	free(v);
}

/* ---- HQ's ---- */

static sqlite3_stmt *ask(struct bench *b, const char *sql, int64_t n)
{
	sqlite3_stmt *q = NULL;
	if (sqlite3_prepare_v2(hq_db_handle(b->w->db), sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(hq_db_handle(b->w->db)));
	if (n)
		sqlite3_bind_int64(q, 1, n);
	return q;
}

static void take_ref(sqlite3_stmt *q, int column, struct ref *out)
{
	if (sqlite3_column_bytes(q, column) == (int)sizeof out->byte)
		memcpy(out->byte, sqlite3_column_blob(q, column), sizeof out->byte);
}

static const char *text_at(sqlite3_stmt *q, int column)
{
	const unsigned char *text = sqlite3_column_text(q, column);
	return text ? (const char *)text : "";
}

/* All that anybody ever chose: who is meant is the evaluation's to tell. */
struct choices {
	struct consent_choice choice[CHOICES_MAX];
	struct ref covers[CHOICES_MAX][CONSENT_COVERS_MAX];
	char text[CHOICES_MAX][33];
	size_t count;
};

static void read_choices(struct bench *b, struct choices *all)
{
	sqlite3_stmt *q = ask(b,
	                      "SELECT ref, purpose, channel, value, method, text, from_us, to_us,"
	                      " (SELECT ref FROM profile WHERE n = unit), covers,"
	                      " (SELECT ref FROM ident WHERE ident.id = address) FROM choice",
	                      0);
	all->count = 0;
	while (sqlite3_step(q) == SQLITE_ROW) {
		assert_true(all->count < CHOICES_MAX);
		struct consent_choice *c = &all->choice[all->count];
		*c = (struct consent_choice){.purpose = consent_purpose_named(text_at(q, 1)),
		                             .channel = consent_channel_named(text_at(q, 2)),
		                             .value = consent_value_named(text_at(q, 3)),
		                             .method = consent_method_named(text_at(q, 4)),
		                             .has_text = text_at(q, 5)[0] != '\0',
		                             .from_us = sqlite3_column_int64(q, 6),
		                             .to_us = sqlite3_column_int64(q, 7),
		                             .covers = all->covers[all->count]};
		take_ref(q, 0, &c->id);
		take_ref(q, 8, &c->unit);
		take_ref(q, 10, &c->address);
		c->cover_count = (size_t)sqlite3_column_bytes(q, 9) / sizeof(struct ref);
		if (c->cover_count)
			memcpy(all->covers[all->count], sqlite3_column_blob(q, 9),
			       c->cover_count * sizeof(struct ref));
		all->count++;
	}
	sqlite3_finalize(q);
}

static void hq_profile(struct bench *b, int64_t person, size_t at, struct view *v)
{
	sqlite3_stmt *q =
	    ask(b, "SELECT first_name, name, language, points FROM profile WHERE n = ?1", person);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	put_profile(v, at,
	            &(struct shown){text_at(q, 0), text_at(q, 1), text_at(q, 2),
	                            sqlite3_column_int64(q, 3)});
	sqlite3_finalize(q);
}

static void hq_addresses(struct bench *b, int64_t person, size_t at, struct view *v,
                         struct addresses *to)
{
	struct ref ref[CLAIMS_MAX];
	size_t count = 0;
	sqlite3_stmt *q =
	    ask(b,
	        "SELECT ident.kind, ident.value, ident.ref, claim.ref FROM profile u JOIN claim"
	        " ON claim.unit = u.n JOIN ident ON ident.id = claim.ident WHERE"
	        " u.person = ?1 AND claim.fate = 'holds'",
	        person);
	while (sqlite3_step(q) == SQLITE_ROW) {
		struct ref ident = {0};
		assert_true(count < CLAIMS_MAX);
		take_ref(q, 2, &ident);
		take_ref(q, 3, &ref[count++]);
		has_ident(v, at, text_at(q, 0), text_at(q, 1));
		add_address(to, text_at(q, 0), text_at(q, 1), &ident);
	}
	sqlite3_finalize(q);
	put_refs(ref, count, &v->claims[at]);
}

static void hq_unit(struct bench *b, const struct choices *all, size_t at, struct view *v)
{
	struct hq_facts facts = {0};
	struct addresses to = {0};
	struct ref unit[UNITS_MAX];
	size_t count = 0;
	int64_t person = person_of(b, &b->unit[at]);
	sqlite3_stmt *q;
	assert_true(person > 0);
	q = ask(b, "SELECT ref FROM profile WHERE person = ?1", person);
	while (sqlite3_step(q) == SQLITE_ROW) {
		take_ref(q, 0, &unit[count]);
		v->is[at][place_of(b, &unit[count++])] = true;
	}
	sqlite3_finalize(q);
	hq_profile(b, person, at, v);
	hq_facts_of_person(&facts, b->w->db, person);
	put_fields(facts.fact, facts.count, &v->unit[at]);
	hq_facts_free(&facts);
	hq_addresses(b, person, at, v, &to);
	put_consents(&(struct consent_person){.choice = all->choice,
	                                      .choice_count = all->count,
	                                      .unit = unit,
	                                      .unit_count = count},
	             &to, &v->unit[at]);
}

static void hq_ident(struct bench *b, size_t at, struct view *v)
{
	char sql[600];
	struct holder h[HOLDERS_MAX];
	size_t n = 0;
	snprintf(sql, sizeof sql,
	         "SELECT u.person, ident.state FROM ident JOIN claim ON claim.ident = ident.id JOIN"
	         " profile u ON u.n = claim.unit WHERE ident.kind = '%s' AND ident.value = '%s' AND"
	         " (claim.fate = 'holds' OR claim.reason = 'blocked') GROUP BY u.person",
	         idents[at].kind, idents[at].value);
	sqlite3_stmt *q = ask(b, sql, 0);
	while (sqlite3_step(q) == SQLITE_ROW) {
		struct holder *is = &h[n++];
		assert_true(n < HOLDERS_MAX);
		*is = (struct holder){.who = UNITS_MAX,
		                      .shared = strcmp(text_at(q, 1), "shared") == 0,
		                      .blocked = strcmp(text_at(q, 1), "blocked") == 0};
		for (size_t u = 0; u < b->unit_count; u++)
			if (u < is->who && person_of(b, &b->unit[u]) == sqlite3_column_int64(q, 0))
				is->who = u;
	}
	sqlite3_finalize(q);
	put_holders(idents[at].value, h, n, &v->ident[at]);
}

int64_t person_of(struct bench *b, const struct ref *unit)
{
	char sql[100], hex[TEXT_HEX_SIZE(16)];
	text_hex(unit->byte, sizeof unit->byte, hex);
	snprintf(sql, sizeof sql, "SELECT person FROM profile WHERE ref = x'%s'", hex);
	return world_number(b->w, sql);
}

struct view *view_of_hq(struct bench *b)
{
	struct view *v = calloc(1, sizeof *v);
	struct choices *all = calloc(1, sizeof *all);
	assert_non_null(v);
	v->units = b->unit_count;
	assert_non_null(all);
	read_choices(b, all);
	for (size_t i = 0; i < b->unit_count; i++) {
		hq_unit(b, all, i, v);
		buf_byte(&v->unit[i], '\0');
	}
	for (size_t i = 0; i < IDENTS; i++)
		hq_ident(b, i, v);
	free(all);
	return v;
}

/* ---- side by side ---- */

bool view_same_person(const struct view *a, const struct view *b, size_t unit)
{
	return memcmp(a->is[unit], b->is[unit], sizeof a->is[unit]) == 0;
}

bool view_same_refs(const struct view *a, const struct view *b, size_t unit)
{
	return strcmp((const char *)a->claims[unit].data, (const char *)b->claims[unit].data) == 0;
}

bool view_same_claims(const struct view *a, const struct view *b, size_t unit)
{
	return memcmp(a->has[unit], b->has[unit], sizeof a->has[unit]) == 0;
}

bool view_same_words(const struct view *a, const struct view *b, size_t unit)
{
	bool points =
	    a->no_points[unit] || b->no_points[unit] || a->points[unit] == b->points[unit];
	return points &&
	       strcmp((const char *)a->unit[unit].data, (const char *)b->unit[unit].data) == 0;
}

bool view_same_ident(const struct view *a, const struct view *b, size_t ident)
{
	return strcmp((const char *)a->ident[ident].data, (const char *)b->ident[ident].data) == 0;
}

/* A line names so many; of more a store says nothing. */
bool view_is_large(const struct view *hq, size_t unit)
{
	size_t n = 0;
	for (size_t i = 0; i <= UNITS_MAX; i++)
		n += hq->is[unit][i];
	return n > HQ_PAGE_ENROLLED_MAX;
}

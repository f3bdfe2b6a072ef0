#include "hq/identity/hq_why.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_secret.h"
#include "hq/identity/hq_facts.h"
#include "hq/identity/hq_why_sums.h"
#include "identity/consent_object.h"
#include "store/db.h"

#define HQ_WHY_UNITS_MAX 256    /* of one person: FOLD_UNITS_MAX */
#define HQ_WHY_CHOICES_MAX 512  /* looked at; of more those that forbid, and the newest */
#define HQ_WHY_ADDRESSES_MAX 64 /* a phone is two */

struct why {
	struct sqlite3 *db;
	const struct hq_scope *scope;
	struct buf *out;
	int64_t person;
	bool failed;
	struct ref unit[HQ_WHY_UNITS_MAX];
	size_t unit_count;
	struct consent_address address[HQ_WHY_ADDRESSES_MAX];
	char label[HQ_WHY_ADDRESSES_MAX][HQ_SECRET_SIZE];
	size_t address_count;
	struct hq_facts facts;
	struct consent_choice choice[HQ_WHY_CHOICES_MAX];
	struct ref *covers[HQ_WHY_CHOICES_MAX];
	size_t choice_count;
	bool restricted;
};

static sqlite3_stmt *ask(struct why *w, const char *sql)
{
	sqlite3_stmt *q = db_prepare(w->db, sql);

	if (q)
		sqlite3_bind_int64(q, 1, w->person);
	else
		w->failed = true;
	return q;
}

static void put_ref(struct buf *out, const char *word, sqlite3_stmt *q, int column)
{
	char text[EVENT_ID_SIZE];
	struct ref ref;

	if (!hq_db_ref(q, column, &ref))
		return;
	text_b64(ref.byte, sizeof ref.byte, text);
	buf_printf(out, "%s %s", word, text);
}

static void put_time(struct buf *out, const char *word, int64_t us)
{
	char text[CLOCK_ISO8601_SIZE];

	clock_iso8601(us, text);
	buf_printf(out, "%s %s", word, text);
}

/* ---- who ---- */

static void put_units(struct why *w)
{
	sqlite3_stmt *q =
	    ask(w, "SELECT id, ref, confirmed, external FROM profile WHERE person = ?1"
	           " ORDER BY n");

	while (db_row(q, &w->failed)) {
		buf_printf(w->out, "record %s: %s%s%s;", hq_db_text(q, 0),
		           sqlite3_column_int(q, 2) ? "confirmed by HQ" : "enrolled in a store",
		           hq_db_text(q, 3)[0] ? ", the chain's " : "", hq_db_text(q, 3));
		put_ref(w->out, " unit", q, 1);
		buf_byte(w->out, '\n');
		if (w->unit_count < HQ_WHY_UNITS_MAX)
			w->unit_count += hq_db_ref(q, 1, &w->unit[w->unit_count]);
	}
	sqlite3_finalize(q);
}

/* What somebody said of this customer and another one who is one still. */
static void put_pairs(struct why *w)
{
	sqlite3_stmt *q =
	    ask(w, "SELECT a.id, b.id, op.ref, op.actor, op.made_us, op.why, op.kind FROM op JOIN"
	           " profile a ON a.ref = op.left JOIN profile b ON b.ref = op.right WHERE"
	           " (a.person = ?1) <> (b.person = ?1) AND op.kind IN ('apart', 'propose') AND"
	           " op.fate = 'holds' AND NOT EXISTS (SELECT 1 FROM op u WHERE u.left = op.ref"
	           " AND u.kind = 'undo') ORDER BY op.id");

	while (db_row(q, &w->failed)) {
		bool apart = strcmp(hq_db_text(q, 6), "apart") == 0;
		buf_printf(w->out, "%s %s and %s: said by %s", apart ? "apart" : "proposed",
		           hq_db_text(q, 0), hq_db_text(q, 1), hq_db_text(q, 3));
		put_time(w->out, "", sqlite3_column_int64(q, 4));
		buf_printf(w->out, ", \"%s\"%s;", hq_db_text(q, 5),
		           apart ? "" : ", a steward decides");
		put_ref(w->out, " link", q, 2);
		buf_byte(w->out, '\n');
	}
	sqlite3_finalize(q);
}

static void put_matches(struct why *w)
{
	sqlite3_stmt *q = ask(
	    w,
	    "SELECT a.id, b.id, op.ref, op.actor, op.made_us, op.why, op.rules FROM op JOIN"
	    " profile a ON a.ref = op.left JOIN profile b ON b.ref = op.right WHERE a.person = ?1"
	    " AND b.person = ?1 AND op.kind = 'link' AND op.fate = 'holds' ORDER BY op.id");
	char shown[HQ_SECRET_SIZE];

	while (db_row(q, &w->failed)) {
		buf_printf(w->out, "match %s and %s: said by %s", hq_db_text(q, 0),
		           hq_db_text(q, 1), hq_db_text(q, 3));
		put_time(w->out, "", sqlite3_column_int64(q, 4));
		buf_printf(w->out, ", \"%s\", holds by rules %s;", hq_db_text(q, 5),
		           hq_db_text(q, 6));
		put_ref(w->out, " link", q, 2);
		buf_byte(w->out, '\n');
	}
	sqlite3_finalize(q);
	q = ask(
	    w,
	    "SELECT a.id, b.id, j.id, ident.kind, ident.value, j.rules FROM joined j JOIN profile a"
	    " ON a.n = j.unit JOIN profile b ON b.n = j.other JOIN ident ON ident.id = j.ident"
	    " WHERE a.person = ?1 AND b.person = ?1 AND j.fate = 'holds' ORDER BY a.n, b.n");
	while (db_row(q, &w->failed)) {
		hq_secret_mask(hq_db_text(q, 4), shown);
		buf_printf(w->out, "match %s and %s: both have %s %s, by rules %s;",
		           hq_db_text(q, 0), hq_db_text(q, 1), hq_db_text(q, 3), shown,
		           hq_db_text(q, 5));
		put_ref(w->out, " link", q, 2);
		buf_byte(w->out, '\n');
	}
	sqlite3_finalize(q);
}

/* Why not, of two with one identifier (fold_reason_name). */
static const char *but(const char *reason)
{
	static const char *const text[][2] = {
	    {"limit", "together they have more identifiers than one person may"},
	    {"two_confirmed", "HQ vouches for both"},
	    {"birth_dates", "their birth dates differ"},
	    {"first_names", "their first names differ"},
	    {"last_names", "their last names differ"},
	    {"not_verified", "not both have proven it"},
	    {"not_alike", "neither a first name nor a birth date says that they are the same"},
	    {"not_offline", "who was enrolled first could be known where the other was"},
	    {"kept_apart", "somebody said that they are two"},
	    {"company", "one is a company"},
	    {"shared", "it is several people's"},
	};

	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
		if (strcmp(text[i][0], reason) == 0)
			return text[i][1];
	}
	return reason;
}

static void put_refusals(struct why *w)
{
	sqlite3_stmt *q =
	    ask(w, "SELECT a.id, b.id, j.id, ident.kind, ident.value, j.reason FROM joined j"
	           " JOIN profile a ON a.n = j.unit JOIN profile b ON b.n = j.other"
	           " JOIN ident ON ident.id = j.ident WHERE (a.person = ?1 OR b.person = ?1)"
	           " AND a.person <> b.person AND j.fate = 'refused' ORDER BY a.n, b.n, j.id");
	char shown[HQ_SECRET_SIZE];

	while (db_row(q, &w->failed)) {
		hq_secret_mask(hq_db_text(q, 4), shown);
		buf_printf(w->out, "no match %s and %s: both have %s %s, but %s, by rules %s;",
		           hq_db_text(q, 0), hq_db_text(q, 1), hq_db_text(q, 3), shown,
		           but(hq_db_text(q, 5)), w->scope->rules->version);
		put_ref(w->out, " link", q, 2);
		buf_byte(w->out, '\n');
	}
	sqlite3_finalize(q);
}

/* ---- identifiers ---- */

static void add_address(struct why *w, enum consent_channel channel, sqlite3_stmt *q,
                        const char *shown)
{
	struct consent_address *a = &w->address[w->address_count];

	if (w->address_count == HQ_WHY_ADDRESSES_MAX || !hq_db_ref(q, 7, &a->address))
		return;
	for (size_t i = 0; i < w->address_count; i++) {
		if (w->address[i].channel == channel &&
		    ref_same(&w->address[i].address, &a->address))
			return; /* claimed by another unit too */
	}
	a->channel = channel;
	text_copy(w->label[w->address_count], sizeof w->label[0], shown);
	a->label = w->label[w->address_count++];
}

static void put_identifier(struct why *w, sqlite3_stmt *q)
{
	enum ident_kind kind = ident_kind_of(hq_db_text(q, 0));
	const struct rule *rule = rule_of(w->scope->rules, kind);
	const char *state = hq_db_text(q, 5);
	char shown[HQ_SECRET_SIZE];

	hq_secret_mask(hq_db_text(q, 1), shown);
	buf_printf(w->out, "identifier %s: %s; %s,", hq_db_text(q, 0), shown,
	           sqlite3_column_int(q, 2) ? "verified" : "not verified");
	put_ref(w->out, " claim", q, 3);
	buf_printf(w->out, ", of %s, %s", hq_db_text(q, 4), hq_db_text(q, 6));
	if (strcmp(hq_db_text(q, 8), "holds") != 0)
		buf_printf(w->out, "; %s: %s", hq_db_text(q, 8), hq_db_text(q, 9));
	else if (strcmp(state, "one") != 0)
		buf_printf(w->out, "; %s", state);
	if (rule)
		buf_printf(w->out, "; rule %s of rules %s, trust %d", rule->name, hq_db_text(q, 10),
		           rule->trust);
	buf_byte(w->out, '\n');
	if (strcmp(hq_db_text(q, 8), "holds") != 0)
		return;
	if (kind == IDENT_EMAIL)
		add_address(w, CONSENT_EMAIL, q, shown);
	if (kind == IDENT_PHONE) {
		add_address(w, CONSENT_SMS, q, shown);
		add_address(w, CONSENT_CALL, q, shown);
	}
}

static void put_identifiers(struct why *w)
{
	sqlite3_stmt *q =
	    ask(w, "SELECT ident.kind, ident.value, claim.verified, claim.ref, u.id, ident.state,"
	           " claim.source, ident.ref, claim.fate, claim.reason, claim.rules"
	           " FROM profile u JOIN claim"
	           " ON claim.unit = u.n JOIN ident ON ident.id = claim.ident WHERE u.person = ?1"
	           " AND claim.fate <> 'undone' ORDER BY ident.kind, ident.value, u.n");

	while (db_row(q, &w->failed))
		put_identifier(w, q);
	sqlite3_finalize(q);
}

/* What people and guards said of them: `blocked phone ****569: said by store s1 <time>, "a poster";
 * link Ab..`. What lifts it is the last of its lines. */
static void put_blocks(struct why *w)
{
	sqlite3_stmt *q =
	    ask(w, "WITH mine(id) AS (SELECT DISTINCT claim.ident FROM profile u JOIN claim ON"
	           " claim.unit = u.n WHERE u.person = ?1 AND claim.fate <> 'undone'), said(ident,"
	           " op, what) AS (SELECT o.ident, o.id, CASE o.kind WHEN 'block' THEN 'blocked'"
	           " WHEN 'share' THEN 'shared' ELSE 'unblocked' END FROM mine JOIN op o ON o.ident"
	           " = mine.id UNION SELECT o.ident, x.id, 'unblocked' FROM mine JOIN op o ON"
	           " o.ident = mine.id JOIN op x ON x.left = o.ref AND x.kind = 'undo')"
	           " SELECT said.what, ident.kind, ident.value, op.actor, coalesce(store.name, ''),"
	           " op.made_us, op.why, op.ref FROM said JOIN op ON op.id = said.op JOIN ident ON"
	           " ident.id = said.ident LEFT JOIN epoch ON epoch.id = op.epoch LEFT JOIN store"
	           " ON store.id = epoch.store ORDER BY ident.kind, ident.value, op.id LIMIT 64");
	char shown[HQ_SECRET_SIZE];

	while (db_row(q, &w->failed)) {
		hq_secret_mask(hq_db_text(q, 2), shown);
		buf_printf(w->out, "%s %s: %s; said by %s%s%s", hq_db_text(q, 0), hq_db_text(q, 1),
		           shown, hq_db_text(q, 3), hq_db_text(q, 4)[0] ? " " : "",
		           hq_db_text(q, 4));
		put_time(w->out, "", sqlite3_column_int64(q, 5));
		buf_printf(w->out, ", \"%s\";", hq_db_text(q, 6));
		put_ref(w->out, " link", q, 7);
		buf_byte(w->out, '\n');
	}
	sqlite3_finalize(q);
}

/* ---- values ---- */

static void put_fields(struct why *w)
{
	sqlite3_stmt *q =
	    ask(w, "SELECT f.field, f.ref, f.value, f.source, f.from_us, f.to_us, t.trust, u.ref"
	           " FROM profile u JOIN unit_fact f ON f.unit = u.n LEFT JOIN field_trust t"
	           " ON t.field = f.field AND t.source = f.source WHERE u.person = ?1"
	           " AND u.gone_us IS NULL ORDER BY u.n, f.field, f.ref");
	size_t winner[FIELD_COUNT];
	struct ref unit;

	while (db_row(q, &w->failed)) {
		if (hq_db_ref(q, 7, &unit))
			hq_facts_take(&w->facts, q, &unit);
	}
	sqlite3_finalize(q);
	field_why_person(w->facts.fact, w->facts.count, false, w->out);
	field_choose(w->facts.fact, w->facts.count, winner);
	if (winner[FIELD_STATE] < w->facts.count)
		w->restricted = strcmp(w->facts.fact[winner[FIELD_STATE]].value, "restricted") == 0;
}

/* ---- consent ---- */

static void take_choice(struct why *w, sqlite3_stmt *q)
{
	struct consent_choice *c = &w->choice[w->choice_count];
	size_t bytes = (size_t)sqlite3_column_bytes(q, 9);
	struct ref *covers = memory_zeroed(bytes + 1, 1);

	if (!covers)
		return;
	if (bytes)
		memcpy(covers, sqlite3_column_blob(q, 9), bytes);
	*c = (struct consent_choice){.purpose = consent_purpose_named(hq_db_text(q, 1)),
	                             .channel = consent_channel_named(hq_db_text(q, 2)),
	                             .value = consent_value_named(hq_db_text(q, 3)),
	                             .method = consent_method_named(hq_db_text(q, 4)),
	                             .has_text = hq_db_text(q, 5)[0] != '\0',
	                             .from_us = sqlite3_column_int64(q, 6),
	                             .to_us = sqlite3_column_int64(q, 7),
	                             .covers = covers,
	                             .cover_count = bytes / sizeof *covers};
	hq_db_ref(q, 0, &c->id);
	hq_db_ref(q, 8, &c->unit);
	hq_db_ref(q, 10, &c->address);
	w->covers[w->choice_count++] = covers;
}

static void put_consents(struct why *w)
{
	const struct consent_person asked = {.choice = w->choice,
	                                     .unit = w->unit,
	                                     .unit_count = w->unit_count,
	                                     .address = w->address,
	                                     .address_count = w->address_count,
	                                     .restricted = w->restricted};
	struct consent_person person = asked;
	sqlite3_stmt *q = ask(
	    w,
	    "SELECT c.ref, c.purpose, c.channel, c.value, c.method, c.text, c.from_us, c.to_us,"
	    " (SELECT ref FROM profile WHERE n = c.unit), c.covers,"
	    " (SELECT ref FROM ident WHERE ident.id = c.address) FROM choice c WHERE c.id IN ("
	    "SELECT choice.id FROM profile u JOIN choice ON choice.unit = u.n WHERE u.person = ?1"
	    " UNION SELECT choice.id FROM profile u JOIN claim ON claim.unit = u.n JOIN choice"
	    " ON choice.address = claim.ident WHERE u.person = ?1 AND (choice.unit IS NULL OR"
	    " choice.method IN ('stop', 'complaint')) UNION SELECT k.choice FROM"
	    " profile u JOIN choice_cover k ON k.unit = u.ref WHERE u.person = ?1)"
	    /* one about an address that nobody has is no word about the person */
	    " AND (c.address IS NOT NULL OR c.claim IS NULL)"
	    /* of too many, what grants is left out first */
	    " ORDER BY c.value = 'granted', c.to_us DESC, c.ref");

	while (db_row(q, &w->failed)) {
		if (w->choice_count < HQ_WHY_CHOICES_MAX)
			take_choice(w, q);
	}
	sqlite3_finalize(q);
	person.choice_count = w->choice_count;
	consent_why(&person, w->out);
	for (size_t i = 0; i < w->choice_count; i++)
		free(w->covers[i]);
}

static void put_all(struct why *w)
{
	put_units(w);
	put_matches(w);
	put_pairs(w);
	put_refusals(w);
	put_identifiers(w);
	put_blocks(w);
	put_fields(w);
	w->failed |= !hq_why_sums(w->db, w->person, w->scope->currency, w->out);
	put_consents(w);
	hq_facts_free(&w->facts);
}

/* The person's number; 0: not known. */
static int64_t find(struct sqlite3 *db, const char *customer_id, struct buf *out, bool *failed)
{
	sqlite3_stmt *q = db_prepare(db, "SELECT p.n, p.id, u.gone_us IS NOT NULL FROM profile u"
	                                 " JOIN profile p ON p.n = u.person WHERE u.id = ?1");
	int64_t n = 0;

	if (!q) {
		*failed = true;
		return 0;
	}
	sqlite3_bind_text(q, 1, customer_id, -1, SQLITE_STATIC);
	if (db_row(q, failed) && !sqlite3_column_int(q, 2)) {
		n = sqlite3_column_int64(q, 0);
		buf_printf(out, "customer: %s", hq_db_text(q, 1));
		if (strcmp(hq_db_text(q, 1), customer_id) != 0)
			buf_printf(out, "; %s is part of it", customer_id);
		buf_byte(out, '\n');
	}
	sqlite3_finalize(q);
	return n;
}

int hq_why(struct sqlite3 *db, const struct hq_scope *scope, const char *customer_id,
           struct buf *out)
{
	struct why *w;
	bool failed = false;
	int64_t person = find(db, customer_id, out, &failed);

	if (failed || person == 0)
		return failed ? -1 : 0;
	w = memory_zeroed(1, sizeof *w);
	if (!w)
		return -1;
	w->db = db;
	w->scope = scope;
	w->out = out;
	w->person = person;
	put_all(w);
	failed = w->failed || out->failed;
	free(w);
	return failed ? -1 : 1;
}

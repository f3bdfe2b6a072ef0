/* Units out of hq.db: of each field the fact that stands, of contacts those that hold. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/hint/hq_duplicates.h"
#include "identity/field.h"
#include "store/db.h"

#define VALUE_SIZE 256 /* of a field that is compared; longer ones are cut */
#define PROGRESS_US 2000000

/* Units ?1 to ?2. In order of units, so that contacts are read along. */
#define FACTS                                                                                      \
	"SELECT u.n, u.person, f.field, f.value, f.source, f.from_us, f.to_us, f.ref, s.name,"     \
	" t.trust"                                                                                 \
	" FROM profile u LEFT JOIN unit_fact f ON f.unit = u.n LEFT JOIN epoch e ON e.id = "       \
	"f.epoch LEFT JOIN field_trust t ON t.field = f.field AND t.source = f.source"             \
	" LEFT JOIN store s ON s.id = e.store WHERE u.gone_us IS NULL AND u.company = 0"           \
	" AND u.n BETWEEN ?1 AND ?2 ORDER BY u.n"
#define CONTACTS                                                                                   \
	"SELECT c.unit, i.kind, i.value FROM claim c JOIN ident i ON i.id = c.ident"               \
	" WHERE c.fate = 'holds' AND i.kind IN ('phone', 'email') ORDER BY c.unit, c.id"
#define APART                                                                                      \
	"SELECT min(a.person, b.person), max(a.person, b.person) FROM op"                          \
	" JOIN profile a ON a.ref = op.left JOIN profile b ON b.ref = op.right"                    \
	" WHERE op.kind = 'apart' AND op.fate = 'holds' ORDER BY 1, 2"

/* The unit that is being read. */
struct unit {
	struct hq_unit_row row;
	struct field_fact best[FIELD_COUNT];
	char value[FIELD_COUNT][VALUE_SIZE];
	char contact[2][SCORE_CONTACTS_MAX][VALUE_SIZE + 80];
	char source[96];
};

struct load {
	struct hq_units *u;
	sqlite3_stmt *contacts;
	bool has_contact, failed;
	const char *what;
	int64_t told_us;
};

static const char *text(sqlite3_stmt *q, int column)
{
	const char *t = (const char *)sqlite3_column_text(q, column);

	return t ? t : "";
}

static sqlite3_stmt *facts_of(struct sqlite3 *db, int64_t from, int64_t to)
{
	sqlite3_stmt *q = db_prepare(db, FACTS);

	if (!q || (sqlite3_bind_int64(q, 1, from) == SQLITE_OK &&
	           sqlite3_bind_int64(q, 2, to) == SQLITE_OK))
		return q;
	sqlite3_finalize(q);
	return NULL;
}

static void begin(struct unit *unit, sqlite3_stmt *q)
{
	memset(unit, 0, sizeof *unit);
	unit->row.unit = (uint32_t)sqlite3_column_int64(q, 0);
	unit->row.person = (uint32_t)sqlite3_column_int64(q, 1);
}

/* Where it came from is where the first word of it came from. */
static void note_source(struct unit *unit, sqlite3_stmt *q, int64_t when_us)
{
	if (unit->source[0] && when_us >= unit->row.since_us)
		return;
	unit->row.since_us = when_us;
	snprintf(unit->source, sizeof unit->source, "%s%s%s", text(q, 4), *text(q, 8) ? " " : "",
	         text(q, 8));
}

static void take_fact(struct unit *unit, sqlite3_stmt *q)
{
	enum field field = field_named(text(q, 2));
	enum field_source source = field_source_named(text(q, 4));
	struct field_fact f = {.field = field,
	                       .source = field_source_name(source),
	                       .from_us = sqlite3_column_int64(q, 5),
	                       .to_us = sqlite3_column_int64(q, 6),
	                       .value = text(q, 3)};

	if (field == FIELD_COUNT || source == FIELD_SOURCE_COUNT ||
	    sqlite3_column_bytes(q, 7) != sizeof f.id.byte)
		return;
	memcpy(f.id.byte, sqlite3_column_blob(q, 7), sizeof f.id.byte);
	f.trust = sqlite3_column_type(q, 9) == SQLITE_NULL ? field_trust(NULL, field, f.source)
	                                                   : sqlite3_column_int(q, 9);
	note_source(unit, q, f.to_us);
	if (unit->best[field].source && !field_wins(&f, &unit->best[field]))
		return;
	text_fit(unit->value[field], VALUE_SIZE, f.value);
	f.value = unit->value[field];
	unit->best[field] = f;
}

/* The contacts of this unit, of which the query stands on the first, or in front of it. */
static void take_contacts(struct load *l, struct unit *unit)
{
	int count[2] = {0, 0};

	for (;;) {
		if (!l->has_contact || sqlite3_column_int64(l->contacts, 0) > unit->row.unit)
			return;
		int kind = strcmp(text(l->contacts, 1), "phone") == 0 ? 0 : 1;
		if (sqlite3_column_int64(l->contacts, 0) == unit->row.unit &&
		    count[kind] < SCORE_CONTACTS_MAX)
			snprintf(unit->contact[kind][count[kind]++], sizeof unit->contact[0][0],
			         "%s", text(l->contacts, 2));
		l->has_contact = db_row(l->contacts, &l->failed);
	}
}

static struct score_plain plain_of(const struct unit *unit)
{
	struct score_plain p = {.first_name = unit->value[FIELD_FIRST_NAME],
	                        .last_name = unit->value[FIELD_LAST_NAME],
	                        .name = unit->value[FIELD_NAME],
	                        .birth_date = unit->value[FIELD_BIRTH_DATE],
	                        .street = unit->value[FIELD_STREET],
	                        .postcode = unit->value[FIELD_POSTCODE],
	                        .city = unit->value[FIELD_CITY]};

	for (int i = 0; i < SCORE_CONTACTS_MAX; i++) {
		p.phone[i] = unit->contact[0][i];
		p.mail[i] = unit->contact[1][i];
	}
	return p;
}

static void tell(struct load *l)
{
	int64_t now;

	if (!l->what || l->u->count % 1024 != 0)
		return;
	now = clock_mono_us(clock_system());
	if (now - l->told_us < PROGRESS_US)
		return;
	l->told_us = now;
	fprintf(stderr, "%s: %zu records read\n", l->what, l->u->count);
}

static int end(struct load *l, struct unit *unit)
{
	struct hq_units *u = l->u;
	struct score_plain plain;

	if (unit->row.unit == 0)
		return 0;
	take_contacts(l, unit);
	if (u->count == u->room) {
		size_t room = u->room ? u->room * 2 : 4096;
		struct hq_unit_row *row = memory_more(u->row, room * sizeof *row);
		if (!row)
			return -1;
		u->row = row;
		u->room = room;
	}
	unit->row.source = hq_intern_add(&u->source, unit->source[0] ? unit->source : "?");
	plain = plain_of(unit);
	if (unit->row.source == HQ_INTERN_NONE || hq_people_add(u->people, &plain) < 0)
		return -1;
	u->row[u->count++] = unit->row;
	tell(l);
	return 0;
}

static int read_units(struct load *l, sqlite3_stmt *q)
{
	struct unit *unit = memory_zeroed(1, sizeof *unit);
	int rc = unit ? 0 : -1;

	while (rc == 0 && db_row(q, &l->failed)) {
		if ((uint32_t)sqlite3_column_int64(q, 0) != unit->row.unit) {
			rc = end(l, unit);
			begin(unit, q);
		}
		if (sqlite3_column_type(q, 2) != SQLITE_NULL)
			take_fact(unit, q);
	}
	if (rc == 0)
		rc = end(l, unit);
	free(unit);
	return rc;
}

static int read_apart(struct sqlite3 *db, struct hq_units *u, bool *failed)
{
	sqlite3_stmt *q = db_prepare(db, APART);
	size_t room = 0;
	int rc = q ? 0 : -1;

	while (rc == 0 && db_row(q, failed)) {
		uint64_t pair = (uint64_t)sqlite3_column_int64(q, 0) << 32 |
		                (uint64_t)sqlite3_column_int64(q, 1);
		if (u->apart_count == room) {
			uint64_t *more;
			room = room ? room * 2 : 64;
			more = memory_more(u->apart, room * sizeof *more);
			if (!more) {
				rc = -1;
				break;
			}
			u->apart = more;
		}
		u->apart[u->apart_count++] = pair;
	}
	sqlite3_finalize(q);
	return rc;
}

int hq_units_load(struct sqlite3 *db, const char *what, struct hq_units *out)
{
	struct load l = {.u = out, .what = what, .told_us = clock_mono_us(clock_system())};
	sqlite3_stmt *facts;
	int rc = -1;

	*out = (struct hq_units){.people = hq_people_new()};
	/* One moment for all three: a fold in between must not show half of itself. */
	if (!out->people || db_exec(db, "BEGIN") != 0)
		return -1;
	facts = facts_of(db, 0, INT64_MAX);
	l.contacts = db_prepare(db, CONTACTS);
	if (facts && l.contacts) {
		l.has_contact = db_row(l.contacts, &l.failed);
		rc = read_units(&l, facts);
	}
	if (rc == 0)
		rc = read_apart(db, out, &l.failed);
	sqlite3_finalize(facts);
	sqlite3_finalize(l.contacts);
	db_exec(db, "COMMIT");
	return l.failed ? -1 : rc;
}

void hq_units_free(struct hq_units *u)
{
	hq_people_free(u->people);
	hq_intern_free(&u->source);
	free(u->row);
	free(u->apart);
	*u = (struct hq_units){0};
}

void hq_units_shown(struct sqlite3 *db, uint32_t unit, char *out, size_t size)
{
	struct unit *one = memory_zeroed(1, sizeof *one);
	sqlite3_stmt *q = facts_of(db, unit, unit);
	struct score_plain plain;
	bool failed = false;

	out[0] = '\0';
	if (one && q) {
		while (db_row(q, &failed)) {
			if (sqlite3_column_type(q, 2) != SQLITE_NULL)
				take_fact(one, q);
		}
		plain = plain_of(one);
		score_mask(&plain, out, size);
	}
	sqlite3_finalize(q);
	free(one);
}

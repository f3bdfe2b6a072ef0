#include "hq/identity/hq_facts.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/num.h"

bool hq_facts_take(struct hq_facts *f, struct sqlite3_stmt *q, const struct ref *unit)
{
	enum field field = field_named(hq_db_text(q, 0));
	enum field_source source = field_source_named(hq_db_text(q, 3));
	const void *id = hq_db_bytes(q, 1, sizeof unit->byte);
	struct field_fact *fact;

	/* What a later release wrote stands here without a say. */
	if (field == FIELD_COUNT || source == FIELD_SOURCE_COUNT || !id)
		return true;
	if (f->count == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		fact = memory_more(f->fact, cap * sizeof *fact);
		if (!fact)
			goto err_failed;
		f->fact = fact;
		f->cap = cap;
	}
	fact = &f->fact[f->count];
	*fact = (struct field_fact){.field = field,
	                            .unit = *unit,
	                            .source = field_source_name(source),
	                            .from_us = sqlite3_column_int64(q, 4),
	                            .to_us = sqlite3_column_int64(q, 5)};
	memcpy(fact->id.byte, id, sizeof fact->id.byte);
	fact->trust = sqlite3_column_type(q, 6) == SQLITE_NULL
	                  ? field_trust(NULL, field, fact->source)
	                  : sqlite3_column_int(q, 6);
	fact->value = memory_text(hq_db_text(q, 2));
	if (!fact->value)
		goto err_failed;
	f->count++;
	return true;
err_failed:
	f->failed = true;
	return false;
}

void hq_facts_add(struct hq_facts *f, struct hq_db *db, int64_t unit, const struct ref *ref)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_FACT_ALL, "i", unit);

	while (hq_db_row(db, q)) {
		if (!hq_facts_take(f, q, ref)) {
			hq_db_end(q);
			return;
		}
	}
}

void hq_facts_of_person(struct hq_facts *f, struct hq_db *db, int64_t person)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_FACT_OF_PERSON, "i", person);
	struct ref unit;
	const void *bytes;

	while (hq_db_row(db, q)) {
		bytes = hq_db_bytes(q, 7, sizeof unit.byte);
		if (!bytes)
			continue;
		memcpy(unit.byte, bytes, sizeof unit.byte);
		if (!hq_facts_take(f, q, &unit)) {
			hq_db_end(q);
			return;
		}
	}
}

void hq_facts_free(struct hq_facts *f)
{
	for (size_t i = 0; i < f->count; i++)
		free((char *)f->fact[i].value);
	free(f->fact);
	*f = (struct hq_facts){0};
}

/* "1990-02-28" as 19900228; 0: it is none. */
static uint32_t day_of(const char *text)
{
	char digits[9];
	int64_t day;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return 0;
	memcpy(digits, text, 4);
	memcpy(digits + 4, text + 5, 2);
	memcpy(digits + 6, text + 8, 3);
	return num_i64(digits, 1, 99999999, &day) ? (uint32_t)day : 0;
}

void hq_facts_compared(struct hq_db *db, struct fold_unit *unit)
{
	size_t winner[FIELD_COUNT];
	struct hq_facts f = {0};

	hq_facts_add(&f, db, (int64_t)unit->number, &unit->ref);
	field_choose(f.fact, f.count, winner);
	if (winner[FIELD_FIRST_NAME] < f.count)
		field_compare_form(f.fact[winner[FIELD_FIRST_NAME]].value, unit->first_name,
		                   sizeof unit->first_name);
	if (winner[FIELD_LAST_NAME] < f.count)
		field_compare_form(f.fact[winner[FIELD_LAST_NAME]].value, unit->last_name,
		                   sizeof unit->last_name);
	if (winner[FIELD_BIRTH_DATE] < f.count)
		unit->born = day_of(f.fact[winner[FIELD_BIRTH_DATE]].value);
	hq_facts_free(&f);
}

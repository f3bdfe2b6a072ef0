#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/tell/hq_page.h"
#include "identity/field_json.h"
#include "identity/json_part.h"

void hq_page_read(struct hq_page_person *p, struct hq_db *db, int64_t person)
{
	*p = (struct hq_page_person){.db = db, .person = person};
	p->unit_count = (int)hq_db_int(db, 0, HQ_SQL_UNIT_COUNT, "i", person);
	if (p->unit_count > HQ_PAGE_UNITS_MAX)
		p->left_units = p->unit_count - HQ_PAGE_UNITS_MAX;
	if (p->unit_count > 1)
		p->left_matches =
		    (int)hq_db_int(db, 0, HQ_SQL_MATCH_COUNT, "i", person) - HQ_PAGE_MATCHES_MAX;
	hq_facts_of_person(&p->facts, db, person);
}

void hq_page_free(struct hq_page_person *p)
{
	hq_facts_free(&p->facts);
}

static void reference(struct buf *out, const char *key, const void *bytes)
{
	char text[EVENT_ID_SIZE];

	text_b64(bytes, EVENT_ID_BYTES, text);
	buf_printf(out, "\"%s\":\"%s\"", key, text);
}

/* A list whose entries are taken back where they would make it too long. */
struct list {
	struct buf *out;
	size_t begin, max, entry;
	int count;
};

static struct list open_list(struct buf *out, const char *key, size_t max)
{
	struct list l = {.out = out, .begin = out->len, .max = max};

	buf_printf(out, "\"%s\":[", key);
	return l;
}

static void open_entry(struct list *l)
{
	l->entry = l->out->len;
	buf_str(l->out, l->count ? ",{" : "{");
}

/* false: there was no room for it. */
static bool end_entry(struct list *l)
{
	if (l->out->len - l->begin > l->max) {
		l->out->len = l->entry;
		return false;
	}
	l->count++;
	return true;
}

static bool close_entry(struct list *l)
{
	buf_byte(l->out, '}');
	return end_entry(l);
}

static void close_list(struct list *l, bool always)
{
	if (l->count == 0 && !always)
		l->out->len = l->begin;
	else
		buf_str(l->out, "],");
}

void hq_page_units(struct hq_page_person *p, struct buf *out)
{
	struct sqlite3_stmt *q =
	    hq_db_query(p->db, HQ_SQL_UNITS_OF_PERSON, "ii", p->person, (int64_t)HQ_PAGE_UNITS_MAX);
	size_t used = p->bytes + out->len;
	struct list l =
	    open_list(out, "units", used < HQ_PAGE_LINE_BYTES ? HQ_PAGE_LINE_BYTES - used : 0);
	const char *store;
	const void *ref;

	while (hq_db_row(p->db, q)) {
		ref = hq_db_bytes(q, 1, EVENT_ID_BYTES);
		if (!ref)
			continue;
		store = hq_db_text(q, 3);
		open_entry(&l);
		if (store[0]) {
			json_part_put_at(out, sqlite3_column_int64(q, 4),
			                 sqlite3_column_int64(q, 5));
			buf_byte(out, ',');
		}
		if (sqlite3_column_int(q, 7))
			buf_str(out, "\"company\":true,");
		buf_printf(out, "\"confirmed\":%s,\"number\":%" PRId64 ",",
		           sqlite3_column_int(q, 2) ? "true" : "false",
		           (int64_t)sqlite3_column_int64(q, 0));
		reference(out, "ref", ref);
		if (store[0]) {
			buf_str(out, ",\"store\":");
			lw_event_json_string(out, store);
		}
		p->left_units += !close_entry(&l);
	}
	close_list(&l, true);
}

/* Why the units are one person. */
void hq_page_matches(struct hq_page_person *p, struct buf *out)
{
	struct list l = open_list(out, "matches", SIZE_MAX);
	struct sqlite3_stmt *q;

	if (p->unit_count < 2)
		return close_list(&l, false);
	q = hq_db_query(p->db, HQ_SQL_MATCHES_OF_PERSON, "ii", p->person,
	                (int64_t)HQ_PAGE_MATCHES_MAX);
	while (hq_db_row(p->db, q)) {
		const void *id = hq_db_bytes(q, 0, EVENT_ID_BYTES),
		           *left = hq_db_bytes(q, 2, EVENT_ID_BYTES),
		           *right = hq_db_bytes(q, 3, EVENT_ID_BYTES);
		if (!id || !left || !right)
			continue;
		open_entry(&l);
		reference(out, "id", id);
		if (sqlite3_column_type(q, 1) != SQLITE_NULL)
			buf_printf(out, ",\"kind\":\"%s\"", hq_db_text(q, 1));
		buf_byte(out, ',');
		reference(out, "left", left);
		buf_byte(out, ',');
		reference(out, "right", right);
		if (p->told && hq_db_text(q, 6)[0]) {
			buf_str(out, ",\"rules\":");
			lw_event_json_string(out, hq_db_text(q, 6));
		}
		close_entry(&l);
	}
	close_list(&l, false);
}

/* By these a store finds what became of the customers that it enrolled. */
static void enrolled_units(struct hq_page_person *p, struct list *l)
{
	struct sqlite3_stmt *q =
	    hq_db_query(p->db, HQ_SQL_UNITS_OF_PERSON, "ii", p->person, (int64_t)HQ_PAGE_UNITS_MAX);
	const void *ref;

	while (hq_db_row(p->db, q)) {
		ref = hq_db_bytes(q, 1, EVENT_ID_BYTES);
		if (!ref || !sqlite3_column_int(q, 6) || l->count == HQ_PAGE_ENROLLED_MAX)
			continue;
		open_entry(l);
		buf_str(l->out, "\"kind\":\"unit\",");
		reference(l->out, "ref", ref);
		buf_byte(l->out, ',');
		reference(l->out, "value", ref);
		buf_str(l->out, ",\"verified\":false");
		close_entry(l);
	}
}

/* The person's other claims on the same identifier: what is left of it when the first is not. */
static void put_beside(struct hq_page_person *p, int64_t ident, const void *first, struct buf *out)
{
	struct sqlite3_stmt *q =
	    hq_db_query(p->db, HQ_SQL_CLAIMS_BESIDE, "iibi", p->person, ident, first,
	                (size_t)EVENT_ID_BYTES, (int64_t)HQ_PAGE_BESIDE_MAX);
	struct list l = open_list(out, "also", SIZE_MAX);

	while (hq_db_row(p->db, q)) {
		const void *ref = hq_db_bytes(q, 0, EVENT_ID_BYTES),
		           *unit = hq_db_bytes(q, 1, EVENT_ID_BYTES);
		if (!ref || !unit)
			continue;
		open_entry(&l);
		reference(out, "ref", ref);
		buf_byte(out, ',');
		reference(out, "unit", unit);
		buf_printf(out, ",\"verified\":%s", sqlite3_column_int(q, 2) ? "true" : "false");
		close_entry(&l);
	}
	close_list(&l, false);
}

/* By whose word it is blocked or shared, so that a store can take back its own. */
static void put_marks(struct hq_page_person *p, int64_t ident, const char *kind, struct buf *out)
{
	struct sqlite3_stmt *q = hq_db_query(p->db, HQ_SQL_IDENT_MARKS, "iti", ident, kind,
	                                     (int64_t)HQ_PAGE_MARKS_MAX + 1);
	struct list l = open_list(out, "by", SIZE_MAX);
	char text[EVENT_ID_SIZE];
	const void *ref;

	while (hq_db_row(p->db, q)) {
		ref = hq_db_bytes(q, 0, EVENT_ID_BYTES);
		if (!ref)
			continue;
		text_b64(ref, EVENT_ID_BYTES, text);
		buf_printf(out, "%s\"%s\"", l.count ? "," : "", text);
		l.count++;
	}
	if (l.count > HQ_PAGE_MARKS_MAX)
		l.count = 0;
	close_list(&l, false);
}

/* Of the row on which q stands. */
static bool put_identifier(struct hq_page_person *p, struct sqlite3_stmt *q, struct list *l)
{
	struct buf *out = l->out;
	const char *state = hq_db_text(q, 4);
	const void *ref = hq_db_bytes(q, 3, EVENT_ID_BYTES),
	           *unit = hq_db_bytes(q, 5, EVENT_ID_BYTES);
	bool shared = strcmp(state, "shared") == 0, blocked = strcmp(state, "blocked") == 0;
	int64_t ident = sqlite3_column_int64(q, 6);

	if (!ref || !unit || l->count == HQ_PAGE_IDENTS_MAX)
		return false;
	open_entry(l);
	if (sqlite3_column_int(q, 7) > 1)
		put_beside(p, ident, ref, out);
	if (shared || blocked)
		put_marks(p, ident, blocked ? "block" : "share", out);
	buf_printf(out, "\"kind\":\"%s\",", hq_db_text(q, 0));
	reference(out, "ref", ref);
	if (shared || blocked)
		buf_printf(out, ",\"state\":\"%s\"", state);
	if (p->unit_count > 1) {
		buf_byte(out, ',');
		reference(out, "unit", unit);
	}
	buf_str(out, ",\"value\":");
	lw_event_json_string(out, hq_db_text(q, 1));
	buf_printf(out, ",\"verified\":%s", sqlite3_column_int(q, 2) ? "true" : "false");
	return close_entry(l);
}

void hq_page_identifiers(struct hq_page_person *p, struct buf *out)
{
	struct list l = open_list(out, "identifiers", HQ_PAGE_IDENTS_BYTES);
	enrolled_units(p, &l);
	struct sqlite3_stmt *q = hq_db_query(p->db, HQ_SQL_IDENT_ALL, "i", p->person);

	while (hq_db_row(p->db, q))
		p->left_idents += !put_identifier(p, q, &l);
	close_list(&l, true);
}

/* What a store must not suggest again. */
void hq_page_pairs(struct hq_page_person *p, struct buf *out)
{
	struct list l = open_list(out, "pairs", HQ_PAGE_PAIRS_BYTES);
	const void *mine, *other;
	struct sqlite3_stmt *q;

	if (!hq_db_int(p->db, 0, HQ_SQL_OP_ANY, "")) {
		close_list(&l, false);
		return;
	}
	q = hq_db_query(p->db, HQ_SQL_PAIRS_OF_PERSON, "i", p->person);
	while (hq_db_row(p->db, q)) {
		mine = hq_db_bytes(q, 0, EVENT_ID_BYTES);
		other = hq_db_bytes(q, 1, EVENT_ID_BYTES);
		if (!mine || !other)
			continue;
		open_entry(&l);
		buf_printf(out, "\"is\":\"%s\",",
		           strcmp(hq_db_text(q, 2), "apart") == 0 ? "apart" : "same");
		reference(out, "other", other);
		if (p->unit_count > 1) {
			buf_byte(out, ',');
			reference(out, "unit", mine);
		}
		close_entry(&l);
	}
	close_list(&l, false);
}

/* "first_name:same,email:folded", as hq_likely.h took it. */
static void words(struct buf *out, const char *text)
{
	buf_str(out, "\"because\":[\"");
	for (; *text; text++) {
		if (*text == ',')
			buf_str(out, "\",\"");
		else
			buf_byte(out, (uint8_t)*text);
	}
	buf_str(out, "\"],");
}

/* Whom the store may ask about, if it has them. */
void hq_page_likely(struct hq_page_person *p, struct buf *out)
{
	struct list l = open_list(out, "likely", HQ_PAGE_LIKELY_BYTES);
	const void *mine, *other;
	struct sqlite3_stmt *q;

	if (!hq_db_int(p->db, 0, HQ_SQL_LIKELY_ANY, "")) {
		close_list(&l, false);
		return;
	}
	q = hq_db_query(p->db, HQ_SQL_LIKELY_OF_PERSON, "ii", p->person,
	                (int64_t)HQ_PAGE_LIKELY_MAX);
	while (hq_db_row(p->db, q)) {
		mine = hq_db_bytes(q, 0, EVENT_ID_BYTES);
		other = hq_db_bytes(q, 1, EVENT_ID_BYTES);
		if (!mine || !other)
			continue;
		open_entry(&l);
		words(out, hq_db_text(q, 4));
		buf_printf(out, "\"mbit\":%" PRId64 ",", (int64_t)sqlite3_column_int64(q, 3));
		reference(out, "other", other);
		buf_byte(out, ',');
		if (p->unit_count > 1) {
			reference(out, "unit", mine);
			buf_byte(out, ',');
		}
		buf_printf(out, "\"who\":\"%s\"", hq_db_text(q, 2));
		close_entry(&l);
	}
	close_list(&l, false);
}

static bool put_fact(struct list *l, const struct field_fact *f)
{
	l->entry = l->out->len;
	field_json_write(l->out, f);
	return end_entry(l);
}

/* In this order they are given room. Without what stands for each unit a store that takes a link
 * back would know nothing of one of the two. */
enum rank { STANDS, STANDS_FOR_UNIT, STOOD_BEFORE, IS_PAST };

static void rank_as(uint8_t *rank, enum rank as)
{
	if (*rank > as)
		*rank = (uint8_t)as;
}

/* Facts are sorted by unit. */
static void rank_facts(const struct hq_facts *f, struct field_stand *stand, uint8_t *rank)
{
	size_t count = field_stand(f->fact, f->count, stand), from, to;

	memset(rank, IS_PAST, f->count);
	for (size_t i = 0; i < count; i++) {
		rank_as(&rank[stand[i].fact], STANDS);
		if (stand[i].before < f->count)
			rank_as(&rank[stand[i].before], STOOD_BEFORE);
	}
	for (from = 0; from < f->count; from = to) {
		for (to = from; to < f->count && ref_same(&f->fact[to].unit, &f->fact[from].unit);)
			to++;
		count = field_stand(f->fact + from, to - from, stand);
		for (size_t i = 0; i < count; i++)
			rank_as(&rank[from + stand[i].fact], STANDS_FOR_UNIT);
	}
}

void hq_page_facts(struct hq_page_person *p, struct buf *out)
{
	const struct hq_facts *f = &p->facts;
	struct field_stand *stand = f->count ? memory_alloc(f->count * sizeof *stand) : NULL;
	uint8_t *rank = f->count ? memory_alloc(f->count) : NULL;
	struct list l = open_list(out, "facts", p->facts_max);

	if (stand && rank)
		rank_facts(f, stand, rank);
	for (int r = STANDS; rank && stand && r < IS_PAST; r++) {
		for (size_t i = 0; i < f->count; i++) {
			if (rank[i] == r && f->fact[i].field != FIELD_BIRTH_DATE)
				p->left_facts += !put_fact(&l, &f->fact[i]);
		}
	}
	close_list(&l, false);
	free(rank);
	free(stand);
}

void hq_page_left_out(const struct hq_page_person *p, struct buf *out)
{
	const struct {
		const char *name;
		int count;
	} left[] = {{"choices", p->left_choices},
	            {"facts", p->left_facts},
	            {"identifiers", p->left_idents},
	            {"matches", p->left_matches},
	            {"units", p->left_units}};
	const char *comma = "\"left_out\":{";

	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
		if (left[i].count > 0) {
			buf_printf(out, "%s\"%s\":%d", comma, left[i].name, left[i].count);
			comma = ",";
		}
	}
	if (comma[0] == ',')
		buf_str(out, "},");
}

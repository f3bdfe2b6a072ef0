#include "hq/hint/hq_label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "identity/field.h"

#define ROOM_FIRST 4096
#define DAY_US INT64_C(86400000000)

static const struct name {
	const char *name;
	enum hq_label_column column;
} names[] = {
    {"rec_id", HQ_LABEL_RECORD},
    {"record_id", HQ_LABEL_RECORD},
    {"id", HQ_LABEL_RECORD},
    {"person", HQ_LABEL_PERSON},
    {"person_id", HQ_LABEL_PERSON},
    {"cluster", HQ_LABEL_PERSON},
    {"cluster_id", HQ_LABEL_PERSON},
    {"entity_id", HQ_LABEL_PERSON},
    {"label", HQ_LABEL_PERSON},
    {"given_name", HQ_LABEL_FIRST_NAME},
    {"first_name", HQ_LABEL_FIRST_NAME},
    {"fname", HQ_LABEL_FIRST_NAME},
    {"surname", HQ_LABEL_LAST_NAME},
    {"last_name", HQ_LABEL_LAST_NAME},
    {"lname", HQ_LABEL_LAST_NAME},
    {"name", HQ_LABEL_NAME},
    {"full_name", HQ_LABEL_NAME},
    {"date_of_birth", HQ_LABEL_BIRTH_DATE},
    {"birth_date", HQ_LABEL_BIRTH_DATE},
    {"dob", HQ_LABEL_BIRTH_DATE},
    {"address_1", HQ_LABEL_STREET},
    {"street", HQ_LABEL_STREET},
    {"address", HQ_LABEL_STREET},
    {"street_number", HQ_LABEL_HOUSE},
    {"house", HQ_LABEL_HOUSE},
    {"house_number", HQ_LABEL_HOUSE},
    {"postcode", HQ_LABEL_POSTCODE},
    {"zip", HQ_LABEL_POSTCODE},
    {"postal_code", HQ_LABEL_POSTCODE},
    {"suburb", HQ_LABEL_CITY},
    {"city", HQ_LABEL_CITY},
    {"town", HQ_LABEL_CITY},
    {"phone", HQ_LABEL_PHONE},
    {"phone_number", HQ_LABEL_PHONE},
    {"telephone", HQ_LABEL_PHONE},
    {"email", HQ_LABEL_EMAIL},
    {"loyalty", HQ_LABEL_LOYALTY},
    {"card", HQ_LABEL_LOYALTY},
    {"verified", HQ_LABEL_VERIFIED},
    {"kind", HQ_LABEL_KIND},
    {"corruption", HQ_LABEL_KIND},
    {"store", HQ_LABEL_STORE},
    {"made", HQ_LABEL_MADE},
    {"enrolled", HQ_LABEL_MADE},
};

/* A cell without the blanks around it: FEBRL writes one behind each comma. */
static void trim(const char *cell, char *out, size_t size)
{
	size_t n;

	while (*cell == ' ')
		cell++;
	n = strlen(cell);
	while (n > 0 && cell[n - 1] == ' ')
		n--;
	snprintf(out, size, "%.*s", (int)n, cell);
}

static int column_named(const char *cell)
{
	char name[64];

	trim(cell, name, sizeof name);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcasecmp(names[i].name, name) == 0)
			return (int)names[i].column;
	}
	return -1;
}

int hq_label_header(const struct hq_csv_row *row, struct hq_label_header *out, char *err,
                    size_t err_size)
{
	bool seen[HQ_LABEL_COLUMN_COUNT] = {false};

	out->count = row->count;
	for (int i = 0; i < row->count; i++) {
		int c = column_named(row->cell[i]);
		out->column[i] = c >= 0 && !seen[c] ? c : -1;
		if (c >= 0)
			seen[c] = true;
	}
	if (seen[HQ_LABEL_PERSON] || seen[HQ_LABEL_RECORD])
		return 0;
	snprintf(err, err_size,
	         "line %u: no column says which person, expected person, cluster, entity_id or "
	         "label, or rec_id as FEBRL writes it",
	         row->line);
	return -1;
}

#define CELL_SIZE 384
struct cells {
	char text[HQ_LABEL_COLUMN_COUNT][CELL_SIZE];
};

static void take_cells(const struct hq_label_header *h, const struct hq_csv_row *row,
                       struct cells *out)
{
	for (int c = 0; c < HQ_LABEL_COLUMN_COUNT; c++)
		out->text[c][0] = '\0';
	for (int i = 0; i < row->count && i < h->count; i++) {
		if (h->column[i] >= 0)
			trim(row->cell[i], out->text[h->column[i]], CELL_SIZE);
	}
}

/* "rec-1070-org" and "rec-1070-dup-0" are of person "rec-1070". */
static void person_of(struct cells *c)
{
	char *person = c->text[HQ_LABEL_PERSON];
	size_t n;

	if (*person)
		return;
	memcpy(person, c->text[HQ_LABEL_RECORD], CELL_SIZE);
	n = strncmp(person, "rec-", 4) == 0 ? 4 + strspn(person + 4, "0123456789") : 4;
	if (n > 4)
		person[n] = '\0';
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(words, word); p; p = strstr(p + 1, word)) {
		if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	}
	return false;
}

static bool normal(const struct ident_rules *rules, enum ident_kind kind, const char *value,
                   char nf[IDENT_VALUE_SIZE])
{
	struct ident_form form;

	if (kind == IDENT_LOYALTY && rules->scheme_count == 0) {
		snprintf(nf, IDENT_VALUE_SIZE, "%s", value);
		return !pan_find(value, false);
	}
	if (ident_normalise(rules, &(struct ident_given){.kind = kind, .value = value}, &form) !=
	    IDENT_OK)
		return false;
	memcpy(nf, form.value, IDENT_VALUE_SIZE);
	return true;
}

struct reader {
	struct hq_labelled *l;
	const struct ident_rules *rules;
	struct hq_label_header header;
	struct cells cells;
};

static int take_idents(struct reader *r, struct hq_label *row, struct score_plain *plain,
                       char nf[IDENT_KIND_COUNT][IDENT_VALUE_SIZE])
{
	static const enum hq_label_column from[IDENT_KIND_COUNT] = {[IDENT_LOYALTY] =
	                                                                HQ_LABEL_LOYALTY,
	                                                            [IDENT_PHONE] = HQ_LABEL_PHONE,
	                                                            [IDENT_EMAIL] = HQ_LABEL_EMAIL};

	for (enum ident_kind k = IDENT_LOYALTY; k <= IDENT_EMAIL; k++) {
		const char *value = r->cells.text[from[k]];
		if (!*value)
			continue;
		if (!normal(r->rules, k, value, nf[k])) {
			r->l->refused++;
			continue;
		}
		row->ident[k] = hq_intern_add(&r->l->ident[k], nf[k]);
		if (row->ident[k] == HQ_INTERN_NONE)
			return -1;
		row->verified[k] = k == IDENT_LOYALTY ||
		                   has_word(r->cells.text[HQ_LABEL_VERIFIED], ident_kind_name(k));
	}
	plain->phone[0] = row->ident[IDENT_PHONE] ? nf[IDENT_PHONE] : NULL;
	plain->mail[0] = row->ident[IDENT_EMAIL] ? nf[IDENT_EMAIL] : NULL;
	return 0;
}

/* A day is all of it, whatever time of day it was. */
static bool time_of(const char *text, int64_t *from_us, int64_t *to_us)
{
	char whole[CLOCK_ISO8601_SIZE];

	if (strlen(text) == strlen("2026-11-21")) {
		snprintf(whole, sizeof whole, "%.10sT00:00:00.000Z", text);
		if (clock_parse_iso8601(whole, from_us) != 0)
			return false;
		*to_us = *from_us + DAY_US - 1;
		return true;
	}
	if (clock_parse_iso8601(text, from_us) != 0)
		return false;
	*to_us = *from_us;
	return true;
}

static struct fold_made made_of(const struct cells *c)
{
	struct fold_made made = {0};

	if (time_of(c->text[HQ_LABEL_MADE], &made.from_us, &made.to_us))
		made.store = fold_store(c->text[HQ_LABEL_STORE]);
	return made;
}

static int grow(struct hq_labelled *l)
{
	size_t room = l->room ? l->room * 2 : ROOM_FIRST;
	struct hq_label *row = memory_more(l->row, room * sizeof *row);

	if (!row)
		return -1;
	l->row = row;
	l->room = room;
	return 0;
}

/* What stands in r->cells. 0, or -1: out of memory. */
static int take_row(struct reader *r)
{
	char nf[IDENT_KIND_COUNT][IDENT_VALUE_SIZE];
	const struct cells *c = &r->cells;
	struct hq_label *row;
	struct score_plain plain = {.first_name = c->text[HQ_LABEL_FIRST_NAME],
	                            .last_name = c->text[HQ_LABEL_LAST_NAME],
	                            .name = c->text[HQ_LABEL_NAME],
	                            .birth_date = c->text[HQ_LABEL_BIRTH_DATE],
	                            .street = c->text[HQ_LABEL_STREET],
	                            .house = c->text[HQ_LABEL_HOUSE],
	                            .postcode = c->text[HQ_LABEL_POSTCODE],
	                            .city = c->text[HQ_LABEL_CITY]};
	if (r->l->count == r->l->room && grow(r->l) != 0)
		return -1;
	row = &r->l->row[r->l->count];
	*row = (struct hq_label){.born = score_text_born(plain.birth_date), .made = made_of(c)};
	field_compare_form(plain.first_name, row->first_name, sizeof row->first_name);
	field_compare_form(plain.last_name, row->last_name, sizeof row->last_name);
	row->person = hq_intern_add(&r->l->person, c->text[HQ_LABEL_PERSON]);
	row->kind = hq_intern_add(&r->l->kind, c->text[HQ_LABEL_KIND]);
	if (row->person == HQ_INTERN_NONE || row->kind == HQ_INTERN_NONE ||
	    take_idents(r, row, &plain, nf) != 0 || hq_people_add(r->l->people, &plain) < 0)
		return -1;
	r->l->count++;
	return 0;
}

static void bad_row(struct hq_labelled *l, unsigned line)
{
	if (l->bad++ == 0)
		l->first_bad_line = line;
}

static int read_rows(struct reader *r, struct hq_csv *csv, struct hq_csv_row *row)
{
	int rc;

	while ((rc = hq_csv_next(csv, row)) != 0) {
		if (rc < 0 || row->count != r->header.count) {
			bad_row(r->l, row->line);
			continue;
		}
		take_cells(&r->header, row, &r->cells);
		person_of(&r->cells);
		if (!r->cells.text[HQ_LABEL_PERSON][0])
			bad_row(r->l, row->line); /* nobody has said whose it is */
		else if (take_row(r) != 0)
			return -1;
	}
	return 0;
}

static int nobody(const struct hq_labelled *l, char *err, size_t err_size)
{
	snprintf(err, err_size,
	         "no record of a person, expected at least one; %zu rows were left out", l->bad);
	return -1;
}

int hq_labelled_read(const char *text, size_t len, const struct ident_rules *rules,
                     struct hq_labelled *out, char *err, size_t err_size)
{
	struct hq_csv_row *row = memory_alloc(sizeof *row);
	struct reader *r = memory_zeroed(1, sizeof *r);
	struct hq_csv csv;
	int rc = -1;

	*out = (struct hq_labelled){.people = hq_people_new()};
	snprintf(err, err_size, "out of memory, or more than %d records", HQ_PEOPLE_MAX);
	hq_csv_open(&csv, text, len);
	if (!row || !r || !out->people)
		goto out;
	r->l = out;
	r->rules = rules;
	if (hq_csv_next(&csv, row) != 1)
		snprintf(err, err_size,
		         "line 1: no header row, expected one that names the columns");
	else if (hq_label_header(row, &r->header, err, err_size) == 0 &&
	         (snprintf(err, err_size, "out of memory"), read_rows(r, &csv, row)) == 0)
		rc = out->count > 0 ? 0 : nobody(out, err, err_size);
out:
	free(row);
	free(r);
	return rc;
}

void hq_labelled_free(struct hq_labelled *l)
{
	hq_people_free(l->people);
	hq_intern_free(&l->person);
	hq_intern_free(&l->kind);
	for (int k = 0; k < IDENT_KIND_COUNT; k++)
		hq_intern_free(&l->ident[k]);
	free(l->row);
	*l = (struct hq_labelled){0};
}

/* A row of the file as a person: every cell checked, nothing of it said in full. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "hq/identity/hq_import.h"
#include "identity/pan.h"

#define HQ_IMPORT_POINTS_MAX INT64_C(1000000000000)
#define DAY_US INT64_C(86400000000)
#define HQ_IMPORT_SHOWN_CHARS 2 /* of a wrong value: the row can be found by it, nobody else */

static const struct column {
	const char *name;
	size_t max; /* bytes */
	const char *expected;
} columns[HQ_IMPORT_COLUMN_COUNT] = {
    [HQ_IMPORT_CUSTOMER_ID] = {"customer_id", 64, "a key of at most 64 bytes"},
    [HQ_IMPORT_FIRST_NAME] = {"first_name", 64, "at most 64 bytes"},
    [HQ_IMPORT_NAME] = {"name", 128, "at most 128 bytes"},
    [HQ_IMPORT_LAST_NAME] = {"last_name", 63, "at most 63 bytes"},
    [HQ_IMPORT_LOYALTY] = {"loyalty", 320, "a number of one of the configured schemes"},
    [HQ_IMPORT_PHONE] = {"phone", 320, "an international number, or one of the configured region"},
    [HQ_IMPORT_EMAIL] = {"email", 320, "an address such as name@example.com"},
    [HQ_IMPORT_GSRN] = {"gsrn", 320, "18 digits with their check digit"},
    [HQ_IMPORT_WALLET] = {"wallet", 320, "a code of one of the configured schemes"},
    [HQ_IMPORT_ACCOUNT] = {"account", 320, "a number of one of the configured schemes"},
    [HQ_IMPORT_VAT_ID] = {"vat_id", 320, "a number with its country such as DE136695976"},
    [HQ_IMPORT_TIER] = {"tier", 32, "at most 32 bytes"},
    [HQ_IMPORT_POINTS] = {"points", 20, "a whole number from 0 to 1000000000000"},
    [HQ_IMPORT_POINTS_AS_OF] = {"points_as_of", 24, "a date such as 2026-11-20 or a UTC time"},
    [HQ_IMPORT_LANGUAGE] = {"language", 8, "a language such as de or pt-BR"},
    [HQ_IMPORT_STATE] = {"state", 16, "active, restricted, confidential or deleted"},
    [HQ_IMPORT_BIRTH_DATE] = {"birth_date", 10, "a day such as 1990-02-28"},
    [HQ_IMPORT_STREET] = {"street", 128, "at most 128 bytes"},
    [HQ_IMPORT_POSTCODE] = {"postcode", 16, "at most 16 bytes"},
    [HQ_IMPORT_CITY] = {"city", 64, "at most 64 bytes"},
    [HQ_IMPORT_COUNTRY] = {"country", 2, "two letters such as DE"},
    [HQ_IMPORT_CONSENT] =
        {"consent_...", 96,
         "granted, refused or withdrawn, and then a day, the text's version and how"},
};

/* Payment account references are not taken from files. */
static const enum ident_kind kinds[HQ_IMPORT_COLUMN_COUNT] = {
    [HQ_IMPORT_LOYALTY] = IDENT_LOYALTY, [HQ_IMPORT_PHONE] = IDENT_PHONE,
    [HQ_IMPORT_EMAIL] = IDENT_EMAIL,     [HQ_IMPORT_GSRN] = IDENT_GSRN,
    [HQ_IMPORT_WALLET] = IDENT_WALLET,   [HQ_IMPORT_ACCOUNT] = IDENT_ACCOUNT,
    [HQ_IMPORT_VAT_ID] = IDENT_VAT_ID,
};
#define WHO "loyalty, phone, email, gsrn, wallet, account or vat_id"

static int fault(struct hq_import_row *out, enum hq_import_column c, const char *what,
                 const char *value)
{
	char shown[HQ_IMPORT_SHOWN_CHARS + 1];
	size_t n = strlen(value);

	snprintf(shown, sizeof shown, "%s", value);
	if (text_has_control(shown, strlen(shown)) || !text_utf8_ok(shown, strlen(shown)))
		shown[0] = '\0';
	snprintf(out->why, sizeof out->why,
	         "%s: %s, expected %s; it begins \"%s\" and has %zu bytes", columns[c].name, what,
	         columns[c].expected, shown, n);
	return -1;
}

/* It is said nowhere, not even in part. */
static int card_number(struct hq_import_row *out)
{
	snprintf(out->why, sizeof out->why,
	         "a card number, expected none anywhere: the row is refused");
	return -1;
}

static int column_of(const char *name)
{
	for (int i = 0; i < HQ_IMPORT_CONSENT; i++) {
		if (strcmp(columns[i].name, name) == 0)
			return i;
	}
	return -1;
}

static bool consent_twice(const struct hq_import_header *h, int i)
{
	for (int k = 0; k < i; k++) {
		if (h->column[k] == HQ_IMPORT_CONSENT &&
		    h->consent[k].purpose == h->consent[i].purpose &&
		    h->consent[k].channel == h->consent[i].channel)
			return true;
	}
	return false;
}

int hq_import_header(const struct hq_csv_row *row, struct hq_import_header *out, char *err,
                     size_t err_size)
{
	bool seen[HQ_IMPORT_COLUMN_COUNT] = {false};

	out->count = row->count;
	for (int i = 0; i < row->count; i++) {
		int c = hq_import_consent_column(row->cell[i], &out->consent[i])
		            ? HQ_IMPORT_CONSENT
		            : column_of(row->cell[i]);
		if (c < 0 || (c == HQ_IMPORT_CONSENT ? consent_twice(out, i) : seen[c])) {
			snprintf(err, err_size,
			         "line %u: column %d %s, expected customer_id, first_name, name, "
			         "last_name, "
			         "loyalty, phone, email, gsrn, wallet, account, vat_id, tier, "
			         "points, points_as_of, language, "
			         "state, birth_date, street, postcode, city, country or "
			         "consent_<purpose>_<channel>, each once",
			         row->line, i + 1, c < 0 ? "is not known" : "stands twice");
			return -1;
		}
		seen[c] = true;
		out->column[i] = (enum hq_import_column)c;
	}
	for (int c = 0; c < HQ_IMPORT_COLUMN_COUNT; c++) {
		if (seen[c] && (c == HQ_IMPORT_CUSTOMER_ID || kinds[c] != IDENT_NONE))
			return 0;
	}
	snprintf(err, err_size, "line %u: no column says who, expected customer_id, " WHO,
	         row->line);
	return -1;
}

static int add_ident(struct hq_import_row *out, enum hq_import_column c, const char *value,
                     const struct ident_rules *rules)
{
	const struct ident_given given = {.kind = kinds[c], .value = value};
	struct hq_person *p = &out->person;
	struct ident_form form;

	if (ident_normalise(rules, &given, &form) == IDENT_CARD_NUMBER)
		return card_number(out);
	if (form.reason != IDENT_OK)
		return fault(out, c, ident_reason_text(form.reason), value);
	if (form.foreign)
		return fault(out, c, "another country's number without its country code", value);
	p->ident[p->ident_count].kind = form.kind;
	memcpy(p->ident[p->ident_count].value, form.value, sizeof form.value);
	p->ident[p->ident_count].typed[0] = '\0';
	if (form.kind == IDENT_EMAIL)
		ident_email_typed(value, form.value, p->ident[p->ident_count].typed);
	p->ident_count++;
	return 0;
}

static int set_points_as_of(struct hq_import_row *out, const char *value)
{
	char text[CLOCK_ISO8601_SIZE];
	int64_t us;

	if ((size_t)snprintf(text, sizeof text, strlen(value) == 10 ? "%sT00:00:00.000Z" : "%s",
	                     value) >= sizeof text ||
	    clock_parse_iso8601(text, &us) != 0)
		return fault(out, HQ_IMPORT_POINTS_AS_OF, "not a date", value);
	/* All points up to it would be in it already. */
	if (us > out->now_us + DAY_US)
		return fault(out, HQ_IMPORT_POINTS_AS_OF, "a day to come", value);
	clock_iso8601(us, out->points_as_of);
	out->person.points_as_of = out->points_as_of;
	return 0;
}

static bool is_day(const char *value, int64_t *us)
{
	char text[CLOCK_ISO8601_SIZE];

	return strlen(value) == 10 && snprintf(text, sizeof text, "%sT00:00:00Z", value) > 0 &&
	       clock_parse_iso8601(text, us) == 0;
}

static int set_birth_date(struct hq_import_row *out, const char *value)
{
	int64_t us;

	if (!is_day(value, &us) || value[0] < '1' || value[0] > '2')
		return fault(out, HQ_IMPORT_BIRTH_DATE, "not a day", value);
	if (us > out->now_us + DAY_US)
		return fault(out, HQ_IMPORT_BIRTH_DATE, "a day to come", value);
	memcpy(out->birth_date, value, sizeof out->birth_date);
	out->person.birth_date = out->birth_date;
	return 0;
}

static int set_country(struct hq_import_row *out, const char *value)
{
	for (int i = 0; i < 2; i++) {
		out->country[i] = (char)(value[i] & ~0x20);
		if (out->country[i] < 'A' || out->country[i] > 'Z')
			return fault(out, HQ_IMPORT_COUNTRY, "not a country", value);
	}
	out->person.country = out->country;
	return 0;
}

static bool is_state(const char *value)
{
	return strcmp(value, "active") == 0 || strcmp(value, "restricted") == 0 ||
	       strcmp(value, "confidential") == 0 || strcmp(value, "deleted") == 0;
}

static bool is_language(const char *value)
{
	size_t n = strlen(value);

	return n >= 2 &&
	       strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
	           n;
}

static int set_cell(struct hq_import_row *out, enum hq_import_column c, const char *value,
                    const struct ident_rules *rules)
{
	struct hq_person *p = &out->person;

	switch (c) {
	case HQ_IMPORT_CUSTOMER_ID:
		p->external = value;
		return 0;
	case HQ_IMPORT_FIRST_NAME:
		p->first_name = value;
		return 0;
	case HQ_IMPORT_NAME:
		p->name = value;
		return 0;
	case HQ_IMPORT_LAST_NAME:
		p->last_name = value;
		return 0;
	case HQ_IMPORT_TIER:
		p->tier = value;
		return 0;
	case HQ_IMPORT_POINTS:
		p->has_points = num_i64(value, 0, HQ_IMPORT_POINTS_MAX, &p->points);
		return p->has_points ? 0 : fault(out, c, "not a number of points", value);
	case HQ_IMPORT_POINTS_AS_OF:
		return set_points_as_of(out, value);
	case HQ_IMPORT_LANGUAGE:
		p->language = value;
		return is_language(value) ? 0 : fault(out, c, "not a language", value);
	case HQ_IMPORT_STATE:
		p->state = value;
		return is_state(value) ? 0 : fault(out, c, "not a state", value);
	case HQ_IMPORT_BIRTH_DATE:
		return set_birth_date(out, value);
	case HQ_IMPORT_STREET:
		p->street = value;
		return 0;
	case HQ_IMPORT_POSTCODE:
		p->postcode = value;
		return 0;
	case HQ_IMPORT_CITY:
		p->city = value;
		return 0;
	case HQ_IMPORT_COUNTRY:
		return set_country(out, value);
	default:
		return add_ident(out, c, value, rules);
	}
}

static int set_consent(struct hq_import_row *out, const struct hq_import_consent *column,
                       const char *value)
{
	struct hq_person *p = &out->person;
	char cell[128];

	if (p->choice_count < HQ_PERSON_CHOICES_MAX && text_copy(cell, sizeof cell, value) &&
	    hq_import_consent_cell(column, cell, out->now_us, &p->choice[p->choice_count])) {
		p->choice_count++;
		return 0;
	}
	return fault(out, HQ_IMPORT_CONSENT, "no choice", value);
}

static bool is_name(enum hq_import_column c)
{
	return c == HQ_IMPORT_FIRST_NAME || c == HQ_IMPORT_LAST_NAME || c == HQ_IMPORT_NAME;
}

/* In a GSRN's own column identity says it, who knows a GSRN's check digit. */
static bool has_card_number(const struct hq_import_header *header, int i, const char *cell)
{
	if (i < header->count && header->column[i] == HQ_IMPORT_GSRN)
		return false;
	return pan_find(cell, false) ||
	       (i < header->count && is_name(header->column[i]) && pan_grouped(cell, false));
}

static int check_cells(const struct hq_import_header *header, const struct hq_csv_row *row,
                       struct hq_import_row *out)
{
	for (int i = 0; i < row->count; i++) {
		if (has_card_number(header, i, row->cell[i]))
			return card_number(out);
	}
	if (row->count != header->count) {
		snprintf(out->why, sizeof out->why, "%d cells, expected %d as in the header",
		         row->count, header->count);
		return -1;
	}
	for (int i = 0; i < row->count; i++) {
		size_t n = strlen(row->cell[i]);
		if (n > columns[header->column[i]].max)
			return fault(out, header->column[i], "too long", row->cell[i]);
		/* Of an identifier identity says it, who knows which white space is none of it. */
		if (kinds[header->column[i]] == IDENT_NONE && text_has_hidden(row->cell[i], n))
			return fault(out, header->column[i], "a control character", row->cell[i]);
	}
	return 0;
}

/* Whoever buys for a company is not the company: the two are never one customer. */
static bool names_both(const struct hq_import_header *header, const struct hq_csv_row *row)
{
	bool person = false, company = false;

	for (int i = 0; i < row->count; i++) {
		enum hq_import_column c = header->column[i];
		if (!row->cell[i][0])
			continue;
		company |= c == HQ_IMPORT_ACCOUNT || c == HQ_IMPORT_VAT_ID;
		person |= c == HQ_IMPORT_FIRST_NAME || c == HQ_IMPORT_LAST_NAME ||
		          c == HQ_IMPORT_BIRTH_DATE || c == HQ_IMPORT_LOYALTY ||
		          c == HQ_IMPORT_GSRN || c == HQ_IMPORT_WALLET;
	}
	return person && company;
}

int hq_import_person(const struct hq_import_header *header, const struct hq_csv_row *row,
                     const struct ident_rules *rules, struct hq_import_row *out)
{
	const int64_t now_us = out->now_us;

	memset(out, 0, sizeof *out);
	out->now_us = now_us;
	if (check_cells(header, row, out) != 0)
		return -1;
	for (int i = 0; i < row->count; i++) {
		if (!row->cell[i][0])
			continue;
		if (header->column[i] == HQ_IMPORT_CONSENT
		        ? set_consent(out, &header->consent[i], row->cell[i]) != 0
		        : set_cell(out, header->column[i], row->cell[i], rules) != 0)
			return -1;
	}
	if (names_both(header, row)) {
		snprintf(out->why, sizeof out->why,
		         "a person and a company in one row, expected a row for each");
		return -1;
	}
	if (!out->person.external && out->person.ident_count == 0) {
		snprintf(out->why, sizeof out->why, "nobody, expected customer_id, " WHO);
		return -1;
	}
	return 0;
}

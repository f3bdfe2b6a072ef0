/* A CSV file in which somebody says which records are one person, read for `evaluate`: columns
 * found by name, in any order, FEBRL's own names among them. Pure, but for memory. */
#ifndef LANEWAY_HQ_LABEL_H
#define LANEWAY_HQ_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "hq/base/hq_csv.h"
#include "hq/base/hq_intern.h"
#include "hq/hint/hq_people.h"
#include "identity/fold.h"
#include "identity/ident.h"

enum hq_label_column {
	HQ_LABEL_RECORD,
	HQ_LABEL_PERSON,
	HQ_LABEL_FIRST_NAME,
	HQ_LABEL_LAST_NAME,
	HQ_LABEL_NAME,
	HQ_LABEL_BIRTH_DATE,
	HQ_LABEL_STREET,
	HQ_LABEL_HOUSE,
	HQ_LABEL_POSTCODE,
	HQ_LABEL_CITY,
	HQ_LABEL_PHONE,
	HQ_LABEL_EMAIL,
	HQ_LABEL_LOYALTY,
	HQ_LABEL_VERIFIED, /* "loyalty email": what of these the till has seen proof of */
	HQ_LABEL_KIND,     /* what was done to the record: "typo moved" */
	HQ_LABEL_STORE,    /* where it was enrolled */
	HQ_LABEL_MADE,     /* when: a day, or a time as events have it */
	HQ_LABEL_COLUMN_COUNT
};

struct hq_label_header {
	int count;
	int column[HQ_CSV_CELLS_MAX]; /* hq_label_column, or -1: not used */
};
/* 0, or -1 with a sentence in err: no column says which person. */
int hq_label_header(const struct hq_csv_row *row, struct hq_label_header *out, char *err,
                    size_t err_size);

/* A record: numbers of hq_intern, 0: not said. */
struct hq_label {
	uint32_t person, kind;
	uint32_t ident[IDENT_KIND_COUNT]; /* normal forms, by kind */
	bool verified[IDENT_KIND_COUNT];
	/* as the fold compares them (identity/field.h) */
	char first_name[FOLD_NAME_SIZE], last_name[FOLD_NAME_SIZE];
	uint32_t born;
	struct fold_made made; /* store 0: not said where, or not when */
};

struct hq_labelled {
	struct hq_people *people;
	struct hq_label *row; /* one for each of people */
	size_t count, room;
	struct hq_intern person, kind, ident[IDENT_KIND_COUNT];
	size_t bad;     /* rows that were left out */
	size_t refused; /* identifiers that are none */
	unsigned first_bad_line;
};
/* Read a file's text. rules: the region of telephone numbers, the chain's cards; without schemes
 * any card number is taken. 0, or -1 with a sentence in err. */
int hq_labelled_read(const char *text, size_t len, const struct ident_rules *rules,
                     struct hq_labelled *out, char *err, size_t err_size);
void hq_labelled_free(struct hq_labelled *l);

#endif

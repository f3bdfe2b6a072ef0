/* Many records in their comparing forms, packed: what hints are looked for in.
 *
 * Texts are kept once; a record is 80 bytes, and 50 more while pairs are sought. 1,000,000 records
 * with all that `duplicates` needs beside them take 371 MiB. Holds personal data in memory only.
 */
#ifndef LANEWAY_HQ_PEOPLE_H
#define LANEWAY_HQ_PEOPLE_H

#include <stddef.h>

#include "identity/score.h"

#define HQ_PEOPLE_MAX 16000000

struct score_learn;

/* Texts of records: what is interned. */
enum hq_people_text {
	HQ_PEOPLE_FIRST,
	HQ_PEOPLE_LAST,
	HQ_PEOPLE_STREET,
	HQ_PEOPLE_HOUSE,
	HQ_PEOPLE_POSTCODE,
	HQ_PEOPLE_CITY,
	HQ_PEOPLE_TEXT_COUNT
};

struct hq_people;
struct hq_people *hq_people_new(void); /* NULL: out of memory */
void hq_people_free(struct hq_people *p);

/* The record's place, from 0 on; -1: out of memory, or HQ_PEOPLE_MAX is reached. */
long hq_people_add(struct hq_people *p, const struct score_plain *plain);
size_t hq_people_count(const struct hq_people *p);

/* Points into p; valid until the next one is added. */
void hq_people_record(const struct hq_people *p, size_t at, struct score_record *out);

/* A telephone or an address that many have is nobody's: take it from all records. */
void hq_people_drop_contact(struct hq_people *p, size_t at, enum score_field field, uint64_t hash);

/* How frequent each value is. 0, or -1: out of memory. */
int hq_people_values(const struct hq_people *p, struct score_learn *learn);

#endif

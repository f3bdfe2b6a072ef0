#include "hq/hint/hq_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/base/hq_intern.h"
#include "identity/score_learn.h"

#define ROOM_FIRST 4096

struct row {
	uint32_t text[HQ_PEOPLE_TEXT_COUNT];
	uint32_t born;
	uint64_t phone[SCORE_CONTACTS_MAX], mail[SCORE_CONTACTS_MAX], folded[SCORE_CONTACTS_MAX];
};

struct hq_people {
	struct row *row;
	size_t count, room;
	struct hq_intern text[HQ_PEOPLE_TEXT_COUNT];
};

struct hq_people *hq_people_new(void)
{
	return memory_zeroed(1, sizeof(struct hq_people));
}

void hq_people_free(struct hq_people *p)
{
	if (!p)
		return;
	for (int t = 0; t < HQ_PEOPLE_TEXT_COUNT; t++)
		hq_intern_free(&p->text[t]);
	free(p->row);
	free(p);
}

size_t hq_people_count(const struct hq_people *p)
{
	return p->count;
}

static int grow(struct hq_people *p)
{
	size_t room = p->room ? p->room * 2 : ROOM_FIRST;
	struct row *row = p->count < HQ_PEOPLE_MAX ? memory_more(p->row, room * sizeof *row) : NULL;

	if (!row)
		return -1;
	p->row = row;
	p->room = room;
	return 0;
}

long hq_people_add(struct hq_people *p, const struct score_plain *plain)
{
	struct score_room room;
	struct score_record r;
	struct row *row;

	if (p->count == p->room && grow(p) != 0)
		return -1;
	score_prepare(plain, &room, &r);
	const char *text[HQ_PEOPLE_TEXT_COUNT] = {
	    [HQ_PEOPLE_FIRST] = r.first,       [HQ_PEOPLE_LAST] = r.last,
	    [HQ_PEOPLE_STREET] = r.street,     [HQ_PEOPLE_HOUSE] = r.house,
	    [HQ_PEOPLE_POSTCODE] = r.postcode, [HQ_PEOPLE_CITY] = r.city};
	row = &p->row[p->count];
	for (int t = 0; t < HQ_PEOPLE_TEXT_COUNT; t++) {
		row->text[t] = hq_intern_add(&p->text[t], text[t]);
		if (row->text[t] == HQ_INTERN_NONE)
			return -1;
	}
	row->born = r.born;
	memcpy(row->phone, r.phone, sizeof row->phone);
	memcpy(row->mail, r.mail, sizeof row->mail);
	memcpy(row->folded, r.folded, sizeof row->folded);
	return (long)p->count++;
}

void hq_people_record(const struct hq_people *p, size_t at, struct score_record *out)
{
	const struct row *row = &p->row[at];

	*out = (struct score_record){
	    .first = hq_intern_text(&p->text[HQ_PEOPLE_FIRST], row->text[HQ_PEOPLE_FIRST]),
	    .last = hq_intern_text(&p->text[HQ_PEOPLE_LAST], row->text[HQ_PEOPLE_LAST]),
	    .street = hq_intern_text(&p->text[HQ_PEOPLE_STREET], row->text[HQ_PEOPLE_STREET]),
	    .house = hq_intern_text(&p->text[HQ_PEOPLE_HOUSE], row->text[HQ_PEOPLE_HOUSE]),
	    .postcode = hq_intern_text(&p->text[HQ_PEOPLE_POSTCODE], row->text[HQ_PEOPLE_POSTCODE]),
	    .city = hq_intern_text(&p->text[HQ_PEOPLE_CITY], row->text[HQ_PEOPLE_CITY]),
	    .born = row->born};
	memcpy(out->phone, row->phone, sizeof row->phone);
	memcpy(out->mail, row->mail, sizeof row->mail);
	memcpy(out->folded, row->folded, sizeof row->folded);
}

void hq_people_drop_contact(struct hq_people *p, size_t at, enum score_field field, uint64_t hash)
{
	struct row *row = &p->row[at];
	uint64_t *value = field == SCORE_PHONE ? row->phone : row->folded;
	int kept = 0;

	for (int i = 0; i < SCORE_CONTACTS_MAX; i++) {
		if (value[i] == hash)
			continue;
		value[kept] = value[i];
		row->mail[kept] = field == SCORE_MAIL ? row->mail[i] : row->mail[kept];
		kept++;
	}
	for (; kept < SCORE_CONTACTS_MAX; kept++) {
		value[kept] = 0;
		if (field == SCORE_MAIL)
			row->mail[kept] = 0;
	}
}

static void text_values(const struct hq_people *p, enum hq_people_text t, enum score_field f,
                        struct score_learn *learn)
{
	const struct hq_intern *in = &p->text[t];

	for (uint32_t i = 1; i < in->count; i++)
		score_learn_value(learn, f, score_text_hash(hq_intern_text(in, i)), in->uses[i]);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void count_sorted(uint64_t *v, size_t n, enum score_field f, struct score_learn *learn)
{
	char date[16];

	qsort(v, n, sizeof *v, by_number);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && v[end] == v[i]; end++)
			;
		snprintf(date, sizeof date, "%08u", (unsigned)(v[i] & UINT32_MAX));
		score_learn_value(learn, f, f == SCORE_BORN ? score_text_hash(date) : v[i],
		                  end - i);
	}
}

int hq_people_values(const struct hq_people *p, struct score_learn *learn)
{
	uint64_t *v = memory_alloc((p->count + 1) * SCORE_CONTACTS_MAX * sizeof *v);

	if (!v)
		return -1;
	text_values(p, HQ_PEOPLE_FIRST, SCORE_FIRST, learn);
	text_values(p, HQ_PEOPLE_LAST, SCORE_LAST, learn);
	text_values(p, HQ_PEOPLE_POSTCODE, SCORE_PLACE, learn);
	text_values(p, HQ_PEOPLE_STREET, SCORE_STREET, learn);
	text_values(p, HQ_PEOPLE_HOUSE, SCORE_HOUSE, learn);
	for (enum score_field f = SCORE_BORN; f < SCORE_FIELD_COUNT; f++) {
		size_t n = 0;
		if (f != SCORE_BORN && f != SCORE_PHONE && f != SCORE_MAIL)
			continue;
		for (size_t i = 0; i < p->count; i++) {
			const struct row *row = &p->row[i];
			if (f == SCORE_BORN && row->born)
				v[n++] = row->born;
			for (int k = 0; f != SCORE_BORN && k < SCORE_CONTACTS_MAX; k++) {
				uint64_t hash = f == SCORE_PHONE ? row->phone[k] : row->mail[k];
				if (hash)
					v[n++] = hash;
			}
		}
		count_sorted(v, n, f, learn);
	}
	free(v);
	return 0;
}

#include "identity/score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "identity/ident.h"
#include "identity/score_internal.h"

static int mbit_of(double bits)
{
	return (int)lround(bits * 1000);
}

/* The share of records that have what both have here; 0: frequencies say nothing of it. */
static double share_of(const struct score_model *m, enum score_field f,
                       const struct score_record *a)
{
	char date[16];
	const char *text = f == SCORE_FIRST    ? a->first
	                   : f == SCORE_LAST   ? a->last
	                   : f == SCORE_PLACE  ? a->postcode
	                   : f == SCORE_STREET ? a->street
	                                       : date;
	int from = 0, to = m->often_count;
	uint64_t key;

	if (m->rest[f] <= 0)
		return 0;
	snprintf(date, sizeof date, "%08u", a->born);
	key = score_often_key(f, score_text_hash(text));
	while (from < to) {
		int mid = (from + to) / 2;
		if (m->often[mid].key < key)
			from = mid + 1;
		else
			to = mid;
	}
	return from < m->often_count && m->often[from].key == key ? m->often[from].share
	                                                          : m->rest[f];
}

static void add_reason(struct score *out, struct score_reason reason)
{
	if (reason.mbit == 0)
		return;
	out->reason[out->reason_count++] = reason;
	out->mbit += reason.mbit;
}

void score_pair(const struct score_model *m, const struct score_record *a,
                const struct score_record *b, struct score *out)
{
	double address = 0, house = log2(m->houses);

	*out = (struct score){0};
	score_levels(a, b, out->level);
	add_reason(out,
	           (struct score_reason){.why = SCORE_WHY_ODDS, .mbit = mbit_of(log2(m->match))});
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		int l = out->level[f];
		double strange = m->strange[f][l], share, bits;
		if (l == SCORE_UNSAID)
			continue;
		share = l == SCORE_SAME ? share_of(m, f, a) : 0;
		if (share > 0)
			strange = share;
		bits = log2(m->same[f][l] / strange);
		/* First names within a household are as those of strangers, frequent ones too. */
		if (score_is_address(f))
			address += bits;
		else if (f != SCORE_FIRST)
			house += log2(m->house[f][l] / strange);
		else
			house += log2(m->house[f][l] / m->strange[f][l]);
		add_reason(out, (struct score_reason){SCORE_WHY_FIELD, f, l, mbit_of(bits)});
	}
	/* A household has one address, unless somebody has left it: as with one person. */
	house += log2((1 - m->moved) * exp2(address) + m->moved);
	add_reason(out, (struct score_reason){
	                    .why = SCORE_WHY_MOVED,
	                    .mbit = mbit_of(log2(1 - m->moved + m->moved * exp2(-address)))});
	add_reason(out, (struct score_reason){.why = SCORE_WHY_HOUSEHOLD,
	                                      .mbit = mbit_of(-log2(1 + exp2(house)))});
}

int score_percent(int mbit)
{
	int percent = (int)(100 / (1 + exp2(-mbit / 1000.0)));

	return percent > 99 ? 99 : percent;
}

static const char *said(const char *text)
{
	return text ? text : "";
}

/* A whole name: the last word is the last name. "Müller, Anna" says it the other way round. */
static void split_name(const char *name, struct score_room *room)
{
	const char *comma = strchr(name, ',');
	char *space;

	if (comma) {
		char before[SCORE_TEXT_SIZE];
		snprintf(before, sizeof before, "%.*s", (int)(comma - name), name);
		score_text_form(before, room->last);
		if (!*room->first)
			score_text_form(comma + 1, room->first);
		return;
	}
	score_text_form(name, room->last);
	space = strrchr(room->last, ' ');
	if (!space) {
		if (!*room->first)
			memcpy(room->first, room->last, sizeof room->first);
		room->last[0] = '\0';
		return;
	}
	if (!*room->first)
		snprintf(room->first, sizeof room->first, "%.*s", (int)(space - room->last),
		         room->last);
	memmove(room->last, space + 1, strlen(space + 1) + 1);
}

static void contacts(const struct score_plain *plain, struct score_record *out)
{
	char folded[IDENT_VALUE_SIZE];
	int phones = 0, mails = 0;

	for (int i = 0; i < SCORE_CONTACTS_MAX; i++) {
		if (plain->phone[i] && *plain->phone[i])
			out->phone[phones++] = score_text_hash(plain->phone[i]);
		if (!plain->mail[i] || !*plain->mail[i])
			continue;
		out->folded[mails] = score_text_hash(
		    ident_email_uid2(plain->mail[i], folded) ? folded : plain->mail[i]);
		out->mail[mails++] = score_text_hash(plain->mail[i]);
	}
}

void score_prepare(const struct score_plain *plain, struct score_room *room,
                   struct score_record *out)
{
	score_text_form(said(plain->first_name), room->first);
	score_text_form(said(plain->last_name), room->last);
	if (!*room->last && plain->name && *plain->name)
		split_name(plain->name, room);
	score_text_street(said(plain->street), room->street, room->house);
	if (plain->house && *plain->house)
		score_text_code(plain->house, room->house);
	score_text_code(said(plain->postcode), room->postcode);
	score_text_form(said(plain->city), room->city);
	*out = (struct score_record){.first = room->first,
	                             .last = room->last,
	                             .street = room->street,
	                             .house = room->house,
	                             .postcode = room->postcode,
	                             .city = room->city,
	                             .born = score_text_born(said(plain->birth_date))};
	contacts(plain, out);
}

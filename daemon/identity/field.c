#include "identity/field.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "identity/note.h"

static const char *const names[FIELD_COUNT] = {
    [FIELD_FIRST_NAME] = "first_name",
    [FIELD_LAST_NAME] = "last_name",
    [FIELD_NAME] = "name",
    [FIELD_BIRTH_DATE] = "birth_date",
    [FIELD_LANGUAGE] = "language",
    [FIELD_STREET] = "street",
    [FIELD_POSTCODE] = "postcode",
    [FIELD_CITY] = "city",
    [FIELD_COUNTRY] = "country",
    [FIELD_TIER] = "tier",
    [FIELD_STATE] = "state",
    [FIELD_NOTE] = "note",
    [FIELD_AGE_OK] = "age_ok",
    [FIELD_CONTACT] = "contact",
};

static const char *const source_names[FIELD_SOURCE_COUNT] = {
    [FIELD_STEWARD] = "steward", [FIELD_CUSTOMER] = "customer",
    [FIELD_MANAGER] = "manager", [FIELD_TILL] = "till",
    [FIELD_HQ] = "hq",           [FIELD_IMPORT] = "import",
    [FIELD_DERIVED] = "derived",
};

/* How fields are trusted alike. */
enum manner {
	SAID,    /* the customer knows best, and a steward only above that */
	HQS_OWN, /* a store has no say */
	NEWEST,  /* whether an address works, what the staff should know: the last word counts */
	AGE      /* that somebody is old enough is for who saw a document, not for them to say */
};

static const uint8_t trust_in[][FIELD_SOURCE_COUNT] = {
    [SAID] = {[FIELD_STEWARD] = 90,
              [FIELD_CUSTOMER] = 80,
              [FIELD_MANAGER] = 60,
              [FIELD_TILL] = 40,
              [FIELD_HQ] = 30,
              [FIELD_IMPORT] = 30,
              [FIELD_DERIVED] = 10},
    [HQS_OWN] = {[FIELD_STEWARD] = 90, [FIELD_HQ] = 50, [FIELD_IMPORT] = 50},
    [NEWEST] = {[FIELD_STEWARD] = 50,
                [FIELD_CUSTOMER] = 50,
                [FIELD_MANAGER] = 50,
                [FIELD_TILL] = 50,
                [FIELD_HQ] = 50,
                [FIELD_IMPORT] = 50,
                [FIELD_DERIVED] = 50},
    [AGE] = {[FIELD_STEWARD] = 90,
             [FIELD_CUSTOMER] = 30,
             [FIELD_MANAGER] = 60,
             [FIELD_TILL] = 40,
             [FIELD_HQ] = 30,
             [FIELD_IMPORT] = 30,
             [FIELD_DERIVED] = 10},
};

static enum manner manner_of(enum field f)
{
	if (f == FIELD_TIER || f == FIELD_STATE)
		return HQS_OWN;
	if (f == FIELD_CONTACT || f == FIELD_NOTE)
		return NEWEST;
	return f == FIELD_AGE_OK ? AGE : SAID;
}

const char *field_name(enum field f)
{
	return f < FIELD_COUNT ? names[f] : "";
}

enum field field_named(const char *name)
{
	for (int f = 0; f < FIELD_COUNT; f++) {
		if (strcmp(names[f], name) == 0)
			return (enum field)f;
	}
	return FIELD_COUNT;
}

const char *field_source_name(enum field_source s)
{
	return s < FIELD_SOURCE_COUNT ? source_names[s] : "";
}

enum field_source field_source_named(const char *name)
{
	for (int s = 0; s < FIELD_SOURCE_COUNT; s++) {
		if (strcmp(source_names[s], name) == 0)
			return (enum field_source)s;
	}
	return FIELD_SOURCE_COUNT;
}

void field_trust_defaults(struct field_trust *out)
{
	for (int f = 0; f < FIELD_COUNT; f++)
		memcpy(out->trust[f], trust_in[manner_of((enum field)f)], sizeof out->trust[f]);
}

const char *field_trust_fault(enum field f, enum field_source s, long trust)
{
	if (trust < 0 || trust > FIELD_TRUST_MAX)
		return "expected 0 to 100";
	if (manner_of(f) == HQS_OWN && trust > 0 && s != FIELD_STEWARD && s != FIELD_HQ &&
	    s != FIELD_IMPORT)
		return "expected 0: tier and state come from HQ, as steward, hq or import";
	return NULL;
}

int field_trust(const struct field_trust *table, enum field f, const char *source)
{
	enum field_source s = field_source_named(source);

	if (f >= FIELD_COUNT || s >= FIELD_SOURCE_COUNT)
		return 0;
	return table ? table->trust[f][s] : trust_in[manner_of(f)][s];
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* A moment is told in whole milliseconds: one end must not order facts by what the other never
 * heard. */
static int compare_moment(int64_t a, int64_t b, bool up)
{
	a = clock_whole_ms(a, up);
	b = clock_whole_ms(b, up);
	return (a > b) - (a < b);
}

/* Only facts that differ nowhere but in their field are equal. */
static int compare(const struct field_fact *a, const struct field_fact *b)
{
	if (a->trust != b->trust)
		return a->trust < b->trust ? -1 : 1;
	int by = compare_moment(a->from_us, b->from_us, false);
	if (by == 0)
		by = compare_moment(a->to_us, b->to_us, true);
	if (by == 0)
		by = memcmp(a->id.byte, b->id.byte, sizeof a->id.byte);
	if (by == 0)
		by = compare_text(a->value, b->value);
	if (by == 0)
		by = compare_text(a->source, b->source);
	return by ? by : memcmp(a->unit.byte, b->unit.byte, sizeof a->unit.byte);
}

bool field_wins(const struct field_fact *a, const struct field_fact *b)
{
	return compare(a, b) > 0;
}

static bool has_say(const struct field_fact *f)
{
	return f->field < FIELD_COUNT && f->trust > 0;
}

void field_choose(const struct field_fact *facts, size_t n, size_t winner[FIELD_COUNT])
{
	for (int f = 0; f < FIELD_COUNT; f++)
		winner[f] = n;
	for (size_t i = 0; i < n; i++) {
		if (!has_say(&facts[i]))
			continue;
		size_t *w = &winner[facts[i].field];
		if (*w == n || field_wins(&facts[i], &facts[*w]))
			*w = i;
	}
}

/* What a note is about stands in front of its colon. */
static int compare_note(const char *a, const char *b)
{
	size_t m = note_subject(a), n = note_subject(b);
	int by = memcmp(a, b, m < n ? m : n);

	return by ? by : (m > n) - (m < n);
}

/* 0: they are about the same thing. */
static int compare_subject(const struct field_fact *a, const struct field_fact *b)
{
	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	if (a->field == FIELD_NOTE)
		return compare_note(a->value ? a->value : "", b->value ? b->value : "");
	if (a->field != FIELD_CONTACT)
		return 0;
	return strncmp(a->value ? a->value : "", b->value ? b->value : "", EVENT_ID_SIZE - 1);
}

bool field_same_subject(const struct field_fact *a, const struct field_fact *b)
{
	return compare_subject(a, b) == 0;
}

bool field_taken_back(const struct field_fact *f)
{
	if (!f->value)
		return true;
	if (f->field == FIELD_NOTE)
		return note_taken_back(f->value);
	size_t claim = f->field == FIELD_CONTACT ? EVENT_ID_SIZE : 0;
	return strlen(f->value) <= claim;
}

void field_whole_name(const char *const value[FIELD_COUNT], char *out, size_t size)
{
	const char *first = value[FIELD_FIRST_NAME], *last = value[FIELD_LAST_NAME],
	           *name = value[FIELD_NAME];
	size_t n = 0;

	if (!last || !last[0]) {
		text_fit(out, size, name ? name : "");
		return;
	}
	if (first && first[0])
		n = text_fit(out, size, first);
	if (n > 0 && n + 1 < size)
		out[n++] = ' ';
	text_fit(out + n, size - n, last);
}

/* Let a fact that has a say take its place among those of its field. */
static void stand(const struct field_fact *facts, size_t n, size_t i, struct field_stand *s)
{
	if (field_wins(&facts[i], &facts[s->fact])) {
		s->before = s->fact;
		s->fact = i;
	} else if (!field_wins(&facts[s->fact], &facts[i])) {
		return; /* the same fact once more */
	} else if (s->before == n || field_wins(&facts[i], &facts[s->before])) {
		s->before = i;
	}
}

size_t field_stand(const struct field_fact *facts, size_t n, struct field_stand *out)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!has_say(&facts[i]))
			continue;
		size_t at = 0;
		while (at < count && compare_subject(&facts[out[at].fact], &facts[i]) < 0)
			at++;
		if (at < count && field_same_subject(&facts[out[at].fact], &facts[i])) {
			stand(facts, n, i, &out[at]);
			continue;
		}
		memmove(out + at + 1, out + at, (count - at) * sizeof *out);
		out[at] = (struct field_stand){i, n};
		count++;
	}
	return count;
}

/* Each value that stands has one line that explains it, and the line is true: it names the fact
 * that wins by the order that field.h states; without the facts that it names the value is another
 * one, and the one it says was before it; without any other fact it is the same. Facts come in any
 * order, and one that comes late overwrites nothing that is newer and trusted as much. */
#include <string.h>

#include "base/text.h"
#include "identity/field.h"
#include "property.h"

#define FACTS_MAX 24
#define VALUE_SIZE 40
#define FIELDS_EACH 4 /* of all that there are, for one person: few, so that facts meet */

struct person {
	struct field_fact fact[FACTS_MAX];
	char value[FACTS_MAX][VALUE_SIZE];
	size_t n;
	enum field about[FIELDS_EACH];
};

static unsigned pick(struct property_random *r, unsigned n)
{
	return property_below(r, n);
}

static void make_value(struct property_random *r, struct field_fact *f, char out[VALUE_SIZE])
{
	static const char *const values[] = {"Anna", "Bonn", "gold", "de"};
	static const char *const notes[] = {"quiet",  "quiet:", "no_bag",
	                                    "text:a", "text:b", "text:"};
	const char *value = pick(r, 6) ? values[pick(r, 4)] : "";

	if (f->field == FIELD_CONTACT)
		snprintf(out, VALUE_SIZE, "AAAAAAAAAAAAAAAAAAAAA%c:%s", pick(r, 2) ? 'Q' : 'g',
		         value);
	else if (f->field == FIELD_NOTE)
		snprintf(out, VALUE_SIZE, "%s", notes[pick(r, 6)]);
	else
		snprintf(out, VALUE_SIZE, "%s", value);
	f->value = f->field != FIELD_CONTACT && !out[0] && pick(r, 2) ? NULL : out;
}

/* Few sources and moments, so that facts meet. */
static void make_fact(struct property_random *r, struct person *p)
{
	struct field_fact *f = &p->fact[p->n];

	*f = (struct field_fact){.field = p->about[pick(r, FIELDS_EACH)]};
	for (size_t i = 0; i < sizeof f->id.byte; i++)
		f->id.byte[i] = (uint8_t)pick(r, 256);
	f->unit.byte[0] = (uint8_t)(1 + pick(r, 3));
	f->source = field_source_name((enum field_source)pick(r, FIELD_SOURCE_COUNT));
	f->trust = field_trust(NULL, f->field, f->source);
	f->from_us = (int64_t)pick(r, 5) * 1000000 + (int64_t)pick(r, 3) * 600;
	f->to_us = f->from_us + (pick(r, 3) ? 0 : (int64_t)pick(r, 5) * 1000000);
	make_value(r, f, p->value[p->n]);
	p->n++;
}

static const struct field_fact *without(const struct person *p, const bool gone[FACTS_MAX],
                                        struct field_fact out[FACTS_MAX], size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (!gone[i])
			out[(*n)++] = p->fact[i];
	}
	return out;
}

/* ---- what the lines say ---- */

struct line {
	bool names[FACTS_MAX]; /* the fact that stands, and what says the same */
	size_t stands, before; /* FACTS_MAX: none */
};

static size_t fact_of(const struct person *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++) {
		char text[EVENT_ID_SIZE];
		text_b64(p->fact[i].id.byte, sizeof p->fact[i].id.byte, text);
		if (strncmp(text, id, EVENT_ID_SIZE - 1) == 0)
			return i;
	}
	return FACTS_MAX;
}

static void read_line(const struct person *p, const char *text, size_t len, struct line *out)
{
	char line[4096];
	memset(out, 0, sizeof *out);
	snprintf(line, sizeof line, "%.*s", (int)len, text);
	char *before = strstr(line, "; before it: ");
	if (before)
		*before = '\0';
	out->stands = FACTS_MAX;
	for (char *at = strstr(line, ", fact "); at; at = strstr(at + 1, ", fact ")) {
		size_t i = fact_of(p, at + 7);
		if (i == FACTS_MAX)
			return;
		if (out->stands == FACTS_MAX)
			out->stands = i;
		out->names[i] = true;
	}
	char *fact = before ? strstr(before + 1, ", fact ") : NULL;
	out->before = fact ? fact_of(p, fact + 7) : FACTS_MAX;
}

static size_t read_lines(const struct person *p, struct line out[FACTS_MAX])
{
	struct buf b = {0};
	size_t n = 0, from = 0;

	field_why(p->fact, p->n, false, &b);
	for (size_t i = 0; i < b.len && n < FACTS_MAX; i++) {
		if (b.data[i] != '\n')
			continue;
		read_line(p, (const char *)b.data + from, i - from, &out[n++]);
		from = i + 1;
	}
	buf_free(&b);
	return n;
}

/* ---- the order a second time, as header and sentence have it ---- */

static bool beats(const struct field_fact *a, const struct field_fact *b)
{
	int64_t a_from = a->from_us / 1000, b_from = b->from_us / 1000; /* milliseconds */
	int64_t a_to = (a->to_us + 999) / 1000, b_to = (b->to_us + 999) / 1000;

	if (a->trust > b->trust)
		return true;
	if (a->trust < b->trust)
		return false;
	if (a_from > b_from)
		return true;
	if (a_from < b_from)
		return false;
	if (a_to != b_to)
		return a_to > b_to;
	return memcmp(a->id.byte, b->id.byte, sizeof a->id.byte) > 0;
}

/* Field, and claim or note, as text. */
static void subject(const struct field_fact *f, char out[64])
{
	const char *value = f->value ? f->value : "";
	int of = f->field == FIELD_CONTACT ? 22 : 0;
	if (f->field == FIELD_NOTE)
		of = (int)strcspn(value, ":");
	snprintf(out, 64, "%d %.*s", (int)f->field, of, value);
}

static bool same_subject(const struct field_fact *a, const struct field_fact *b)
{
	char left[64], right[64];
	subject(a, left);
	subject(b, right);
	return strcmp(left, right) == 0;
}

/* The fact that nothing else about the same beats; NULL: nobody with a say spoke of it. */
static const struct field_fact *champion(const struct field_fact *facts, size_t n,
                                         const struct field_fact *like)
{
	const struct field_fact *best = NULL;
	for (size_t i = 0; i < n; i++) {
		if (facts[i].trust > 0 && same_subject(&facts[i], like) &&
		    (!best || beats(&facts[i], best)))
			best = &facts[i];
	}
	return best;
}

static bool same_value(const struct field_fact *a, const struct field_fact *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->value ? a->value : "", b->value ? b->value : "") == 0;
}

/* ---- what has to hold ---- */

/* What stands for the same thing in other facts, by field_stand. */
static const struct field_fact *stands_in(const struct field_fact *facts, size_t n,
                                          const struct field_fact *like)
{
	struct field_stand s[FACTS_MAX];
	size_t count = field_stand(facts, n, s);
	for (size_t i = 0; i < count; i++) {
		if (same_subject(&facts[s[i].fact], like))
			return &facts[s[i].fact];
	}
	return NULL;
}

static const char *check_line(const struct person *p, const struct line *l)
{
	struct field_fact rest[FACTS_MAX];
	size_t n;

	if (l->stands == FACTS_MAX)
		return "a line names no fact";
	const struct field_fact *f = &p->fact[l->stands];
	if (champion(p->fact, p->n, f) != f)
		return "a line names a fact that does not stand";
	without(p, l->names, rest, &n);
	const struct field_fact *then = stands_in(rest, n, f);
	if (then && same_value(then, f))
		return "without the facts that its line names a value is the same";
	if (then ? l->before == FACTS_MAX || !ref_same(&then->id, &p->fact[l->before].id)
	         : l->before != FACTS_MAX)
		return "what a line says was before it does not stand without it";
	for (size_t i = 0; i < p->n; i++) {
		bool gone[FACTS_MAX] = {false};
		gone[i] = !l->names[i];
		without(p, gone, rest, &n);
		if (!same_value(stands_in(rest, n, f), f))
			return "without a fact that its line does not name a value is another one";
	}
	return NULL;
}

static const char *check_every_value(const struct person *p, const struct line *lines, size_t count)
{
	size_t winner[FIELD_COUNT];

	field_choose(p->fact, p->n, winner);
	for (size_t i = 0; i < p->n; i++) {
		const struct field_fact *f = champion(p->fact, p->n, &p->fact[i]);
		size_t lined = 0;
		for (size_t k = 0; k < count; k++)
			lined += same_subject(&p->fact[lines[k].stands], &p->fact[i]);
		if (lined != (f != NULL))
			return "a value is without a line, or has two";
		if (f && f->field != FIELD_CONTACT && f->field != FIELD_NOTE &&
		    &p->fact[winner[f->field]] != f)
			return "the value that was chosen is not the one that was explained";
	}
	return NULL;
}

static const char *check_order(struct property_random *r, const struct person *p)
{
	struct field_fact turned[FACTS_MAX];

	memcpy(turned, p->fact, sizeof turned);
	for (size_t i = p->n; i > 1; i--) {
		size_t k = pick(r, (unsigned)i);
		struct field_fact was = turned[i - 1];
		turned[i - 1] = turned[k];
		turned[k] = was;
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct field_fact *a = stands_in(p->fact, p->n, &p->fact[i]);
		const struct field_fact *b = stands_in(turned, p->n, &p->fact[i]);
		if ((a == NULL) != (b == NULL) || (a && !ref_same(&a->id, &b->id)))
			return "facts in another order make another value";
	}
	return NULL;
}

static const char *check_late(struct property_random *r, struct person *p)
{
	if (p->n == FACTS_MAX)
		return NULL;
	make_fact(r, p);
	struct field_fact *late = &p->fact[p->n - 1];
	const struct field_fact *was = stands_in(p->fact, p->n - 1, late);
	if (!was || late->trust > was->trust || late->to_us / 1000 >= was->from_us / 1000)
		return NULL;
	if (stands_in(p->fact, p->n, late) != was)
		return "a late fact overwrote a newer one";
	return NULL;
}

static const char *check(struct property_random *r, struct person *p)
{
	struct line lines[FACTS_MAX];
	size_t count = read_lines(p, lines);
	const char *wrong = NULL;

	for (size_t i = 0; i < count && !wrong; i++)
		wrong = check_line(p, &lines[i]);
	if (!wrong)
		wrong = check_every_value(p, lines, count);
	if (!wrong)
		wrong = check_order(r, p);
	return wrong ? wrong : check_late(r, p);
}

int main(int argc, char **argv)
{
	struct property p = property_begin(argc, argv, 10000);
	uint64_t facts = 0;

	for (uint64_t i = 0; i < p.count; i++) {
		struct property_random r = property_case(&p, i);
		static struct person person;
		person.n = 0;
		for (size_t f = 0; f < FIELDS_EACH; f++)
			person.about[f] = (enum field)pick(&r, FIELD_COUNT);
		for (unsigned n = pick(&r, FACTS_MAX + 1); n > 0; n--)
			make_fact(&r, &person);
		facts += person.n;
		const char *wrong = check(&r, &person);
		if (!wrong)
			continue;
		struct buf b = {0};
		field_why(person.fact, person.n, false, &b);
		printf("%.*s  %s\n", (int)b.len, (char *)b.data, wrong);
		printf("FAILED: case %" PRIu64 " of seed %" PRIu64 "; again: %s %" PRIu64
		       " %" PRIu64 "\n",
		       i, p.seed, p.program, p.seed, i + 1);
		buf_free(&b);
		return 1;
	}
	printf("field: %" PRIu64 " persons of %" PRIu64
	       " facts, each value explained by the facts that make it; seed %" PRIu64 "\n",
	       p.count, facts, p.seed);
	return 0;
}

/* Consent is allowed exactly where the rules do not forbid it, over random schedules: every order
 * of grant, refuse, withdraw, STOP, link, unlink and import in turn, more of them in between, said
 * with right and wrong clocks and arriving in any order. After each arrival questions are asked: of
 * the function (choices in two orders), of the rules as what they forbid (consent_rules.h), and of
 * what truly happened (the last word to a unit was no). */
#include <string.h>

#include "consent_rules.h"
#include "identity/consent.h"
#include "property.h"

#define UNITS 4
#define ADDRESSES 2
#define CHOICES_MAX 16
#define SKELETON 7 /* grant, refuse, withdraw, STOP, import, link, unlink */
#define STEP_US 100

struct schedule {
	struct rules_choice said[CHOICES_MAX];
	unsigned known[CHOICES_MAX]; /* the person it was truly said by, as its store knew it */
	int n;
	int arrival[CHOICES_MAX];
	unsigned person[UNITS + 1]; /* each unit's cluster when it is asked: units as bits */
};

struct figures {
	uint64_t questions, allowed, said, over; /* choices, and those that others supersede */
};

static unsigned pick(struct property_random *r, unsigned n)
{
	return property_below(r, n);
}

/* ---- schedules ---- */

static void link_units(struct schedule *s, int a, int b)
{
	unsigned both = s->person[a] | s->person[b];
	for (int u = 1; u <= UNITS; u++) {
		if (both >> u & 1)
			s->person[u] = both;
	}
}

static void unlink_unit(struct schedule *s, int unit)
{
	for (int u = 1; u <= UNITS; u++)
		s->person[u] &= ~(1U << unit);
	s->person[unit] = 1U << unit;
}

/* What was said truly at `now` is known to lie between two moments: a good clock, a bad one, or one
 * of which only the end is known. */
static void tell_time(struct property_random *r, struct rules_choice *c, long now)
{
	long before = 0, after = 0;
	switch (pick(r, 4)) {
	case 0:
		before = pick(r, 4 * STEP_US);
		after = pick(r, 4 * STEP_US);
		break;
	case 1:
		before = now;
		break;
	default:
		break;
	}
	c->from = now - before;
	c->to = now + after;
}

static void say(struct property_random *r, struct schedule *s, struct rules_choice c, long now)
{
	if (s->n == CHOICES_MAX)
		return;
	int unit = 1 + (int)pick(r, UNITS);
	c.purpose = pick(r, 5) ? MARKETING : PERSONALISATION;
	c.channel = pick(r, 2) ? EVERY : (enum rules_channel)(1 + pick(r, 2));
	c.address = pick(r, 4) ? 1 + (int)pick(r, ADDRESSES) : 0;
	if (c.way == CONFIRMED || c.way == STOP || c.way == COMPLAINT)
		c.address = 1 + (int)pick(r, ADDRESSES);
	c.unit = c.address && pick(r, 8) == 0 ? 0 : unit;
	/* The store may not have heard yet of whom this unit is one with. */
	unsigned seen = pick(r, 4) ? s->person[unit] : 1U << unit;
	c.covers = c.unit ? seen : 0;
	tell_time(r, &c, now);
	s->known[s->n] = c.covers;
	s->said[s->n++] = c;
}

static enum rules_way way_of_a_grant(struct property_random *r)
{
	static const enum rules_way ways[] = {TILL, PAPER, CUSTOMER, STAFF, CONFIRMED, CONFIRMED};
	return ways[pick(r, sizeof ways / sizeof *ways)];
}

static void step(struct property_random *r, struct schedule *s, unsigned kind, long now)
{
	switch (kind) {
	case 0:
		say(r, s,
		    (struct rules_choice){.word = YES, .way = way_of_a_grant(r), .text = true},
		    now);
		break;
	case 1:
		say(r, s, (struct rules_choice){.word = NO, .way = pick(r, 2) ? TILL : PAPER}, now);
		break;
	case 2:
		say(r, s, (struct rules_choice){.word = NO, .way = CUSTOMER}, now);
		break;
	case 3:
		say(r, s, (struct rules_choice){.word = NO, .way = pick(r, 2) ? STOP : COMPLAINT},
		    now);
		break;
	case 4:
		say(r, s,
		    (struct rules_choice){
		        .word = pick(r, 3) ? YES : NO, .way = IMPORT, .text = pick(r, 2)},
		    now);
		break;
	case 5:
		link_units(s, 1 + (int)pick(r, UNITS), 1 + (int)pick(r, UNITS));
		break;
	default:
		unlink_unit(s, 1 + (int)pick(r, UNITS));
		break;
	}
}

/* The i-th order of the skeleton. */
static void order_of(uint64_t i, unsigned out[SKELETON])
{
	unsigned left[SKELETON];
	for (unsigned k = 0; k < SKELETON; k++)
		left[k] = k;
	for (unsigned n = SKELETON; n > 0; n--) {
		unsigned at = (unsigned)(i % n);
		i /= n;
		out[SKELETON - n] = left[at];
		memmove(left + at, left + at + 1, (n - at - 1) * sizeof *left);
	}
}

static void make_schedule(struct property_random *r, uint64_t i, struct schedule *s)
{
	unsigned order[SKELETON];
	long now = 10 * STEP_US;

	memset(s, 0, sizeof *s);
	for (int u = 1; u <= UNITS; u++)
		s->person[u] = 1U << u;
	order_of(i, order);
	for (int k = 0; k < SKELETON; k++) {
		step(r, s, order[k], now += 1 + pick(r, STEP_US));
		while (pick(r, 5) < 2) /* grants mostly, or hardly anything would be allowed */
			step(r, s, pick(r, 2) ? 0 : pick(r, SKELETON), now += 1 + pick(r, STEP_US));
	}
	for (int k = 0; k < s->n; k++)
		s->arrival[k] = k;
	for (int k = s->n; k > 1 && pick(r, 3); k--) {
		int other = (int)pick(r, (unsigned)k), was = s->arrival[k - 1];
		s->arrival[k - 1] = s->arrival[other];
		s->arrival[other] = was;
	}
}

/* ---- the same for the function ---- */

static struct ref ref(int kind, int n)
{
	struct ref r = {{0}};
	if (n > 0) {
		r.byte[0] = (uint8_t)kind;
		r.byte[15] = (uint8_t)n;
	}
	return r;
}

#define UNIT 1
#define ADDRESS 2
#define CHOICE 3

static size_t refs_of(unsigned set, struct ref out[UNITS])
{
	size_t n = 0;
	for (int u = 1; u <= UNITS; u++) {
		if (set >> u & 1)
			out[n++] = ref(UNIT, u);
	}
	return n;
}

static enum consent_purpose purpose_of(enum rules_purpose p)
{
	static const enum consent_purpose of[] = {
	    [LOYALTY] = CONSENT_LOYALTY,
	    [MARKETING] = CONSENT_MARKETING,
	    [PERSONALISATION] = CONSENT_PERSONALISATION,
	};
	return of[p];
}

static enum consent_channel channel_of(enum rules_channel c)
{
	static const enum consent_channel of[] = {
	    [EVERY] = CONSENT_ANY, [EMAIL] = CONSENT_EMAIL, [SMS] = CONSENT_SMS,
	    [CALL] = CONSENT_CALL, [POST] = CONSENT_POST,   [PUSH] = CONSENT_PUSH,
	};
	return of[c];
}

static enum consent_method method_of(enum rules_way w)
{
	static const enum consent_method of[] = {
	    [TILL] = CONSENT_TILL,           [PAPER] = CONSENT_PAPER,
	    [CUSTOMER] = CONSENT_CUSTOMER,   [STAFF] = CONSENT_STAFF,
	    [IMPORT] = CONSENT_IMPORT,       [STOP] = CONSENT_STOP,
	    [COMPLAINT] = CONSENT_COMPLAINT, [CONFIRMED] = CONSENT_CONFIRMED,
	};
	return of[w];
}

static struct consent_choice choice_of(const struct rules_choice *c, int n,
                                       struct ref covers[UNITS])
{
	return (struct consent_choice){
	    .id = ref(CHOICE, n + 1),
	    .purpose = purpose_of(c->purpose),
	    .channel = channel_of(c->channel),
	    .value = c->word == YES ? CONSENT_GRANTED
	             : n % 2        ? CONSENT_REFUSED
	                            : CONSENT_WITHDRAWN,
	    .method = method_of(c->way),
	    .has_text = c->text,
	    .from_us = c->from,
	    .to_us = c->to,
	    .unit = ref(UNIT, c->unit),
	    .address = ref(ADDRESS, c->address),
	    .covers = covers,
	    .cover_count = refs_of(c->covers, covers),
	};
}

/* Take out what is superseded among the first `among`; how many choices are left of all. */
static int without_superseded(struct consent_choice *choice, int n, int among)
{
	bool over[CHOICES_MAX];
	int left = 0;

	consent_supersede(choice, (size_t)among, over);
	for (int i = 0; i < n; i++) {
		if (i >= among || !over[i])
			choice[left++] = choice[i];
	}
	return left;
}

enum way_to_ask { FORWARDS, BACKWARDS, PRUNED };

/* pruned: so many of those that arrived first are told without what is superseded among them. */
static int evaluate(const struct schedule *s, int arrived, enum way_to_ask way, int pruned,
                    const struct rules_ask *ask, struct consent_answer *out)
{
	static struct ref covers[CHOICES_MAX][UNITS]; /* answers point to choices */
	static struct consent_choice choice[CHOICES_MAX];
	struct ref unit[UNITS];
	int n = arrived;
	struct consent_question q = {.purpose = purpose_of(ask->purpose),
	                             .channel = channel_of(ask->channel),
	                             .address = ref(ADDRESS, ask->address),
	                             .unit = unit,
	                             .unit_count = refs_of(ask->person, unit),
	                             .restricted = ask->restricted};
	for (int k = 0; k < arrived; k++) {
		int at = s->arrival[way == BACKWARDS ? arrived - 1 - k : k];
		choice[k] = choice_of(&s->said[at], at, covers[k]);
	}
	if (way == PRUNED)
		n = without_superseded(choice, arrived, pruned);
	consent_evaluate(choice, (size_t)n, &q, out);
	return n;
}

/* ---- the truth ---- */

/* Was the last thing that one of these units was truly told a no, about just this? Whatever clocks
 * said: then nothing may be allowed. */
static bool truly_no(const struct schedule *s, int arrived, const struct rules_ask *ask)
{
	for (int u = 1; u <= UNITS; u++) {
		int last = -1;
		if (!(ask->person >> u & 1))
			continue;
		for (int k = 0; k < arrived; k++) {
			const struct rules_choice *c = &s->said[s->arrival[k]];
			if (c->purpose == ask->purpose &&
			    (c->channel == EVERY || c->channel == ask->channel) &&
			    (c->address == 0 || c->address == ask->address) &&
			    s->known[s->arrival[k]] >> u & 1 && s->arrival[k] > last)
				last = s->arrival[k];
		}
		if (last >= 0 && s->said[last].word == NO)
			return true;
	}
	return false;
}

/* ---- asking ---- */

static const char *const words[] = {[YES] = "yes", [NO] = "no"};
static const char *const ways[] = {"till",   "paper", "customer",  "staff",
                                   "import", "stop",  "complaint", "confirmed"};

static void show(const struct property *p, uint64_t i, const struct schedule *s, int arrived,
                 const struct rules_ask *ask)
{
	for (int k = 0; k < arrived; k++) {
		const struct rules_choice *c = &s->said[s->arrival[k]];
		printf("  %s by %s%s, purpose %d channel %d address %d, unit %d covers %x, %ld to "
		       "%ld\n",
		       words[c->word], ways[c->way], c->text ? " (text)" : "", (int)c->purpose,
		       (int)c->channel, c->address, c->unit, c->covers >> 1, c->from, c->to);
	}
	printf("  asked: person %x purpose %d channel %d address %d%s\n", ask->person >> 1,
	       (int)ask->purpose, (int)ask->channel, ask->address,
	       ask->restricted ? " restricted" : "");
	printf("FAILED: case %" PRIu64 " of seed %" PRIu64 "; again: %s %" PRIu64 " %" PRIu64 "\n",
	       i, p->seed, p->program, p->seed, i + 1);
}

/* Who is one person when all is said, or whoever might be on the way there. */
static unsigned person_to_ask(struct property_random *r, const struct schedule *s)
{
	if (pick(r, 2))
		return s->person[1 + pick(r, UNITS)];
	return (1 + pick(r, (1U << UNITS) - 1)) << 1;
}

static bool same(const struct consent_answer *a, const struct consent_answer *b)
{
	return a->allowed == b->allowed && a->value == b->value && strcmp(a->rule, b->rule) == 0;
}

/* An answer, and which choice it names: the next one is worked out in the same place. */
struct answered {
	struct consent_answer a;
	struct ref because;
};

static int ask_as(const struct schedule *s, int arrived, enum way_to_ask way, int pruned,
                  const struct rules_ask *ask, struct answered *out)
{
	int n = evaluate(s, arrived, way, pruned, ask, &out->a);
	out->because = out->a.because ? out->a.because->id : ref(CHOICE, 0);
	return n;
}

static bool agree(const struct answered *a, const struct answered *b)
{
	return same(&a->a, &b->a) && ref_same(&a->because, &b->because);
}

static const char *allows(const struct answered *a)
{
	return a->a.allowed ? "yes" : "no";
}

static bool ask_one(const struct schedule *s, int arrived, int pruned, const struct rules_ask *ask,
                    struct figures *f)
{
	struct rules_choice known[CHOICES_MAX];
	struct answered all, backwards, less;

	for (int k = 0; k < arrived; k++)
		known[k] = s->said[s->arrival[k]];
	const char *forbidden = rules_forbid(known, arrived, ask);
	ask_as(s, arrived, FORWARDS, 0, ask, &all);
	ask_as(s, arrived, BACKWARDS, 0, ask, &backwards);
	int left = ask_as(s, arrived, PRUNED, pruned, ask, &less);
	f->questions++;
	f->allowed += all.a.allowed;
	f->said += (uint64_t)pruned;
	f->over += (uint64_t)(arrived - left);
	bool right = all.a.allowed == (forbidden == NULL) && agree(&all, &backwards) &&
	             agree(&all, &less) && !(all.a.allowed && truly_no(s, arrived, ask));
	if (!right)
		printf("  allowed: %s (%s), backwards: %s (%s), without what is superseded of the "
		       "first %d: %s (%s); the rules: %s\n",
		       allows(&all), all.a.rule, allows(&backwards), backwards.a.rule, pruned,
		       allows(&less), less.a.rule, forbidden ? forbidden : "allow it");
	return right;
}

int main(int argc, char **argv)
{
	struct property p = property_begin(argc, argv, 10000);
	struct figures f = {0};

	for (uint64_t i = 0; i < p.count; i++) {
		struct property_random r = property_case(&p, i);
		struct schedule s;
		make_schedule(&r, i, &s);
		for (int arrived = 0; arrived <= s.n; arrived++) {
			struct rules_ask ask = {
			    .purpose = pick(&r, 5) ? MARKETING : PERSONALISATION,
			    .channel = (enum rules_channel)pick(&r, 3),
			    .address = pick(&r, 4) ? 1 + (int)pick(&r, ADDRESSES) : 0,
			    .person = person_to_ask(&r, &s),
			    .restricted = pick(&r, 20) == 0,
			};
			int pruned = pick(&r, 2) ? arrived : (int)pick(&r, (unsigned)arrived + 1);
			if (ask_one(&s, arrived, pruned, &ask, &f))
				continue;
			show(&p, i, &s, arrived, &ask);
			return 1;
		}
	}
	printf("consent: %" PRIu64 " schedules, %" PRIu64 " questions, %" PRIu64
	       " allowed, none that the rules forbid; of %" PRIu64 " choices %" PRIu64
	       " superseded, and no answer another without them; seed %" PRIu64 "\n",
	       p.count, f.questions, f.allowed, f.said, f.over, p.seed);
	return 0;
}

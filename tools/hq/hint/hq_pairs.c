#include "hq/hint/hq_pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

#define FIRST_LETTERS 3 /* of a first name: what typists get right */
#define AREA_LETTERS 2  /* of a postcode */
#define PROGRESS_US 2000000
#define PROGRESS_BLOCKS 1024 /* between looks at the clock */

#define FIELD(f) (1U << SCORE_##f)

static const struct pass {
	const char *name, *reason;
	unsigned demands;
} passes[HQ_PASS_COUNT] = {
    [HQ_PASS_MAIL] = {"mail", "the same e-mail mailbox: names may be typed in any way",
                      FIELD(MAIL)},
    [HQ_PASS_PHONE] = {"phone", "the same telephone: the identifier that most records have",
                       FIELD(PHONE)},
    [HQ_PASS_BORN] = {"born", "the same birth date: holds whatever happened to name and address",
                      FIELD(BORN)},
    [HQ_PASS_PLACE_LAST] = {"place_last",
                            "the same postcode and a last name that sounds alike: the usual slip",
                            FIELD(PLACE) | FIELD(LAST)},
    [HQ_PASS_PLACE_FIRST] = {"place_first",
                             "the same postcode and first letters of the first name: married names",
                             FIELD(PLACE) | FIELD(FIRST)},
    [HQ_PASS_NAMES] = {"names", "both names sound alike, in either order: people who moved",
                       FIELD(FIRST) | FIELD(LAST)},
    [HQ_PASS_ADDRESS] = {"address", "the same street and number: postcodes that are mistyped",
                         FIELD(STREET) | FIELD(HOUSE)},
};

const char *hq_pairs_name(enum hq_pass pass)
{
	return passes[pass].name;
}

const char *hq_pairs_reason(enum hq_pass pass)
{
	return passes[pass].reason;
}

struct place {
	uint32_t key, at;
};

struct walk {
	struct hq_people *p;
	const struct hq_pairs_ask *ask;
	struct hq_pairs_report *report;
	uint32_t *key[HQ_PASS_COUNT]; /* of each record; 0: the pass does not find it */
	struct place *place;
	size_t count;
	enum hq_pass pass;
	int64_t told_us;
	unsigned blocks;
};

static bool is_contact(enum hq_pass pass)
{
	return pass == HQ_PASS_MAIL || pass == HQ_PASS_PHONE;
}

static uint32_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b + UINT64_C(0x9e3779b97f4a7c15) + (a << 6) + (a >> 2))) *
	             UINT64_C(0xff51afd7ed558ccd);
	uint32_t key = (uint32_t)(h >> 32);

	return key ? key : 1;
}

/* A name's sound; of a name in another script, or of vowels alone, the name itself. */
static uint64_t sound(const char *name)
{
	char code[SCORE_TEXT_CODE_SIZE];

	score_text_sound(name, code);
	return score_text_hash(strlen(code) > 1 ? code : name);
}

static uint64_t beginning(const char *text, size_t letters)
{
	char head[8];

	snprintf(head, sizeof head, "%.*s", (int)letters, text);
	return score_text_hash(head);
}

static uint32_t key_of(enum hq_pass pass, const struct score_record *r)
{
	uint64_t first, last;

	switch (pass) {
	case HQ_PASS_BORN:
		return r->born ? mix(r->born, 1) : 0;
	case HQ_PASS_PLACE_LAST:
		return *r->postcode && *r->last ? mix(score_text_hash(r->postcode), sound(r->last))
		                                : 0;
	case HQ_PASS_PLACE_FIRST:
		return *r->postcode && *r->first
		           ? mix(score_text_hash(r->postcode), beginning(r->first, FIRST_LETTERS))
		           : 0;
	case HQ_PASS_NAMES:
		if (!*r->first || !*r->last)
			return 0;
		first = sound(r->first);
		last = sound(r->last);
		return first < last ? mix(first, last) : mix(last, first);
	case HQ_PASS_ADDRESS:
		return *r->street && *r->house
		           ? mix(score_text_hash(r->street), score_text_hash(r->house))
		           : 0;
	default:
		return 0;
	}
}

/* What parts a block that is too large. */
static uint32_t second_key(enum hq_pass pass, const struct score_record *r, uint32_t key)
{
	switch (pass) {
	case HQ_PASS_BORN:
	case HQ_PASS_PLACE_LAST:
		return mix(key, beginning(r->first, 1));
	case HQ_PASS_PLACE_FIRST:
	case HQ_PASS_ADDRESS:
		return mix(key, sound(r->last));
	case HQ_PASS_NAMES:
		return mix(key, beginning(r->postcode, AREA_LETTERS));
	default:
		return 0;
	}
}

static const uint64_t *contacts(const struct score_record *r, enum hq_pass pass)
{
	return pass == HQ_PASS_MAIL ? r->folded : r->phone;
}

/* The first contact that both have; 0: none. */
static uint64_t common_contact(const struct hq_pair *pair, enum hq_pass pass)
{
	const uint64_t *a = contacts(&pair->left, pass), *b = contacts(&pair->right, pass);

	for (int i = 0; i < SCORE_CONTACTS_MAX; i++) {
		for (int k = 0; k < SCORE_CONTACTS_MAX; k++) {
			if (a[i] && a[i] == b[k])
				return a[i];
		}
	}
	return 0;
}

static bool found_before(const struct walk *w, const struct hq_pair *pair)
{
	for (enum hq_pass e = 0; e < w->pass; e++) {
		if (is_contact(e) ? common_contact(pair, e) != 0
		                  : w->key[e][pair->a] && w->key[e][pair->a] == w->key[e][pair->b])
			return true;
	}
	return false;
}

static void give(struct walk *w, uint32_t key, size_t a, size_t b)
{
	struct hq_pair pair = {.a = (uint32_t)(a < b ? a : b),
	                       .b = (uint32_t)(a < b ? b : a),
	                       .pass = w->pass,
	                       .demands = passes[w->pass].demands};

	hq_people_record(w->p, pair.a, &pair.left);
	hq_people_record(w->p, pair.b, &pair.right);
	/* Two contacts in common bring a pair twice; keys that collide bring strangers. */
	if (is_contact(w->pass) && mix(common_contact(&pair, w->pass), 1) != key)
		return;
	pair.first = !found_before(w, &pair);
	if (!pair.first && !w->ask->all)
		return;
	w->report->given++;
	w->report->by_pass[w->pass]++;
	w->ask->take(w->ask->ctx, &pair);
}

static void tell(struct walk *w, size_t at)
{
	int64_t now;

	if (!w->ask->what || ++w->blocks % PROGRESS_BLOCKS != 0)
		return;
	now = clock_mono_us(clock_system());
	if (now - w->told_us < PROGRESS_US)
		return;
	w->told_us = now;
	fprintf(stderr, "%s: pass %d of %d (%s), %d %%, %llu pairs\n", w->ask->what, w->pass + 1,
	        HQ_PASS_COUNT, passes[w->pass].name, (int)(at * 100 / w->count),
	        (unsigned long long)w->report->given);
}

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static size_t block_end(const struct walk *w, size_t from)
{
	size_t end = from;

	while (end < w->count && w->place[end].key == w->place[from].key)
		end++;
	return end;
}

/* A telephone of so many: which one it was is known by its key only. */
static void drop_contact(struct walk *w, const struct place *place)
{
	struct score_record r;

	hq_people_record(w->p, place->at, &r);
	for (int i = 0; i < SCORE_CONTACTS_MAX; i++) {
		uint64_t hash = contacts(&r, w->pass)[i];
		if (hash && mix(hash, 1) == place->key)
			hq_people_drop_contact(w->p, place->at,
			                       w->pass == HQ_PASS_MAIL ? SCORE_MAIL : SCORE_PHONE,
			                       hash);
	}
}

static void part(struct walk *w, bool last)
{
	for (size_t from = 0, end; from < w->count; from = end) {
		end = block_end(w, from);
		if (end - from <= HQ_PAIRS_BLOCK_MAX)
			continue;
		for (size_t i = from; i < end; i++) {
			struct score_record r;
			if (is_contact(w->pass)) {
				drop_contact(w, &w->place[i]);
			} else if (!last) {
				hq_people_record(w->p, w->place[i].at, &r);
				w->place[i].key = second_key(w->pass, &r, w->place[i].key);
				w->key[w->pass][w->place[i].at] = w->place[i].key;
				continue;
			} else {
				w->key[w->pass][w->place[i].at] = 0;
			}
			w->place[i].key = 0;
			w->report->passed_over[w->pass]++;
		}
	}
	qsort(w->place, w->count, sizeof *w->place, by_key);
}

static void gather(struct walk *w)
{
	size_t n = hq_people_count(w->p);
	struct score_record r;

	w->count = 0;
	for (size_t i = 0; i < n; i++) {
		hq_people_record(w->p, i, &r);
		if (!is_contact(w->pass)) {
			uint32_t key = key_of(w->pass, &r);
			w->key[w->pass][i] = key;
			if (key)
				w->place[w->count++] = (struct place){key, (uint32_t)i};
			continue;
		}
		for (int k = 0; k < SCORE_CONTACTS_MAX && contacts(&r, w->pass)[k]; k++)
			w->place[w->count++] =
			    (struct place){mix(contacts(&r, w->pass)[k], 1), (uint32_t)i};
	}
	qsort(w->place, w->count, sizeof *w->place, by_key);
	part(w, false);
	if (!is_contact(w->pass))
		part(w, true);
}

static void walk_pass(struct walk *w)
{
	gather(w);
	for (size_t from = 0, end; from < w->count; from = end) {
		uint32_t key = w->place[from].key;
		end = block_end(w, from);
		tell(w, from);
		if (key == 0 || (w->ask->sample > 1 && mix(key, w->pass) % w->ask->sample != 0))
			continue;
		for (size_t i = from; i < end; i++) {
			for (size_t k = i + 1; k < end; k++) {
				if (w->place[i].at != w->place[k].at)
					give(w, key, w->place[i].at, w->place[k].at);
			}
		}
	}
}

int hq_pairs_walk(struct hq_people *p, const struct hq_pairs_ask *ask,
                  struct hq_pairs_report *report)
{
	struct walk w = {.p = p, .ask = ask, .report = report};
	size_t n = hq_people_count(p);
	bool ok;

	*report = (struct hq_pairs_report){0};
	w.told_us = clock_mono_us(clock_system());
	w.place = memory_alloc((n + 1) * SCORE_CONTACTS_MAX * sizeof *w.place);
	ok = w.place != NULL;
	for (enum hq_pass e = 0; e < HQ_PASS_COUNT; e++) {
		w.key[e] = is_contact(e) ? NULL : memory_zeroed(n + 1, sizeof *w.key[e]);
		ok = ok && (is_contact(e) || w.key[e]);
	}
	for (w.pass = 0; ok && w.pass < HQ_PASS_COUNT; w.pass++)
		walk_pass(&w);
	for (enum hq_pass e = 0; e < HQ_PASS_COUNT; e++)
		free(w.key[e]);
	free(w.place);
	return ok ? 0 : -1;
}

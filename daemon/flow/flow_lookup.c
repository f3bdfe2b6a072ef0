/* Looking somebody up by phone or e-mail, at a till or in a form: so often in an hour and no more,
 * each one told, found or not. */
#include "flow/flow_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "identity/quota.h"

#define SAVED_VERSION 2
#define SAVED_VERSION_UNTOLD 1 /* of a release that did not keep what was told */
#define REASON "look_ups"      /* of the event, when they are used up */
#define TOLD_MAX 64            /* answers remembered: as many lanes ask at once at most */

/* What was told of last: to take it up is no second look-up. */
struct told {
	char lane[EVENT_NAME_SIZE];
	uint8_t key[VAULT_BLIND_BYTES];
};

struct flow_lookup {
	struct quota *quota;
	struct told told[TOLD_MAX]; /* a ring */
	unsigned told_next;
	struct flow_lookup_refused refused;
	bool unsaved;
};

struct flow_lookup *flow_lookup_new(void)
{
	struct flow_lookup *l = calloc(1, sizeof *l);

	if (l)
		l->quota = quota_new();
	if (l && l->quota)
		return l;
	free(l);
	return NULL;
}

void flow_lookup_free(struct flow_lookup *l)
{
	if (l)
		quota_free(l->quota);
	free(l);
}

bool flow_lookup_is(const struct answer *a)
{
	return a->reason == IDENT_OK && (a->kind == IDENT_PHONE || a->kind == IDENT_EMAIL);
}

/* The cashier as the events name them; where tills do not say who serves, all of a lane are one. */
static void cashier_of(const struct flow *f, const char *lane, char out[QUOTA_WHO_SIZE])
{
	const char *who = sale_operator(f->sale, lane);

	snprintf(out, QUOTA_WHO_SIZE, "%s%s", who ? "" : "lane/", who ? who : lane);
}

static void note_refused(struct flow *f)
{
	struct flow_lookup *l = f->lookup;
	struct sale_now now;

	flow_now(f, &now);
	if (strcmp(l->refused.day, now.business_date) != 0) {
		text_copy(l->refused.day, sizeof l->refused.day, now.business_date);
		l->refused.count = 0;
	}
	l->refused.count++;
	l->unsaved = true;
	counter_add(f->p.counters, COUNTER_LOOKUPS_REFUSED, 1);
}

/* true: no more, and words say until when. */
static bool used_up(struct flow *f, const char *lane, char words[97])
{
	char who[QUOTA_WHO_SIZE], at[6];
	int64_t now_us = flow_guard_age_us(f);

	cashier_of(f, lane, who);
	int limit = f->table.guard.lookups_max;
	int64_t until_us = quota_until(f->lookup->quota, who, limit, now_us);
	if (!until_us)
		return false;
	flow_clock_text(clock_wall_us(f->p.clock) + (until_us - now_us), at);
	snprintf(words, 97, "%d look-ups in an hour: ask for the card, or again at %s", limit, at);
	return true;
}

static void count(struct flow *f, const char *lane)
{
	char who[QUOTA_WHO_SIZE];

	cashier_of(f, lane, who);
	quota_count(f->lookup->quota, who, flow_guard_age_us(f));
	counter_add(f->p.counters, COUNTER_LOOKUPS, 1);
	f->lookup->unsaved = true;
}

void flow_lookup_chosen(struct flow *f, const char *lane, struct answer *a)
{
	char words[97];

	if (!flow_lookup_is(a))
		return;
	if (!used_up(f, lane, words)) {
		count(f, lane);
		return;
	}
	note_refused(f);
	/* Whether anybody has it is not said. */
	a->outcome = OUTCOME_BLOCKED;
	text_copy(a->why, sizeof a->why, REASON);
	text_copy(a->words, sizeof a->words, words);
	text_copy(a->confidence, sizeof a->confidence, "none");
	a->verified = a->scanned = a->staff = false;
	a->found = a->candidate_count = 0;
	explicit_bzero(&a->hit, sizeof a->hit);
	explicit_bzero(a->candidate, sizeof a->candidate);
}

bool flow_lookup_used_up(struct flow *f, const char *lane, char words[97])
{
	if (!used_up(f, lane, words))
		return false;
	note_refused(f);
	return true;
}

static struct told told_of(const struct flow *f, const char *lane, const struct answer *a)
{
	struct told told = {0};

	text_copy(told.lane, sizeof told.lane, lane);
	vault_blind(f->p.vault, f->work, ident_kind_name(a->kind), a->value, told.key);
	return told;
}

bool flow_lookup_told(const struct flow *f, const char *lane, const struct answer *a)
{
	const struct told told = told_of(f, lane, a);

	for (size_t i = 0; i < TOLD_MAX; i++)
		if (memcmp(&f->lookup->told[i], &told, sizeof told) == 0)
			return true;
	return false;
}

struct entry *flow_lookup_search(struct flow *f, const char *lane, const struct answer *a,
                                 const struct sale_search *why)
{
	struct entry *e = entry_new();
	struct sale_now now;

	flow_now(f, &now);
	if (!e || sale_looked_up(f->sale, e, &now, lane, a, why) < 0) {
		entry_free(e);
		return NULL;
	}
	count(f, lane);
	/* Kept with the event; when that is refused, nothing was told. */
	f->lookup->told[f->lookup->told_next++ % TOLD_MAX] = told_of(f, lane, a);
	return e;
}

bool flow_lookup_tell(struct flow *f, const char *lane, const struct answer *a)
{
	struct entry *e = flow_lookup_search(f, lane, a, NULL);

	return e && flow_put(f, e);
}

struct flow_lookup_refused flow_lookup_refused(const struct flow *f)
{
	return f->lookup->refused;
}

/* ---- over a restart ---- */

static void save_told(const struct flow_lookup *l, struct buf *out)
{
	for (unsigned i = 0; i < TOLD_MAX; i++) {
		const struct told *told = &l->told[(l->told_next + i) % TOLD_MAX];
		if (!told->lane[0])
			continue;
		buf_byte(out, (uint8_t)strlen(told->lane));
		buf_str(out, told->lane);
		buf_add(out, told->key, sizeof told->key);
	}
	buf_byte(out, 0);
}

/* How many bytes they take; 0: they are cut off. */
static size_t load_told(struct flow_lookup *l, const uint8_t *at, size_t left)
{
	size_t n = 0;

	while (n < left && at[n]) {
		struct told told = {0};
		size_t name = at[n];
		if (name >= sizeof told.lane || left - n < 1 + name + sizeof told.key)
			return 0;
		memcpy(told.lane, at + n + 1, name);
		memcpy(told.key, at + n + 1 + name, sizeof told.key);
		l->told[l->told_next++ % TOLD_MAX] = told;
		n += 1 + name + sizeof told.key;
	}
	return n < left ? n + 1 : 0;
}

void flow_lookup_note(struct flow *f, struct entry *e)
{
	struct flow_lookup *l = f->lookup;
	struct buf mark = {0};

	if (!l->unsaved || f->stage == FLOW_STARTING)
		return;
	buf_byte(&mark, SAVED_VERSION);
	buf_byte(&mark, (uint8_t)strlen(l->refused.day));
	buf_str(&mark, l->refused.day);
	buf_be32(&mark, l->refused.count);
	save_told(l, &mark);
	quota_save(l->quota, flow_guard_age_us(f), &mark);
	if (!mark.failed && entry_mark(e, FLOW_MARK_LOOKUPS, mark.data, mark.len) == 0)
		l->unsaved = false;
	buf_free(&mark);
}

/* A look-up may have been in what is lost: the next one is told again. */
void flow_lookup_lost(struct flow *f)
{
	f->lookup->unsaved = true;
	explicit_bzero(f->lookup->told, sizeof f->lookup->told);
}

void flow_lookup_begin(struct flow *f, const struct buf *mark)
{
	struct flow_lookup_refused *refused = &f->lookup->refused;
	const uint8_t *at = mark->data;
	size_t day = mark->len > 1 ? at[1] : sizeof refused->day, head = 2 + day + 4;

	if (!mark->len)
		return;
	bool known = at[0] == SAVED_VERSION || at[0] == SAVED_VERSION_UNTOLD;
	if (!known || day >= sizeof refused->day || mark->len < head) {
		log_error("which look-ups were made could not be read back");
		return;
	}
	memcpy(refused->day, at + 2, day);
	refused->day[day] = '\0';
	refused->count = buf_get32(at + 2 + day);
	size_t told =
	    at[0] == SAVED_VERSION ? load_told(f->lookup, at + head, mark->len - head) : 0;
	bool whole = told || at[0] != SAVED_VERSION;
	if (!whole || !quota_load(f->lookup->quota, flow_guard_age_us(f), at + head + told,
	                          mark->len - head - told))
		log_error("which look-ups were made could not be read back whole");
}

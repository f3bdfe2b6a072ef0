/* The guards at work: identifiers that are presented, baskets that have one, and what a manager
 * says. Which identifier an attached customer came with is looked up among the last answers. */
#include "flow/flow_guard_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"
#include "event/member.h"
#include "identity/ward.h"

#define REASON_BYTES_MAX 128
#define CLEAN_EVERY_US (3600 * INT64_C(1000000))
#define CLEAN_MAX 32 /* each time, so that the journal can refuse them */

struct flow_guard *flow_guard_new(void)
{
	struct flow_guard *g = calloc(1, sizeof *g);

	if (g)
		g->ward = ward_new();
	if (g && g->ward) {
		guard_keep_names(g);
		return g;
	}
	free(g);
	return NULL;
}

void flow_guard_free(struct flow_guard *g)
{
	if (!g)
		return;
	ward_free(g->ward);
	explicit_bzero(g, sizeof *g);
	free(g);
}

static void key_of(struct flow *f, enum ident_kind kind, const char *value,
                   uint8_t key[WARD_KEY_BYTES])
{
	vault_blind(f->p.vault, f->work, ident_kind_name(kind), value, key);
}

static int32_t today(const struct flow *f)
{
	struct sale_now now;
	int64_t at_us = 0;
	char noon[CLOCK_ISO8601_SIZE];

	flow_now(f, &now);
	snprintf(noon, sizeof noon, "%sT12:00:00.000Z", now.business_date);
	clock_parse_iso8601(noon, &at_us);
	return (int32_t)(at_us / (86400 * INT64_C(1000000)));
}

/* ---- events ---- */

static void stamp(struct flow *f, struct entry *e, struct lw_event *ev)
{
	struct sale_now now;

	flow_now(f, &now);
	ev->mono_us = now.mono_us;
	ev->wall_us = now.wall_us;
	ev->trust = now.trust;
	ev->business_date = entry_text(e, now.business_date);
	ev->utc_offset_min = now.utc_offset_min;
	ev->source = "box";
}

struct telling {
	enum event_kind kind;
	enum ident_kind ident;
	const char *value; /* NULL: not known any more */
	const char *ref;   /* names the block, and again what lifts it */
	const char *scope, *reason;
	const char *said; /* a person's words on it, or NULL */
};

static void new_ref(char out[EVENT_ID_SIZE])
{
	uint8_t random[EVENT_ID_BYTES];

	if (getrandom(random, sizeof random, 0) == (ssize_t)sizeof random)
		text_b64(random, sizeof random, out);
	else
		out[0] = '\0';
}

static const char *object(struct entry *e, struct buf *b)
{
	const char *text;

	buf_add(b, "}", 2); /* with its NUL */
	text = b->failed ? NULL : entry_text(e, (const char *)b->data);
	explicit_bzero(b->data, b->len);
	buf_free(b);
	return text;
}

/* Identifier Blocked or Unblocked, at the end of the entry. false: out of memory, nothing added. */
static bool tell(struct flow *f, struct entry *e, const struct telling *t)
{
	struct visit_key key;
	struct buf p = {0}, person = {0};

	if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key || !t->ref[0])
		return false;
	buf_byte(&p, '{');
	member_text(&p, "ident_ref", t->ref);
	member_text(&p, "reason", t->reason);
	member_text(&p, "scope", t->scope);
	member_text(&p, "until", NULL);
	buf_byte(&person, '{');
	member_text(&person, "kind", ident_kind_name(t->ident));
	if (t->said)
		member_text(&person, "reason", t->said);
	member_text(&person, "value", t->value);
	const char *properties = object(e, &p), *sealed = object(e, &person);
	struct lw_event *ev = properties && sealed ? entry_add(e, t->kind) : NULL;
	if (!ev)
		return false;
	stamp(f, e, ev);
	ev->properties = properties;
	if (t->value) {
		ev->person = sealed;
		ev->key = key;
	}
	explicit_bzero(&key, sizeof key);
	return ev->business_date != NULL;
}

/* ---- what is presented ---- */

enum guard_state flow_guard_state(struct flow *f, enum ident_kind kind, const char *nf)
{
	uint8_t key[WARD_KEY_BYTES];

	key_of(f, kind, nf, key);
	return ward_ask(f->guard->ward, key);
}

/* Where too few for that have it, it is HQ that calls it shared: said again it would be this
 * store's word, and would stay when HQ's reason goes. */
static enum ward_cause cause_of(const struct flow *f, const struct answer *a)
{
	if (a->outcome == OUTCOME_STALE)
		return WARD_LONG_UNSEEN;
	if (a->outcome == OUTCOME_SHARED && a->found > f->table.guard.persons_max)
		return WARD_PERSONS;
	bool several = a->outcome == OUTCOME_SHARED && a->found > 1;
	return several || a->outcome == OUTCOME_CONFLICT ? WARD_CONFLICT : WARD_COUNTED;
}

static struct ward_basket basket_of(const struct flow *f, const struct guard_known *k)
{
	return (struct ward_basket){.key = k->key,
	                            .kind = k->kind,
	                            .value = k->value,
	                            .ref = k->ref[0],
	                            .day = today(f),
	                            .at_us = flow_guard_age_us(f)};
}

/* A box's own entry for the cause that an identifier has got; without it it has none. */
static void tell_cause(struct flow *f, const struct telling *t, const struct ward_row *was)
{
	struct entry *e = entry_new();
	struct guard_owed *owed = e ? guard_owe(f->guard, e, was->key) : NULL;

	if (owed)
		*owed = (struct guard_owed){.e = e, .was = *was};
	if (e && tell(f, e, t)) {
		flow_put(f, e);
		return;
	}
	if (owed)
		f->guard->owed_count--;
	ward_uncause(f->guard->ward, was->key, was);
	entry_free(e);
}

/* What an answer says about the identifier itself: for the manager's list. */
static void note_cause(struct flow *f, const struct guard_known *k, const struct answer *a)
{
	enum ward_cause cause = cause_of(f, a);
	const struct ward_row *row = ward_find(f->guard->ward, k->key);
	struct ward_row was = {.cause = WARD_COUNTED};
	struct ward_basket b = basket_of(f, k);
	char ref[EVENT_ID_SIZE];

	if (row)
		was = *row;
	memcpy(was.key, k->key, sizeof was.key);
	if (row && row->cause == WARD_CONFLICT && a->outcome == OUTCOME_MATCHED)
		ward_clear(f->guard->ward, k->key);
	if (cause == WARD_COUNTED)
		return;
	new_ref(ref);
	b.ref = ref;
	if (ward_set(f->guard->ward, &b, cause, NULL) && cause == WARD_PERSONS)
		tell_cause(f,
		           &(struct telling){EVENT_IDENTIFIER_BLOCKED, k->kind, k->value, ref,
		                             "shared", ward_cause_name(cause), NULL},
		           &was);
}

/* The place of one more, in that of the oldest. */
static struct guard_known *next_known(struct flow *f, enum ident_kind kind, const char *value)
{
	struct flow_guard *g = f->guard;
	struct guard_known *k = &g->known[g->next];

	g->next = (g->next + 1) % GUARD_KNOWN_MAX;
	*k = (struct guard_known){.kind = kind};
	key_of(f, kind, value, k->key);
	text_copy(k->value, sizeof k->value, value);
	return k;
}

void flow_guard_presented(struct flow *f, const struct answer *a)
{
	struct guard_known *k;

	if (a->reason != IDENT_OK || a->kind == IDENT_NONE || f->stage == FLOW_STARTING)
		return;
	k = next_known(f, a->kind, a->value);
	if (answer_is_somebody(a))
		text_copy(k->ref[0], sizeof k->ref[0], a->hit.ident_ref);
	for (int i = 0; i < a->candidate_count; i++)
		text_copy(k->ref[i], sizeof k->ref[i], a->candidate[i].ident_ref);
	note_cause(f, k, a);
}

/* ---- baskets ---- */

/* The identifier with this reference, presented a moment ago; NULL: it is too long ago. */
static const struct guard_known *known_by(const struct flow_guard *g, const char *ref)
{
	for (size_t i = 0; i < GUARD_KNOWN_MAX; i++) {
		const struct guard_known *k =
		    &g->known[(g->next + GUARD_KNOWN_MAX - 1 - i) % GUARD_KNOWN_MAX];
		for (size_t c = 0; c < RESOLVE_CANDIDATES_MAX; c++) {
			if (k->ref[c][0] && strcmp(k->ref[c], ref) == 0)
				return k;
		}
	}
	return NULL;
}

/* The reference in what will be sealed of a Customer Attached. */
static bool ref_of(const struct lw_event *ev, char out[EVENT_ID_SIZE])
{
	static const char key[] = "\"ident_ref\":\"";
	const char *at = ev->person ? strstr(ev->person, key) : NULL;

	if (!at || strnlen(at, sizeof key + EVENT_ID_SIZE) < sizeof key + EVENT_ID_SIZE - 1)
		return false;
	memcpy(out, at + sizeof key - 1, EVENT_ID_SIZE - 1);
	out[EVENT_ID_SIZE - 1] = '\0';
	return true;
}

/* Count the basket; tell when that makes its identifier shared. */
static void count(struct flow *f, struct entry *e, const struct lw_event *ev)
{
	char ref[EVENT_ID_SIZE];
	const struct guard_known *k = ref_of(ev, ref) ? known_by(f->guard, ref) : NULL;

	if (!k || ev->training || !ev->basket_id ||
	    ward_counted(f->guard->ward, k->key, ev->basket_id))
		return;
	struct ward_basket b = basket_of(f, k);
	struct guard_owed *owed = guard_owe(f->guard, e, k->key);
	char block[EVENT_ID_SIZE];
	new_ref(block);
	b.ref = block;
	b.basket_id = ev->basket_id;
	b.lane = ev->lane;
	b.staff_ref = ev->staff_ref;
	enum ward_cause cause = ward_basket(f->guard->ward, &f->table.guard, &b);
	if (owed) {
		text_copy(owed->basket_id, sizeof owed->basket_id, ev->basket_id);
		owed->caused = cause != WARD_COUNTED;
	}
	if (cause != WARD_COUNTED &&
	    !tell(f, e,
	          &(struct telling){EVENT_IDENTIFIER_BLOCKED, k->kind, k->value, block, "shared",
	                            ward_cause_name(cause), NULL}))
		log_error("an identifier is shared now, but that cannot be told: out of memory");
}

void flow_guard_entry(struct flow *f, struct entry *e)
{
	struct lw_event *last = e->last;

	if (f->stage == FLOW_STARTING)
		return;
	for (const struct lw_event *ev = e->first; ev; ev = ev == last ? NULL : ev->next) {
		if (ev->kind == EVENT_CUSTOMER_ATTACHED)
			count(f, e, ev);
	}
	guard_keep_note(f, e);
}

void flow_guard_known(void *ctx, enum ident_kind kind, const char *value, const char *ref)
{
	struct flow *f = ctx;
	struct guard_known *k = next_known(f, kind, value);

	text_copy(k->ref[0], sizeof k->ref[0], ref);
}

/* ---- what clears itself ---- */

/* Shared ones that were clean for long enough are nobody's business any more. */
static void clear_clean(struct flow *f, struct entry *e)
{
	struct ward *ward = f->guard->ward;
	const struct ward_row *row;

	for (int i = 0; i < CLEAN_MAX; i++) {
		row = ward_clean(ward, today(f), f->table.guard.clean_days);
		if (!row)
			return;
		struct telling t = {
		    EVENT_IDENTIFIER_UNBLOCKED, row->kind, NULL, row->ref, "shared", "clean", NULL};
		bool shared = ward_state_of(row->cause) == GUARD_SHARED;
		if (shared && !tell(f, e, &t))
			return;
		struct guard_owed *owed = shared ? guard_owe(f->guard, e, row->key) : NULL;
		if (owed)
			owed->cleared = true;
		ward_clear(ward, row->key);
	}
}

void flow_guard_tick(struct flow *f)
{
	int64_t now_us = flow_guard_age_us(f);
	struct clock_now now;

	clock_read(f->p.clock, &now);
	if (!now.trust || f->stage != FLOW_READY ||
	    (f->guard->cleaned_us && now_us - f->guard->cleaned_us < CLEAN_EVERY_US))
		return;
	f->guard->cleaned_us = now_us;
	int64_t window_us = f->table.guard.lane_window_s * INT64_C(1000000);
	ward_forget(f->guard->ward, today(f), now_us - window_us);
	struct entry *e = entry_new();
	if (!e)
		return;
	clear_clean(f, e);
	flow_put(f, e);
}

/* ---- a manager's word ---- */

static int refuse(struct sale_error *err, const char *code, const char *field, const char *message)
{
	*err = (struct sale_error){0};
	text_copy(err->code, sizeof err->code, code);
	text_copy(err->field, sizeof err->field, field);
	text_copy(err->message, sizeof err->message, message);
	return -1;
}

static int normal(struct flow *f, const struct flow_block *b, struct guard_known *k,
                  struct sale_error *err)
{
	const struct ident_given given = {.kind = ident_kind_of(b->kind), .value = b->value};
	struct ident_form form;

	if (given.kind == IDENT_NONE)
		return refuse(err, "bad_kind", "kind",
		              "expected loyalty, gsrn, wallet, phone, email, account or vat_id");
	if (!b->reason[0] || strlen(b->reason) > REASON_BYTES_MAX ||
	    text_has_hidden(b->reason, strlen(b->reason)))
		return refuse(err, "bad_reason", "reason", "expected 1 to 128 bytes of text");
	if (pan_find(b->reason, false))
		return refuse(err, "bad_reason", "reason",
		              "it holds a payment card number, expected none");
	if (ident_normalise(&f->rules, &given, &form) != IDENT_OK)
		return refuse(err, "bad_value", "value", ident_reason_text(form.reason));
	*k = (struct guard_known){.kind = form.kind};
	text_copy(k->value, sizeof k->value, form.value);
	explicit_bzero(&form, sizeof form);
	key_of(f, k->kind, k->value, k->key);
	return 0;
}

/* Take back what was told of the identifier. false: out of memory. */
static bool lift(struct flow *f, struct entry *e, const struct guard_known *k,
                 const struct ward_row *row, const char *said)
{
	bool blocked = row && row->cause == WARD_MANAGER;
	struct telling t = {.kind = EVENT_IDENTIFIER_UNBLOCKED,
	                    .ident = k->kind,
	                    .value = k->value,
	                    .scope = blocked ? "blocked" : "shared",
	                    .reason = "manager",
	                    .said = said};

	if (!row || ward_state_of(row->cause) == GUARD_CLEAR || !row->ref[0])
		return true;
	t.ref = row->ref;
	return tell(f, e, &t);
}

void flow_guard_unsaid(struct flow *f, const struct flow_guard_said *said)
{
	ward_put_back(f->guard->ward, said->key, said->had ? &said->was : NULL);
}

/* HQ says of it that it is blocked or shared: only HQ takes that back. */
static bool is_at_hq(struct flow *f, enum ident_kind kind, const char *value)
{
	struct shard_hit hits[RESOLVE_CANDIDATES_MAX];
	int found = flow_find(f, ident_kind_name(kind), value, hits, RESOLVE_CANDIDATES_MAX);
	bool at_hq = false;

	for (int i = 0; i < found && i < RESOLVE_CANDIDATES_MAX; i++)
		at_hq |= hits[i].shared || hits[i].blocked;
	explicit_bzero(hits, sizeof hits);
	return at_hq;
}

void flow_guard_said(struct flow *f, struct flow_guard_said *said)
{
	if (said->at_hq)
		*said->at_hq = is_at_hq(f, said->kind, said->value);
	explicit_bzero(said->value, sizeof said->value);
}

int flow_guard_block(struct flow *f, struct entry *e, const struct flow_block *b,
                     struct flow_guard_said *said, struct sale_error *err)
{
	struct ward *ward = f->guard->ward;
	char ref[EVENT_ID_SIZE];
	struct guard_known k;

	if (normal(f, b, &k, err) < 0)
		return -1;
	const struct ward_row *row = ward_find(ward, k.key);
	if (b->block && row && row->cause == WARD_MANAGER)
		return refuse(err, "blocked", "value", "it is blocked already");
	if (!b->block && (!row || row->cause == WARD_COUNTED))
		return refuse(err, "not_blocked", "value",
		              "it is neither blocked nor shared nor on the list");
	new_ref(ref);
	const struct telling t = {
	    EVENT_IDENTIFIER_BLOCKED, k.kind, k.value, ref, "blocked", "manager", b->reason};
	if (!lift(f, e, &k, row, b->reason) || (b->block && !tell(f, e, &t)))
		return refuse(err, "no_memory", "", "out of memory: do it again");
	struct ward_basket at = basket_of(f, &k);
	at.ref = ref;
	*said = (struct flow_guard_said){.had = row != NULL, .was = row ? *row : said->was};
	memcpy(said->key, k.key, sizeof said->key);
	if (!b->block)
		ward_clear(ward, k.key);
	else if (!ward_set(ward, &at, WARD_MANAGER, b->reason))
		return refuse(err, "no_room", "value", "too many values are blocked here");
	said->at_hq = b->block ? NULL : b->at_hq;
	said->kind = k.kind;
	text_copy(said->value, sizeof said->value, k.value);
	explicit_bzero(&k, sizeof k);
	return 0;
}

const struct ward_row *flow_guard_next(const struct flow *f, size_t *at)
{
	return ward_next(f->guard->ward, at);
}

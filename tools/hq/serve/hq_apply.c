#include "hq/serve/hq_apply.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_line.h"
#include "hq/identity/hq_fact.h"
#include "hq/identity/hq_fold.h"
#include "hq/identity/hq_hit.h"
#include "hq/identity/hq_identity.h"
#include "hq/intake/hq_epoch.h"
#include "hq/intake/hq_message.h"
#include "hq/intake/hq_run.h"
#include "hq/intake/hq_time.h"
#include "hq/prove/hq_day.h"
#include "store/sealed.h"

#define HQ_APPLY_EVENTS_MAX                                                                        \
	500 /* of one step: short enough for the loop, long enough for one fsync */
#define HQ_APPLY_LATER_MAX 200 /* persons of a step that only have to be folded some time */
#define HQ_APPLY_EPOCHS_MAX                                                                        \
	4096 /* remembered over steps; a step cannot need more than its events */

/* What the loop over events needs to know of an epoch. */
struct epoch_info {
	int64_t row, store;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	char store_name[EVENT_STORE_SIZE];
	bool ranked, touched; /* touched: its `included` has to move */
	uint64_t first, last; /* seqs of this step */
};

struct hq_apply {
	struct hq_apply_params p;
	struct vault_work *work;
	struct hq_time *time;
	struct hq_names orders; /* to be folded at the end of the step */
	struct epoch_info *epoch;
	size_t epoch_count;
	struct hq_messages *messages;
	bool failed; /* this step must not be kept */
};

struct hq_apply *hq_apply_new(const struct hq_apply_params *params)
{
	struct hq_apply *a = memory_zeroed(1, sizeof *a);

	if (!a)
		return NULL;
	a->p = *params;
	a->work = vault_work_new();
	a->time = hq_time_new(params->db, params->clock);
	a->epoch = memory_zeroed(HQ_APPLY_EPOCHS_MAX, sizeof *a->epoch);
	a->messages = hq_messages_new(params->db);
	if (a->work && a->time && a->epoch && a->messages)
		return a;
	hq_apply_free(a);
	return NULL;
}

void hq_apply_free(struct hq_apply *a)
{
	if (!a)
		return;
	hq_names_free(&a->orders);
	hq_messages_free(a->messages);
	hq_time_free(a->time);
	vault_work_free(a->work);
	free(a->epoch);
	free(a);
}

static struct epoch_info *info_of(struct hq_apply *a, int64_t row)
{
	struct sqlite3_stmt *q;
	struct epoch_info *info;
	const void *epoch;

	for (size_t i = a->epoch_count; i-- > 0;) {
		if (a->epoch[i].row == row)
			return &a->epoch[i];
	}
	q = hq_db_query(a->p.db, HQ_SQL_EPOCH_INFO, "i", row);
	if (!hq_db_row(a->p.db, q))
		return NULL;
	info = &a->epoch[a->epoch_count++];
	*info = (struct epoch_info){.row = row, .store = sqlite3_column_int64(q, 0)};
	epoch = hq_db_bytes(q, 1, EVENT_EPOCH_BYTES);
	if (epoch)
		memcpy(info->epoch, epoch, EVENT_EPOCH_BYTES);
	text_copy(info->store_name, sizeof info->store_name, hq_db_text(q, 2));
	info->ranked = sqlite3_column_type(q, 3) != SQLITE_NULL;
	hq_db_end(q);
	return info;
}

static void add_orders(struct hq_apply *a, struct sqlite3_stmt *q)
{
	while (hq_db_row(a->p.db, q))
		hq_names_add(&a->orders, hq_db_text(q, 0));
}

/* A new epoch, or one whose predecessor has just become known, may change who came last. */
static void rank(struct hq_apply *a, struct epoch_info *info)
{
	info->ranked = true;
	hq_time_linked(a->time, info->store);
	if (!hq_epoch_rank(a->p.db, info->store))
		return;
	add_orders(a, hq_db_query(a->p.db, HQ_SQL_ORDERS_OF_MANY_EPOCHS, "i", info->store));
	hq_db_run(a->p.db, HQ_SQL_DIRTY_STORE, "i", info->store);
}

enum opened { OPENED, OPENED_LATER, OPENED_NEVER };

/* What a line's `sealed` says. */
struct plain {
	uint8_t key_id[EVENT_ID_BYTES];
	uint8_t text[HQ_LINE_PERSON_MAX];
	size_t len;
};

static enum opened open_sealed(struct hq_apply *a, const struct hq_line_at *at,
                               const struct hq_line *line, struct plain *out)
{
	const struct sealed_at place = {.store = at->store, .epoch = at->epoch, .seq = at->seq};
	uint8_t key[VAULT_KEY_BYTES];
	struct hq_line_sealed sealed;
	ssize_t n = -1;

	if (!hq_line_sealed(line, &sealed))
		return OPENED_NEVER;
	memcpy(out->key_id, sealed.key_id, EVENT_ID_BYTES);
	switch (hq_fold_key(a->p.db, a->p.keys, a->work, out->key_id, key)) {
	case 0:
		return OPENED_LATER;
	case -1:
		return OPENED_NEVER;
	}
	n = sealed_open(a->work, key, &place, sealed.seal, sealed.len, out->text);
	vault_wipe(key, sizeof key);
	out->len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? OPENED_NEVER : OPENED;
}

/* What is only said beside the event is opened where it can be. */
static enum opened open_identity(struct hq_apply *a, const struct hq_line_at *at,
                                 const struct hq_line *line, struct plain *out)
{
	struct hq_line_sealed sealed;
	bool needed = hq_identity_is_sealed(line);
	enum opened opened = OPENED;

	if (needed || hq_line_sealed(line, &sealed))
		opened = open_sealed(a, at, line, out);
	return opened == OPENED_NEVER && !needed ? OPENED : opened;
}

/* Which orders does this fact speak about? */
static void mark_orders(struct hq_apply *a, const struct epoch_info *info,
                        const struct hq_fact *fact)
{
	if (fact->kind == HQ_FACT_ATTACHED || fact->kind == HQ_FACT_DETACHED)
		add_orders(a, hq_db_query(a->p.db, HQ_SQL_ORDERS_OF_BASKET, "it", info->store,
		                          fact->basket));
	else
		hq_names_add(&a->orders, fact->order_id);
}

/* awaited: the store goes on telling what it says until it is included. */
static void wait_for_key(struct hq_apply *a, const struct epoch_info *info, uint64_t seq,
                         const uint8_t key_id[EVENT_ID_BYTES], bool awaited)
{
	hq_db_run(a->p.db, HQ_SQL_WAITING_ADD, "biii", key_id, (size_t)EVENT_ID_BYTES, info->row,
	          (int64_t)seq, (int64_t)awaited);
}

static void put_fact(struct hq_apply *a, const struct epoch_info *info, const struct hq_line_at *at,
                     const struct hq_line *line, const struct hq_fact *fact)
{
	struct hq_fact_who who = {0};
	enum opened opened = OPENED;
	struct plain plain;

	if (fact->names_person)
		opened = open_sealed(a, at, line, &plain);
	if (opened == OPENED && fact->names_person &&
	    !hq_fact_who((const char *)plain.text, plain.len, &who))
		opened = OPENED_NEVER;
	if (opened == OPENED_LATER)
		wait_for_key(a, info, at->seq, plain.key_id, false);
	if (opened == OPENED_NEVER)
		log_warn("store %s: seq %" PRIu64 " names a customer that cannot be read",
		         at->store, at->seq);
	hq_db_run(a->p.db, HQ_SQL_FACT_PUT, "iiitttttiittttibb", info->row, (int64_t)at->seq,
	          info->store, hq_fact_kind_name(fact->kind), fact->basket, fact->order_id,
	          fact->ref, fact->visit, fact->time_us, fact->amount, fact->currency, fact->items,
	          fact->profile_ref, who.customer[0] ? who.customer : NULL, (int64_t)fact->training,
	          ref_none(&who.claim) ? NULL : who.claim.byte, sizeof who.claim.byte,
	          ref_none(&who.unit) ? NULL : who.unit.byte, sizeof who.unit.byte);
	mark_orders(a, info, fact);
}

/* The line can be read, what it says cannot be used: a person sees it, a later release may. */
static void count_nothing(struct hq_apply *a, const struct epoch_info *info, uint64_t seq,
                          const char *why)
{
	log_warn("store %s: seq %" PRIu64 " counts for nothing: %s", info->store_name, seq, why);
	hq_db_run(a->p.db, HQ_SQL_UNCOUNTED_ADD, "iit", info->row, (int64_t)seq, why);
}

/* When it happened: its own time, or what the clocks of its boot leave of it. */
static void read_span(struct hq_apply *a, const struct hq_line *line, struct hq_identity *id)
{
	struct sqlite3_stmt *q =
	    hq_db_query(a->p.db, HQ_SQL_TIME_SPAN, "ii", id->at.epoch, id->at.seq);

	id->from_us = id->to_us = line->time_us;
	if (!hq_db_row(a->p.db, q))
		return;
	id->from_us = sqlite3_column_int64(q, 0);
	id->to_us =
	    sqlite3_column_type(q, 1) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(q, 1);
	hq_db_end(q);
}

static void put_identity(struct hq_apply *a, const struct epoch_info *info,
                         const struct hq_line_at *at, const struct hq_line *line)
{
	struct hq_identity id = {.db = a->p.db,
	                         .scope = a->p.scope,
	                         .orders = &a->orders,
	                         .at = {.epoch = info->row, .seq = (int64_t)at->seq},
	                         .store = info->store_name,
	                         .wall_us = clock_wall_us(a->p.clock)};
	enum opened opened;
	json_t *sealed = NULL;
	const char *why = "what it says cannot be opened";
	struct plain plain = {.len = 0};
	struct ref unit;

	if (line->training)
		return;
	opened = open_identity(a, at, line, &plain);
	if (opened == OPENED_LATER) {
		wait_for_key(a, info, at->seq, plain.key_id, true);
		return;
	}
	if (opened == OPENED && plain.len > 0)
		sealed =
		    json_loadb((const char *)plain.text, plain.len, JSON_REJECT_DUPLICATES, NULL);
	vault_wipe(plain.text, sizeof plain.text);
	read_span(a, line, &id);
	if (opened == OPENED_NEVER) {
		count_nothing(a, info, at->seq, why);
		return;
	}
	switch (hq_identity_take(&id, line, sealed, &unit, &why)) {
	case HQ_IDENTITY_TAKEN:
		break;
	case HQ_IDENTITY_WAITS:
		hq_db_run(a->p.db, HQ_SQL_WAITING_UNIT_ADD, "bii", unit.byte, sizeof unit.byte,
		          info->row, (int64_t)at->seq);
		break;
	case HQ_IDENTITY_BAD:
		count_nothing(a, info, at->seq, why);
		break;
	}
	json_decref(sealed);
}

/* A miss whose key is not here is not counted: batches bring their keys. */
static void count_hit(struct hq_apply *a, const struct epoch_info *info,
                      const struct hq_line_at *at, const struct hq_line *line)
{
	struct plain plain;

	switch (hq_hit_of(line)) {
	case HQ_HIT_ANSWERED:
		hq_hit_answered(a->p.db, info->store, line);
		break;
	case HQ_HIT_MISSED:
		if (open_sealed(a, at, line, &plain) == OPENED)
			hq_hit_missed(a->p.db, info->store, line, (const char *)plain.text,
			              plain.len);
		vault_wipe(plain.text, sizeof plain.text);
		break;
	case HQ_HIT_NONE:
		break;
	}
}

static void apply_line(struct hq_apply *a, int64_t epoch_row, uint64_t seq, const void *bytes,
                       size_t len)
{
	struct epoch_info *info = info_of(a, epoch_row);
	struct hq_time_place place = {.epoch = epoch_row, .seq = seq};
	struct hq_line_at at = {.seq = seq};
	struct hq_line line;
	struct hq_fact fact;
	const char *why = "";

	if (!info) {
		a->failed = true;
		return;
	}
	if (!info->touched || seq < info->first)
		info->first = seq;
	if (!info->touched || seq > info->last)
		info->last = seq;
	info->touched = true;
	at.store = info->store_name;
	memcpy(at.epoch, info->epoch, EVENT_EPOCH_BYTES);
	if (hq_line_read(&at, bytes, len, &line) != NULL)
		return;
	if (!info->ranked || seq == 1)
		rank(a, info);
	hq_day_note(a->p.db,
	            &(struct hq_day_place){info->store_name, info->store, info->row, seq,
	                                   clock_wall_us(a->p.clock)},
	            &line);
	place.store = info->store;
	line.time_us = hq_time_take(a->time, &place, &line);
	count_hit(a, info, &at, &line);
	if (hq_identity_is(&line)) {
		put_identity(a, info, &at, &line);
		fact = (struct hq_fact){0};
	} else if (hq_fact_read(&line, info->store_name, &fact, &why) != 0)
		count_nothing(a, info, seq, why);
	else if (fact.kind != HQ_FACT_NONE)
		put_fact(a, info, &at, &line, &fact);
	hq_messages_note(a->messages,
	                 &(struct hq_message_at){info->store, info->row, info->store_name, seq,
	                                         clock_wall_us(a->p.clock)},
	                 &line, &a->orders);
	hq_fact_free(&fact);
	hq_line_free(&line);
}

static int apply_new(struct hq_apply *a)
{
	struct sqlite3_stmt *q;
	int64_t mark = hq_db_meta(a->p.db, "applied");
	int n = 0;

	q = hq_db_query(a->p.db, HQ_SQL_EVENT_AFTER, "ii", mark, (int64_t)HQ_APPLY_EVENTS_MAX);
	for (; hq_db_row(a->p.db, q); n++) {
		mark = sqlite3_column_int64(q, 0);
		apply_line(a, sqlite3_column_int64(q, 1), (uint64_t)sqlite3_column_int64(q, 2),
		           sqlite3_column_blob(q, 3), (size_t)sqlite3_column_bytes(q, 3));
	}
	if (n > 0)
		hq_db_meta_set(a->p.db, "applied", mark);
	return n;
}

/* One event whose visit key, or whose unit, has come since. A line is copied: folding it changes
 * what is read here.
 */
static bool apply_waiting(struct hq_apply *a, enum hq_sql ready, enum hq_sql drop)
{
	struct sqlite3_stmt *q = hq_db_query(a->p.db, ready, "");
	uint8_t key_id[EVENT_ID_BYTES];
	struct buf line = {0};
	const void *id;
	int64_t row, seq;

	if (!hq_db_row(a->p.db, q))
		return false;
	id = hq_db_bytes(q, 0, EVENT_ID_BYTES);
	if (id)
		memcpy(key_id, id, sizeof key_id);
	row = sqlite3_column_int64(q, 1);
	seq = sqlite3_column_int64(q, 2);
	buf_add(&line, sqlite3_column_blob(q, 3), (size_t)sqlite3_column_bytes(q, 3));
	hq_db_end(q);
	if (id && !line.failed) {
		hq_db_run(a->p.db, drop, "bii", key_id, sizeof key_id, row, seq);
		apply_line(a, row, (uint64_t)seq, line.data, line.len);
	}
	buf_free(&line);
	return id != NULL;
}

/* One event that counted for nothing and is to be tried again. */
static bool apply_again(struct hq_apply *a)
{
	struct sqlite3_stmt *q = hq_db_query(a->p.db, HQ_SQL_UNCOUNTED_AGAIN, "");
	struct buf line = {0};
	int64_t row, seq;

	if (!hq_db_row(a->p.db, q))
		return false;
	row = sqlite3_column_int64(q, 0);
	seq = sqlite3_column_int64(q, 1);
	buf_add(&line, sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2));
	hq_db_end(q);
	hq_db_run(a->p.db, HQ_SQL_UNCOUNTED_DROP, "ii", row, seq);
	if (line.failed)
		a->failed = true;
	else
		apply_line(a, row, (uint64_t)seq, line.data, line.len);
	buf_free(&line);
	return true;
}

/* A store is told that a seq is included only when everything up to it has been folded. */
static void move_included(struct hq_apply *a)
{
	int64_t mark = hq_db_meta(a->p.db, "applied");

	for (size_t i = 0; i < a->epoch_count; i++) {
		struct epoch_info *info = &a->epoch[i];

		if (!info->touched)
			continue;
		hq_db_run(a->p.db, HQ_SQL_EPOCH_INCLUDED, "iii", info->row, mark,
		          (int64_t)hq_run_through(a->p.db, info->row));
		hq_day_touched(a->p.db, &(struct hq_day_span){info->store, info->epoch, info->first,
		                                              info->last});
		hq_time_grown(a->time, info->row);
		info->touched = false;
	}
}

/* An event's time is another one now: its order is folded again. */
static void on_moved(void *ctx, int64_t epoch, uint64_t seq, int64_t time_us)
{
	struct hq_apply *a = ctx;
	struct hq_identity id = {.at = {.epoch = epoch, .seq = (int64_t)seq}};

	read_span(a, &(struct hq_line){.time_us = time_us}, &id);
	hq_identity_moved(a->p.db, epoch, seq, id.from_us, id.to_us);
	if (hq_db_run(a->p.db, HQ_SQL_FACT_TIME, "iii", epoch, (int64_t)seq, time_us) > 0)
		add_orders(a, hq_db_query(a->p.db, HQ_SQL_FACT_ORDER, "ii", epoch, (int64_t)seq));
}

/* Persons first: whose an order is hangs on them. true: there is more to do. */
static bool fold_all(struct hq_apply *a)
{
	int64_t wall_us = clock_wall_us(a->p.clock);
	struct hq_person_work person;
	struct hq_fold fold = {a->p.db, &a->orders, &person, a->p.webhook, wall_us};
	int left = hq_persons_fold(a->p.db, a->p.scope, wall_us, HQ_APPLY_LATER_MAX);

	if (left < 0 || hq_person_begin(&person, a->p.db, a->p.scope->currency, wall_us) != 0) {
		a->failed = true;
		return false;
	}
	hq_fold_orders(&fold);
	hq_person_end(&person);
	return left > 0;
}

int hq_apply_step(struct hq_apply *a)
{
	int n, waited = 0, rc = -1;
	bool more;

	if (a->epoch_count > HQ_APPLY_EPOCHS_MAX - 2 * HQ_APPLY_EVENTS_MAX)
		a->epoch_count = 0;
	if (hq_db_begin(a->p.db) != 0)
		return -1;
	n = apply_new(a);
	while (waited < HQ_APPLY_EVENTS_MAX &&
	       (apply_waiting(a, HQ_SQL_WAITING_READY, HQ_SQL_WAITING_DROP) ||
	        apply_waiting(a, HQ_SQL_WAITING_UNIT_READY, HQ_SQL_WAITING_UNIT_DROP) ||
	        apply_again(a)))
		waited++;
	hq_messages_end(a->messages, true, &a->orders);
	move_included(a);
	more = hq_time_step(a->time, HQ_APPLY_EVENTS_MAX, on_moved, a);
	more |= fold_all(a);
	if (a->failed || a->orders.failed)
		hq_db_rollback(a->p.db);
	else
		rc = hq_db_commit(a->p.db);
	hq_names_free(&a->orders);
	a->failed = false;
	if (rc != 0) { /* what was remembered has not been kept */
		a->epoch_count = 0;
		hq_messages_end(a->messages, false, NULL);
		hq_time_forget(a->time);
		return -1;
	}
	return more || n == HQ_APPLY_EVENTS_MAX || waited == HQ_APPLY_EVENTS_MAX;
}

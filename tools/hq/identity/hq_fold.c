#include "hq/identity/hq_fold.h"

#include <sqlite3.h>
#include <string.h>

#include "base/text.h"
#include "hq/base/hq_outbox.h"
#include "hq/identity/hq_fact.h"
#include "hq/identity/hq_profile.h"

#define HQ_FOLD_TEXT_SIZE                                                                          \
	200 /* baskets, visits: texts of the store, cut by nobody but bounded here */
#define HQ_FOLD_ITEMS_SIZE 8192 /* ten items of an order as JSON */

struct order {
	int64_t store, time_us, amount, refunded, training, cancelled;
	char basket[HQ_FOLD_TEXT_SIZE], visit[HQ_FOLD_TEXT_SIZE], currency[4];
	char items[HQ_FOLD_ITEMS_SIZE];
	char owner[HQ_FACT_CUSTOMER_SIZE], kind[17];
};

int hq_fold_key(struct hq_db *db, const struct hq_keys *keys, struct vault_work *w,
                const uint8_t id[16], uint8_t out[VAULT_KEY_BYTES])
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_KEY_GET, "b", id, (size_t)16);
	const uint8_t *wrapped;
	int rc;

	if (!hq_db_row(db, q))
		return hq_db_int(db, 0, HQ_SQL_KEY_ERASED, "b", id, (size_t)16) ? -1 : 0;
	wrapped = hq_db_bytes(q, 0, VAULT_WRAP_BYTES);
	rc = wrapped && hq_keys_unwrap(keys, w, id, wrapped, out) == 0 ? 1 : -1;
	hq_db_end(q);
	return rc;
}

/* The first receipt under this number is the order; a second one is none. */
static bool read_order(struct hq_db *db, const char *id, struct order *o)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_ORDER_FACT, "t", id);

	if (!hq_db_row(db, q))
		return false;
	memset(o, 0, sizeof *o);
	o->store = sqlite3_column_int64(q, 0);
	text_copy(o->basket, sizeof o->basket, hq_db_text(q, 1));
	text_copy(o->visit, sizeof o->visit, hq_db_text(q, 2));
	o->time_us = sqlite3_column_int64(q, 3);
	o->amount = sqlite3_column_int64(q, 4);
	text_copy(o->currency, sizeof o->currency, hq_db_text(q, 5));
	text_copy(o->items, sizeof o->items, hq_db_text(q, 6));
	o->training = sqlite3_column_int64(q, 7);
	text_copy(o->kind, sizeof o->kind, hq_db_text(q, 8));
	hq_db_end(q);
	return true;
}

static void read_owner(struct hq_db *db, const char *id, struct order *o)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_ORDER_OWNER, "itt", o->store, o->basket, id);

	if (hq_db_row(db, q))
		text_copy(o->owner, sizeof o->owner, hq_db_text(q, 0));
	hq_db_end(q);
}

static void note_old_owner(struct hq_db *db, const char *id, struct hq_names *people)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_SALE_OWNER, "t", id);

	if (hq_db_row(db, q))
		hq_names_add(people, hq_db_text(q, 0));
	hq_db_end(q);
}

/* Told of the person by the name that stands outside at this time. */
static void tell_webhook(const struct hq_fold *f, const char *id, const struct order *o)
{
	struct sqlite3_stmt *q = hq_db_query(f->db, HQ_SQL_PERSON_ID, "t", o->owner);
	char person[HQ_FACT_CUSTOMER_SIZE];

	text_copy(person, sizeof person, o->owner);
	if (hq_db_row(f->db, q)) {
		text_copy(person, sizeof person, hq_db_text(q, 0));
		hq_db_end(q);
	}
	hq_outbox_suppress(f->db, person, id, o->time_us, f->wall_us);
}

static void fold_order(const struct hq_fold *f, const char *id, struct hq_names *people)
{
	struct order o;

	if (!read_order(f->db, id, &o)) {
		/* A refund, a claim or a cancellation that came before its order; or an order that
		 * turned out to be the copy of another one. */
		note_old_owner(f->db, id, people);
		hq_db_run(f->db, HQ_SQL_SALE_DROP, "t", id);
		return;
	}
	read_owner(f->db, id, &o);
	o.refunded = hq_db_int(f->db, 0, HQ_SQL_ORDER_REFUNDED, "tt", id, o.currency);
	o.cancelled = hq_db_int(f->db, 0, HQ_SQL_ORDER_CANCELLED, "ti", id, o.store);
	note_old_owner(f->db, id, people);
	hq_names_add(people, o.owner);
	hq_db_run(f->db, HQ_SQL_SALE_PUT, "tttiiiiittt", id, o.owner[0] ? o.owner : NULL, o.visit,
	          o.time_us, o.amount, o.refunded, o.cancelled, o.training, o.currency, o.items,
	          o.kind);
	if (f->webhook && o.owner[0] && !o.training)
		tell_webhook(f, id, &o);
}

static void settle(const struct hq_fold *f, const char *customer)
{
	int64_t person = hq_db_int(f->db, 0, HQ_SQL_PERSON_BY_ID, "t", customer);

	if (person != 0)
		hq_person_settle(f->person, person);
}

void hq_fold_orders(const struct hq_fold *fold)
{
	struct hq_names people = {0};

	hq_names_settle(fold->orders);
	for (size_t i = 0; i < fold->orders->count; i++)
		fold_order(fold, fold->orders->name[i], &people);
	hq_names_settle(&people);
	for (size_t i = 0; i < people.count; i++)
		settle(fold, people.name[i]);
	fold->orders->failed |= people.failed;
	hq_names_free(&people);
}

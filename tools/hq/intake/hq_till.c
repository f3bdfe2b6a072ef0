#include "base/memory.h"
#include "hq/intake/hq_till_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "event/event.h"
#include "store/db.h"
#include "store/statement.h"

static const char *const kind_names[] = {
    [HQ_TILL_ORDER] = "order",
    [HQ_TILL_REFUND] = "refund",
    [HQ_TILL_VOID] = "void",
    [HQ_TILL_CLOSED] = "closed",
};

const char *hq_till_kind_name(enum hq_till_kind kind)
{
	return kind_names[kind];
}

/* ---- one event ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* store/till/date/number */
static bool split_number(const char *id, const char *store, struct hq_till_fact *out)
{
	size_t n = strlen(store), till;

	if (strncmp(id, store, n) != 0 || id[n] != '/')
		return false;
	id += n + 1;
	till = strcspn(id, "/");
	if (till == 0 || till >= sizeof out->till || id[till] != '/')
		return false;
	memcpy(out->till, id, till);
	out->till[till] = '\0';
	id += till + 1;
	if (strlen(id) < CLOCK_DATE_SIZE + 1 || id[CLOCK_DATE_SIZE - 1] != '/')
		return false;
	memcpy(out->day, id, CLOCK_DATE_SIZE - 1);
	out->day[CLOCK_DATE_SIZE - 1] = '\0';
	out->number = id + CLOCK_DATE_SIZE;
	return statement_date_ok(out->day);
}

static bool read_amount(const struct hq_line *line, struct hq_till_fact *out)
{
	int digits;

	out->currency = hq_line_text(line, "currency");
	digits = num_currency_digits(out->currency);
	return digits >= 0 && num_money(hq_line_text(line, "total"), digits, &out->amount);
}

static bool read_void(const struct hq_line *line, struct hq_till_fact *out)
{
	const char *source = text_of(line->laneway, "source");

	out->number = hq_line_text(line, "order_id");
	return strncmp(source, "till:", 5) == 0 &&
	       text_copy(out->till, sizeof out->till, source + 5) &&
	       text_copy(out->day, sizeof out->day, text_of(line->laneway, "business_date")) &&
	       statement_date_ok(out->day);
}

static bool read_closed(const struct hq_line *line, struct hq_till_fact *out)
{
	out->currency = hq_line_text(line, "currency");
	out->number = text_of(line->laneway, "source_message_id");
	return text_copy(out->till, sizeof out->till, hq_line_text(line, "till")) &&
	       text_copy(out->day, sizeof out->day, hq_line_text(line, "business_date")) &&
	       statement_date_ok(out->day);
}

bool hq_till_read(const struct hq_line *line, const char *store, struct hq_till_fact *out)
{
	*out = (struct hq_till_fact){.number = "", .currency = "", .training = line->training};
	switch (lw_event_kind_of(line->event)) {
	case EVENT_ORDER_COMPLETED:
		out->kind = HQ_TILL_ORDER;
		return split_number(hq_line_text(line, "order_id"), store, out) &&
		       read_amount(line, out);
	case EVENT_ORDER_REFUNDED:
		out->kind = HQ_TILL_REFUND;
		return split_number(hq_line_text(line, "refund_id"), store, out) &&
		       read_amount(line, out);
	case EVENT_ORDER_CANCELLED:
		out->kind = HQ_TILL_VOID;
		return read_void(line, out);
	case EVENT_TILL_CLOSED:
		out->kind = HQ_TILL_CLOSED;
		return read_closed(line, out);
	default:
		return false;
	}
}

/* ---- collecting ---- */

struct hq_tills *hq_tills_new(struct sqlite3 *db, const char *store, int64_t store_row,
                              const char *first, const char *last)
{
	struct hq_tills *t = memory_zeroed(1, sizeof *t);

	if (!t)
		return NULL;
	t->db = db;
	t->store_row = store_row;
	text_copy(t->store, sizeof t->store, store);
	text_copy(t->first, sizeof t->first, first);
	text_copy(t->last, sizeof t->last, last);
	t->rank = db_prepare(db, "SELECT coalesce(rank, 1 << 40) FROM epoch WHERE id = ?1");
	t->order = db_prepare(db, "SELECT amount, currency, training FROM fact WHERE order_id = ?1"
	                          " AND kind = 'order' AND store = ?2 ORDER BY epoch, seq LIMIT 1");
	if (t->rank && t->order)
		return t;
	hq_tills_free(t);
	return NULL;
}

void hq_tills_free(struct hq_tills *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->rows; i++) {
		free(t->row[i].number);
		json_decref(t->row[i].properties);
	}
	free(t->row);
	sqlite3_finalize(t->rank);
	sqlite3_finalize(t->order);
	free(t);
}

static int64_t rank_of(struct hq_tills *t, int64_t epoch_row)
{
	int64_t rank = 0;

	if (t->rows > 0 && t->row[t->rows - 1].epoch_row == epoch_row)
		return t->row[t->rows - 1].rank;
	sqlite3_bind_int64(t->rank, 1, epoch_row);
	if (db_row(t->rank, &t->failed))
		rank = sqlite3_column_int64(t->rank, 0);
	sqlite3_reset(t->rank);
	return rank;
}

/* A void is worth what its order was; one of a training order counts for nothing. */
static void value_void(struct hq_tills *t, struct hq_till_row *r)
{
	sqlite3_bind_text(t->order, 1, r->number, -1, SQLITE_STATIC);
	sqlite3_bind_int64(t->order, 2, t->store_row);
	if (db_row(t->order, &t->failed)) {
		r->amount = sqlite3_column_int64(t->order, 0);
		text_copy(r->currency, sizeof r->currency,
		          (const char *)sqlite3_column_text(t->order, 1));
		r->training = r->training || sqlite3_column_int(t->order, 2) != 0;
	}
	sqlite3_reset(t->order);
}

static struct hq_till_row *new_row(struct hq_tills *t)
{
	if (t->rows == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 256;
		struct hq_till_row *more = memory_more(t->row, cap * sizeof *more);
		if (!more)
			return NULL;
		t->row = more;
		t->cap = cap;
	}
	struct hq_till_row *r = &t->row[t->rows];
	memset(r, 0, sizeof *r);
	return r;
}

void hq_tills_line(struct hq_tills *t, int64_t epoch_row, uint64_t seq, const struct hq_line *line)
{
	struct hq_till_fact fact;
	struct hq_till_row *r;

	if (!hq_till_read(line, t->store, &fact) || strcmp(fact.day, t->first) < 0 ||
	    strcmp(fact.day, t->last) > 0)
		return;
	r = new_row(t);
	if (!r || !(r->number = memory_text(fact.number))) {
		t->failed = true;
		return;
	}
	r->kind = fact.kind;
	memcpy(r->till, fact.till, sizeof r->till);
	memcpy(r->day, fact.day, sizeof r->day);
	text_copy(r->currency, sizeof r->currency, fact.currency);
	r->amount = fact.amount;
	r->epoch_row = epoch_row;
	r->rank = rank_of(t, epoch_row);
	r->seq = seq;
	r->training = fact.training;
	r->late = t->late;
	r->properties = json_incref(line->properties);
	t->rows++;
	if (r->kind == HQ_TILL_VOID)
		value_void(t, r);
}

static int by_place(const void *a, const void *b)
{
	const struct hq_till_row *x = a, *y = b;

	if (x->epoch_row != y->epoch_row)
		return x->epoch_row < y->epoch_row ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Lines of these days that no given range covered: read where the table says they stand. */
static int add_late(struct hq_tills *t)
{
	size_t known = t->rows;
	sqlite3_stmt *q = db_prepare(
	    t->db, "SELECT f.epoch, f.seq, e.epoch, event.line FROM till_fact f"
	           " JOIN epoch e ON e.id = f.epoch"
	           " JOIN event ON event.epoch = f.epoch AND event.seq = f.seq"
	           " WHERE f.store = ?1 AND f.day BETWEEN ?2 AND ?3 ORDER BY f.epoch, f.seq");

	if (!q)
		return -1;
	if (known > 0)
		qsort(t->row, known, sizeof *t->row, by_place);
	t->late = true;
	sqlite3_bind_int64(q, 1, t->store_row);
	sqlite3_bind_text(q, 2, t->first, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, t->last, -1, SQLITE_STATIC);
	while (db_row(q, &t->failed)) {
		struct hq_till_row at = {.epoch_row = sqlite3_column_int64(q, 0),
		                         .seq = (uint64_t)sqlite3_column_int64(q, 1)};
		struct hq_line_at place = {.store = t->store, .seq = at.seq};
		struct hq_line line;
		if ((known > 0 && bsearch(&at, t->row, known, sizeof at, by_place)) ||
		    sqlite3_column_bytes(q, 2) != EVENT_EPOCH_BYTES)
			continue;
		memcpy(place.epoch, sqlite3_column_blob(q, 2), EVENT_EPOCH_BYTES);
		if (hq_line_read(&place, sqlite3_column_blob(q, 3),
		                 (size_t)sqlite3_column_bytes(q, 3), &line) != NULL)
			continue;
		hq_tills_line(t, at.epoch_row, at.seq, &line);
		hq_line_free(&line);
	}
	sqlite3_finalize(q);
	return t->failed ? -1 : 0;
}

/* ---- comparing ---- */

/* By day, till, kind, number; the same number in the order of its events. */
static int by_receipt(const void *a, const void *b)
{
	const struct hq_till_row *x = a, *y = b;
	int order = strcmp(x->day, y->day);

	if (order == 0)
		order = strcmp(x->till, y->till);
	if (order == 0)
		order = (int)x->kind - (int)y->kind;
	if (order == 0)
		order = strcmp(x->number, y->number);
	if (order == 0 && x->rank != y->rank)
		order = x->rank < y->rank ? -1 : 1;
	if (order == 0)
		order = x->seq < y->seq ? -1 : x->seq > y->seq;
	return order;
}

json_t *hq_tills_compare(struct hq_tills *t)
{
	json_t *list = json_array(), *one;

	if (t->failed || add_late(t) != 0)
		goto err_free;
	if (t->rows > 0)
		qsort(t->row, t->rows, sizeof *t->row, by_receipt);
	for (size_t at = 0, end; at < t->rows; at = end) {
		const struct hq_till_row *r = &t->row[at];
		for (end = at; end < t->rows && strcmp(t->row[end].till, r->till) == 0 &&
		               strcmp(t->row[end].day, r->day) == 0;)
			end++;
		one = hq_till_sum(r, end - at);
		if (!one || json_array_append_new(list, one) != 0)
			goto err_free;
	}
	return list;
err_free:
	log_error("the tills of %s could not be compared", t->store);
	json_decref(list);
	return NULL;
}

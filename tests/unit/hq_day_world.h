/* A store that sells, closes its tills and its days, and HQ that countersigns. */
#ifndef LANEWAY_TESTS_HQ_DAY_WORLD_H
#define LANEWAY_TESTS_HQ_DAY_WORLD_H

#include "hq_world.h"

#include <jansson.h>

#include "hq/prove/hq_day.h"
#include "hq/prove/hq_prove.h"
#include "hq/prove/hq_signer.h"
#include "store/statement.h"

#define DAY "2026-11-21"

struct day_world {
	struct world *w;
	struct key_pair device; /* signs */
	struct hq_signer *signer;
	struct store *s;
	uint64_t covered; /* seq of s->epoch that the last statement covered */
	json_t *proof;    /* of the last prove() */
};

static inline void day_device(struct day_world *d, const char *device)
{
	char path[200];
	snprintf(path, sizeof path, "mkdir -p %s/stores/s1/%s", d->w->dir, device);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof path, "stores/s1/%s/device-sign.pub", device);
	world_write_public(d->w, path, EVP_PKEY_ED25519, d->device.pub);
}

static inline int day_set_up(void **state)
{
	struct day_world *d = calloc(1, sizeof *d);
	d->w = world_new();
	d->device = key_pair(EVP_PKEY_ED25519, 77);
	world_write_public(d->w, "hq-sign.pub", EVP_PKEY_ED25519, d->w->sign.pub);
	day_device(d, "d1");
	d->signer = hq_signer_new(d->w->db, d->w->keys, &d->w->clock);
	d->s = store_new(d->w, "s1", 1);
	*state = d;
	return 0;
}

static inline int day_tear_down(void **state)
{
	struct day_world *d = *state;
	hq_signer_free(d->signer);
	store_free(d->s);
	world_free(d->w);
	json_decref(d->proof);
	free(d);
	return 0;
}

/* ---- the store ---- */

static inline void order(struct store *s, const char *till, const char *number, const char *total)
{
	char p[700];
	snprintf(
	    p, sizeof p,
	    "{\"cart_id\":\"B\",\"change\":\"0.00\",\"currency\":\"EUR\",\"order_id\":\"s1/%s/" DAY
	    "/%s\",\"products\":[],\"receipt_number\":\"%s\",\"tenders\":[{\"amount\":\"%s\","
	    "\"type\":\"cash\"}],\"total\":\"%s\"}",
	    till, number, number, total, total);
	store_say(s, &(struct said){
	                 .event = "Order Completed", .properties = p, .visit = "V", .till = till});
}

static inline void refund(struct store *s, const char *till, const char *number, const char *total)
{
	char p[700];
	snprintf(p, sizeof p,
	         "{\"currency\":\"EUR\",\"original_order_id\":null,\"products\":[],\"refund_id\":"
	         "\"s1/%s/" DAY
	         "/%s\",\"tenders\":[{\"amount\":\"%s\",\"type\":\"cash\"}],\"total\":\"%s\"}",
	         till, number, total, total);
	store_say(s, &(struct said){.event = "Order Refunded", .properties = p, .till = till});
}

static inline void cancel(struct store *s, const char *till, const char *number)
{
	char p[300];
	snprintf(p, sizeof p,
	         "{\"approver_ref\":null,\"order_id\":\"s1/%s/" DAY "/%s\",\"reason\":\"void\"}",
	         till, number);
	store_say(s, &(struct said){.event = "Order Cancelled", .properties = p, .till = till});
}

/* n and sum of orders, refunds, voids: "2 5.00 0 0.00 1 2.50". */
static inline void till_closed(struct store *s, const char *till, const char *count,
                               const char *first, const char *last)
{
	char p[700], sum[3][24];
	long long n[3];
	assert_int_equal(sscanf(count, "%lld %23s %lld %23s %lld %23s", &n[0], sum[0], &n[1],
	                        sum[1], &n[2], sum[2]),
	                 6);
	snprintf(
	    p, sizeof p,
	    "{\"business_date\":\"" DAY "\",\"currency\":\"EUR\",\"first_receipt_number\":%s%s%s,"
	    "\"last_receipt_number\":%s%s%s,\"orders\":%lld,\"orders_sum\":\"%s\","
	    "\"refund_tenders\":[],\"refunds\":%lld,\"refunds_sum\":\"%s\",\"tenders\":[],"
	    "\"till\":\"%s\",\"voids\":%lld,\"voids_sum\":\"%s\"}",
	    first ? "\"" : "", first ? first : "null", first ? "\"" : "", last ? "\"" : "",
	    last ? last : "null", last ? "\"" : "", n[0], sum[0], n[1], sum[1], till, n[2], sum[2]);
	store_say(s, &(struct said){.event = "Till Closed", .properties = p, .till = till});
}

static inline void person(struct store *s)
{
	store_say(s, &(struct said){.event = "Identifier Presented",
	                            .properties = "{\"ident_ref\":\"r\",\"kind\":\"loyalty\","
	                                          "\"method\":\"scan\",\"outcome\":\"unknown\","
	                                          "\"symbology\":null}",
	                            .visit = "V",
	                            .person = "{\"value\":\"2600000000170\"}"});
}

static inline void count_journal(struct statement *st, const struct store *s, uint64_t from,
                                 uint64_t to)
{
	struct statement_range *r = &st->range[st->ranges++];
	memcpy(r->epoch, s->epoch, sizeof r->epoch);
	r->from = from;
	r->to = to;
	memcpy(r->h_prev, s->line[from - 1].h, EVENT_HASH_BYTES);
	memcpy(r->h, s->line[to].h, EVENT_HASH_BYTES);
	for (uint64_t i = from; i <= to; i++) {
		json_t *line = json_loads(s->line[i].text, 0, NULL);
		const char *event = json_string_value(json_object_get(line, "event"));
		if (line) /* a line that is none is counted by the test */
			statement_count(strstr(s->line[i].text, "\"training\":true") ? &st->training
			                                                             : &st->counts,
			                event, strlen(event));
		json_decref(line);
	}
}

static inline struct statement *new_statement(const struct store *s, const char *first,
                                              const char *date)
{
	struct statement *st = calloc(1, sizeof *st);
	assert_non_null(st);
	text_copy(st->device, sizeof st->device, s->device);
	text_copy(st->first_date, sizeof st->first_date, first);
	text_copy(st->business_date, sizeof st->business_date, date);
	st->version = 1;
	return st;
}

/* Sign and journal it at the end of `in`; frees it. */
static inline void say_statement(struct day_world *d, struct store *in, struct statement *st)
{
	struct buf json = {0};
	assert_int_equal(statement_sign(st, in->name, d->device.priv), 0);
	statement_write(st, true, &json);
	buf_byte(&json, '\0');
	store_say(in, &(struct said){.event = "Day Closed", .properties = (const char *)json.data});
	buf_free(&json);
	free(st);
}

/* Close what d->s has journaled since the last time. */
static inline void close_day(struct day_world *d)
{
	struct statement *st = new_statement(d->s, DAY, DAY);
	uint64_t to = d->s->seq;
	count_journal(st, d->s, d->covered + 1, to);
	say_statement(d, d->s, st);
	d->covered = to;
}

/* ---- HQ ---- */

static inline void sign_all(struct day_world *d)
{
	int rc;
	world_fold(d->w);
	while ((rc = hq_signer_step(d->signer)) > 0)
		continue;
	assert_int_equal(rc, 0);
}

static inline void send_all(struct day_world *d)
{
	store_send(d->s, 1, d->s->seq);
	sign_all(d);
}

/* A day with two people, three orders, a refund and a void at one till that closes; all sent. */
static inline void sold(struct day_world *d)
{
	store_chatter(d->s, 3);
	person(d->s);
	order(d->s, "T3", "0041", "10.00");
	person(d->s);
	order(d->s, "T3", "0042", "2.50");
	order(d->s, "T3", "0043", "1.25");
	refund(d->s, "T3", "R001", "2.50");
	cancel(d->s, "T3", "0043");
	till_closed(d->s, "T3", "3 13.75 1 2.50 1 1.25", "0041", "0043");
	close_day(d);
}

static inline bool prove(struct day_world *d, const char *day)
{
	char err[300] = "";
	json_decref(d->proof);
	d->proof = hq_prove_day(hq_db_handle(d->w->db), d->w->keys, "s1", day, err, sizeof err);
	if (!d->proof)
		fail_msg("%s", err);
	return json_is_true(json_object_get(d->proof, "proven"));
}

/* The sentences why the day is not proven, joined by "; ". */
static inline const char *reasons(struct day_world *d)
{
	static char out[4000];
	const json_t *list = json_object_get(d->proof, "reasons");
	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(list); i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? "; " : "",
		         json_string_value(json_array_get(list, i)));
	return out;
}

static inline json_t *part(struct day_world *d, const char *list, size_t i)
{
	return json_array_get(json_object_get(d->proof, list), i);
}

static inline void run_sql(struct day_world *d, const char *sql)
{
	if (sqlite3_exec(hq_db_handle(d->w->db), sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(hq_db_handle(d->w->db)));
}

#endif

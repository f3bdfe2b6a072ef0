/* start_fill KEYS DIR STORE EVENTS FLIGHT: a journal as weeks of trade leave it.
 *
 * Eight tills sell and complete baskets, each message under an id of its own, until the journal in
 * DIR holds EVENTS, at most FLIGHT messages on their way at a time (1: a pack holds one message).
 * As the daemon does, it notes now and then where a rebuild would begin. Prints how many messages
 * there are. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "flow/flow_rebuild.h"
#include "sale/sale.h"
#include "store/journal.h"
#include "store/vault.h"

#define TILLS 8
#define LINES 6        /* of a basket */
#define NOTE_EVERY 500 /* messages */

struct till {
	char name[8], source[16], basket[24];
	uint64_t counter, sale;
	int step; /* 0: opens; then lines; then completes */
};

struct fill {
	struct journal *journal;
	struct sale *sale;
	struct till tills[TILLS];
	uint64_t messages, events;
	struct sale_spot kept;
	size_t flying;
};

static json_t *product(int line)
{
	char id[16];

	snprintf(id, sizeof id, "%d", line);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "line", id, "sku",
	                 "4006381333931", "name", "Highlighter", "quantity", "1", "unit", "piece",
	                 "price", "1.49", "line_total", "1.49", "discount", "0.00", "tax_rate",
	                 "19.0", "line_kind", "goods");
}

static json_t *order(const struct till *t)
{
	char receipt[24];
	json_t *products = json_array(), *o;

	snprintf(receipt, sizeof receipt, "%llu", (unsigned long long)t->sale);
	for (int i = 1; i <= LINES; i++)
		json_array_append_new(products, product(i));
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:o,s:[{s:s,s:s}],s:s}", "basket",
	              t->basket, "receipt_number", receipt, "subtotal", "8.94", "discount", "0.00",
	              "tax", "1.43", "rounding", "0.00", "total", "8.94", "revenue", "7.51",
	              "prices_include_tax", 1, "sale_kind", "sale", "products", products, "tenders",
	              "type", "cash", "amount", "8.94", "change", "0.00");
	return o;
}

static json_t *message(struct till *t, enum till_type *type)
{
	char line[16];

	if (t->step == 0) {
		snprintf(t->basket, sizeof t->basket, "B%llu", (unsigned long long)++t->sale);
		*type = TILL_BASKET_OPENED;
		return json_pack("{s:s}", "basket", t->basket);
	}
	if (t->step <= LINES) {
		snprintf(line, sizeof line, "%d", t->step);
		*type = TILL_LINE_ADDED;
		return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "basket", t->basket, "line",
		                 line, "sku", "4006381333931", "name", "Highlighter", "quantity",
		                 "1", "unit", "piece", "price", "1.49", "entry_method", "scanned");
	}
	*type = TILL_ORDER_COMPLETED;
	return order(t);
}

static void now_is(struct sale_now *now)
{
	const struct clock *clock = clock_system();

	*now = (struct sale_now){.mono_us = clock_mono_us(clock),
	                         .wall_us = clock_wall_us(clock),
	                         .trust = CLOCK_KERNEL};
	clock_business_date(now->wall_us, 240, now->business_date);
}

static void note(const struct fill *f, struct entry *e)
{
	struct sale_spot spot = f->kept;
	struct buf mark = {0};

	if (!sale_oldest(f->sale, &spot) && !spot.seq)
		return;
	buf_add(&mark, spot.epoch, sizeof spot.epoch);
	buf_be64(&mark, spot.seq);
	if (mark.failed || entry_mark(e, FLOW_MARK_OPEN, mark.data, mark.len) < 0)
		abort();
	buf_free(&mark);
}

static void say(struct fill *f, struct till *t)
{
	struct sale_now now;
	struct sale_error err;
	struct till_message m = {.till = t->name, .lane = "1", .source = t->source};
	struct entry *e = entry_new();

	now_is(&now);
	m.body = message(t, &m.type);
	if (!e || !m.body || sale_till(f->sale, e, &now, &m, NULL, &err) < 0)
		abort();
	json_decref(m.body);
	e->has_id = true;
	snprintf(e->id.source, sizeof e->id.source, "%s", t->source);
	snprintf(e->id.session, sizeof e->id.session, "fill");
	e->id.counter = ++t->counter;
	memcpy(e->id.body, &t->counter, sizeof t->counter);
	t->step = (t->step + 1) % (LINES + 2);
	if (f->messages++ % NOTE_EVERY == 0)
		note(f, e);
	f->events += e->count;
	if (!journal_put(f->journal, e))
		abort();
	f->flying++;
}

static void hear(struct fill *f)
{
	struct pollfd done = {.fd = journal_done_fd(f->journal), .events = POLLIN};
	struct sale_now now;
	struct entry *e;

	poll(&done, 1, 1000);
	now_is(&now);
	while ((e = journal_done(f->journal))) {
		if (e->status != ENTRY_KEPT) {
			fprintf(stderr, "start_fill: refused: %s\n", e->reason);
			exit(1);
		}
		memcpy(f->kept.epoch, e->epoch, sizeof f->kept.epoch);
		f->kept.seq = e->seq;
		sale_answered(f->sale, e, &now);
		entry_free(e);
		f->flying--;
	}
}

static void say_when_room(struct fill *f, struct till *t, size_t flight)
{
	while (f->flying >= flight)
		hear(f);
	say(f, t);
}

int main(int argc, char **argv)
{
	static const char *const lanes[] = {"1", NULL};
	static struct fill f;
	static struct counters counters;
	struct vault *vault;
	bool set_aside;
	char err[512] = "";

	if (argc != 6) {
		fprintf(stderr, "usage: start_fill KEYS DIR STORE EVENTS FLIGHT\n");
		return 2;
	}
	char path[512];
	uint64_t events = strtoull(argv[4], NULL, 10);
	size_t flight = strtoul(argv[5], NULL, 10);
	snprintf(path, sizeof path, "%s/journal.db", argv[2]);
	const struct sale_params sale = {.store = argv[3], .currency = "EUR", .lanes = lanes};
	struct journal_params params = {.path = path,
	                                .store = argv[3],
	                                .device = "box-1",
	                                .clock = clock_system(),
	                                .counters = &counters,
	                                .queue_max = 4096,
	                                .quota_bytes = (uint64_t)64 << 30,
	                                .retention_us = 7 * 86400 * INT64_C(1000000),
	                                .resend_window_us = 3 * 86400 * INT64_C(1000000)};
	if (vault_open(&vault, argv[1], true, err, sizeof err) < 0) {
		fprintf(stderr, "start_fill: %s\n", err);
		return 1;
	}
	params.vault = vault;
	f.sale = sale_new(&sale);
	if (!f.sale || journal_open(&f.journal, &params, &set_aside, err, sizeof err) < 0 ||
	    journal_start(f.journal) < 0) {
		fprintf(stderr, "start_fill: %s\n", err);
		return 1;
	}
	for (int i = 0; i < TILLS; i++) {
		snprintf(f.tills[i].name, sizeof f.tills[i].name, "F%d", i + 1);
		snprintf(f.tills[i].source, sizeof f.tills[i].source, "till:F%d", i + 1);
	}
	for (int i = 0; f.events < events; i = (i + 1) % TILLS)
		say_when_room(&f, &f.tills[i], flight);
	for (int i = 0; i < TILLS; i++) {
		while (f.tills[i].step)
			say_when_room(&f, &f.tills[i], flight);
	}
	while (f.flying)
		hear(&f);
	printf("%llu\n", (unsigned long long)f.messages);
	sale_free(f.sale);
	journal_free(f.journal);
	vault_free(vault);
	return 0;
}

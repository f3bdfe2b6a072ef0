/* What happens in the store until the power goes: tills sell, cards are scanned, HQ confirms, time
 * passes. All by the record's dice. */
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "flow/flow_internal.h"
#include "rig.h"
#include "store/journal_internal.h"

#define SECOND_US INT64_C(1000000)
#define RESEND_SAMPLE 4 /* messages that were answered, asked again at each start */
#define BURST_MAX 6     /* messages between two commits */
#define RUSH_MAX 30 /* at times: more than one commit takes, so that the next is written ahead */

static const char *const lanes[RIG_TILLS] = {"1", "2", "3"};
static const char *const tills[RIG_TILLS] = {"T0", "T1", "T2"};
static const char *const sources[RIG_TILLS] = {"till:T0", "till:T1", "till:T2"};

static void pass(struct rig *r, int64_t us)
{
	r->b.mono_us += us;
	r->b.wall_us += us;
}

/* ---- messages ---- */

static struct rig_message *compose(struct rig *r, uint8_t till, enum till_type type,
                                   const char *name, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static struct rig_message *compose(struct rig *r, uint8_t till, enum till_type type,
                                   const char *name, const char *fmt, ...)
{
	struct rig_message *m = &r->messages[r->message_count];
	va_list ap;

	if (r->message_count == RIG_MESSAGES_MAX)
		base_wrong("the rig has room for %d messages", RIG_MESSAGES_MAX);
	*m = (struct rig_message){.till = till,
	                          .type = (uint8_t)type,
	                          .counter = ++r->tills[till].counter,
	                          .sent_wall_us = r->b.wall_us};
	int n = snprintf(m->text, sizeof m->text,
	                 "{\"type\":\"%s\",\"source_message_id\":\"t%u:%" PRIu64 "\",", name, till,
	                 m->counter);
	va_start(ap, fmt);
	n += vsnprintf(m->text + n, sizeof m->text - (size_t)n, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof m->text)
		base_wrong("a message is too long for the rig");
	for (char *p = m->text; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	r->message_count++;
	return m;
}

void rig_send(struct rig *r, struct rig_message *m)
{
	struct flow *f = rig_flow();
	char session[8];
	json_t *body = json_loads(m->text, 0, NULL);
	const struct till_message message = {.type = (enum till_type)m->type,
	                                     .till = tills[m->till],
	                                     .lane = lanes[m->till],
	                                     .source = sources[m->till],
	                                     .body = body};

	if (!body) {
		if (r->b.may_refuse)
			return;
		base_wrong("not JSON: %s", m->text);
	}
	snprintf(session, sizeof session, "t%u", m->till);
	if (f->ops.till(f->ops.ctx, m->till + 1u, &message, session, m->counter, m->text,
	                strlen(m->text)) != CAPTURE_TAKEN)
		base_wrong("the event path takes no messages");
	json_decref(body);
}

static struct rig_message *message_of(struct rig *r, uint8_t till, const char *id)
{
	uint64_t counter;
	unsigned session;

	if (sscanf(id, "t%u:%" SCNu64, &session, &counter) == 2 && session == till) {
		for (uint32_t i = r->message_count; i > 0; i--) {
			struct rig_message *m = &r->messages[i - 1];
			if (m->till == till && m->counter == counter)
				return m;
		}
	}
	base_wrong("till %u was answered about %s, which it never sent", till, id);
}

static void note_kept(struct rig_message *m, uint64_t epoch, uint64_t seq, uint32_t count)
{
	if (m->acked && (m->epoch != epoch || m->seq != seq || m->count != count))
		base_wrong("doubled: message %" PRIu64 " of till %u was answered as %016" PRIx64
		           ":%" PRIu64 ", now as %016" PRIx64 ":%" PRIu64,
		           m->counter, m->till, m->epoch, m->seq, epoch, seq);
	m->acked = true;
	m->epoch = epoch;
	m->seq = seq;
	m->count = count;
}

void rig_told(struct rig *r, const struct entry *e)
{
	char id[64];

	if (e->status != ENTRY_KEPT || !e->has_id)
		return;
	snprintf(id, sizeof id, "%s:%" PRIu64, e->id.session, e->id.counter);
	note_kept(message_of(r, (uint8_t)(e->id.session[1] - '0'), id), buf_get64(e->epoch), e->seq,
	          e->count);
}

static void answered_kept(struct rig_message *m, const json_t *a)
{
	const char *text = json_string_value(json_object_get(a, "epoch"));
	uint64_t epoch = 0;

	if (!text || sscanf(text, "%16" SCNx64, &epoch) != 1)
		base_wrong("kept, without an epoch");
	note_kept(m, epoch, (uint64_t)json_integer_value(json_object_get(a, "seq")),
	          (uint32_t)json_integer_value(json_object_get(a, "count")));
}

void rig_answered(struct rig *r, uint8_t till, const char *json, size_t len)
{
	json_t *a = json_loadb(json, len, 0, NULL);
	const char *type = json_string_value(json_object_get(a, "type"));
	const char *id = json_string_value(json_object_get(a, "source_message_id"));

	if (a && type && strcmp(type, "kept") == 0)
		answered_kept(message_of(r, till, id), a);
	else if (type && strcmp(type, "refused") == 0 && r->b.may_refuse)
		r->b.refused++;
	else if (type && strcmp(type, "customer") != 0)
		base_wrong("till %u was answered: %s", till, json);
	json_decref(a);
}

void rig_give_up(struct rig *r, uint8_t till, const char *id)
{
	message_of(r, till, id)->given_up = true;
	r->tills[till].open = false;
}

void rig_kept(struct rig *r, const char *lines, size_t len)
{
	for (const char *at = lines, *end = lines + len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct rig_event e;
		rig_line(at, (size_t)(stop - at), &e);
		rig_know(r, &e);
		at = stop + 1;
	}
}

/* ---- a till's next message ---- */

static struct rig_message *next_of(struct rig *r, uint8_t till)
{
	struct rig_till *t = &r->tills[till];
	char basket[32];
	uint64_t roll = dice_below(&r->b.dice, 10);

	if (!t->open) {
		*t =
		    (struct rig_till){.counter = t->counter, .basket = t->basket + 1, .open = true};
		return compose(r, till, TILL_BASKET_OPENED, "basket_opened", "'basket':'B%u-%u'}",
		               till, t->basket);
	}
	snprintf(basket, sizeof basket, "B%u-%u", till, t->basket);
	if (t->line == 0 || (!t->tendered && roll < 6))
		return compose(
		    r, till, TILL_LINE_ADDED, "line_added",
		    "'basket':'%s','line':'%u','sku':'4006381333931','name':'Highlighter',"
		    "'quantity':'1','unit':'piece','price':'1.49','entry_method':'scanned'}",
		    basket, ++t->line);
	if (!t->tendered && roll == 6) {
		t->open = false;
		return compose(r, till, TILL_BASKET_VOIDED, "basket_voided", "'basket':'%s'}",
		               basket);
	}
	if (!t->tendered) {
		t->tendered = true;
		return compose(r, till, TILL_TENDER_STARTED, "tender_started",
		               "'basket':'%s','value':'1.49'}", basket);
	}
	t->open = false;
	return compose(
	    r, till, TILL_ORDER_COMPLETED, "order_completed",
	    "'basket':'%s','receipt_number':'%u','subtotal':'1.49','discount':'0.00','tax':'0.24',"
	    "'rounding':'0.00','total':'1.49','revenue':'1.25','prices_include_tax':true,"
	    "'sale_kind':'sale','products':[{'line':'1','sku':'4006381333931','name':'Highlighter',"
	    "'quantity':'1','unit':'piece','price':'1.49','line_total':'1.49','discount':'0.00',"
	    "'tax_rate':'19.0','line_kind':'goods'}],'tenders':[{'type':'cash','amount':'1.49'}],"
	    "'change':'0.00'}",
	    basket, t->basket);
}

/* ---- everything else ---- */

static void scan(struct rig *r)
{
	struct flow *f = rig_flow();
	uint64_t till = dice_below(&r->b.dice, RIG_TILLS);
	char value[32];

	snprintf(value, sizeof value, "26%011u",
	         dice_below(&r->b.dice, 3) ? 170u : 180u + (unsigned)dice_below(&r->b.dice, 1000));
	const struct capture_scan s = {.source = "scan-1",
	                               .lane = lanes[till],
	                               .value = value,
	                               .len = strlen(value),
	                               .mono_us = r->b.mono_us,
	                               .wall_us = r->b.wall_us};
	f->ops.scan(f->ops.ctx, &s);
}

/* Such as a withdrawn consent. */
static void urgent(void)
{
	struct flow *f = rig_flow();
	struct entry *e = flow_box_entry(f, EVENT_DEVICE_CONNECTED, NULL,
	                                 "{\"cause\":\"start\",\"source\":\"scan-1\"}");
	if (!e)
		return;
	e->first->urgent = true;
	flow_put(f, e);
}

static void confirm_seqs(struct rig_epoch *e, uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++)
		e->confirmed[seq / 8] |= (uint8_t)(1 << seq % 8);
}

/* HQ confirms what it can have: events that were kept. First the word is written down, then said.
 */
static void confirm(struct rig *r)
{
	uint64_t back = dice_below(&r->b.dice, dice_below(&r->b.dice, 2) ? 2 : r->epoch_count);
	struct journal_confirm c = {0};

	if (r->epoch_count == 0)
		return;
	if (back >= r->epoch_count)
		back = r->epoch_count - 1;
	struct rig_epoch *e = &r->epochs[r->epoch_count - 1 - back];
	for (int i = 0; i < EVENT_EPOCH_BYTES; i++)
		c.epoch[i] = (uint8_t)(e->epoch >> (56 - 8 * i));
	c.through =
	    back && dice_below(&r->b.dice, 4) ? e->last : dice_below(&r->b.dice, e->last + 1);
	if (c.through + 2 < e->last && dice_below(&r->b.dice, 3) == 0) {
		c.ranges[0].first = c.through + 2;
		c.ranges[0].last = c.through + 2 + dice_below(&r->b.dice, e->last - c.through - 1);
		c.range_count = 1;
		confirm_seqs(e, c.ranges[0].first, c.ranges[0].last);
	}
	confirm_seqs(e, 1, c.through);
	journal_confirm(rig_journal(), &c);
}

/* A till that was told no says the same again before anything else. */
static struct rig_message *owed(struct rig *r, uint8_t till)
{
	for (uint32_t i = 0; i < r->message_count; i++) {
		if (r->messages[i].till == till && !r->messages[i].acked &&
		    !r->messages[i].given_up)
			return &r->messages[i];
	}
	return NULL;
}

/* One message of each till, and the next one only when it was answered. */
static void careful_burst(struct rig *r)
{
	for (uint8_t i = 0; i < RIG_TILLS; i++) {
		struct rig_message *m = owed(r, i);
		rig_send(r, m ? m : next_of(r, i));
	}
}

static void burst(struct rig *r)
{
	if (r->b.may_refuse) {
		careful_burst(r);
		return;
	}
	uint64_t max = dice_below(&r->b.dice, 10) ? BURST_MAX : RUSH_MAX;
	for (uint64_t n = 1 + dice_below(&r->b.dice, max); n > 0; n--)
		rig_send(r, next_of(r, (uint8_t)dice_below(&r->b.dice, RIG_TILLS)));
}

/* The shop is closed for hours; no basket is open then. What is old enough may go. */
static void close_shop(struct rig *r)
{
	for (uint8_t i = 0; i < RIG_TILLS; i++) {
		while (!r->b.may_refuse && r->tills[i].open)
			rig_send(r, next_of(r, i));
	}
	rig_step();
	pass(r, (int64_t)dice_below(&r->b.dice, 10 * 3600) * SECOND_US);
}

void rig_load(struct rig *r)
{
	/* Every till goes on where it was: its basket is not abandoned. */
	for (uint8_t i = 0; i < RIG_TILLS; i++) {
		if (r->tills[i].open)
			rig_send(r, next_of(r, i));
	}
	for (uint32_t n = 1; r->b.actions == 0 || n < r->b.actions; n++) {
		uint64_t roll = dice_below(&r->b.dice, 100);
		if (roll < 45)
			burst(r);
		else if (roll < 60)
			scan(r);
		else if (roll < 65)
			urgent();
		else if (roll < 82)
			confirm(r);
		else if (roll < 90)
			pass(r, (int64_t)dice_below(&r->b.dice, 40) * SECOND_US);
		else if (roll < 98)
			close_shop(r);
		else if (roll < 99 && r->b.actions == 0)
			return;
		rig_step();
		pass(r, (int64_t)dice_below(&r->b.dice, 2 * SECOND_US));
	}
}

static void say_again(struct rig *r, struct rig_message *m)
{
	bool was = m->acked;

	rig_send(r, m);
	rig_step();
	if (!m->acked && !m->given_up && !r->b.may_refuse)
		base_wrong("message %" PRIu64 " of till %u gets no answer", m->counter, m->till);
	r->b.again += was || m->acked;
}

void rig_resend(struct rig *r, bool knows)
{
	bool told_no[RIG_TILLS] = {false};

	for (uint8_t i = 0; i < RIG_TILLS; i++)
		rig_flow()->ops.till_link(rig_flow()->ops.ctx, i + 1u, tills[i], lanes[i], true);
	for (uint32_t i = 0; i < r->message_count; i++) {
		struct rig_message *m = &r->messages[i];
		if (m->acked || m->given_up || told_no[m->till])
			continue;
		say_again(r, m);
		told_no[m->till] =
		    !m->acked && !m->given_up; /* then it says nothing of what came behind it */
	}
	for (int i = 0; knows && i < RESEND_SAMPLE && r->message_count; i++) {
		struct rig_message *m = &r->messages[dice_below(&r->b.dice, r->message_count)];
		if (m->acked &&
		    r->b.wall_us - m->sent_wall_us < FLOW_RESEND_WINDOW_US - 3600 * SECOND_US)
			say_again(r, m);
	}
}

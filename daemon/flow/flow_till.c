/* Tills: their messages, once each, and what they are told. */
#include "flow/flow_internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "identity/gs1.h"

/* ---- what a till hears of its customer ---- */

static void tell_till(struct flow *f, struct flow_till *t)
{
	struct lane_view v;
	struct buf out = {0};

	if (!t->link || !f->pos || !sale_view_till(f->sale, t->lane, t->till, &v))
		return;
	flow_customer_json(f, &v, &out);
	buf_byte(&out, '\0');
	if (!out.failed && strcmp((const char *)out.data, t->told) != 0) {
		pos_send(f->pos, t->link, (const char *)out.data, out.len - 1);
		if (!text_copy(t->told, sizeof t->told, (const char *)out.data))
			t->told[0] = '\0';
	}
	buf_free(&out);
}

void flow_tell_tills(struct flow *f, const char *lane)
{
	for (int i = 0; i < f->till_count; i++) {
		if (strcmp(f->tills[i].lane, lane) == 0)
			tell_till(f, &f->tills[i]);
	}
}

/* ---- till messages ---- */

/* A service number of GS1 in its own place, with its own check digit: one in ten of some countries'
 * would look like a card number. */
static bool is_gsrn(const json_t *in, const char *name, const json_t *value)
{
	const char *kind = json_string_value(json_object_get(in, "kind"));
	const char *text = json_string_value(value);

	return strcmp(name, "value") == 0 && kind && text && strcmp(kind, "gsrn") == 0 &&
	       gs1_gsrn_ok(text);
}

/* The name of the first text member, at any depth, that holds a card number; NULL: none. */
static const char *card_number_in(const json_t *v, const char *key)
{
	const char *name;
	json_t *child;
	size_t i;

	if (json_is_string(v))
		return pan_find(json_string_value(v), strcmp(key, "sku") == 0) ? key : NULL;
	if (json_is_array(v)) {
		json_array_foreach((json_t *)v, i, child)
		{
			const char *found = card_number_in(child, key);
			if (found)
				return found;
		}
	}
	json_object_foreach((json_t *)v, name, child)
	{
		const char *found = is_gsrn(v, name, child) ? NULL : card_number_in(child, name);
		if (found)
			return found;
	}
	return NULL;
}

struct till_call {
	uint64_t link;
	const struct till_message *m;
	struct entry_id id;
	char text_id[64];
};

static void refuse_till(struct flow *f, const struct till_call *c, const struct sale_error *err)
{
	pos_send_error(f->pos, c->link, c->text_id, err->code, err->field, err->message);
}

static void send_kept(struct flow *f, uint64_t link, const struct entry_id *id,
                      const struct window_slot *at, const char *order_id)
{
	char epoch[EVENT_EPOCH_SIZE];

	if (!link || !f->pos)
		return;
	text_hex(at->epoch, EVENT_EPOCH_BYTES, epoch);
	buf_reset(&f->json);
	buf_printf(&f->json,
	           "{\"type\":\"kept\",\"source_message_id\":\"%s:%" PRIu64 "\",\"epoch\":\"%s\"",
	           id->session, id->counter, epoch);
	buf_printf(&f->json, ",\"seq\":%" PRIu64 ",\"count\":%" PRIu32, at->seq, at->count);
	if (order_id) {
		buf_str(&f->json, ",\"order_id\":");
		lw_event_json_string(&f->json, order_id);
	}
	buf_byte(&f->json, '}');
	if (!f->json.failed)
		pos_send(f->pos, link, (const char *)f->json.data, f->json.len);
}

static void send_refused(struct flow *f, uint64_t link, const struct entry_id *id,
                         const char *reason)
{
	if (!link || !f->pos)
		return;
	buf_reset(&f->json);
	buf_printf(&f->json,
	           "{\"type\":\"refused\",\"source_message_id\":\"%s:%" PRIu64
	           "\",\"reason\":\"%s\"}",
	           id->session, id->counter, reason);
	if (!f->json.failed)
		pos_send(f->pos, link, (const char *)f->json.data, f->json.len);
}

/* The order or refund id in a line's properties, to be released; NULL: it has none. */
static json_t *order_in(const char *properties, size_t len)
{
	json_t *o = json_loadb(properties, len, 0, NULL), *line = json_object_get(o, "properties");
	json_t *p = line ? line : o, *id = json_object_get(p, "order_id");

	id = json_incref(id ? id : json_object_get(p, "refund_id"));
	json_decref(o);
	return id;
}

static bool has_order(const char *event)
{
	return strcmp(event, lw_event_name(EVENT_ORDER_COMPLETED)) == 0 ||
	       strcmp(event, lw_event_name(EVENT_ORDER_REFUNDED)) == 0;
}

/* The id that the first copy of an order was given: only the journal knows it, for the business
 * date may have been the store's own. One pack is read, and only for orders that come again. */
static json_t *order_again(struct flow *f, const struct window_slot *slot)
{
	struct journal_run run;
	json_t *id = NULL;

	if (!f->reader || journal_reader_run(f->reader, slot->epoch, slot->seq, slot->count,
	                                     TILL_LINE_MAX * 8, &run) != 1)
		return NULL;
	const char *at = (const char *)run.lines.data, *end = at + run.lines.len;
	for (const char *nl; !id && run.first == slot->seq && at < end &&
	                     (nl = memchr(at, '\n', (size_t)(end - at)));
	     at = nl + 1) {
		json_t *line = json_loadb(at, (size_t)(nl - at), 0, NULL);
		const char *event = json_string_value(json_object_get(line, "event"));
		if (event && has_order(event))
			id = order_in(at, (size_t)(nl - at));
		json_decref(line);
	}
	journal_run_free(&run);
	return id;
}

/* As the first copy was answered. */
static void answer_again(struct flow *f, const struct till_call *c, const struct window_slot *slot)
{
	const char *basket = json_string_value(json_object_get(c->m->body, "basket"));
	bool order = c->m->type == TILL_ORDER_COMPLETED || c->m->type == TILL_REFUND;
	json_t *id = order ? order_again(f, slot) : NULL;
	struct sale_now now;

	send_kept(f, c->link, &c->id, slot, id ? json_string_value(id) : NULL);
	json_decref(id);
	flow_now(f, &now);
	if (basket)
		sale_confirmed(f->sale, c->m->till, basket, &now);
}

/* Was this message taken before? true: it has been answered, or will be when the first copy is. */
static bool till_repeated(struct flow *f, const struct till_call *c)
{
	struct sale_error err = {.field = "source_message_id"};
	struct window_slot slot;

	switch (window_ask(f->window, &c->id, &slot)) {
	case WINDOW_NEW:
		return false;
	case WINDOW_KEPT:
		answer_again(f, c, &slot);
		break;
	case WINDOW_QUEUED:
		slot.queued->tag = c->link;
		break;
	case WINDOW_DIFFERENT:
		text_copy(err.code, sizeof err.code, "id_reused");
		text_copy(err.message, sizeof err.message, "this id was used for another message");
		refuse_till(f, c, &err);
		return true;
	case WINDOW_TOO_OLD:
		text_copy(err.code, sizeof err.code, "too_old");
		text_copy(
		    err.message, sizeof err.message,
		    "this id has left the resend window; whether it was kept can be seen at HQ");
		refuse_till(f, c, &err);
		flow_note_refused(f, c->m->source, c->m->lane, "too_old", 1);
		return true;
	}
	counter_add(f->p.counters, COUNTER_POS_REPEATED, 1);
	return true;
}

static bool till_has_card_number(struct flow *f, const struct till_call *c)
{
	struct sale_error err = {.code = "card_number",
	                         .message = "holds a payment card number; nothing of it was kept"};
	const char *field = card_number_in(c->m->body, "");

	if (!field)
		return false;
	counter_add(f->p.counters, COUNTER_PAN_REFUSED, 1);
	text_copy(err.field, sizeof err.field, field);
	refuse_till(f, c, &err);
	flow_note_refused(f, c->m->source, c->m->lane, "card_number", 1);
	return true;
}

/* Build the message's events, hand them over, and remember its id. */
static void take_till(struct flow *f, struct till_call *c)
{
	static const struct sale_error no_memory = {.code = "no_memory",
	                                            .message = "out of memory; send it again"};
	struct sale_error err = no_memory;
	struct sale_now now;
	struct answer chosen, *with = NULL;
	struct entry *e = entry_new();

	flow_now(f, &now);
	if (c->m->type == TILL_CUSTOMER_CHOSEN) {
		const char *kind = json_string_value(json_object_get(c->m->body, "kind"));
		const char *value = json_string_value(json_object_get(c->m->body, "value"));
		const struct ident_given given = {.kind = ident_kind_of(kind), .value = value};
		flow_resolve(f, c->m->lane, &given, &chosen);
		flow_count_refused(f, &chosen);
		flow_lookup_chosen(f, c->m->lane, &chosen);
		with = &chosen;
	}
	if (!e || sale_till(f->sale, e, &now, c->m, with, &err) < 0) {
		refuse_till(f, c, &err);
		entry_free(e);
		return;
	}
	e->has_id = true;
	e->id = c->id;
	e->tag = c->link;
	if (window_queued(f->window, &c->id, e, flow_age_us(f)) < 0) {
		e->status = ENTRY_REFUSED;
		sale_answered(f->sale, e, &now);
		refuse_till(f, c, &no_memory);
		entry_free(e);
		return;
	}
	flow_publish(f);
	if (!flow_put(f, e)) {
		window_forget(f->window, &c->id);
		send_refused(f, c->link, &c->id, "queue_full");
		flow_publish(f);
	}
	flow_tick(f);
}

static enum capture_verdict on_till(void *ctx, uint64_t link, const struct till_message *m,
                                    const char *session, uint64_t counter, const char *raw,
                                    size_t len)
{
	struct flow *f = ctx;
	struct till_call c = {.link = link, .m = m};

	if (!f->window || f->in_flight + FLOW_QUEUE_SPARE >= FLOW_QUEUE_MAX)
		return CAPTURE_WAIT;
	text_copy(c.id.source, sizeof c.id.source, m->source);
	text_copy(c.id.session, sizeof c.id.session, session);
	c.id.counter = counter;
	snprintf(c.text_id, sizeof c.text_id, "%s:%" PRIu64, session, counter);
	vault_body_hash(f->p.vault, f->work, raw, len, c.id.body);
	flow_word_message(f, link);
	if (!till_has_card_number(f, &c) && !till_repeated(f, &c))
		take_till(f, &c);
	return CAPTURE_TAKEN;
}

struct flow_till *flow_till_place(struct flow *f, const char *till)
{
	struct flow_till *down = NULL;

	for (int i = 0; i < f->till_count; i++) {
		if (strcmp(f->tills[i].till, till) == 0)
			return &f->tills[i];
		if (!f->tills[i].link)
			down = &f->tills[i];
	}
	return f->till_count < FLOW_TILLS_MAX ? &f->tills[f->till_count++] : down;
}

static void on_till_link(void *ctx, uint64_t link, const char *till, const char *lane, bool up)
{
	struct flow *f = ctx;
	struct flow_till *t = flow_till_place(f, till);

	if (t && up) {
		bool known = strcmp(t->till, till) == 0;
		int64_t now_us = clock_mono_us(f->p.clock);
		f->tills_unmarked |= !known || strcmp(t->lane, lane) != 0;
		*t = (struct flow_till){.link = link,
		                        .awaited = known && t->awaited,
		                        .welcome_us = now_us,
		                        .heard_us = now_us};
		text_copy(t->till, sizeof t->till, till);
		text_copy(t->lane, sizeof t->lane, lane);
		tell_till(f, t);
	} else if (t && t->link == link) {
		t->link = 0;
	}
}

static enum capture_verdict on_till_baskets(void *ctx, const char *till, struct buf *json)
{
	struct flow *f = ctx;

	if (f->stage == FLOW_STARTING)
		return CAPTURE_WAIT;
	sale_till_baskets(f->sale, till, json);
	return CAPTURE_TAKEN;
}

void flow_till_ops(struct capture_ops *ops)
{
	ops->till = on_till;
	ops->till_link = on_till_link;
	ops->till_made = flow_word_made;
	ops->till_word = flow_word_given;
	ops->till_baskets = on_till_baskets;
}

/* ---- the journal's answers ---- */

/* The order or refund id that stands in an entry's events, to be released; NULL: none. */
static json_t *order_of(const struct entry *e)
{
	for (const struct lw_event *ev = e->first; ev; ev = ev->next) {
		if (has_order(lw_event_name(ev->kind)))
			return order_in(ev->properties, strlen(ev->properties));
	}
	return NULL;
}

static void till_kept(struct flow *f, const struct entry *e)
{
	struct window_slot slot = {.seq = e->seq, .count = e->count};
	json_t *order = order_of(e);

	memcpy(slot.epoch, e->epoch, sizeof slot.epoch);
	window_kept(f->window, &e->id, e->epoch, e->seq, e->count, flow_age_us(f));
	send_kept(f, e->tag, &e->id, &slot, order ? json_string_value(order) : NULL);
	json_decref(order);
}

void flow_till_answered(struct flow *f, const struct entry *e)
{
	if (e->status == ENTRY_KEPT) {
		till_kept(f, e);
		return;
	}
	window_forget(f->window, &e->id);
	send_refused(f, e->tag, &e->id, e->reason);
}

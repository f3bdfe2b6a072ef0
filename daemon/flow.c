#include "flow_internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

/* entry.tag of what a scanner brought; a till's entry has its link there, and an id. */
#define TAG_SCAN 1

/* ---- small pieces ---- */

void flow_now(const struct flow *f, struct sale_now *now)
{
	now->mono_us = clock_mono_us(f->p.clock);
	now->wall_us = clock_wall_us(f->p.clock);
	now->trust = clock_trusted(f->p.clock);
	clock_business_date(now->wall_us, f->conf->day_cut_min, now->business_date);
	now->utc_offset_min = clock_utc_offset_min(now->wall_us);
}

struct entry *flow_box_entry(struct flow *f, enum event_kind kind, const char *lane,
                             const char *properties)
{
	struct entry *e = entry_new();
	struct lw_event *ev = e ? entry_add(e, kind) : NULL;
	struct sale_now now;

	if (!ev)
		goto err_free;
	flow_now(f, &now);
	ev->mono_us = now.mono_us;
	ev->wall_us = now.wall_us;
	ev->trust = now.trust;
	ev->business_date = entry_text(e, now.business_date);
	ev->utc_offset_min = now.utc_offset_min;
	ev->source = "box";
	ev->lane = entry_text(e, lane);
	ev->properties = entry_text(e, properties);
	if (ev->business_date && ev->properties)
		return e;
err_free:
	entry_free(e);
	return NULL;
}

bool flow_put(struct flow *f, struct entry *e)
{
	struct sale_now now;

	if (e->count == 0) {
		entry_free(e);
		return true;
	}
	if (journal_put(f->p.journal, e)) {
		f->in_flight++;
		return true;
	}
	flow_now(f, &now);
	e->status = ENTRY_REFUSED;
	e->reason = "queue_full";
	sale_answered(f->sale, e, &now);
	counter_add(f->p.counters, COUNTER_EVENTS_REFUSED, e->count);
	entry_free(e);
	return false;
}

static struct flow_lane *lane_of(struct flow *f, const char *lane)
{
	for (int i = 0; i < f->conf->lane_count; i++) {
		if (strcmp(f->lanes[i].lane, lane) == 0)
			return &f->lanes[i];
	}
	return NULL;
}

/* Say `customer` to the lane's till, but only when it differs from what it was told last. */
static void tell_till(struct flow *f, struct flow_lane *l)
{
	struct lane_view v;
	struct buf out = {0};

	if (!l || !l->link || !f->pos || !sale_view(f->sale, l->lane, &v))
		return;
	flow_customer_json(f, &v, &out);
	buf_byte(&out, '\0');
	if (!out.failed && strcmp((const char *)out.data, l->told) != 0) {
		pos_send(f->pos, l->link, (const char *)out.data, out.len - 1);
		if (!text_copy(l->told, sizeof l->told, (const char *)out.data))
			l->told[0] = '\0';
	}
	buf_free(&out);
}

void flow_publish(struct flow *f)
{
	for (const char *lane = sale_changed(f->sale); lane; lane = sale_changed(f->sale)) {
		buf_reset(&f->json);
		if (f->watch_lane && flow_lane_json(f, lane, &f->json) && !f->json.failed)
			f->watch_lane(f->watch_ctx, lane, (const char *)f->json.data, f->json.len);
		tell_till(f, lane_of(f, lane));
	}
}

/* ---- scans ---- */

static void note_gap(struct flow *f, const char *source)
{
	int64_t wall = clock_wall_us(f->p.clock);

	counter_add(f->p.counters, COUNTER_CAPTURE_GAPS, 1);
	for (int i = 0; i < CONF_SCANNERS_MAX; i++) {
		struct flow_gap *g = &f->gaps[i];
		if (g->missing && strcmp(g->source, source) != 0)
			continue;
		if (!g->missing) {
			text_copy(g->source, sizeof g->source, source);
			g->from_wall_us = wall;
		}
		g->to_wall_us = wall;
		g->missing++;
		log_warn("%s: %" PRIu64 " scans could not be kept", source, g->missing);
		return;
	}
}

/* Journal what was missed, as soon as the journal takes entries again. */
static void flush_gaps(struct flow *f)
{
	char properties[256], from[CLOCK_ISO8601_SIZE], to[CLOCK_ISO8601_SIZE];

	for (int i = 0; i < CONF_SCANNERS_MAX; i++) {
		struct flow_gap *g = &f->gaps[i];
		if (!g->missing || g->reported)
			continue;
		clock_iso8601(g->from_wall_us, from);
		clock_iso8601(g->to_wall_us, to);
		snprintf(properties, sizeof properties,
		         "{\"from\":\"%s\",\"known_missing\":%" PRIu64
		         ",\"source\":\"%s\",\"to\":\"%s\"}",
		         from, g->missing, g->source, to);
		struct entry *e = flow_box_entry(f, EVENT_CAPTURE_GAP, NULL, properties);
		if (e) {
			e->cookie = g;
			g->reported = flow_put(f, e) ? g->missing : 0;
		}
	}
}

/* A Capture Gap was answered: what it said is settled, or is still to be said. */
static void settle_gap(const struct entry *e)
{
	struct flow_gap *g = e->cookie;

	if (!g)
		return;
	if (e->status == ENTRY_KEPT)
		g->missing -= g->reported;
	g->reported = 0;
}

static void on_scan(void *ctx, const struct capture_scan *scan)
{
	struct flow *f = ctx;
	struct answer a;
	struct sale_now now;
	struct entry *e = entry_new();

	flow_now(f, &now);
	now.mono_us = scan->mono_us;
	now.wall_us = scan->wall_us;
	resolve(&f->rules, &f->lookup, IDENT_NONE, scan->value, true, &a);
	if (a.outcome == OUTCOME_REFUSED_PAN)
		counter_add(f->p.counters, COUNTER_PAN_REFUSED, 1);
	if (!e || sale_scan(f->sale, e, &now, scan->lane, scan->source, "scan", scan->symbology,
	                    &a) < 0) {
		entry_free(e);
		note_gap(f, scan->source);
		return;
	}
	e->tag = TAG_SCAN;
	/* The screen first: it does not wait for the commit. */
	flow_publish(f);
	if (!flow_put(f, e)) {
		note_gap(f, scan->source);
		flow_publish(f);
	}
	flow_tick(f);
}

/* ---- till messages ---- */

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
		const char *found = card_number_in(child, name);
		if (found)
			return found;
	}
	return NULL;
}

static void note_refused(struct flow *f, const char *source, const char *lane, const char *reason,
                         uint64_t count)
{
	struct buf p = {0};

	buf_printf(&p, "{\"count\":%" PRIu64 ",\"reason\":", count);
	lw_event_json_string(&p, reason);
	buf_str(&p, ",\"source\":");
	lw_event_json_string(&p, source);
	buf_add(&p, "}", 2); /* with its NUL */
	struct entry *e =
	    p.failed ? NULL : flow_box_entry(f, EVENT_INPUT_REFUSED, lane, (char *)p.data);
	if (e)
		flow_put(f, e);
	buf_free(&p);
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

/* Was this message taken before? true: it has been answered, or will be when the first copy is. */
static bool till_repeated(struct flow *f, const struct till_call *c)
{
	struct sale_error err = {.field = "source_message_id"};
	struct window_slot slot;

	switch (window_ask(f->window, &c->id, &slot)) {
	case WINDOW_NEW:
		return false;
	case WINDOW_KEPT:
		send_kept(f, c->link, &c->id, &slot, NULL);
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
		note_refused(f, c->m->source, c->m->lane, "too_old", 1);
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
	note_refused(f, c->m->source, c->m->lane, "card_number", 1);
	return true;
}

/* Build the message's events, hand them over, and remember its id. */
static void take_till(struct flow *f, struct till_call *c)
{
	struct sale_error err = {.code = "no_memory", .message = "out of memory; send it again"};
	struct sale_now now;
	struct answer chosen, *with = NULL;
	struct entry *e = entry_new();

	flow_now(f, &now);
	if (c->m->type == TILL_CUSTOMER_CHOSEN) {
		const char *kind = json_string_value(json_object_get(c->m->body, "kind"));
		const char *value = json_string_value(json_object_get(c->m->body, "value"));
		resolve(&f->rules, &f->lookup, ident_kind_of(kind), value, false, &chosen);
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
	if (window_queued(f->window, &c->id, e, now.wall_us) < 0) {
		e->status = ENTRY_REFUSED;
		sale_answered(f->sale, e, &now);
		refuse_till(f, c, &err);
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

	if (f->in_flight + FLOW_QUEUE_SPARE >= FLOW_QUEUE_MAX)
		return CAPTURE_WAIT;
	text_copy(c.id.source, sizeof c.id.source, m->source);
	text_copy(c.id.session, sizeof c.id.session, session);
	c.id.counter = counter;
	snprintf(c.text_id, sizeof c.text_id, "%s:%" PRIu64, session, counter);
	vault_body_hash(f->p.vault, f->work, raw, len, c.id.body);
	if (!till_has_card_number(f, &c) && !till_repeated(f, &c))
		take_till(f, &c);
	return CAPTURE_TAKEN;
}

static void on_till_link(void *ctx, uint64_t link, const char *till, const char *lane, bool up)
{
	struct flow *f = ctx;
	struct flow_lane *l = lane_of(f, lane);

	if (!l)
		return;
	if (up) {
		l->link = link;
		text_copy(l->till, sizeof l->till, till);
		l->told[0] = '\0';
		tell_till(f, l);
	} else if (l->link == link) {
		l->link = 0;
	}
}

static void on_till_baskets(void *ctx, const char *till, struct buf *json)
{
	struct flow *f = ctx;

	sale_till_baskets(f->sale, till, json);
}

/* ---- devices ---- */

static void on_device(void *ctx, const char *source, const char *lane, bool up, const char *cause)
{
	struct flow *f = ctx;
	struct buf p = {0};

	buf_str(&p, "{\"cause\":");
	lw_event_json_string(&p, cause);
	buf_str(&p, ",\"source\":");
	lw_event_json_string(&p, source);
	buf_add(&p, "}", 2);
	struct entry *e = p.failed
	                      ? NULL
	                      : flow_box_entry(f, up ? EVENT_DEVICE_CONNECTED : EVENT_DEVICE_LOST,
	                                       lane, (char *)p.data);
	if (e)
		flow_put(f, e);
	buf_free(&p);
}

static void on_refused(void *ctx, const char *source, const char *lane, const char *reason,
                       uint64_t count)
{
	struct flow *f = ctx;

	log_warn("%s: input refused: %s", source, reason);
	note_refused(f, source, lane, reason, count);
}

void flow_set_ops(struct flow *f)
{
	f->ops = (struct capture_ops){
	    .scan = on_scan,
	    .till = on_till,
	    .till_link = on_till_link,
	    .till_baskets = on_till_baskets,
	    .device = on_device,
	    .refused = on_refused,
	    .ctx = f,
	};
}

/* ---- the journal's answers ---- */

/* The order or refund id that stands in an entry's events, as jansson text to be freed; NULL: none.
 */
static json_t *order_of(const struct entry *e)
{
	for (const struct lw_event *ev = e->first; ev; ev = ev->next) {
		const char *key = ev->kind == EVENT_ORDER_COMPLETED  ? "order_id"
		                  : ev->kind == EVENT_ORDER_REFUNDED ? "refund_id"
		                                                     : NULL;
		json_t *properties = key ? json_loads(ev->properties, 0, NULL) : NULL;
		if (properties) {
			json_t *id = json_incref(json_object_get(properties, key));
			json_decref(properties);
			return id;
		}
	}
	return NULL;
}

static void answer_kept(struct flow *f, const struct entry *e)
{
	struct window_slot slot = {.seq = e->seq, .count = e->count};

	memcpy(slot.epoch, e->epoch, sizeof slot.epoch);
	if (e->has_id) {
		json_t *order = order_of(e);
		window_kept(f->window, &e->id, e->epoch, e->seq, e->count, e->first->wall_us);
		send_kept(f, e->tag, &e->id, &slot, order ? json_string_value(order) : NULL);
		json_decref(order);
	}
	if (f->watch_kept)
		f->watch_kept(f->watch_ctx, e->lines, e->lines_len);
}

static void answer_refused(struct flow *f, const struct entry *e)
{
	log_warn("%u events of %s were refused: %s", (unsigned)e->count, e->first->source,
	         e->reason);
	if (!e->has_id) {
		if (e->tag == TAG_SCAN)
			note_gap(f, e->first->source);
		return;
	}
	window_forget(f->window, &e->id);
	send_refused(f, e->tag, &e->id, e->reason);
}

void flow_drain(struct flow *f)
{
	struct sale_now now;
	bool kept = false;

	flow_now(f, &now);
	for (struct entry *e = journal_done(f->p.journal); e; e = journal_done(f->p.journal)) {
		f->in_flight--;
		if (e->status == ENTRY_KEPT)
			answer_kept(f, e);
		else
			answer_refused(f, e);
		kept = kept || e->status == ENTRY_KEPT;
		sale_answered(f->sale, e, &now);
		settle_gap(e);
		entry_free(e);
	}
	if (kept)
		flush_gaps(f);
	flow_publish(f);
}

/* ---- the cashier's taps ---- */

static int put_tap(struct flow *f, struct entry *e, int rc, struct sale_error *err)
{
	if (rc < 0) {
		entry_free(e);
		return -1;
	}
	flow_publish(f);
	if (!flow_put(f, e)) {
		text_copy(err->code, sizeof err->code, "busy");
		text_copy(err->message, sizeof err->message,
		          "the box cannot keep it now; tap again");
		flow_publish(f);
		return -1;
	}
	flow_tick(f);
	return 0;
}

int flow_choose(struct flow *f, const char *lane, const char *question, const char *choice,
                struct sale_error *err)
{
	struct sale_now now;
	struct entry *e = entry_new();

	flow_now(f, &now);
	return put_tap(f, e, e ? sale_choose(f->sale, e, &now, lane, question, choice, err) : -1,
	               err);
}

int flow_wrong_customer(struct flow *f, const char *lane, struct sale_error *err)
{
	struct sale_now now;
	struct entry *e = entry_new();

	flow_now(f, &now);
	return put_tap(f, e, e ? sale_wrong_customer(f->sale, e, &now, lane, err) : -1, err);
}

#include <string.h>

#include "sale/sale_internal.h"

/* One of the journal's lines, opened. */
struct replayed {
	struct sale *s;
	const struct sale_sources *from;
	const uint8_t *epoch;
	uint64_t seq;
	json_t *root, *context, *properties; /* context.laneway */
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static struct basket *basket_of(const struct replayed *r)
{
	const char *id = text_of(r->context, "basket_id");
	return id[0] ? sale_basket_by_id(r->s, id) : NULL;
}

static void replay_opened(const struct replayed *r)
{
	struct sale *s = r->s;
	const char *id = text_of(r->context, "basket_id");
	struct basket *b = id[0] ? sale_basket_by_id(s, id) : NULL;
	if (b || !id[0] || s->basket_count >= BASKETS_MAX || !(b = sale_basket_new()))
		return;
	if (!text_copy(b->place.basket_id, sizeof b->place.basket_id, id) ||
	    !text_copy(b->place.visit_id, sizeof b->place.visit_id,
	               text_of(r->context, "visit_id")) ||
	    !text_copy(b->till, sizeof b->till, text_of(r->properties, "till")) ||
	    !text_copy(b->name, sizeof b->name, text_of(r->properties, "till_basket"))) {
		sale_basket_drop(s, b);
		return;
	}
	text_copy(b->place.staff_ref, sizeof b->place.staff_ref, text_of(r->context, "staff_ref"));
	b->place.training = json_is_true(json_object_get(r->context, "training"));
	b->lane = sale_lane(s, text_of(r->context, "lane"));
	sale_basket_add(s, b);
}

static bool replay_value(const struct sale *s, struct line *line)
{
	return num_quantity(line->shown.quantity, &line->milli) &&
	       sale_line_total(line->milli, line->shown.price, &line->shown.total) &&
	       s->digits >= 0;
}

static void replay_added(const struct replayed *r, struct basket *b)
{
	struct sale *s = r->s;
	const json_t *p = r->properties;
	struct line line = {0};
	struct line *old = sale_line(b, text_of(p, "line_id"));
	if (!b->had_line && b->lane)
		b->lane->last.on = false;
	b->had_line = true;
	if (!text_copy(line.shown.line_id, sizeof line.shown.line_id, text_of(p, "line_id")) ||
	    !text_copy(line.shown.quantity, sizeof line.shown.quantity, text_of(p, "quantity")) ||
	    !num_money(text_of(p, "price"), s->digits, &line.shown.price) || line.shown.price < 0 ||
	    !replay_value(s, &line))
		return;
	text_copy(line.shown.name, sizeof line.shown.name, text_of(p, "name"));
	text_copy(line.shown.unit, sizeof line.shown.unit, text_of(p, "unit"));
	text_copy(line.sku, sizeof line.sku, text_of(p, "sku"));
	text_copy(line.entry_method, sizeof line.entry_method, text_of(p, "entry_method"));
	if (old)
		*old = line;
	else if (b->line_count < LINES_MAX && sale_line_room(s, b))
		b->lines[b->line_count++] = line;
}

static void replay_removed(const struct replayed *r, struct basket *b)
{
	struct line *line = sale_line(b, text_of(r->properties, "line_id"));
	if (!line)
		return;
	size_t after = b->line_count - (size_t)(line - b->lines) - 1;
	memmove(line, line + 1, after * sizeof *line);
	b->line_count--;
}

static void replay_changed(const struct replayed *r, struct basket *b)
{
	struct line *line = sale_line(b, text_of(r->properties, "line_id"));
	const char *to = text_of(r->properties, "to");
	if (!line)
		return;
	struct line new = *line;
	if (!strcmp(text_of(r->properties, "field"), "price")) {
		if (!num_money(to, r->s->digits, &new.shown.price) || new.shown.price < 0)
			return;
	} else if (!text_copy(new.shown.quantity, sizeof new.shown.quantity, to)) {
		return;
	}
	if (replay_value(r->s, &new))
		*line = new;
}

/* The plain text of the line's sealed field, or NULL: its key is gone, or it was not sealed. */
static json_t *open_sealed(const struct replayed *r, struct visit_key *key)
{
	const json_t *sealed = json_object_get(r->context, "sealed");
	const char *k = text_of(sealed, "k");
	uint8_t id[EVENT_ID_BYTES];
	struct buf plain = {0};
	json_t *person = NULL;
	if (text_unb64(k, strlen(k), id, sizeof id) != (ssize_t)sizeof id ||
	    r->from->key(r->from->ctx, id, key))
		return NULL;
	if (!r->from->open(r->from->ctx, key, r->epoch, r->seq, text_of(sealed, "n"),
	                   text_of(sealed, "c"), &plain) &&
	    plain.len)
		person = json_loadb((const char *)plain.data, plain.len, 0, NULL);
	buf_free(&plain);
	return person;
}

/* Who the line names; false: nobody can be named, their key is gone. */
static bool replay_person(const struct replayed *r, struct person *who)
{
	const json_t *identity = json_object_get(r->context, "identity");
	*who = (struct person){0};
	json_t *person = open_sealed(r, &who->key);
	const char *customer_id = text_of(person, "customer_id");
	bool named = customer_id[0] && text_copy(who->profile_ref, sizeof who->profile_ref,
	                                         text_of(r->properties, "profile_ref"));
	if (named && r->from->profile(r->from->ctx, customer_id, &who->profile) != 1)
		who->profile = (struct profile){0};
	named = named &&
	        text_copy(who->profile.customer_id, sizeof who->profile.customer_id, customer_id);
	text_copy(who->ident_ref, sizeof who->ident_ref, text_of(person, "ident_ref"));
	text_copy(who->rule, sizeof who->rule, text_of(identity, "rule"));
	text_copy(who->ruleset, sizeof who->ruleset, text_of(identity, "ruleset"));
	text_copy(who->confidence, sizeof who->confidence, text_of(identity, "confidence"));
	json_decref(person);
	return named;
}

static void replay_attached(const struct replayed *r, struct basket *b)
{
	struct person who;
	b->person = (struct person){0};
	b->since = SINCE_NONE;
	if (!replay_person(r, &who))
		return;
	sale_seen(&b->place, &who);
	b->person = who;
	if (b->stage == STAGE_TENDER)
		b->since = SINCE_END;
	else
		b->since = b->had_line ? SINCE_DURING : SINCE_START;
}

/* The order just closed: a card shown after the restart may still mean it. at_us holds the wall
 * time until sale_replayed. */
static void replay_order(const struct replayed *r, struct basket *b)
{
	struct lane *lane = b->lane;
	struct last *last = lane ? &lane->last : NULL;
	if (last) {
		b->stage = STAGE_CLOSING;
		const struct basket *front = sale_front(r->s, lane);
		*last = (struct last){.place = b->place, .person = b->person};
		last->on =
		    (!front || !front->had_line) &&
		    text_copy(last->order_id, sizeof last->order_id,
		              text_of(r->properties, "order_id")) &&
		    clock_parse_iso8601(text_of(r->root, "originalTimestamp"), &last->at_us) == 0;
	}
	sale_basket_drop(r->s, b);
}

/* A word on the order just closed. */
static void replay_after_order(const struct replayed *r, enum event_kind kind)
{
	struct lane *lane = sale_lane(r->s, text_of(r->context, "lane"));
	struct last *last = lane ? &lane->last : NULL;
	struct person who = {0};
	if (!last || !last->on ||
	    strcmp(last->place.basket_id, text_of(r->context, "basket_id")) != 0)
		return;
	if (kind == EVENT_ORDER_CLAIMED && replay_person(r, &who))
		sale_seen(&last->place, &who);
	if (kind == EVENT_ORDER_CLAIMED || kind == EVENT_CUSTOMER_DETACHED)
		last->person = who;
}

static void replay_kind(const struct replayed *r, enum event_kind kind)
{
	struct basket *b = basket_of(r);
	if (kind == EVENT_BASKET_OPENED)
		replay_opened(r);
	if (!b) {
		replay_after_order(r, kind);
		return;
	}
	switch (kind) {
	case EVENT_PRODUCT_ADDED:
		replay_added(r, b);
		break;
	case EVENT_PRODUCT_REMOVED:
		replay_removed(r, b);
		break;
	case EVENT_BASKET_LINE_CHANGED:
		replay_changed(r, b);
		break;
	case EVENT_CHECKOUT_STARTED:
		b->stage = STAGE_TENDER;
		break;
	case EVENT_CUSTOMER_ATTACHED:
		replay_attached(r, b);
		break;
	case EVENT_CUSTOMER_DETACHED:
		b->person = (struct person){0};
		b->since = SINCE_NONE;
		break;
	case EVENT_ORDER_COMPLETED:
		replay_order(r, b);
		break;
	case EVENT_BASKET_ABANDONED:
		sale_basket_drop(r->s, b);
		break;
	default:
		break;
	}
}

/* The kind of a line that changes a basket, without parsing it; else EVENT_KIND_COUNT. Keys are
 * sorted, so "event" follows the closed context, and no text can hold its unescaped quotes. */
static enum event_kind kind_of(const char *line, size_t len)
{
	static const char mark[] = "},\"event\":\"";
	char name[40];
	const char *at = memmem(line, len, mark, sizeof mark - 1);
	if (!at)
		return EVENT_KIND_COUNT;
	at += sizeof mark - 1;
	size_t left = len - (size_t)(at - line);
	const char *end = memchr(at, '"', left);
	if (!end || (size_t)(end - at) >= sizeof name)
		return EVENT_KIND_COUNT;
	memcpy(name, at, (size_t)(end - at));
	name[end - at] = '\0';
	switch (lw_event_kind_of(name)) {
	case EVENT_BASKET_OPENED:
	case EVENT_PRODUCT_ADDED:
	case EVENT_PRODUCT_REMOVED:
	case EVENT_BASKET_LINE_CHANGED:
	case EVENT_CHECKOUT_STARTED:
	case EVENT_CUSTOMER_ATTACHED:
	case EVENT_CUSTOMER_DETACHED:
	case EVENT_ORDER_COMPLETED:
	case EVENT_ORDER_CLAIMED:
	case EVENT_BASKET_ABANDONED:
		return lw_event_kind_of(name);
	default:
		return EVENT_KIND_COUNT;
	}
}

void sale_replay(struct sale *s, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                 const char *line, size_t len, const struct sale_sources *from)
{
	enum event_kind kind = kind_of(line, len);
	if (kind == EVENT_KIND_COUNT)
		return;
	json_t *root = json_loadb(line, len, 0, NULL);
	struct replayed r = {
	    .s = s,
	    .from = from,
	    .epoch = epoch,
	    .seq = seq,
	    .root = root,
	    .context = json_object_get(json_object_get(root, "context"), "laneway"),
	    .properties = json_object_get(root, "properties"),
	};
	if (root)
		replay_kind(&r, kind);
	json_decref(root);
}

int sale_replayed(struct sale *s, const struct sale_now *now)
{
	int open = 0;
	for (size_t i = 0; i < s->lane_count; i++) {
		struct last *last = &s->lanes[i].last;
		int64_t age_us = now->wall_us - last->at_us;
		last->on = last->on && age_us >= 0;
		last->at_us = now->mono_us - age_us;
	}
	for (struct basket *b = s->first; b; b = b->next) {
		b->restored = true;
		b->restored_wall_us = now->wall_us;
		b->confirm_until_us = now->mono_us + CONFIRM_US;
		sale_news(b->lane);
		open++;
	}
	return open;
}

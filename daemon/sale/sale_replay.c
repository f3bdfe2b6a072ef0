/* The journal's lines, and what they make of baskets. */
#include "sale/sale_recall.h"

#include <stdlib.h>
#include <string.h>

#define LATER_BYTES_MAX 262144 /* noted of a basket before it is worked in */

const char *sale_replay_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

struct lane *sale_replay_lane(const struct replayed *r)
{
	return sale_lane(r->s, sale_replay_text(r->context, "lane"));
}

struct spot sale_replay_spot(const struct replayed *r)
{
	struct spot spot = {.nth = r->s->epochs, .at.seq = r->seq};
	memcpy(spot.at.epoch, r->epoch, sizeof spot.at.epoch);
	return spot;
}

static struct basket *basket_of(const struct replayed *r)
{
	const char *id = sale_replay_text(r->context, "basket_id");
	return id[0] ? sale_basket_by_id(r->s, id) : NULL;
}

static void replay_opened(const struct replayed *r)
{
	struct sale *s = r->s;
	const char *id = sale_replay_text(r->context, "basket_id");
	struct basket *b = id[0] ? sale_basket_by_id(s, id) : NULL;
	if (b || !id[0] || s->basket_count >= BASKETS_MAX)
		return;
	b = sale_basket_new();
	if (!b) {
		s->recall->failed = true;
		return;
	}
	if (!text_copy(b->place.basket_id, sizeof b->place.basket_id, id) ||
	    !text_copy(b->place.visit_id, sizeof b->place.visit_id,
	               sale_replay_text(r->context, "visit_id")) ||
	    !text_copy(b->till, sizeof b->till, sale_replay_text(r->properties, "till")) ||
	    !text_copy(b->name, sizeof b->name, sale_replay_text(r->properties, "till_basket"))) {
		sale_basket_drop(s, b);
		return;
	}
	text_copy(b->place.staff_ref, sizeof b->place.staff_ref,
	          sale_replay_text(r->context, "staff_ref"));
	b->place.training = json_is_true(json_object_get(r->context, "training"));
	b->lane = sale_replay_lane(r);
	b->spot = sale_replay_spot(r);
	if (b->lane && b->place.staff_ref[0])
		sale_served_by(s, b->lane, b->place.staff_ref);
	sale_basket_add(s, b);
	sale_recall_opened(b);
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
	struct line *old = sale_line(b, sale_replay_text(p, "line_id"));
	if (!b->had_line && b->lane) {
		b->lane->last.on = false;
		sale_recall_first_line(r, b);
	}
	b->had_line = true;
	if (!text_copy(line.shown.line_id, sizeof line.shown.line_id,
	               sale_replay_text(p, "line_id")) ||
	    !text_copy(line.shown.quantity, sizeof line.shown.quantity,
	               sale_replay_text(p, "quantity")) ||
	    !num_money(sale_replay_text(p, "price"), s->digits, &line.shown.price) ||
	    line.shown.price < 0 || !replay_value(s, &line))
		return;
	text_copy(line.shown.name, sizeof line.shown.name, sale_replay_text(p, "name"));
	text_copy(line.shown.unit, sizeof line.shown.unit, sale_replay_text(p, "unit"));
	text_copy(line.sku, sizeof line.sku, sale_replay_text(p, "sku"));
	text_copy(line.entry_method, sizeof line.entry_method, sale_replay_text(p, "entry_method"));
	if (old)
		*old = line;
	else if (b->line_count >= LINES_MAX)
		return;
	else if (sale_line_room(s, b))
		b->lines[b->line_count++] = line;
	else
		s->recall->failed = true;
}

static void replay_removed(const struct replayed *r, struct basket *b)
{
	struct line *line = sale_line(b, sale_replay_text(r->properties, "line_id"));
	if (!line)
		return;
	size_t after = b->line_count - (size_t)(line - b->lines) - 1;
	memmove(line, line + 1, after * sizeof *line);
	b->line_count--;
}

static void replay_changed(const struct replayed *r, struct basket *b)
{
	struct line *line = sale_line(b, sale_replay_text(r->properties, "line_id"));
	const char *to = sale_replay_text(r->properties, "to");
	if (!line)
		return;
	struct line new = *line;
	if (!strcmp(sale_replay_text(r->properties, "field"), "price")) {
		if (!num_money(to, r->s->digits, &new.shown.price) || new.shown.price < 0)
			return;
	} else if (!text_copy(new.shown.quantity, sizeof new.shown.quantity, to)) {
		return;
	}
	if (replay_value(r->s, &new))
		*line = new;
}

json_t *sale_replay_sealed(const struct replayed *r, struct visit_key *key)
{
	const json_t *sealed = json_object_get(r->context, "sealed");
	const char *k = sale_replay_text(sealed, "k");
	uint8_t id[EVENT_ID_BYTES];
	struct buf plain = {0};
	json_t *person = NULL;
	if (text_unb64(k, strlen(k), id, sizeof id) != (ssize_t)sizeof id ||
	    r->from->key(r->from->ctx, id, key))
		return NULL;
	if (!r->from->open(r->from->ctx, key, r->epoch, r->seq, sale_replay_text(sealed, "n"),
	                   sale_replay_text(sealed, "c"), &plain) &&
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
	json_t *person = sale_replay_sealed(r, &who->key);
	const char *customer_id = sale_replay_text(person, "customer_id");
	bool named = customer_id[0] && text_copy(who->profile_ref, sizeof who->profile_ref,
	                                         sale_replay_text(r->properties, "profile_ref"));
	if (named && r->from->profile(r->from->ctx, customer_id, &who->profile) != 1)
		who->profile = (struct profile){0};
	named = named &&
	        text_copy(who->profile.customer_id, sizeof who->profile.customer_id, customer_id);
	text_copy(who->ident_ref, sizeof who->ident_ref, sale_replay_text(person, "ident_ref"));
	text_copy(who->rule, sizeof who->rule, sale_replay_text(identity, "rule"));
	text_copy(who->ruleset, sizeof who->ruleset, sale_replay_text(identity, "ruleset"));
	text_copy(who->confidence, sizeof who->confidence,
	          sale_replay_text(identity, "confidence"));
	who->scanned = !json_object_get(r->properties, "assurance") &&
	               strcmp(sale_replay_text(r->properties, "by"), "till") != 0;
	who->staff = json_is_true(json_object_get(r->properties, "staff"));
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
	sale_recall_attached(r, who.ident_ref);
	b->person = who;
	if (b->stage == STAGE_TENDER)
		b->since = SINCE_END;
	else
		b->since = b->had_line ? SINCE_DURING : SINCE_START;
}

/* The order just closed: a card shown after the restart may still mean it. */
static void replay_order(const struct replayed *r, struct basket *b)
{
	struct lane *lane = b->lane;
	struct last *last = lane ? &lane->last : NULL;
	if (last) {
		b->stage = STAGE_CLOSING;
		const struct basket *front = sale_front(r->s, lane);
		*last = (struct last){.place = b->place, .person = b->person, .spot = b->spot};
		sale_recall_moment(r, &sale_recall_of(r->s, lane)->last);
		last->on = (!front || !front->had_line) &&
		           text_copy(last->order_id, sizeof last->order_id,
		                     sale_replay_text(r->properties, "order_id"));
	}
	sale_basket_drop(r->s, b);
}

/* A word on the order just closed. */
static void replay_after_order(const struct replayed *r, enum event_kind kind)
{
	struct lane *lane = sale_replay_lane(r);
	struct last *last = lane ? &lane->last : NULL;
	struct person who = {0};
	if (!last || !last->on ||
	    strcmp(last->place.basket_id, sale_replay_text(r->context, "basket_id")) != 0)
		return;
	if (kind == EVENT_ORDER_CLAIMED)
		sale_recall_claimed(r);
	if (kind == EVENT_ORDER_CLAIMED && replay_person(r, &who))
		sale_seen(&last->place, &who);
	if (kind == EVENT_ORDER_CLAIMED || kind == EVENT_CUSTOMER_DETACHED)
		last->person = who;
}

/* The box came back: each open basket whose till has not spoken since was gone for the first time,
 * or waits one boot longer. */
static void replay_box_started(const struct replayed *r)
{
	static const char *const causes[] = {"power", "crash", "upgrade", "restart"};
	const char *boot = sale_replay_text(r->context, "boot"), *why = "restart";
	const char *cause = sale_replay_text(r->properties, "cause");

	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
		if (!strcmp(cause, causes[i]))
			why = causes[i];
	}
	for (struct basket *b = r->s->first; b; b = b->next)
		sale_basket_gone(b, why, r->s->recall->ended_us, boot,
		                 json_integer_value(json_object_get(r->context, "mono_us")));
}

void sale_basket_gone(struct basket *b, const char *why, int64_t ended_us, const char *boot,
                      int64_t mono_us)
{
	if (!b->waits) {
		b->restored = why;
		b->restored_wall_us = ended_us;
	}
	b->waits = true;
	if (!strcmp(b->boot, boot))
		return;
	text_copy(b->boot, sizeof b->boot, boot);
	b->boot_mono_us = mono_us;
	b->boots++;
}

static void replay_basket(const struct replayed *r, struct basket *b, enum event_kind kind)
{
	static const struct sale_now never;

	if (!strncmp(sale_replay_text(r->context, "source"), "till:", 5))
		sale_basket_heard(b, &never);
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

static void replay_kind(const struct replayed *r, enum event_kind kind)
{
	struct basket *b = basket_of(r);

	switch (kind) {
	case EVENT_BOX_STARTED:
		replay_box_started(r);
		break;
	case EVENT_BASKET_OPENED:
		replay_opened(r);
		break;
	case EVENT_IDENTIFIER_PRESENTED:
		sale_recall_presented(r);
		sale_staff_replay(r, b);
		break;
	case EVENT_VISIT_STARTED:
		sale_recall_visit_started(r);
		break;
	case EVENT_VISIT_ENDED:
		sale_recall_visit_ended(r);
		break;
	default:
		if (b)
			replay_basket(r, b, kind);
		else
			replay_after_order(r, kind);
		break;
	}
}

/* A line of another epoch than the one before: there the box was gone. */
static void epoch_of(struct sale *s, const uint8_t epoch[EVENT_EPOCH_BYTES])
{
	struct recall *recall = s->recall;

	if (memcmp(recall->epoch, epoch, sizeof recall->epoch) == 0)
		return;
	memcpy(recall->epoch, epoch, sizeof recall->epoch);
	recall->ended_us = sale_replay_ended(s);
	s->epochs++;
}

int64_t sale_replay_ended(const struct sale *s)
{
	const struct buf *line = &s->recall->before;
	int64_t wall_us = 0;
	json_t *root = line->len ? json_loadb((const char *)line->data, line->len, 0, NULL) : NULL;

	clock_parse_iso8601(sale_replay_text(root, "originalTimestamp"), &wall_us);
	json_decref(root);
	return wall_us;
}

/* false: out of memory. */
static bool recall_begin(struct sale *s)
{
	if (s->recall)
		return true;
	s->recall = calloc(1, sizeof *s->recall);
	if (s->recall)
		s->recall->lanes = calloc(s->lane_count + 1, sizeof *s->recall->lanes);
	if (s->recall && !s->recall->lanes)
		sale_recall_free(s);
	return s->recall != NULL;
}

/* The kind of a line that matters here, without parsing it; else EVENT_KIND_COUNT. Keys are
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
	case EVENT_BOX_STARTED:
	case EVENT_IDENTIFIER_PRESENTED:
	case EVENT_VISIT_STARTED:
	case EVENT_VISIT_ENDED:
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

/* ---- what is not parsed, or not at once ----
 *
 * Most lines of a day are products of baskets that have ended: parsing them is nearly all that
 * reading a day back takes. */

static bool is_till(const char *line, size_t len)
{
	static const char mark[] = "\"source\":\"till:";
	return memmem(line, len, mark, sizeof mark - 1) != NULL;
}

/* The context comes first, and its keys are none of the customer's. */
static struct basket *basket_in(const struct sale *s, const char *line, size_t len)
{
	static const char mark[] = "\"basket_id\":\"";
	char id[sizeof((struct place *)NULL)->basket_id];
	const char *at = memmem(line, len, mark, sizeof mark - 1), *end;

	if (!at)
		return NULL;
	at += sizeof mark - 1;
	end = memchr(at, '"', len - (size_t)(at - line));
	if (!end || (size_t)(end - at) >= sizeof id)
		return NULL;
	memcpy(id, at, (size_t)(end - at));
	id[end - at] = '\0';
	return sale_basket_by_id(s, id);
}

/* A product of a basket that has one already bears on nothing but that basket's lines. true: it is
 * noted, to be worked in when the basket does not end. */
static bool put_later(struct sale *s, enum event_kind kind, const char *line, size_t len)
{
	static const struct sale_now never;
	struct basket *b;

	if (kind != EVENT_PRODUCT_ADDED && kind != EVENT_PRODUCT_REMOVED &&
	    kind != EVENT_BASKET_LINE_CHANGED)
		return false;
	b = basket_in(s, line, len);
	if (!b || !b->had_line)
		return false;
	if (is_till(line, len))
		sale_basket_heard(b, &never);
	buf_be16(&b->later, (uint16_t)kind);
	buf_be32(&b->later, (uint32_t)len);
	buf_add(&b->later, line, len);
	if (b->later.failed || (b->later.len > LATER_BYTES_MAX && sale_replay_later(s, b) < 0))
		s->recall->failed = true;
	return true;
}

int sale_replay_later(struct sale *s, struct basket *b)
{
	for (size_t at = 0; at + 6 <= b->later.len;) {
		const char *line = (const char *)b->later.data + at + 6;
		size_t len = buf_get32(b->later.data + at + 2);
		enum event_kind kind = (enum event_kind)buf_get16(b->later.data + at);
		json_error_t why = {0};
		json_t *root = json_loadb(line, len, 0, &why);
		struct replayed r = {
		    .s = s, .root = root, .properties = json_object_get(root, "properties")};
		if (root && kind == EVENT_PRODUCT_ADDED)
			replay_added(&r, b);
		else if (root && kind == EVENT_PRODUCT_REMOVED)
			replay_removed(&r, b);
		else if (root)
			replay_changed(&r, b);
		else if (json_error_code(&why) == json_error_out_of_memory)
			s->recall->failed = true;
		json_decref(root);
		at += 6 + len;
	}
	buf_free(&b->later);
	return s->recall->failed ? -1 : 0;
}

/* The end of the array that begins at `at`; NULL: it has none. */
static const char *array_end(const char *at, const char *end)
{
	int depth = 0;
	bool text = false;

	for (; at < end; at++) {
		if (text && *at == '\\')
			at++;
		else if (*at == '"')
			text = !text;
		else if (!text && *at == '[')
			depth++;
		else if (!text && *at == ']' && --depth == 0)
			return at;
	}
	return NULL;
}

/* An order's products are most of its line, and nothing here depends on them. */
static json_t *parse_order(struct sale *s, const char *line, size_t len, json_error_t *why)
{
	static const char mark[] = "\"products\":[";
	struct buf *thin = &s->recall->thin;
	const char *at = memmem(line, len, mark, sizeof mark - 1), *end;

	if (at)
		at += sizeof mark - 1;
	end = at ? array_end(at - 1, line + len) : NULL;
	if (!end)
		return json_loadb(line, len, 0, why);
	buf_reset(thin);
	buf_add(thin, line, (size_t)(at - line));
	buf_add(thin, end, len - (size_t)(end - line));
	s->recall->failed = s->recall->failed || thin->failed;
	return thin->failed ? NULL : json_loadb((const char *)thin->data, thin->len, 0, why);
}

static json_t *parse(struct sale *s, enum event_kind kind, const char *line, size_t len)
{
	json_error_t why = {0};
	json_t *root;

	if (kind == EVENT_KIND_COUNT || put_later(s, kind, line, len))
		return NULL;
	root = kind == EVENT_ORDER_COMPLETED ? parse_order(s, line, len, &why)
	                                     : json_loadb(line, len, 0, &why);
	if (!root && json_error_code(&why) == json_error_out_of_memory)
		s->recall->failed = true;
	return root;
}

int sale_replay(struct sale *s, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                const char *line, size_t len, const struct sale_sources *from)
{
	if (!recall_begin(s))
		return -1;
	epoch_of(s, epoch);
	buf_reset(&s->recall->before);
	buf_add(&s->recall->before, line, len);
	enum event_kind kind = kind_of(line, len);
	json_t *root = parse(s, kind, line, len);
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
	return s->recall->failed || s->recall->before.failed ? -1 : 0;
}

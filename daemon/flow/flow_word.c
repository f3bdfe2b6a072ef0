/* A till's word after a start: until it has said again what it was not answered, nobody knows what
 * stands on its lane, and scans there are kept without being tied (DESIGN.md, "The start"). */
#include "flow/flow_internal.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* A till that does not say `made` sends what it has at once when it is welcomed: after such a
 * silence that was all. */
#define QUIET_US (2 * INT64_C(1000000))
/* A till that has not come by then is gone for now: as long as a restored basket waits for it. */
#define WORD_US (600 * INT64_C(1000000))

/* ---- who is awaited ---- */

bool flow_word_awaited(const struct flow *f, const char *lane)
{
	for (int i = 0; i < f->till_count; i++) {
		if (f->tills[i].awaited && strcmp(f->tills[i].lane, lane) == 0)
			return true;
	}
	return false;
}

static void await(void *ctx, const char *till, const char *lane)
{
	struct flow *f = ctx;
	struct flow_till *t = flow_till_place(f, till);

	if (!t || t->link)
		return;
	*t = (struct flow_till){.awaited = true};
	text_copy(t->till, sizeof t->till, till);
	text_copy(t->lane, sizeof t->lane, lane);
}

/* One name of the mark; false: it is cut off. */
static bool read_name(const uint8_t **at, const uint8_t *end, char out[EVENT_NAME_SIZE])
{
	size_t len = *at < end ? **at : EVENT_NAME_SIZE;

	if (len >= EVENT_NAME_SIZE || (size_t)(end - *at) <= len)
		return false;
	memcpy(out, *at + 1, len);
	out[len] = '\0';
	*at += 1 + len;
	return true;
}

void flow_word_begin(struct flow *f, const struct buf *mark)
{
	const uint8_t *at = mark->data, *end = at + mark->len;
	char till[EVENT_NAME_SIZE], lane[EVENT_NAME_SIZE];

	if (!f->pos)
		return;
	while (at < end && read_name(&at, end, till) && read_name(&at, end, lane))
		await(f, till, lane);
	sale_tills(f->sale, await, f);
}

static void add_name(struct buf *b, const char *name)
{
	size_t len = strlen(name);

	buf_byte(b, (uint8_t)len);
	buf_add(b, name, len);
}

void flow_word_note(struct flow *f, struct entry *e)
{
	struct buf mark = {0};

	if (!f->tills_unmarked || f->stage == FLOW_STARTING)
		return;
	for (int i = 0; i < f->till_count; i++) {
		add_name(&mark, f->tills[i].till);
		add_name(&mark, f->tills[i].lane);
	}
	if (!mark.failed && entry_mark(e, FLOW_MARK_TILLS, mark.data, mark.len) == 0)
		f->tills_unmarked = false;
	buf_free(&mark);
}

/* ---- who serves ---- */

#define SERVING_VERSION 1

void flow_word_serving(struct flow *f, struct entry *e)
{
	struct buf mark = {0};

	if (f->stage == FLOW_STARTING)
		return;
	f->serving_unmarked |= sale_serving_changed(f->sale);
	if (!f->serving_unmarked)
		return;
	buf_byte(&mark, SERVING_VERSION);
	sale_serving(f->sale, &mark);
	if (!mark.failed && entry_mark(e, FLOW_MARK_SERVING, mark.data, mark.len) == 0)
		f->serving_unmarked = false;
	buf_free(&mark);
}

void flow_word_serving_begin(struct flow *f, const struct buf *mark)
{
	if (!mark->len) /* an older release wrote none */
		return;
	if (mark->data[0] != SERVING_VERSION ||
	    !sale_serving_again(f->sale, mark->data + 1, mark->len - 1))
		log_error("who serves on the lanes could not be read back");
}

/* ---- scans find their place ---- */

static void tie(struct flow *f, const struct sale_early *early, bool ordered)
{
	struct sale_now now;
	struct answer a;
	struct entry *e = entry_new();

	flow_now(f, &now);
	const struct ident_given given = {.kind = early->kind,
	                                  .scanned = true,
	                                  .symbology =
	                                      early->symbology[0] ? early->symbology : NULL,
	                                  .value = early->value};
	flow_resolve(f, early->lane, &given, &a);
	if (!e || sale_tie(f->sale, e, &now, early, ordered, &a) < 0) {
		log_error("%s: a scan is kept, but tied to nobody: out of memory", early->source);
		entry_free(e);
		return;
	}
	/* Refused, it is no gap: that it was scanned is kept. */
	flow_put(f, e);
}

static void tie_before(struct flow *f, const char *lane, int64_t before_us, bool ordered)
{
	struct sale_early early;

	while (sale_early_next(f->sale, lane, before_us, &early))
		tie(f, &early, ordered);
	explicit_bzero(&early, sizeof early);
}

/* Its till did not say all: what stands in front may be over long since, also if it stood there
 * then.
 */
static void tie_in_doubt(struct flow *f, const char *lane)
{
	struct sale_early early;

	while (!flow_word_awaited(f, lane) && sale_early_next(f->sale, lane, INT64_MAX, &early)) {
		text_copy(early.basket_id, sizeof early.basket_id, "?");
		tie(f, &early, false);
	}
}

void flow_word_settle(struct flow *f)
{
	for (int i = 0; i < f->conf->lane_count; i++) {
		const char *lane = f->conf->lanes[i];
		bool awaited = flow_word_awaited(f, lane);
		sale_await(f->sale, lane, awaited);
		if (!awaited)
			tie_before(f, lane, INT64_MAX, false);
	}
}

/* ---- tills come ---- */

static struct flow_till *awaited_till(struct flow *f, uint64_t link)
{
	for (int i = 0; i < f->till_count; i++) {
		if (f->tills[i].link == link && f->tills[i].awaited)
			return &f->tills[i];
	}
	return NULL;
}

void flow_word_message(struct flow *f, uint64_t link)
{
	struct flow_till *t = awaited_till(f, link);

	if (!t)
		return;
	t->heard_us = clock_mono_us(f->p.clock);
	t->goes_on = t->through;
}

/* No other till stands on its lane: what it did is what was done there. */
static bool is_alone(const struct flow *f, const struct flow_till *t)
{
	for (int i = 0; i < f->till_count; i++) {
		if (&f->tills[i] != t && strcmp(f->tills[i].lane, t->lane) == 0)
			return false;
	}
	return true;
}

enum capture_verdict flow_word_made(void *ctx, uint64_t link, int64_t before_us)
{
	struct flow *f = ctx;
	struct flow_till *t = awaited_till(f, link);

	if (!f->window)
		return CAPTURE_WAIT;
	if (!t)
		return CAPTURE_TAKEN;
	t->says_made = true;
	t->through = before_us == 0;
	/* What was scanned before the till did this belongs to what it had done until then. */
	if (is_alone(f, t))
		tie_before(f, t->lane, t->welcome_us - before_us, true);
	flow_publish(f);
	return CAPTURE_TAKEN;
}

void flow_word_given(void *ctx, uint64_t link)
{
	struct flow *f = ctx;
	struct flow_till *t = awaited_till(f, link);

	if (!t)
		return;
	/* What it did since its welcome has no time; if there is nothing of it, the order is known.
	 */
	if (is_alone(f, t) && !t->goes_on)
		tie_before(f, t->lane, INT64_MAX, true);
	t->awaited = false;
	flow_word_settle(f);
	flow_publish(f);
	flow_tick(f);
}

/* ---- tills that say nothing, or do not come ---- */

void flow_word_heard(struct flow *f, int64_t now_us)
{
	f->word_until_us = now_us + WORD_US;
	for (int i = 0; i < f->till_count; i++)
		f->tills[i].heard_us = now_us;
}

static void forget(struct flow *f, int i)
{
	log_info("till %s (lane %s) has not come back since the start", f->tills[i].till,
	         f->tills[i].lane);
	f->tills[i] = f->tills[--f->till_count];
	f->tills_unmarked = true;
}

int64_t flow_word_tick(struct flow *f, int64_t now_us)
{
	int64_t next = INT64_MAX;
	bool settled = false;

	if (f->stage != FLOW_READY)
		return next;
	for (int i = f->till_count - 1; i >= 0; i--) {
		struct flow_till *t = &f->tills[i];
		bool quiet = t->link && !t->says_made;
		int64_t end = quiet ? t->heard_us + QUIET_US : f->word_until_us;
		if (!t->awaited)
			continue;
		if (end > now_us) {
			next = end < next ? end : next;
			continue;
		}
		char lane[EVENT_NAME_SIZE];
		text_copy(lane, sizeof lane, t->lane);
		settled = true;
		t->awaited = false;
		if (!t->link)
			forget(f, i);
		if (!quiet)
			tie_in_doubt(f, lane);
	}
	if (!settled)
		return next;
	flow_word_settle(f);
	return now_us;
}

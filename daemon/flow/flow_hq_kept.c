#include "flow/flow_hq_kept.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "flow/flow_internal.h"

#define MARK_PURPOSE "kept-key"
#define MARK_VERSION 1
#define SAID_SIZE 41                           /* of a value within it, and NUL */
#define TEXT_SIZE 129                          /* of a notice */
#define TOLD_US (7 * 86400 * INT64_C(1000000)) /* so long what was told stays on the list */

/* ---- the list ---- */

static void drop(struct flow_hq_kept *k, int at)
{
	memmove(&k->at[at], &k->at[at + 1], (size_t)(k->count - at - 1) * sizeof k->at[0]);
	k->count--;
	k->unsaved = true;
}

/* Where there is no room the oldest goes that was told, if there is one. */
static int least(const struct flow_hq_kept *k)
{
	for (int i = 0; i < k->count; i++)
		if (k->at[i].told)
			return i;
	return 0;
}

/* The newest word on a field is the one that is told. */
static void add(struct flow_hq_kept *k, const struct flow_kept *kept)
{
	for (int i = k->count - 1; i >= 0; i--)
		if (k->at[i].what.field == kept->what.field &&
		    strcmp(k->at[i].what.customer_id, kept->what.customer_id) == 0)
			drop(k, i);
	if (k->count == FLOW_HQ_KEPT_MAX)
		drop(k, least(k));
	k->at[k->count++] = *kept;
	k->unsaved = true;
}

/* ---- over a restart ---- */

static void put_text(struct buf *out, const char *text)
{
	size_t n = strlen(text);

	buf_byte(out, (uint8_t)n);
	buf_add(out, text, n);
}

void flow_hq_kept_note(struct flow *f, struct entry *e)
{
	struct flow_hq_kept *k = &f->hq_kept;
	struct buf plain = {0};

	if (!k->unsaved || k->noted)
		return;
	if (k->count)
		buf_byte(&plain, MARK_VERSION);
	for (int i = 0; i < k->count; i++) {
		const struct flow_kept *kept = &k->at[i];
		buf_byte(&plain, kept->told);
		buf_be64(&plain, (uint64_t)kept->heard_wall_us);
		put_text(&plain, kept->what.customer_id);
		put_text(&plain, field_name(kept->what.field));
		put_text(&plain, kept->what.ours);
		put_text(&plain, kept->what.hqs);
	}
	if (!plain.failed && flow_mark_put(f, e, FLOW_MARK_KEPT, MARK_PURPOSE, &plain) == 0) {
		k->noted = e;
		k->unsaved = false;
	}
	if (plain.data)
		explicit_bzero(plain.data, plain.len);
	buf_free(&plain);
}

/* The next text; false: there is none, or it is longer than it can be. */
static bool get_text(const struct buf *b, size_t *at, char *out, size_t size)
{
	size_t n = *at < b->len ? b->data[*at] : size;

	if (n >= size || n > b->len - *at - 1)
		return false;
	memcpy(out, b->data + *at + 1, n);
	out[n] = '\0';
	*at += 1 + n;
	return true;
}

/* false: there is no whole one. */
static bool get_kept(const struct buf *b, size_t *at, struct flow_kept *out)
{
	char field[33];

	if (b->len - *at < 9)
		return false;
	out->told = b->data[*at] != 0;
	out->heard_wall_us = (int64_t)buf_get64(b->data + *at + 1);
	*at += 9;
	if (!get_text(b, at, out->what.customer_id, sizeof out->what.customer_id) ||
	    !get_text(b, at, field, sizeof field) ||
	    !get_text(b, at, out->what.ours, sizeof out->what.ours) ||
	    !get_text(b, at, out->what.hqs, sizeof out->what.hqs))
		return false;
	out->what.field = field_named(field);
	return true;
}

void flow_hq_kept_begin(struct flow *f, const struct buf *mark)
{
	struct buf plain = {0};
	struct flow_kept kept;
	size_t at = 1;

	if (flow_mark_open(f, MARK_PURPOSE, mark, &plain) < 0)
		log_error("what HQ kept of customers' changes could not be read back");
	while (plain.len && plain.data[0] == MARK_VERSION && get_kept(&plain, &at, &kept))
		if (kept.what.field < FIELD_COUNT)
			add(&f->hq_kept, &kept);
	f->hq_kept.unsaved = false;
	if (plain.data)
		explicit_bzero(plain.data, plain.len);
	buf_free(&plain);
}

/* ---- the journal may let go ---- */

static bool include(struct flow *f, const uint8_t *epoch, uint64_t first, uint64_t last)
{
	const struct journal_range range = {first, last};

	return journal_included(f->p.journal, epoch, &range);
}

void flow_hq_kept_tick(struct flow *f)
{
	const struct downlink_includes *now = &f->hq_kept.included;
	bool told = true;

	if (!f->hq_kept.due || f->hq_kept.unsaved || f->hq_kept.noted)
		return;
	for (int i = 0; i < now->count && told; i++)
		told = include(f, now->at[i].epoch, 1, now->at[i].seq);
	for (int i = 0; i < now->beyond_count && told; i++)
		told = include(f, now->beyond[i].epoch, now->beyond[i].first, now->beyond[i].last);
	f->hq_kept.due = !told;
}

void flow_hq_kept_answered(struct flow *f, const struct entry *e)
{
	struct flow_hq_kept *k = &f->hq_kept;

	if (k->noted != e)
		return;
	k->noted = NULL;
	if (e->status != ENTRY_KEPT)
		k->unsaved = true;
	flow_hq_kept_tick(f);
}

/* Its customer is gone, or it was told long ago. */
static bool is_over(struct flow *f, const struct flow_kept *k, int64_t now_us)
{
	struct profile p;

	return (k->told && now_us - k->heard_wall_us > TOLD_US) ||
	       flow_overlay_profile(f->overlay, f->shard, k->what.customer_id, &p) == 0;
}

void flow_hq_kept_take(struct flow *f)
{
	struct flow_hq_kept *k = &f->hq_kept;
	struct flow_kept kept = {.heard_wall_us = clock_wall_us(f->p.clock)};

	while (f->overlay && overlay_kept_next(f->overlay, &kept.what))
		add(k, &kept);
	for (int i = k->count - 1; f->overlay && i >= 0; i--)
		if (is_over(f, &k->at[i], kept.heard_wall_us))
			drop(k, i);
	k->included = f->overlay_includes;
	k->due = true;
	flow_hq_kept_tick(f);
}

/* ---- telling ---- */

static const char *field_words(enum field field)
{
	static const char *const words[FIELD_COUNT] = {
	    [FIELD_LAST_NAME] = "last name", [FIELD_NAME] = "name", [FIELD_AGE_OK] = "age"};

	return words[field] ? words[field] : field_name(field);
}

/* What a lane may always show of a person is shown; of the rest that there is another value. */
static void words_of(const struct overlay_kept *k, char out[TEXT_SIZE])
{
	bool shown = k->field == FIELD_FIRST_NAME || k->field == FIELD_LANGUAGE;
	char hqs[SAID_SIZE], ours[SAID_SIZE];

	text_fit(hqs, sizeof hqs, k->hqs);
	text_fit(ours, sizeof ours, k->ours);
	if (!k->hqs[0])
		snprintf(out, TEXT_SIZE, "HQ did not take the new %s",
		         k->field == FIELD_FIRST_NAME ? "first name" : field_words(k->field));
	else if (!shown)
		snprintf(out, TEXT_SIZE, "HQ kept another %s", field_words(k->field));
	else if (k->ours[0])
		snprintf(out, TEXT_SIZE, "HQ kept \u201c%s\u201d, not \u201c%s\u201d", hqs, ours);
	else
		snprintf(out, TEXT_SIZE, "HQ kept \u201c%s\u201d", hqs);
}

/* HQ may have taken it since, or something else may have been said here. */
static bool is_still(struct flow *f, const struct overlay_kept *k)
{
	const struct overlay_hq hq = flow_overlay_hq(f->shard);
	struct overlay_person p;
	size_t win[FIELD_COUNT];
	char now[65];

	if (overlay_person(f->overlay, &hq, "customer_id", k->customer_id, &p) != 1)
		return false;
	field_choose(p.fact, p.fact_count, win);
	overlay_kept_value(now, win[k->field] < p.fact_count ? p.fact[win[k->field]].value : NULL);
	overlay_person_free(&p);
	return k->field == FIELD_CONTACT || strcmp(now, k->hqs) == 0;
}

void flow_hq_kept_met(struct flow *f, const char *lane)
{
	struct flow_hq_kept *k = &f->hq_kept;
	struct lane_view v;
	struct sale_now now;
	char text[TEXT_SIZE];

	if (!k->count || !sale_view(f->sale, lane, &v) || v.person != PERSON_KNOWN)
		return;
	flow_now(f, &now);
	for (int i = 0; i < k->count; i++) {
		struct flow_kept *kept = &k->at[i];
		if (kept->told || strcmp(kept->what.customer_id, v.profile.customer_id) != 0)
			continue;
		if (!is_still(f, &kept->what)) {
			drop(k, i--);
			continue;
		}
		words_of(&kept->what, text);
		kept->told = !v.notice[0] && sale_tell(f->sale, &now, v.profile.customer_id, text);
		k->unsaved |= kept->told;
		return;
	}
}

void flow_hq_kept_why(const struct flow *f, const char *customer_id, struct buf *out)
{
	for (int i = 0; i < f->hq_kept.count; i++) {
		const struct overlay_kept *k = &f->hq_kept.at[i].what;
		if (strcmp(k->customer_id, customer_id) != 0)
			continue;
		buf_printf(out, "HQ kept %s: ", field_name(k->field));
		buf_printf(out, k->hqs[0] ? "%s" : "nothing%s", k->hqs);
		buf_printf(out,
		           k->ours[0] ? ", not %s, as was said here\n"
		                      : ", which was taken back here%s\n",
		           k->ours);
	}
}

/* The manager's list: what waits for a person, and what a person should hear of (WIRE.md,
 * "Review"). */
#include "flow/flow_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/member.h"
#include "identity/ward.h"

#define SHORTFALLS_MAX 64 /* shown; the rest are counted */

/* One line of the list. */
struct row {
	const char *state, *cause, *kind, *value, *words, *reason;
	const char *since, *last; /* days */
};

static void put(struct buf *out, const struct row *r)
{
	member_next(out);
	buf_byte(out, '{');
	member_text(out, "cause", r->cause);
	member_text(out, "kind", r->kind);
	member_text(out, "last", r->last);
	member_text(out, "reason", r->reason && r->reason[0] ? r->reason : NULL);
	member_text(out, "since", r->since);
	member_text(out, "state", r->state);
	member_text(out, "value", r->value);
	member_text(out, "words", r->words);
	buf_byte(out, '}');
}

static void day_of(int64_t wall_us, char out[CLOCK_ISO8601_SIZE])
{
	clock_iso8601(wall_us, out);
	out[CLOCK_DATE_SIZE - 1] = '\0';
}

/* ---- identifiers ---- */

static void put_ident(struct buf *out, const struct ward_row *row)
{
	static const char *const states[] = {
	    [GUARD_CLEAR] = "question", [GUARD_SHARED] = "shared", [GUARD_BLOCKED] = "blocked"};
	char since[CLOCK_ISO8601_SIZE], last[CLOCK_ISO8601_SIZE];

	day_of((int64_t)row->since * 86400 * 1000000, since);
	day_of((int64_t)row->last * 86400 * 1000000, last);
	put(out, &(struct row){.state = states[ward_state_of(row->cause)],
	                       .cause = ward_cause_name(row->cause),
	                       .kind = ident_kind_name(row->kind),
	                       .value = row->mask,
	                       .words = ward_cause_words(row->cause),
	                       .reason = row->reason,
	                       .since = since,
	                       .last = last});
}

/* ---- customers ---- */

/* What was said here and HQ has not confirmed for so long that somebody must look. */
static void put_unconfirmed(struct flow *f, struct buf *out)
{
	char since[CLOCK_ISO8601_SIZE], words[80];
	struct overlay_state o;

	if (!flow_overlay_late(f, &o))
		return;
	day_of(o.oldest_wall_us, since);
	snprintf(words, sizeof words, "HQ has not confirmed what was said of %zu customer%s",
	         o.persons, o.persons == 1 ? "" : "s");
	put(out, &(struct row){.state = "waiting",
	                       .cause = "unconfirmed",
	                       .words = words,
	                       .since = since,
	                       .last = since});
}

static void put_kept(struct buf *out, const struct flow_kept *k)
{
	char day[CLOCK_ISO8601_SIZE];

	day_of(k->heard_wall_us, day);
	put(out, &(struct row){.state = "changed",
	                       .cause = "hq_kept",
	                       .kind = field_name(k->what.field),
	                       .value = k->what.customer_id,
	                       .words = k->told ? "HQ kept another value; it was said at the lane"
	                                        : "HQ kept another value than was said here",
	                       .since = day,
	                       .last = day});
}

/* ---- points ---- */

/* Of whom the shard has: HQ tells each store that holds the customer, for wherever they come next
 * is where somebody can speak with them. */
static void put_shortfall(const struct shard_hit *hit, const struct buf *json, struct buf *out)
{
	json_t *line = json_loadb((const char *)json->data, json->len, 0, NULL);
	const char *at = json_string_value(json_object_get(line, "shortfall_since"));
	json_int_t points = json_integer_value(json_object_get(line, "shortfall"));
	char since[CLOCK_ISO8601_SIZE] = "", words[80];

	if (at && text_copy(since, sizeof since, at) && strlen(since) >= CLOCK_DATE_SIZE)
		since[CLOCK_DATE_SIZE - 1] = '\0';
	snprintf(words, sizeof words, "%lld point%s that this customer spent %s not there",
	         (long long)points, points == 1 ? "" : "s", points == 1 ? "is" : "are");
	put(out, &(struct row){.state = "missing",
	                       .cause = "shortfall",
	                       .kind = "points",
	                       .value = hit->profile.customer_id,
	                       .words = words,
	                       .since = since,
	                       .last = since});
	json_decref(line);
}

static void put_more(struct buf *out, int more)
{
	char words[80];

	snprintf(words, sizeof words, "points are missing of %d customers more", more);
	put(out, &(struct row){
	             .state = "missing", .cause = "shortfall", .kind = "points", .words = words});
}

static void put_shortfalls(struct flow *f, struct buf *out)
{
	struct shard_hit *hit = calloc(SHORTFALLS_MAX, sizeof *hit);
	struct buf *json = calloc(SHORTFALLS_MAX, sizeof *json);
	int n = 0;

	if (hit && json && f->shard)
		n = shard_find_json(f->shard, SHARD_SHORTFALL, SHARD_SHORTFALL_ALL, hit, json,
		                    SHORTFALLS_MAX);
	for (int i = 0; i < n && i < SHORTFALLS_MAX; i++)
		put_shortfall(&hit[i], &json[i], out);
	if (n > SHORTFALLS_MAX)
		put_more(out, n - SHORTFALLS_MAX);
	out->failed |= !hit || !json || n < 0;
	for (int i = 0; json && i < SHORTFALLS_MAX; i++)
		buf_free(&json[i]);
	free(json);
	free(hit);
}

/* ---- look-ups ---- */

static void put_lookups(const struct flow *f, struct buf *out)
{
	const struct flow_lookup_refused refused = flow_lookup_refused(f);
	char words[80];

	if (!refused.count)
		return;
	snprintf(words, sizeof words, "%u look-up%s refused: the hour's were used up",
	         (unsigned)refused.count, refused.count == 1 ? "" : "s");
	put(out, &(struct row){.state = "refused",
	                       .cause = "look_ups",
	                       .words = words,
	                       .since = refused.day,
	                       .last = refused.day});
}

void flow_review_json(struct flow *f, struct buf *out)
{
	const struct ward_row *row;

	buf_str(out, "{\"review\":[");
	for (size_t at = 0; (row = flow_guard_next(f, &at));)
		put_ident(out, row);
	put_unconfirmed(f, out);
	for (int i = 0; i < f->hq_kept.count; i++)
		put_kept(out, &f->hq_kept.at[i]);
	put_shortfalls(f, out);
	put_lookups(f, out);
	buf_str(out, "]}");
}

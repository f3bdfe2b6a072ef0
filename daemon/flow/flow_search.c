/* Who has this phone number or address: with a basket open, or for a reason that is written. */
#include <stdlib.h>
#include <string.h>

#include "event/member.h"
#include "flow/flow_form.h"
#include "identity/assure.h"

#define SHOWN_S 10 /* as long as a thumb and a glance need */

struct find {
	struct flow *f;
	const struct flow_ask *ask;
	struct form form;
	bool open; /* a basket is */
};

static int refuse(struct sale_error *err, const char *code, const char *message)
{
	form_wrong(err, code, "", "%s", message);
	return FLOW_FORM_REFUSED;
}

/* The persons who have it, as far as this store knows. */
static size_t hits(const struct answer *a)
{
	if (answer_is_somebody(a))
		return 1;
	return a->found > 0 ? (size_t)a->found : 0;
}

static const char *state_of(const struct answer *a)
{
	switch (a->outcome) {
	case OUTCOME_MATCHED:
		return "known";
	case OUTCOME_SHARED:
		return answer_is_somebody(a) ? "known" : "shared";
	default:
		return outcome_name(a->outcome);
	}
}

static void put_answer(const struct find *d, struct buf *out)
{
	const struct answer *a = &d->form.ident[0].answer;
	bool known = answer_is_somebody(a);

	buf_byte(out, '{');
	member_integer(out, "seconds", SHOWN_S);
	member_text(out, "state", state_of(a));
	member_text(out, "words", known ? NULL : a->words);
	if (known)
		flow_view_found(d->f, &a->hit.profile, d->open, a->outcome == OUTCOME_SHARED, out);
	buf_byte(out, '}');
}

static int tell(const struct find *d, struct sale_error *err)
{
	static const char *const fields[] = {"first_name", "tier", "points"};
	const struct answer *a = &d->form.ident[0].answer;
	const struct sale_search why = {
	    .role = d->ask->tool ? "tool" : "cashier",
	    .reason = d->form.text,
	    .fields = fields,
	    .count = answer_is_somebody(a) ? sizeof fields / sizeof *fields : 0,
	    .hits = hits(a)};
	struct buf json = {0};
	struct entry *e = flow_lookup_search(d->f, d->ask->lane, a, &why);

	if (!e)
		return refuse(err, "no_memory", "out of memory: press again");
	put_answer(d, &json);
	return flow_ask_put(d->f, e, d->ask, &json, err);
}

static int find(struct find *d, struct sale_error *err)
{
	struct lane_view v;
	char words[97];
	int rc = form_read_find(d->f, d->ask->body, &d->form, err);

	if (rc < 0)
		return rc;
	if (!sale_view(d->f->sale, d->ask->lane, &v))
		return refuse(err, "unknown_lane", "there is no such lane");
	d->open = flow_view_open(&v);
	if (assure(ASSURANCE_NONE, ASSURE_LOOK_UP, d->open) == ASSURE_REASON && !d->form.text[0])
		return form_wrong(err, "reason_needed", "reason",
		                  "no sale is open: expected why you look for this customer, in 1 "
		                  "to %d characters",
		                  FORM_REASON_CHARS_MAX);
	if (flow_view_level(d->f) == FRESH_LOCKED)
		return refuse(err, "locked", "names are locked: the data is too old");
	if (flow_lookup_used_up(d->f, d->ask->lane, words))
		return refuse(err, "too_many_look_ups", words);
	return tell(d, err);
}

int flow_search(struct flow *f, const struct flow_ask *ask, struct sale_error *err)
{
	struct find *d;
	int rc;

	if (f->stage == FLOW_STARTING)
		return refuse(err, "starting", "the box is starting; press again in a moment");
	d = calloc(1, sizeof *d);
	if (!d)
		return refuse(err, "no_memory", "out of memory: press again");
	d->f = f;
	d->ask = ask;
	rc = find(d, err);
	explicit_bzero(d, sizeof *d);
	free(d);
	return rc;
}

/* A miss while there is a line: HQ is asked for that one profile, and nothing waits for it. */
#include "flow/flow_internal.h"

#include <string.h>

#include "base/log.h"

#define ASKING_US (300 * INT64_C(1000)) /* so long the screen does not say that nobody is known */

void flow_inquire(struct flow *f, const char *lane, bool scanned, const struct answer *a,
                  const struct sale_now *now)
{
	struct flow_asked *to = NULL;
	struct sale_early scan;

	/* Whose country was guessed is nobody who could come by himself. */
	if (!f->sync || !answer_is_asked(a) || a->kind == IDENT_NONE || a->foreign ||
	    !sale_missed(f->sale, lane, &scan))
		return;
	for (int i = 0; i < INQUIRY_MAX && !to; i++) {
		if (!f->asked[i].ticket)
			to = &f->asked[i];
	}
	if (!to)
		return;
	to->ticket = sync_inquire(f->sync, ident_kind_name(a->kind), a->value);
	if (!to->ticket)
		return;
	to->scanned = scanned;
	to->scan = scan;
	counter_add(f->p.counters, COUNTER_PROFILES_ASKED, 1);
	sale_asking(f->sale, lane, now, ASKING_US);
}

/* Is this what the lane still waits for: the same scan, for the same basket? */
static bool still(struct flow *f, const struct sale_early *scan)
{
	struct sale_early now;

	return sale_missed(f->sale, scan->lane, &now) && now.mono_us == scan->mono_us &&
	       now.kind == scan->kind && strcmp(now.value, scan->value) == 0 &&
	       strcmp(now.basket_id, scan->basket_id) == 0;
}

static void tell(struct flow *f, const struct flow_asked *asked)
{
	const struct ident_given given = {
	    .kind = asked->scan.kind, .scanned = asked->scanned, .value = asked->scan.value};
	struct sale_now now;
	struct answer a;
	struct entry *e;

	flow_resolve(f, asked->scan.lane, &given, &a);
	if (answer_is_asked(&a) || !still(f, &asked->scan))
		return;
	e = entry_new();
	flow_now(f, &now);
	if (!e || sale_tie(f->sale, e, &now, &asked->scan, true, &a) < 0) {
		entry_free(e);
		return; /* the scan itself is kept */
	}
	flow_put(f, e);
}

void flow_inquired(struct flow *f)
{
	struct inquiry_answer answer;

	while (f->sync && sync_inquired(f->sync, &answer)) {
		for (int i = 0; i < INQUIRY_MAX; i++) {
			if (f->asked[i].ticket != answer.ticket)
				continue;
			if (answer.profiles > 0)
				tell(f, &f->asked[i]);
			explicit_bzero(&f->asked[i], sizeof f->asked[i]);
		}
	}
	flow_tick(f);
}

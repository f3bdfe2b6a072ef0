/* What HQ kept: values that were said here and of which HQ has another, now that it has heard. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/overlay_internal.h"

void overlay_kept_value(char out[65], const char *value)
{
	text_fit(out, 65, value ? value : "");
}

static void tell(struct overlay *o, const struct overlay_kept *kept)
{
	if (o->kept_count == OVERLAY_KEPT_MAX) {
		o->kept_first = (o->kept_first + 1) % OVERLAY_KEPT_MAX;
		o->kept_count--;
	}
	o->kept[(o->kept_first + o->kept_count++) % OVERLAY_KEPT_MAX] = *kept;
}

bool overlay_kept_next(struct overlay *o, struct overlay_kept *out)
{
	if (!o->kept_count)
		return false;
	*out = o->kept[o->kept_first];
	o->kept_first = (o->kept_first + 1) % OVERLAY_KEPT_MAX;
	o->kept_count--;
	return true;
}

/* Of the same field and person something was said here later. */
static bool said_again(const struct gathered *g, const struct pending *p,
                       const struct field_fact *f)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *q = g->pending.at[i];
		bool later =
		    q->ordinal > p->ordinal || (q->ordinal == p->ordinal && q->seq > p->seq);
		for (size_t k = 0; later && ref_same(&q->about, &p->about) && k < q->facts.count;
		     k++)
			if (field_same_subject(&q->facts.fact[k], f))
				return true;
	}
	return false;
}

/* What stands at HQ for this; NULL: nothing that HQ told. */
static const struct field_fact *hqs_fact(const struct overlay_known *l, const struct field_fact *f)
{
	const struct field_fact *best = NULL;
	for (size_t i = 0; i < l->facts.count; i++) {
		const struct field_fact *h = &l->facts.fact[i];
		if (field_same_subject(h, f) && h->trust > 0 && (!best || field_wins(h, best)))
			best = h;
	}
	return best;
}

static const char *value_of(const struct field_fact *f)
{
	return f && f->value ? f->value : "";
}

/* Who enrols somebody types a name as it comes: whoever has it in other capitals is no news. Who
 * corrects a name means its letters. */
static bool is_spelling(const struct pending *p, const struct field_fact *f, const char *hqs)
{
	return p->kind == EVENT_CUSTOMER_ENROLLED &&
	       (f->field == FIELD_FIRST_NAME || f->field == FIELD_LAST_NAME) &&
	       field_same_letters(value_of(f), hqs);
}

static void compare(struct overlay *o, const struct overlay_known *l, const struct pending *p,
                    const struct field_fact *f)
{
	const struct field_fact *hqs = hqs_fact(l, f);
	const json_t *left = json_object_get(json_object_get(l->json, "left_out"), "facts");
	struct overlay_kept kept = {.field = f->field};
	bool silent = !hqs && (left || !l->tells_facts);
	if (f->field == FIELD_BIRTH_DATE || silent || !strcmp(value_of(hqs), value_of(f)) ||
	    is_spelling(p, f, value_of(hqs)))
		return;
	memcpy(kept.customer_id, l->profile.customer_id, sizeof kept.customer_id);
	overlay_kept_value(kept.ours, f->value);
	overlay_kept_value(kept.hqs, value_of(hqs));
	tell(o, &kept);
}

void overlay_compare(struct overlay *o, const struct gathered *g, const struct pending *p)
{
	const struct overlay_known *line = NULL;
	for (size_t l = 0; l < g->line_count && !line; l++)
		if (overlay_known_unit(&g->line[l], &p->about) < g->line[l].unit_count)
			line = &g->line[l];
	for (size_t i = 0; line && i < p->facts.count; i++)
		if (!said_again(g, p, &p->facts.fact[i]))
			compare(o, line, p, &p->facts.fact[i]);
}

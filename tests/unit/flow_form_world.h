/* A form filled in at a lane, and what the flow answers to it. */
#ifndef LANEWAY_TESTS_FLOW_FORM_WORLD_H
#define LANEWAY_TESTS_FLOW_FORM_WORLD_H

#include "flow_world.h"

struct outcome_of {
	bool done;
	struct sale_error err; /* code empty: kept */
};

static inline void on_done(void *ctx, const struct sale_error *err)
{
	struct outcome_of *o = ctx;
	o->done = true;
	if (err)
		o->err = *err;
}

static struct outcome_of answered;
static struct flow_known known;
static struct sale_error refused;

static inline int form(struct world *w, enum flow_form_kind kind, const char *lane,
                       const char *body)
{
	json_t *o = json_loads(body, 0, NULL);
	const struct flow_form f = {
	    .kind = kind, .lane = lane, .body = o, .done = on_done, .ctx = &answered};
	assert_non_null(o);
	answered = (struct outcome_of){0};
	refused = (struct sale_error){0};
	int rc = flow_form(w->flow, &f, &known, &refused);
	json_decref(o);
	return rc;
}

#endif

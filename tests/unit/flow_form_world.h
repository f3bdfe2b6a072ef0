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

#define PHONE "+491728394057" /* 0172 8394057 */

static inline void enrols(struct world *w, const char *lane, const char *body)
{
	if (form(w, FLOW_ENROL, lane, body) != 0)
		fail_msg("%s: %s", refused.code, refused.message);
	WAIT_FOR(w, answered.done);
	assert_string_equal(answered.err.code, "");
}

static inline void refuses(struct world *w, enum flow_form_kind kind, const char *body,
                           const char *code, const char *field)
{
	assert_true(form(w, kind, "1", body) < 0);
	assert_string_equal(refused.code, code);
	assert_string_equal(refused.field, field);
	assert_true(refused.message[0]);
}

/* A till on lane 2 types the phone into an open basket. */

#endif

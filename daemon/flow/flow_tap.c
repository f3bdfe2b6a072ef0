/* The keys that a cashier presses on the lane screen; answered when they are kept. */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Who waits for the journal's answer: the cookie of the tap's entry. */
struct flow_waiting {
	void (*done)(void *ctx, const struct sale_error *err);
	void *ctx;
	bool about_guard;
	struct flow_guard_said said;
};

static int refuse(struct sale_error *err, const char *code, const char *message)
{
	*err = (struct sale_error){0};
	text_copy(err->code, sizeof err->code, code);
	text_copy(err->message, sizeof err->message, message);
	return -1;
}

/* As if the journal had refused it: the sale takes back what it did. */
static void take_back(struct flow *f, struct entry *e, const char *reason)
{
	struct sale_now now;

	flow_now(f, &now);
	e->status = ENTRY_REFUSED;
	e->reason = reason;
	sale_answered(f->sale, e, &now);
	entry_free(e);
}

int flow_tap_put(struct flow *f, struct entry *e,
                 void (*done)(void *ctx, const struct sale_error *err), void *ctx,
                 struct sale_error *err)
{
	struct flow_waiting *waiting = malloc(sizeof *waiting);

	if (!waiting) {
		take_back(f, e, "no_memory");
		flow_publish(f);
		return refuse(err, "no_memory", "out of memory: press again");
	}
	*waiting = (struct flow_waiting){.done = done, .ctx = ctx};
	e->tag = FLOW_TAG_TAP;
	e->cookie = waiting;
	flow_publish(f);
	if (!flow_put(f, e)) {
		free(waiting);
		flow_publish(f);
		return refuse(err, "busy", "the box cannot keep it now; press again");
	}
	flow_tick(f);
	return 0;
}

/* Who waits to be shown something. */
struct asked {
	struct flow_ask ask;
	struct buf json;
};

static void wipe(struct buf *json)
{
	if (json->data)
		explicit_bzero(json->data, json->len);
	buf_free(json);
}

static void asked_free(struct asked *asked)
{
	wipe(&asked->json);
	free(asked);
}

static void ask_done(void *ctx, const struct sale_error *err)
{
	struct asked *asked = ctx;

	asked->ask.done(asked->ask.ctx, err, err ? NULL : &asked->json);
	asked_free(asked);
}

int flow_ask_put(struct flow *f, struct entry *e, const struct flow_ask *ask, struct buf *json,
                 struct sale_error *err)
{
	struct asked *asked = json->failed ? NULL : malloc(sizeof *asked);

	if (!asked) {
		wipe(json);
		entry_free(e);
		refuse(err, "no_memory", "out of memory: press again");
		return FLOW_FORM_REFUSED;
	}
	*asked = (struct asked){.ask = *ask, .json = *json};
	*json = (struct buf){0};
	if (flow_tap_put(f, e, ask_done, asked, err) == 0)
		return 0;
	asked_free(asked);
	return FLOW_FORM_REFUSED;
}

static int put_tap(struct flow *f, const struct flow_tap *tap, struct entry *e,
                   struct sale_error *err)
{
	struct sale_now now;
	int rc;

	flow_now(f, &now);
	if (tap->question)
		rc = sale_choose(f->sale, e, &now, tap->lane, tap->question, tap->choice, err);
	else if (tap->change)
		rc = sale_take_over(f->sale, e, &now, tap->lane, tap->change, err);
	else
		rc = sale_wrong_customer(f->sale, e, &now, tap->lane, err);
	if (rc < 0) {
		entry_free(e);
		return -1;
	}
	return flow_tap_put(f, e, tap->done, tap->ctx, err);
}

int flow_tap(struct flow *f, const struct flow_tap *tap, struct sale_error *err)
{
	struct entry *e;

	if (f->stage == FLOW_STARTING)
		return refuse(err, "starting", "the box is starting; press again in a moment");
	e = entry_new();
	if (!e)
		return refuse(err, "no_memory", "out of memory: press again");
	return put_tap(f, tap, e, err);
}

int flow_block(struct flow *f, const struct flow_block *block, struct sale_error *err)
{
	struct flow_waiting *waiting = calloc(1, sizeof *waiting);
	struct entry *e = entry_new();

	if (!waiting || !e || f->stage == FLOW_STARTING) {
		refuse(err, f->stage == FLOW_STARTING ? "starting" : "no_memory",
		       "the box is not ready; do it again in a moment");
		goto err_free;
	}
	if (flow_guard_block(f, e, block, &waiting->said, err) < 0)
		goto err_free;
	if (e->count == 0) { /* it was only on the list */
		flow_guard_said(f, &waiting->said);
		entry_free(e);
		free(waiting);
		block->done(block->ctx, NULL);
		return 0;
	}
	waiting->done = block->done;
	waiting->ctx = block->ctx;
	waiting->about_guard = true;
	e->tag = FLOW_TAG_TAP;
	e->cookie = waiting;
	if (flow_put(f, e))
		return 0;
	flow_guard_unsaid(f, &waiting->said);
	free(waiting);
	return refuse(err, "busy", "the box cannot keep it now; do it again");
err_free:
	free(waiting);
	entry_free(e);
	return -1;
}

void flow_tap_answered(struct flow *f, const struct entry *e)
{
	struct flow_waiting *waiting = e->cookie;
	struct sale_error err;

	if (e->status == ENTRY_KEPT) {
		if (waiting->about_guard)
			flow_guard_said(f, &waiting->said);
		waiting->done(waiting->ctx, NULL);
	} else {
		if (waiting->about_guard)
			flow_guard_unsaid(f, &waiting->said);
		refuse(&err, e->reason, "the box cannot keep it now; press again");
		waiting->done(waiting->ctx, &err);
	}
	free(waiting);
}

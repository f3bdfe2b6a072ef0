/* The keys that a cashier presses on the lane screen. */
#include "flow_internal.h"

#include "base/text.h"

static int put_tap(struct flow *f, struct entry *e, int rc, struct sale_error *err)
{
	if (rc < 0) {
		entry_free(e);
		return -1;
	}
	flow_publish(f);
	if (!flow_put(f, e)) {
		text_copy(err->code, sizeof err->code, "busy");
		text_copy(err->message, sizeof err->message,
		          "the box cannot keep it now; tap again");
		flow_publish(f);
		return -1;
	}
	flow_tick(f);
	return 0;
}

int flow_choose(struct flow *f, const char *lane, const char *question, const char *choice,
                struct sale_error *err)
{
	struct sale_now now;
	struct entry *e = entry_new();

	flow_now(f, &now);
	return put_tap(f, e, e ? sale_choose(f->sale, e, &now, lane, question, choice, err) : -1,
	               err);
}

int flow_wrong_customer(struct flow *f, const char *lane, struct sale_error *err)
{
	struct sale_now now;
	struct entry *e = entry_new();

	flow_now(f, &now);
	return put_tap(f, e, e ? sale_wrong_customer(f->sale, e, &now, lane, err) : -1, err);
}

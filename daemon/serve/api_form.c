/* Forms of the lane (WIRE.md, "Forms of the lane"): checked by flow, answered when they are kept.
 */
#include "serve/api_form.h"

#include <jansson.h>
#include <string.h>

#include "event/member.h"
#include "serve/later.h"

static int status_of(int rc)
{
	return rc == FLOW_FORM_WRONG ? 400 : 409;
}

/* Like http_refuse, with the member that was wrong, and whom the cashier may attach instead. */
static void refuse(struct http_call *call, int rc, const struct sale_error *err,
                   const struct flow_known *known)
{
	struct buf b = {0};

	buf_str(&b, "{\"error\":{");
	member_text(&b, "code", err->code);
	if (err->field[0])
		member_text(&b, "field", err->field);
	member_text(&b, "message", err->message);
	buf_byte(&b, '}');
	if (known->is) {
		member_key(&b, "known");
		buf_byte(&b, '{');
		member_bool(&b, "attach", known->attach);
		member_text(&b, "first_name", known->first_name[0] ? known->first_name : NULL);
		member_bool(&b, "several", known->several);
		buf_byte(&b, '}');
	}
	buf_byte(&b, '}');
	if (b.failed)
		http_refuse(call, 503, "memory", "out of memory");
	else
		http_reply(call, status_of(rc), "application/json", b.data, b.len);
	buf_free(&b);
}

static void on_done(void *ctx, const struct sale_error *err)
{
	struct http_call call;

	if (!later_take(ctx, &call))
		return;
	if (!err)
		http_reply(&call, 200, "application/json", "{}", 2);
	else
		http_refuse(&call, 409, err->code, err->message);
}

void api_form(struct flow *flow, struct http_call *call, enum flow_form_kind kind,
              const struct json_t *body)
{
	struct later *later = later_keep(call);
	struct sale_error err;
	struct flow_known known;
	struct http_call now;
	const struct flow_form form = {
	    .kind = kind, .lane = call->arg, .body = body, .done = on_done, .ctx = later};
	int rc;

	if (!later) {
		http_refuse(call, 503, "memory", "out of memory");
		return;
	}
	rc = flow_form(flow, &form, &known, &err);
	if (rc < 0 && later_take(later, &now))
		refuse(&now, rc, &err, &known);
}

static void on_shown(void *ctx, const struct sale_error *err, const struct buf *json)
{
	struct http_call call;

	if (!later_take(ctx, &call))
		return;
	http_add_header(&call, "Cache-Control", "no-store");
	if (!err)
		http_reply(&call, 200, "application/json", json->data, json->len);
	else
		http_refuse(&call, 409, err->code, err->message);
}

void api_ask(struct flow *flow, struct http_call *call, api_ask_fn *fn, const struct json_t *body)
{
	static const struct flow_known nobody;
	struct later *later = later_keep(call);
	struct sale_error err;
	struct http_call now;
	const struct flow_ask ask = {
	    .lane = call->arg, .body = body, .tool = call->local, .done = on_shown, .ctx = later};
	int rc;

	if (!later) {
		http_refuse(call, 503, "memory", "out of memory");
		return;
	}
	rc = fn(flow, &ask, &err);
	if (rc < 0 && later_take(later, &now))
		refuse(&now, rc, &err, &nobody);
}

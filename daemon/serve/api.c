#include "serve/api.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "flow/flow.h"
#include "serve/api_form.h"
#include "serve/later.h"
#include "serve/live.h"
#include "serve/metrics.h"
#include "serve/ui.h"
#include "serve/verify.h"

#define JSON_TYPE "application/json"
#define WORD_BYTES_MAX 64 /* of a question's id and a choice's key */

/* Only our own files: a line that slips into the page from elsewhere can do nothing. */
#define PAGE_POLICY                                                                                \
	"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "        \
	"object-src 'none'"

static struct buf *fresh(struct api *a)
{
	buf_reset(&a->scratch);
	return &a->scratch;
}

static void reply_buf(struct http_call *call, const char *type, const struct buf *b)
{
	if (b->failed)
		http_refuse(call, 503, "memory", "out of memory");
	else
		http_reply(call, 200, type, b->data, b->len);
}

static bool has_lane(const struct api *a, const char *lane)
{
	for (const char *const *l = a->lanes; *l; l++)
		if (strcmp(*l, lane) == 0)
			return true;
	return false;
}

static void refuse_lane(struct http_call *call)
{
	http_refuse(call, 404, "unknown_lane",
	            "no lane of this name is configured; /api/v1/lanes names them");
}

/* ---- pages ---- */

static void reply_file(struct http_call *call, const char *name)
{
	const char *held = http_header(call, "If-None-Match");
	struct ui_file f;

	if (!ui_find(name, &f)) {
		http_refuse(call, 404, "not_found", "there is nothing at this path");
		return;
	}
	http_add_header(call, "ETag", f.tag);
	http_add_header(call, "Cache-Control", "no-cache");
	http_add_header(call, "Content-Security-Policy", PAGE_POLICY);
	http_add_header(call, "Referrer-Policy", "no-referrer");
	if (held && strcmp(held, f.tag) == 0)
		http_reply(call, 304, f.type, NULL, 0);
	else
		http_reply(call, 200, f.type, f.data, f.len);
}

static void get_file(void *ctx, struct http_call *call)
{
	(void)ctx;
	reply_file(call, call->arg);
}

static void get_page(void *ctx, struct http_call *call)
{
	const struct api *a = ctx;

	if (has_lane(a, call->arg))
		reply_file(call, "lane.html");
	else
		refuse_lane(call);
}

/* ---- lanes ---- */

static void get_lanes(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	struct buf *b = fresh(a);

	buf_str(b, "{\"lanes\":[");
	for (const char *const *l = a->lanes; *l; l++)
		buf_printf(b, "%s\"%s\"", l == a->lanes ? "" : ",", *l);
	buf_str(b, "]}");
	reply_buf(call, JSON_TYPE, b);
}

static void get_lane(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	struct buf *b = fresh(a);

	if (flow_lane_json(a->flow, call->arg, b))
		reply_buf(call, JSON_TYPE, b);
	else
		refuse_lane(call);
}

static void get_stream(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	struct buf *b = fresh(a);

	if (!flow_lane_json(a->flow, call->arg, b)) {
		refuse_lane(call);
		return;
	}
	http_add_header(call, "Cache-Control", "no-store");
	live_open_lane(a->live, call->req, call->arg, (const char *)b->data, b->len);
}

static bool word(json_t *v)
{
	return json_is_string(v) && json_string_length(v) > 0 &&
	       json_string_length(v) <= WORD_BYTES_MAX &&
	       strlen(json_string_value(v)) == json_string_length(v);
}

static void reply_tap(struct http_call *call, const struct sale_error *err)
{
	if (!err)
		http_reply(call, 200, JSON_TYPE, "{}", 2);
	else
		http_refuse(call, 409, err->code, err->message);
}

static void tap_done(void *ctx, const struct sale_error *err)
{
	struct http_call call;

	if (later_take(ctx, &call))
		reply_tap(&call, err);
}

/* Answered when the journal has it: what a screen was told "done" is done. */
static void tap(struct api *a, struct http_call *call, struct flow_tap t)
{
	struct later *later = later_keep(call);
	struct sale_error err = {.code = "no_memory", .message = "out of memory: press again"};

	t.lane = call->arg;
	t.done = tap_done;
	t.ctx = later;
	if (!later)
		reply_tap(call, &err);
	else if (flow_tap(a->flow, &t, &err) < 0)
		tap_done(later, &err);
}

/* The body as an object, or NULL: the request has been answered. */
static json_t *object(struct http_call *call)
{
	json_error_t fault;
	char message[sizeof(fault.text) + 40];
	json_t *o = json_loadb(call->body, call->body_len, JSON_REJECT_DUPLICATES, &fault);

	if (json_is_object(o))
		return o;
	if (o)
		snprintf(message, sizeof(message), "the body must be a JSON object");
	else
		snprintf(message, sizeof(message), "the body is not JSON: %s", fault.text);
	json_decref(o);
	http_refuse(call, 400, "bad_json", message);
	return NULL;
}

static void post_choose(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	json_t *o, *question, *choice;

	if (!has_lane(a, call->arg)) {
		refuse_lane(call);
		return;
	}
	o = object(call);
	if (!o)
		return;
	question = json_object_get(o, "question");
	choice = json_object_get(o, "choice");
	if (!word(question) || !word(choice)) {
		http_refuse(call, 400, "bad_choice",
		            "\"question\" and \"choice\" must be text, as shown in the lane view");
	} else {
		tap(a, call,
		    (struct flow_tap){.question = json_string_value(question),
		                      .choice = json_string_value(choice)});
	}
	json_decref(o);
}

static void post_wrong_customer(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	json_t *o;

	if (!has_lane(a, call->arg)) {
		refuse_lane(call);
		return;
	}
	o = object(call);
	if (!o)
		return;
	json_decref(o);
	tap(a, call, (struct flow_tap){0});
}

static void post_take_over(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	json_t *o, *change;

	if (!has_lane(a, call->arg)) {
		refuse_lane(call);
		return;
	}
	o = object(call);
	if (!o)
		return;
	change = json_object_get(o, "change");
	if (word(change))
		tap(a, call, (struct flow_tap){.change = json_string_value(change)});
	else
		http_refuse(call, 400, "bad_change",
		            "\"change\" must be text, as shown in the lane view");
	json_decref(o);
}

/* The body of what is said of a lane. NULL: the request has been answered. */
static json_t *lane_object(struct api *a, struct http_call *call)
{
	if (has_lane(a, call->arg))
		return object(call);
	refuse_lane(call);
	return NULL;
}

static void form(struct api *a, struct http_call *call, enum flow_form_kind kind)
{
	json_t *o = lane_object(a, call);

	if (!o)
		return;
	api_form(a->flow, call, kind, o);
	json_decref(o);
}

static void post_enrol(void *ctx, struct http_call *call)
{
	form(ctx, call, FLOW_ENROL);
}

static void post_correct(void *ctx, struct http_call *call)
{
	form(ctx, call, FLOW_CORRECT);
}

static void post_same_person(void *ctx, struct http_call *call)
{
	form(ctx, call, FLOW_SAME_PERSON);
}

static void post_not_me(void *ctx, struct http_call *call)
{
	form(ctx, call, FLOW_NOT_ME);
}

static void post_note(void *ctx, struct http_call *call)
{
	form(ctx, call, FLOW_NOTE);
}

static void ask(struct api *a, struct http_call *call, api_ask_fn *fn)
{
	json_t *o = lane_object(a, call);

	if (!o)
		return;
	api_ask(a->flow, call, fn, o);
	json_decref(o);
}

static void post_details(void *ctx, struct http_call *call)
{
	ask(ctx, call, flow_details);
}

static void post_find(void *ctx, struct http_call *call)
{
	ask(ctx, call, flow_search);
}

/* What the flow says of itself. */
static void reply_json(struct api *a, struct http_call *call,
                       void (*write)(struct flow *f, struct buf *out))
{
	struct buf *b = fresh(a);

	write(a->flow, b);
	reply_buf(call, JSON_TYPE, b);
}

/* ---- the manager's list ---- */

static void get_review(void *ctx, struct http_call *call)
{
	reply_json(ctx, call, flow_review_json);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

struct blocking {
	struct later *later;
	bool at_hq;
};

static void block_done(void *ctx, const struct sale_error *err)
{
	static const char at_hq[] = "{\"at_hq\":true}";
	struct blocking *b = ctx;
	struct http_call call;

	if (!later_take(b->later, &call))
		;
	else if (!err && b->at_hq)
		http_reply(&call, 200, JSON_TYPE, at_hq, sizeof at_hq - 1);
	else
		reply_tap(&call, err);
	free(b);
}

static void block(struct api *a, struct http_call *call, bool blocks)
{
	struct sale_error err = {.code = "no_memory", .message = "out of memory: do it again"};
	json_t *o = object(call);
	struct blocking *ctx = calloc(1, sizeof *ctx);

	if (ctx && o)
		ctx->later = later_keep(call);
	const struct flow_block b = {.block = blocks,
	                             .kind = text_of(o, "kind"),
	                             .value = text_of(o, "value"),
	                             .reason = text_of(o, "reason"),
	                             .at_hq = ctx ? &ctx->at_hq : NULL,
	                             .done = block_done,
	                             .ctx = ctx};
	if (!o) { /* answered */
		free(ctx);
	} else if (!ctx || !ctx->later) {
		free(ctx);
		reply_tap(call, &err);
	} else if (flow_block(a->flow, &b, &err) < 0) {
		block_done(ctx, &err);
	}
	json_decref(o);
}

static void post_block(void *ctx, struct http_call *call)
{
	block(ctx, call, true);
}

static void post_unblock(void *ctx, struct http_call *call)
{
	block(ctx, call, false);
}

/* ---- the box ---- */

static void get_status(void *ctx, struct http_call *call)
{
	reply_json(ctx, call, flow_status_json);
}

static void get_statements(void *ctx, struct http_call *call)
{
	reply_json(ctx, call, flow_statements_json);
}

static void get_metrics(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	struct buf *status = fresh(a), out = {0};

	flow_status_json(a->flow, status);
	metrics_write(&out, a->counters, (const char *)status->data, status->len);
	reply_buf(call, "text/plain; version=0.0.4; charset=utf-8", &out);
	buf_free(&out);
}

static void get_tail(void *ctx, struct http_call *call)
{
	struct api *a = ctx;

	http_add_header(call, "Cache-Control", "no-store");
	live_open_tail(a->live, call->req);
}

static void get_profile(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	struct buf *b = fresh(a);
	int found = flow_profile_json(a->flow, call->arg, b);

	if (found > 0)
		reply_buf(call, JSON_TYPE, b);
	else if (found == 0)
		http_refuse(call, 404, "unknown_profile",
		            "no profile of this id is cached in this store");
	else
		http_refuse(call, 503, "shard",
		            "the cache of profiles cannot be read; see the log");
}

static void get_why(void *ctx, struct http_call *call)
{
	struct api *a = ctx;
	struct buf *b = fresh(a);
	int found = flow_profile_why(a->flow, call->arg, b);

	if (found > 0)
		reply_buf(call, "text/plain; charset=utf-8", b);
	else if (found == 0)
		http_refuse(call, 404, "unknown_profile",
		            "no customer of this id is known in this store");
	else
		http_refuse(call, 503, "shard",
		            "what is known of customers cannot be read; see the log");
}

static void post_verify(void *ctx, struct http_call *call)
{
	struct api *a = ctx;

	if (!verify_start(a->verify, call->req))
		http_refuse(call, 409, "running", "the journal is being verified already");
}

const struct http_route api_routes[] = {
    {"/lane/*", false, false, get_page},
    {"/ui/*", false, false, get_file},
    {"/api/v1/lanes", false, false, get_lanes},
    {"/api/v1/lanes/*", false, false, get_lane},
    {"/api/v1/lanes/*/stream", false, false, get_stream},
    {"/api/v1/lanes/*/choose", true, false, post_choose},
    {"/api/v1/lanes/*/wrong-customer", true, false, post_wrong_customer},
    {"/api/v1/lanes/*/take-over", true, false, post_take_over},
    {"/api/v1/lanes/*/enrol", true, false, post_enrol},
    {"/api/v1/lanes/*/correct", true, false, post_correct},
    {"/api/v1/lanes/*/not-me", true, false, post_not_me},
    {"/api/v1/lanes/*/same-person", true, false, post_same_person},
    {"/api/v1/lanes/*/note", true, true, post_note},
    {"/api/v1/lanes/*/details", true, false, post_details},
    {"/api/v1/lanes/*/find", true, false, post_find},
    {"/api/v1/status", false, false, get_status},
    {"/api/v1/statements", false, false, get_statements},
    {"/api/v1/review", false, true, get_review},
    {"/api/v1/block", true, true, post_block},
    {"/api/v1/unblock", true, true, post_unblock},
    {"/metrics", false, false, get_metrics},
    {"/api/v1/tail", false, true, get_tail},
    {"/api/v1/profiles/*", false, true, get_profile},
    {"/api/v1/profiles/*/why", false, true, get_why},
    {"/api/v1/journal/verify", true, true, post_verify},
    {NULL, false, false, NULL},
};

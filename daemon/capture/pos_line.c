#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/text.h"
#include "capture/pos_internal.h"

int pos_line_read(const char *raw, size_t len, int digits, json_t **body, enum till_type *type,
                  struct pos_fault *fault)
{
	json_error_t e;
	*body = NULL;
	*type = TILL_TYPE_COUNT;
	memset(fault, 0, sizeof(*fault));
	if (!text_utf8_ok(raw, len)) {
		(void)snprintf(fault->code, sizeof(fault->code), "not_utf8");
		(void)snprintf(fault->message, sizeof(fault->message),
		               "the line is not well-formed UTF-8, or holds a zero byte");
		return -1;
	}
	*body = json_loadb(raw, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (*body == NULL) {
		bool twice = json_error_code(&e) == json_error_duplicate_key;
		(void)snprintf(fault->code, sizeof(fault->code), "not_json");
		(void)snprintf(fault->message, sizeof(fault->message),
		               "expected one JSON object on the line, %s near byte %d",
		               twice ? "a member stands twice" : "cannot read it", e.position);
		return -1;
	}
	return pos_check(*body, digits, type, fault);
}

#define MADE_MS_MAX INT64_C(1000000000000) /* 30 years: nothing waits longer */

static const char *member_text(const json_t *body, const char *key)
{
	const char *s = json_string_value(json_object_get(body, key));
	return s ? s : "";
}

static void refuse(struct pos_link *link, const json_t *body, const struct pos_fault *f)
{
	char session[EVENT_SESSION_SIZE];
	uint64_t counter;
	const char *id = member_text(body, "source_message_id");
	pos_send_error(link->pos, link->id, pos_check_id(id, session, &counter) ? id : NULL,
	               f->code, f->field, f->message);
}

void pos_line_refuse(struct pos_link *link, const json_t *body, const char *code, const char *field,
                     const char *message)
{
	struct pos_fault f;
	(void)snprintf(f.code, sizeof(f.code), "%s", code);
	(void)snprintf(f.field, sizeof(f.field), "%s", field);
	(void)snprintf(f.message, sizeof(f.message), "%s", message);
	refuse(link, body, &f);
}

/* ---- hello ---- */

static bool is_name(const char *s)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	return s[strspn(s, allowed)] == '\0';
}

/* Nothing is told to a stranger before the token is right. */
static const char *hello_fault(struct pos_link *link, const json_t *body, struct pos_fault *f)
{
	struct pos *p = link->pos;
	const char *code = NULL, *field = "", *message = "";
	if (json_integer_value(json_object_get(body, "protocol")) != TILL_PROTOCOL) {
		code = "bad_protocol", field = "protocol", message = "expected protocol 1";
	} else if (!pos_token_right(p, member_text(body, "token"))) {
		code = "bad_token", field = "token",
		message = "the token is not the one configured here";
		if (pos_may_warn(p))
			log_warn("pos: a connection gave a wrong token");
	} else if (!is_name(member_text(body, "till"))) {
		code = "bad_field", field = "till", message = "expected only A-Z a-z 0-9 _ . -";
	} else if (!pos_knows_lane(p, member_text(body, "lane"))) {
		code = "unknown_lane", field = "lane", message = "this lane is not configured here";
	} else if (pos_find_till(p, member_text(body, "till")) != NULL) {
		code = "till_busy", field = "till",
		message = "another connection for this till lives";
	}
	if (code != NULL) {
		(void)snprintf(f->code, sizeof(f->code), "%s", code);
		(void)snprintf(f->field, sizeof(f->field), "%s", field);
		(void)snprintf(f->message, sizeof(f->message), "%s", message);
	}
	return code;
}

/* false: out of memory. */
static bool welcome(struct pos_link *link)
{
	struct pos *p = link->pos;
	buf_reset(&p->out);
	buf_printf(&p->out,
	           "{\"type\":\"welcome\",\"protocol\":%d,\"store\":\"%s\",\"till\":\"%s\"",
	           TILL_PROTOCOL, p->store, link->till);
	buf_str(&p->out, ",\"lane\":");
	lw_event_json_string(&p->out, link->lane);
	buf_str(&p->out, ",\"baskets\":");
	buf_add(&p->out, p->list.data, p->list.len);
	buf_byte(&p->out, '}');
	if (p->out.failed || p->list.failed)
		return false;
	pos_link_send(link, (const char *)p->out.data, p->out.len);
	return true;
}

static enum capture_verdict take_hello(struct pos_link *link, const json_t *body)
{
	struct pos *p = link->pos;
	struct pos_fault f;
	if (link->state == POS_LINK_UP) {
		pos_line_refuse(link, body, "already_hello", "type",
		                "this connection has said hello");
		return CAPTURE_TAKEN;
	}
	if (hello_fault(link, body, &f) != NULL) {
		refuse(link, body, &f);
		pos_link_end(link);
		return CAPTURE_TAKEN;
	}
	buf_reset(&p->list);
	if (p->ops.till_baskets(p->ops.ctx, member_text(body, "till"), &p->list) == CAPTURE_WAIT)
		return CAPTURE_WAIT;
	(void)text_copy(link->till, sizeof(link->till), member_text(body, "till"));
	(void)text_copy(link->lane, sizeof(link->lane), member_text(body, "lane"));
	(void)snprintf(link->source, sizeof(link->source), "till:%.27s", link->till);
	if (!welcome(link)) {
		pos_link_end(link);
		return CAPTURE_TAKEN;
	}
	link->state = POS_LINK_UP;
	(void)event_del(link->deadline);
	log_info("till %s (lane %s): connected", link->till, link->lane);
	p->ops.till_link(p->ops.ctx, link->id, link->till, link->lane, true);
	return CAPTURE_TAKEN;
}

static enum capture_verdict hand_over(struct pos_link *link, enum till_type type, json_t *body,
                                      const char *raw, size_t len)
{
	struct pos *p = link->pos;
	struct till_message m = {.type = type,
	                         .till = link->till,
	                         .lane = link->lane,
	                         .source = link->source,
	                         .body = body};
	char session[EVENT_SESSION_SIZE];
	uint64_t counter;
	if (!pos_check_id(member_text(body, "source_message_id"), session, &counter))
		return CAPTURE_TAKEN;
	return p->ops.till(p->ops.ctx, link->id, &m, session, counter, raw, len);
}

static enum capture_verdict take_made(struct pos_link *link, const json_t *body)
{
	struct pos *p = link->pos;
	int64_t before_ms = json_integer_value(json_object_get(body, "before_ms"));
	int64_t before_us = before_ms > MADE_MS_MAX ? MADE_MS_MAX * 1000 : before_ms * 1000;
	if (p->ops.till_made(p->ops.ctx, link->id, before_us) == CAPTURE_WAIT)
		return CAPTURE_WAIT;
	link->word = before_ms == 0;
	return CAPTURE_TAKEN;
}

enum capture_verdict pos_line_take(struct pos_link *link, const char *raw, size_t len)
{
	json_t *body;
	enum till_type type;
	struct pos_fault fault;
	enum capture_verdict verdict = CAPTURE_TAKEN;
	int read = pos_line_read(raw, len, link->pos->digits, &body, &type, &fault);
	bool early = link->state == POS_LINK_NEW && type != TILL_HELLO && type != TILL_TYPE_COUNT;
	if (early) {
		pos_line_refuse(link, body, "no_hello", "type", "say hello first");
	} else if (read < 0) {
		refuse(link, body, &fault);
		if (type == TILL_HELLO && link->state == POS_LINK_NEW)
			pos_link_end(link);
	} else if (type == TILL_HELLO) {
		verdict = take_hello(link, body);
	} else if (type == TILL_MADE) {
		verdict = take_made(link, body);
	} else {
		verdict = hand_over(link, type, body, raw, len);
	}
	json_decref(body);
	if (verdict == CAPTURE_TAKEN)
		counter_add(link->pos->counters, COUNTER_POS_MESSAGES, 1);
	return verdict;
}

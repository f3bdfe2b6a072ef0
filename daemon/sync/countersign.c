#include "sync/countersign.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "event/member.h"
#include "store/statement.h"
#include "sync/tell.h"

#define ANSWER_US 10000000ll      /* the first wait for an answer, doubling */
#define ANSWER_US_MAX 300000000ll /* 5 min */
#define WAITING_US 1000000ll      /* the first look at what waits, doubling: HQ is quick, mostly */
#define WAITING_US_MAX 60000000ll
#define SOON 12 /* asks after HQ's database was restored: over 6 minutes it has all again */
#define ROUND_US 900000000ll /* 15 min */
#define VERSIONS_MAX 20      /* told with an ask: the newest statements */

struct countersign {
	struct downlink_params params;
	struct ledger *ledger;
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	bool up;
	char id[TELL_ID_SIZE];
	int64_t asked_us; /* 0: none is on its way */
	int64_t answer_us, waiting_us, next_us;
	uint64_t turn; /* of the statement that was waited for last */
	int soon;      /* asks that are still to come soon after each other */
	struct buf payload;
};

static int64_t now_us(const struct countersign *c)
{
	return clock_mono_us(c->params.clock);
}

struct countersign *countersign_new(const struct downlink_params *params, struct ledger *ledger)
{
	struct countersign *c = ledger ? calloc(1, sizeof *c) : NULL;

	if (!c)
		return NULL;
	c->params = *params;
	c->ledger = ledger;
	text_copy(c->store, sizeof c->store, params->store);
	text_copy(c->device, sizeof c->device, params->device);
	c->answer_us = ANSWER_US;
	c->waiting_us = WAITING_US;
	return c;
}

void countersign_free(struct countersign *c)
{
	if (!c)
		return;
	buf_free(&c->payload);
	free(c);
}

void countersign_up(struct countersign *c)
{
	if (!c)
		return;
	c->up = true;
	c->asked_us = 0;
	c->answer_us = ANSWER_US;
	c->next_us = now_us(c);
}

void countersign_down(struct countersign *c)
{
	if (!c)
		return;
	c->up = false;
	c->asked_us = 0;
}

void countersign_again(struct countersign *c)
{
	if (!c)
		return;
	c->soon = SOON;
	c->waiting_us = WAITING_US;
	if (!c->asked_us)
		c->next_us = now_us(c);
}

/* ---- tell ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool number_of(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

/* HQ writes a version's bytes behind the key as they are; in front of it stands only the date. */
static const char *doc_in(const char *line, size_t len, const char *date, size_t *doc_len)
{
	char head[64];
	int n = snprintf(head, sizeof head, "{\"business_date\":\"%s\",\"doc\":", date);
	const char *tail = ",\"epoch\":\"", *end = NULL;

	if ((size_t)n >= len || memcmp(line, head, (size_t)n) != 0)
		return NULL;
	/* The last one: what a version holds is in front of it. */
	for (const char *at = line + n;
	     (at = memmem(at, len - (size_t)(at - line), tail, strlen(tail))) != NULL; at++)
		end = at;
	*doc_len = end ? (size_t)(end - line) - (size_t)n : 0;
	return end ? line + n : NULL;
}

static const char *line_fault(const json_t *root, struct ledger_entry *e)
{
	if (!json_is_object(root) ||
	    !text_copy(e->business_date, sizeof e->business_date, text_of(root, "business_date")) ||
	    !statement_date_ok(e->business_date))
		return "business_date: expected a date";
	if (!text_unhex(text_of(root, "epoch"), e->epoch, sizeof e->epoch) ||
	    !number_of(root, "to", &e->to) || e->to == 0)
		return "epoch, to: expected 16 hex digits and a seq";
	return NULL;
}

static const char *doc_fault(const json_t *doc, const char *store, const uint8_t hq_pub[32],
                             struct ledger_entry *e)
{
	if (!number_of(doc, "version", &e->version) || e->version == 0)
		return "version: expected a number from 1";
	if (strcmp(text_of(doc, "store"), store) != 0 ||
	    strcmp(text_of(doc, "business_date"), e->business_date) != 0)
		return "version is of another store or day";
	return statement_version_good(store, doc, hq_pub) ? NULL : "version is not signed by HQ";
}

int countersign_line(const char *line, size_t len, const char *store, const uint8_t hq_pub[32],
                     struct ledger_entry *e, const char **doc, size_t *doc_len, char *err,
                     size_t err_size)
{
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *own = NULL;
	const char *fault;

	memset(e, 0, sizeof *e);
	*doc = NULL;
	fault = line_fault(root, e);
	if (!fault && json_object_get(root, "doc")) {
		*doc = doc_in(line, len, e->business_date, doc_len);
		own = *doc ? json_loadb(*doc, *doc_len, JSON_REJECT_DUPLICATES, NULL) : NULL;
		fault = doc_fault(own, store, hq_pub, e);
	} else if (!fault && (!text_copy(e->state, sizeof e->state, text_of(root, "state")) ||
	                      !e->state[0] || !number_of(root, "missing", &e->missing))) {
		fault = "state, missing: expected a word and a number";
	}
	json_decref(own);
	json_decref(root);
	if (!fault)
		return 0;
	snprintf(err, err_size, "the statement's %s", fault);
	return -1;
}

static int take_line(struct countersign *c, const char *line, size_t len, char *err,
                     size_t err_size)
{
	struct ledger_entry e;
	const char *doc;
	size_t doc_len;

	if (countersign_line(line, len, c->store, vault_hq_sign_pub(c->params.vault), &e, &doc,
	                     &doc_len, err, err_size) != 0)
		return -1;
	if (!doc) {
		ledger_waiting(c->ledger, &e);
		return 0;
	}
	snprintf(err, err_size, "a statement cannot be kept");
	if (ledger_put(c->ledger, &e, doc, doc_len) != 0)
		return -1;
	log_info("HQ has countersigned %s, version %" PRIu64, e.business_date, e.version);
	return 0;
}

static int take_page(struct countersign *c, const struct frame *frame, char *err, size_t err_size)
{
	const uint8_t *lines, *nl;
	size_t len;

	if (page_decode(c->params.codec, c->store, c->device,
	                vault_device_box_priv(c->params.vault), frame->body, frame->body_len,
	                &lines, &len, err, err_size) != 0)
		return -1;
	for (; len > 0; len -= (size_t)(nl - lines) + 1, lines = nl + 1) {
		nl = memchr(lines, '\n', len);
		if (!nl ||
		    take_line(c, (const char *)lines, (size_t)(nl - lines), err, err_size) != 0)
			return -1;
	}
	return 0;
}

static void plan(struct countersign *c, bool more)
{
	int64_t now = now_us(c);
	uint64_t turn;

	c->asked_us = 0;
	c->answer_us = ANSWER_US;
	c->next_us = now + ROUND_US;
	if (more) {
		c->next_us = now;
	} else if (ledger_waits(c->ledger, &turn) || c->soon > 0) {
		c->soon -= c->soon > 0;
		c->next_us = now + c->waiting_us;
		c->waiting_us =
		    c->waiting_us * 2 < WAITING_US_MAX ? c->waiting_us * 2 : WAITING_US_MAX;
	}
}

int countersign_tell(struct countersign *c, const struct frame *frame, char *err, size_t err_size)
{
	if (!c)
		return 0;
	json_t *root = json_loadb(frame->header, frame->header_len, JSON_REJECT_DUPLICATES, NULL);
	struct ledger_heard heard = {0};
	struct tell head;
	const char *fault = tell_fault(root, &head);
	bool more = json_is_true(json_object_get(root, "more"));
	uint8_t generation[8];

	if (!fault &&
	    (!text_copy(heard.generation, sizeof heard.generation, text_of(root, "generation")) ||
	     !text_unhex(heard.generation, generation, sizeof generation) ||
	     !number_of(root, "to", &heard.since)))
		fault = "generation, to: expected 16 hex digits and a number";
	json_decref(root);
	if (fault) {
		snprintf(err, err_size, "the tell's %s", fault);
		return -1;
	}
	if (!c->asked_us || strcmp(head.id, c->id) != 0)
		return 0;
	if (take_page(c, frame, err, err_size) != 0) {
		plan(c, false);
		return -1;
	}
	if (ledger_set_heard(c->ledger, &heard) != 0)
		more = false;
	plan(c, more);
	return 0;
}

/* ---- ask ---- */

/* What is held here of HQ's word: a restored HQ does not give these numbers again. */
static void write_versions(struct countersign *c, struct buf *out)
{
	struct ledger_entry e[VERSIONS_MAX];
	size_t n = ledger_list(c->ledger, e, VERSIONS_MAX);
	char epoch[EVENT_EPOCH_SIZE];

	member_key(out, "versions");
	buf_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (e[i].version == 0)
			continue;
		text_hex(e[i].epoch, sizeof e[i].epoch, epoch);
		member_next(out);
		buf_printf(out, "[\"%s\",%" PRIu64 ",%" PRIu64 "]", epoch, e[i].to, e[i].version);
	}
	buf_byte(out, ']');
}

static void ask(struct countersign *c, int64_t now)
{
	struct ledger_heard heard;
	uint8_t id[8];

	ledger_heard(c->ledger, &heard);
	vault_random(id, sizeof id);
	text_hex(id, sizeof id, c->id);
	buf_reset(&c->payload);
	buf_printf(&c->payload,
	           "{\"v\":1,\"device\":\"%s\",\"id\":\"%s\",\"ask\":\"statement\",\"generation\":"
	           "\"%s\",\"since\":%" PRIu64,
	           c->device, c->id, heard.generation, heard.since);
	write_versions(c, &c->payload);
	buf_byte(&c->payload, '}');
	if (!c->payload.failed && c->params.publish(c->params.ctx, c->payload.data, c->payload.len))
		c->asked_us = now;
	else
		c->next_us = now + ANSWER_US;
}

/* A statement that was journaled since is asked for soon. */
static void look_at_ledger(struct countersign *c, int64_t now)
{
	uint64_t turn;
	bool waits = ledger_waits(c->ledger, &turn);

	if (turn == c->turn)
		return;
	c->turn = turn;
	c->waiting_us = WAITING_US;
	if (waits && c->next_us > now + WAITING_US)
		c->next_us = now + WAITING_US;
}

int64_t countersign_step(struct countersign *c)
{
	if (!c || !c->up)
		return INT64_MAX;
	int64_t now = now_us(c);
	look_at_ledger(c, now);
	if (c->asked_us && now - c->asked_us >= c->answer_us) {
		c->asked_us = 0;
		c->next_us = now;
		c->answer_us = c->answer_us * 2 < ANSWER_US_MAX ? c->answer_us * 2 : ANSWER_US_MAX;
	}
	if (!c->asked_us && now >= c->next_us)
		ask(c, now);
	return c->asked_us ? c->asked_us + c->answer_us : c->next_us;
}

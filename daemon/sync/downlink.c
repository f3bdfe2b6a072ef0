#include "sync/downlink.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/confirm.h"
#include "sync/tell.h"

#define ANSWER_US 10000000ll      /* 10 s: the first wait for a tell, doubling */
#define ANSWER_US_MAX 300000000ll /* 5 min */
#define ROUND_US 60000000ll       /* a round at least this often keeps "fresh" true */
#define POKE_US 200000ll          /* pokes are answered five times a second at most */
#define ANEW_US 1000000ll   /* "heard nothing" counts once in this time: a poke is not signed */
#define SETTLE_US 2000000ll /* 2 s: no page that is to be committed with others waits longer */
#define POKE_BYTES_MAX 4096 /* a poke is two numbers */

struct downlink {
	struct downlink_params params;
	char store[EVENT_STORE_SIZE], device[EVENT_STORE_SIZE];
	struct shard_mark mark;
	bool up;
	char id[17];       /* of the ask on its way */
	int64_t asked_us;  /* when it went; 0: none is on its way */
	int64_t wait_us;   /* how long to wait for an answer, or after a bad one */
	int64_t next_us;   /* when to ask, while none is on its way */
	int64_t settle_us; /* when pages that wait for the next are committed; 0: none */
	int64_t anew_us;   /* when HQ said last that it has heard nothing; 0: never */
	int64_t round_us;  /* when the last round ended; 0: never in this run */
	bool again;        /* poked while an ask was on its way */
	struct downlink_includes includes; /* those that were taken */
	char seen[CONFIRM_SEEN_SIZE];
	struct buf payload;
};

static int64_t now_us(const struct downlink *d)
{
	return clock_mono_us(d->params.clock);
}

struct downlink *downlink_new(const struct downlink_params *params, char *err, size_t err_size)
{
	struct downlink *d = calloc(1, sizeof(*d));
	if (!d) {
		snprintf(err, err_size, "downlink: out of memory");
		return NULL;
	}
	d->params = *params;
	text_copy(d->store, sizeof(d->store), params->store);
	text_copy(d->device, sizeof(d->device), params->device);
	d->wait_us = ANSWER_US;
	if (shard_mark_get(params->shard, &d->mark)) {
		snprintf(err, err_size, "downlink: the shard does not say where it stands");
		free(d);
		return NULL;
	}
	return d;
}

void downlink_free(struct downlink *d)
{
	if (!d)
		return;
	buf_free(&d->payload);
	free(d);
}

void downlink_seen(struct downlink *d, const char *seen)
{
	text_copy(d->seen, sizeof(d->seen), seen);
}

void downlink_ask(struct downlink *d)
{
	d->asked_us = 0;
	d->again = false;
	d->wait_us = ANSWER_US;
	d->next_us = now_us(d);
}

void downlink_up(struct downlink *d)
{
	d->up = true;
	downlink_ask(d);
}

/* Commit what waits; what cannot be is fetched again. */
static void settle(struct downlink *d)
{
	d->settle_us = 0;
	if (shard_settle(d->params.shard))
		shard_mark_get(d->params.shard, &d->mark);
}

void downlink_down(struct downlink *d)
{
	settle(d);
	d->up = false;
	d->asked_us = 0;
}

/* Another generation, or one that stands below what we have seen of it: what the ask hands back
 * proves that to HQ. */
static bool other_generation(const struct downlink *d, const json_t *poke)
{
	const char *generation = json_string_value(json_object_get(poke, "generation"));
	const json_t *turn = json_object_get(poke, "turn");
	bool below = json_is_integer(turn) &&
	             (uint64_t)json_integer_value(turn) < confirm_seen_turn(d->seen);
	return below ||
	       (generation && d->mark.generation[0] && strcmp(generation, d->mark.generation) != 0);
}

/* A poke is also a sign of life: an ask that went unanswered does not wait for its long timer. */
bool downlink_poke(struct downlink *d, const void *payload, size_t len)
{
	json_t *root = len <= POKE_BYTES_MAX ? json_loadb(payload, len, 0, NULL) : NULL;
	const json_t *version = json_object_get(root, "version");
	int64_t now = now_us(d);
	bool ok = json_is_integer(version) && json_integer_value(version) >= 0;
	bool newer = ok && ((uint64_t)json_integer_value(version) > d->mark.version ||
	                    other_generation(d, root));
	bool anew = ok && json_is_true(json_object_get(root, "anew")) &&
	            (!d->anew_us || now - d->anew_us >= ANEW_US);
	json_decref(root);
	if (anew)
		d->anew_us = now;
	if (!ok) {
		counter_add(d->params.counters, COUNTER_DOWNLINK_BAD, 1);
	} else if (d->asked_us) {
		d->again = d->again || newer;
		if (anew || now - d->asked_us >= ANSWER_US)
			downlink_ask(d);
	} else if (newer) {
		downlink_ask(d);
		if (d->round_us && d->round_us + POKE_US > now)
			d->next_us = d->round_us + POKE_US;
	}
	return anew;
}

/* ---- tell ---- */

static bool read_hex16(const json_t *root, const char *name, char out[17])
{
	uint8_t bytes[8];
	const char *text = json_string_value(json_object_get(root, name));
	if (!text || !text_unhex(text, bytes, sizeof(bytes)))
		return false;
	text_hex(bytes, sizeof(bytes), out);
	return true;
}

static bool read_version(const json_t *root, const char *name, uint64_t *out)
{
	const json_t *v = json_object_get(root, name);
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static void read_run(const char *name, const json_t *pair, struct downlink_includes *out)
{
	struct downlink_run run;
	json_int_t first = json_integer_value(json_array_get(pair, 0));
	json_int_t last = json_integer_value(json_array_get(pair, 1));

	if (out->beyond_count == DOWNLINK_BEYOND_MAX || json_array_size(pair) != 2 || first < 1 ||
	    last < first || !text_unhex(name, run.epoch, EVENT_EPOCH_BYTES))
		return;
	run.first = (uint64_t)first;
	run.last = (uint64_t)last;
	out->beyond[out->beyond_count++] = run;
}

static void read_beyond(const json_t *o, struct downlink_includes *out)
{
	const char *name;
	json_t *runs;
	json_object_foreach((json_t *)o, name, runs)
	{
		for (size_t i = 0; i < json_array_size(runs); i++)
			read_run(name, json_array_get(runs, i), out);
	}
}

/* What is no epoch, or no number, is left out, and what is more than a store has heard of lately.
 */
static void read_includes(const json_t *o, struct downlink_includes *out)
{
	const char *name;
	json_t *seq;
	json_object_foreach((json_t *)o, name, seq)
	{
		if (out->count < DOWNLINK_EPOCHS_MAX && json_integer_value(seq) > 0 &&
		    text_unhex(name, out->at[out->count].epoch, EVENT_EPOCH_BYTES))
			out->at[out->count++].seq = (uint64_t)json_integer_value(seq);
	}
}

static const char *page_head_fault(const json_t *root, struct downlink_tell *out)
{
	struct tell head;
	const char *fault = tell_fault(root, &head);
	if (fault)
		return fault;
	if (strcmp(head.kind, "changes") != 0)
		return "tell: expected changes";
	memcpy(out->device, head.device, sizeof(out->device));
	memcpy(out->id, head.id, sizeof(out->id));
	if (!read_hex16(root, "generation", out->generation))
		return "generation: expected 16 hex digits";
	if (!read_version(root, "since", &out->since) || !read_version(root, "to", &out->to))
		return "since, to: expected whole numbers";
	out->more = json_is_true(json_object_get(root, "more"));
	out->fresh = json_is_true(json_object_get(root, "fresh"));
	read_includes(json_object_get(root, "includes"), &out->includes);
	read_beyond(json_object_get(root, "beyond"), &out->includes);
	return NULL;
}

int downlink_parse(const char *json, size_t len, struct downlink_tell *out, char *err,
                   size_t err_size)
{
	memset(out, 0, sizeof(*out));
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const char *fault = page_head_fault(root, out);
	json_decref(root);
	if (!fault)
		return 0;
	snprintf(err, err_size, "the tell's %s", fault);
	return -1;
}

bool downlink_expects(const struct downlink *d, const struct downlink_tell *t)
{
	return d->asked_us && strcmp(t->device, d->device) == 0 && strcmp(t->id, d->id) == 0;
}

/* What does not fit the ask, or NULL. */
static const char *page_fault(const struct downlink *d, const struct downlink_tell *t)
{
	if (t->fresh)
		return t->more && t->to == 0 ? "says more, but goes nowhere" : NULL;
	if (strcmp(t->generation, d->mark.generation) != 0)
		return "is of another generation, but not fresh";
	if (t->since != d->mark.version)
		return "begins elsewhere than where the shard stands";
	if (t->to < t->since || (t->more && t->to == t->since))
		return "does not go forward";
	return NULL;
}

/* The number of changes applied, or -1 with err. */
static int apply(struct downlink *d, const struct downlink_tell *t, const uint8_t *body, size_t len,
                 char *err, size_t err_size)
{
	const uint8_t *lines;
	size_t lines_len;
	const char *fault = page_fault(d, t);
	if (fault) {
		snprintf(err, err_size, "the page %s", fault);
		return -1;
	}
	if (page_decode(d->params.codec, d->store, d->device,
	                vault_device_box_priv(d->params.vault), body, len, &lines, &lines_len, err,
	                err_size))
		return -1;
	if (!lines_len && !t->fresh && t->to == d->mark.version) {
		snprintf(err, err_size, "the pages before this one could not be kept");
		return shard_settle(d->params.shard);
	}
	struct shard_mark mark = d->mark;
	memcpy(mark.generation, t->generation, sizeof(mark.generation));
	mark.version = t->to;
	mark.more = t->more;
	if (t->fresh)
		mark.synced_wall_us = 0;
	int n = shard_apply(d->params.shard, (const char *)lines, lines_len, &mark, t->fresh, err,
	                    err_size);
	mark.more = false;
	if (n >= 0)
		d->mark = mark;
	return n;
}

static uint64_t included_through(const struct downlink_includes *i, const uint8_t *epoch)
{
	for (int k = 0; k < i->count; k++)
		if (memcmp(i->at[k].epoch, epoch, EVENT_EPOCH_BYTES) == 0)
			return i->at[k].seq;
	return 0;
}

static bool same_run(const struct downlink_run *a, const struct downlink_run *b)
{
	return a->first == b->first && a->last == b->last &&
	       memcmp(a->epoch, b->epoch, EVENT_EPOCH_BYTES) == 0;
}

static bool has_run(const struct downlink_includes *i, const struct downlink_run *run)
{
	for (int k = 0; k < i->beyond_count; k++)
		if (same_run(&i->beyond[k], run))
			return true;
	return false;
}

bool downlink_includes_same(const struct downlink_includes *a, const struct downlink_includes *b)
{
	for (int i = 0; i < a->count && a->count == b->count; i++)
		if (a->at[i].seq != b->at[i].seq ||
		    memcmp(a->at[i].epoch, b->at[i].epoch, EVENT_EPOCH_BYTES) != 0)
			return false;
	for (int i = 0; i < a->beyond_count && a->beyond_count == b->beyond_count; i++)
		if (!same_run(&a->beyond[i], &b->beyond[i]))
			return false;
	return a->count == b->count && a->beyond_count == b->beyond_count;
}

/* false: it is to be said again. */
static bool say_included(const struct downlink *d, const struct downlink_run *run)
{
	return !d->params.included || d->params.included(d->params.ctx, run);
}

/* The last page is committed: what was kept of the store's own until then may go. What cannot be
 * said now the next round says: what was said until here is not said again then. */
static void take_includes(struct downlink *d, const struct downlink_includes *now)
{
	struct downlink_includes taken = {.count = 0};
	struct downlink_run run = {.first = 1};

	for (int i = 0; i < now->count; i++) {
		memcpy(run.epoch, now->at[i].epoch, sizeof run.epoch);
		run.last = now->at[i].seq;
		if (run.last > included_through(&d->includes, run.epoch) && !say_included(d, &run))
			return;
	}
	memcpy(taken.at, now->at, sizeof taken.at);
	taken.count = now->count;
	for (int i = 0; i < now->beyond_count; i++) {
		if (!has_run(&d->includes, &now->beyond[i]) && !say_included(d, &now->beyond[i]))
			break;
		taken.beyond[taken.beyond_count++] = now->beyond[i];
	}
	d->includes = taken;
}

static void end_round(struct downlink *d)
{
	/* Never later than it is: the age on the screens is then rather too great than too small.
	 */
	int64_t wall = clock_least_us(d->params.clock);
	if (shard_synced(d->params.shard, wall) == 0)
		d->mark.synced_wall_us = wall;
	else
		shard_mark_get(d->params.shard, &d->mark);
	d->round_us = now_us(d);
	d->next_us = d->again ? d->round_us : d->round_us + ROUND_US;
	d->again = false;
}

bool downlink_page(struct downlink *d, const struct downlink_tell *t, const uint8_t *body,
                   size_t len)
{
	char err[256];
	int n = apply(d, t, body, len, err, sizeof(err));
	d->asked_us = 0;
	if (n < 0) {
		shard_mark_get(d->params.shard, &d->mark); /* the file may have been made anew */
		counter_add(d->params.counters, COUNTER_DOWNLINK_BAD, 1);
		log_warn("downlink: %s; asking again in %lld s", err,
		         (long long)(d->wait_us / 1000000));
		d->next_us = now_us(d) + d->wait_us;
		d->wait_us = d->wait_us * 2 < ANSWER_US_MAX ? d->wait_us * 2 : ANSWER_US_MAX;
		return false;
	}
	counter_add(d->params.counters, COUNTER_PROFILES_APPLIED, (uint64_t)n);
	d->wait_us = ANSWER_US;
	d->next_us = now_us(d);
	d->settle_us = t->more ? d->next_us + SETTLE_US : 0;
	if (!t->more) {
		take_includes(d, &t->includes);
		end_round(d);
	}
	return true;
}

int downlink_keep(struct downlink *d, const char *lines, size_t len)
{
	char err[256];
	int n = shard_apply(d->params.shard, lines, len, &d->mark, false, err, sizeof(err));
	if (n >= 0) {
		counter_add(d->params.counters, COUNTER_PROFILES_APPLIED, (uint64_t)n);
		return n;
	}
	shard_mark_get(d->params.shard, &d->mark); /* the file may have been made anew */
	counter_add(d->params.counters, COUNTER_DOWNLINK_BAD, 1);
	log_warn("downlink: a profile that was asked for: %s", err);
	return -1;
}

/* ---- ask ---- */

/* HQ speaks of a store's newest epochs by itself: what waits in an older one is asked for. */
static void put_awaits(struct downlink *d)
{
	uint8_t epochs[DOWNLINK_AWAITS_MAX][EVENT_EPOCH_BYTES];
	char name[EVENT_EPOCH_SIZE];
	int n = d->params.awaits ? d->params.awaits(d->params.ctx, epochs, DOWNLINK_AWAITS_MAX) : 0;

	for (int i = 0; i < n; i++) {
		text_hex(epochs[i], EVENT_EPOCH_BYTES, name);
		buf_printf(&d->payload, "%s\"%s\"", i ? "," : ",\"awaits\":[", name);
	}
	if (n > 0)
		buf_byte(&d->payload, ']');
}

static void send_ask(struct downlink *d)
{
	uint8_t id[8];
	vault_random(id, sizeof(id));
	text_hex(id, sizeof(id), d->id);
	buf_reset(&d->payload);
	buf_str(&d->payload, "{\"v\":1,\"device\":");
	lw_event_json_string(&d->payload, d->device);
	buf_printf(&d->payload,
	           ",\"id\":\"%s\",\"ask\":\"changes\",\"generation\":\"%s\",\"since\":%llu", d->id,
	           d->mark.generation, (unsigned long long)d->mark.version);
	if (d->seen[0])
		buf_printf(&d->payload, ",\"seen\":\"%s\"", d->seen);
	put_awaits(d);
	buf_byte(&d->payload, '}');
	if (!d->payload.failed && d->params.publish(d->params.ctx, d->payload.data, d->payload.len))
		d->asked_us = now_us(d);
	else
		d->next_us = now_us(d) + ANSWER_US;
}

int64_t downlink_step(struct downlink *d)
{
	int64_t now = now_us(d), next;
	if (!d->up)
		return INT64_MAX;
	if (d->settle_us && now >= d->settle_us)
		settle(d);
	if (d->asked_us && now - d->asked_us >= d->wait_us) {
		d->asked_us = 0;
		d->next_us = now;
		d->wait_us = d->wait_us * 2 < ANSWER_US_MAX ? d->wait_us * 2 : ANSWER_US_MAX;
	}
	if (!d->asked_us && now >= d->next_us)
		send_ask(d);
	next = d->asked_us ? d->asked_us + d->wait_us : d->next_us;
	return d->settle_us && d->settle_us < next ? d->settle_us : next;
}

void downlink_state(const struct downlink *d, struct downlink_state *out)
{
	memset(out, 0, sizeof(*out));
	out->version = d->mark.version;
	memcpy(out->generation, d->mark.generation, sizeof(out->generation));
	out->synced_wall_us = d->mark.synced_wall_us;
	out->synced_mono_us = d->round_us;
	out->asked_us = d->asked_us;
	out->includes = d->includes;
}

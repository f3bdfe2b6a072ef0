/* The store of sale_world.h, whose box is gone and comes back: what the journal's lines bring. */
#ifndef LANEWAY_TESTS_SALE_RESTART_WORLD_H
#define LANEWAY_TESTS_SALE_RESTART_WORLD_H

#include "sale_world.h"

/* The journal's keys and the shard, as the story knows them. */
struct sources {
	const struct world *before;
	bool no_keys, no_profiles;
};

static inline int source_key(void *ctx, const uint8_t id[EVENT_ID_BYTES], struct visit_key *out)
{
	const struct sources *from = ctx;
	for (size_t i = 0; i < from->before->key_count && !from->no_keys; i++) {
		if (memcmp(from->before->keys[i].id, id, EVENT_ID_BYTES) != 0)
			continue;
		*out = from->before->keys[i];
		return 0;
	}
	return -1;
}

static inline int source_open(void *ctx, const struct visit_key *key,
                              const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq, const char *n,
                              const char *c, struct buf *json)
{
	uint8_t plain[1024];
	ssize_t len = text_unb64(c, strlen(c), plain, sizeof plain);
	(void)ctx, (void)key, (void)epoch;
	assert_true(seq > 0);
	assert_string_equal(n, "nonce");
	assert_true(len > 0);
	buf_add(json, plain, (size_t)len);
	return 0;
}

static inline int source_profile(void *ctx, const char *customer_id, struct profile *out)
{
	const struct sources *from = ctx;
	struct answer a;
	if (from->no_profiles)
		return 0;
	world_answer_for(customer_id + 2, &a);
	*out = a.hit.profile;
	return 1;
}

static inline void source_resolve(void *ctx, enum ident_kind kind, const char *value,
                                  struct answer *out)
{
	const struct sources *from = ctx;
	assert_int_equal(kind, IDENT_LOYALTY);
	world_answer_for(value + 3, out);
	out->scanned =
	    answer_is_somebody(out); /* as the flow asks: whether it was typed, the line says */
	if (from->no_profiles)
		out->outcome = OUTCOME_UNKNOWN;
}

/* Where the line stands, in its own words. */
static inline uint64_t place_of(const char *line, size_t len, uint8_t epoch[EVENT_EPOCH_BYTES])
{
	json_t *root = json_loadb(line, len, 0, NULL);
	json_t *context = json_object_get(json_object_get(root, "context"), "laneway");
	uint64_t seq = (uint64_t)json_integer_value(json_object_get(context, "seq"));
	const char *hex = json_string_value(json_object_get(context, "epoch"));
	assert_true(hex && text_unhex(hex, epoch, EVENT_EPOCH_BYTES));
	json_decref(root);
	return seq;
}

/* Begin at the line that holds this spot; seq 0: at the first one. */
static inline void replay(struct world *w, const struct sale_spot *spot, struct sources *from)
{
	struct sale_sources sources = {source_key, source_open, source_profile, source_resolve,
	                               from};
	uint8_t epoch[EVENT_EPOCH_BYTES];
	bool begun = spot->seq == 0;
	for (size_t at = 0; at < w->lines.len;) {
		const char *line = (const char *)w->lines.data + at;
		size_t len = (size_t)((const char *)memchr(line, '\n', w->lines.len - at) - line);
		uint64_t seq = place_of(line, len, epoch);
		begun = begun || (seq == spot->seq && !memcmp(epoch, spot->epoch, sizeof epoch));
		if (begun)
			assert_int_equal(sale_replay(w->s, epoch, seq, line, len, &sources), 0);
		at += len + 1;
	}
}

/* The box tells that it is back. */
static inline void box_started(struct world *w, const char *cause)
{
	char properties[256];
	struct entry *e = entry_new();
	struct lw_event *ev = entry_add(e, EVENT_BOX_STARTED);
	snprintf(properties, sizeof properties,
	         "{\"boot\":\"%s\",\"cause\":\"%s\",\"clean\":false,\"restored_baskets\":1,"
	         "\"version\":\"1\"}",
	         w->boot, cause);
	*ev = (struct lw_event){.kind = EVENT_BOX_STARTED,
	                        .mono_us = w->now.mono_us,
	                        .wall_us = w->now.wall_us,
	                        .trust = w->now.trust,
	                        .business_date = "2026-11-21",
	                        .source = "box",
	                        .properties = properties};
	char said[sizeof w->said];
	memcpy(said, w->said, sizeof said);
	world_event(w, ev);
	memcpy(w->said, said, sizeof said);
	entry_free(e);
}

/* A new room is told what was kept, from `spot` on. "power": another boot. How many baskets are
 * open; w->said: the events of what is let go. */
static inline int restart_from(struct world *w, const char *cause, struct sources *from,
                               const struct sale_spot *spot)
{
	const struct sale_start start = {w->boot, cause};
	from->before = w;
	sale_free(w->s);
	w->s = sale_new(&world_params);
	replay(w, spot, from);
	if (!strcmp(cause, "power")) {
		w->boot[31]++;
		w->now.mono_us = INT64_C(5000000);
	}
	w->epoch[7]++;
	w->seq = 0;
	struct entry *e = world_begin(w);
	int open = sale_replayed(w->s, e, &w->now, &start);
	assert_true(open >= 0);
	world_end(w, e, 0);
	box_started(w, cause);
	sale_tills_heard(w->s, &w->now);
	return open;
}

static inline int restart(struct world *w, const char *cause, struct sources *from)
{
	return restart_from(w, cause, from, &(struct sale_spot){.seq = 0});
}

#endif

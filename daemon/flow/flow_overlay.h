/* The overlay where it meets journal and shard: fed with kept lines, told HQ's persons. Used by the
 * loop, and by the start's thread until it hands over. */
#ifndef LANEWAY_FLOW_OVERLAY_H
#define LANEWAY_FLOW_OVERLAY_H

#include "identity/overlay.h"
#include "store/shard.h"

struct flow;
struct entry;
struct journal_reader;
struct vault_work;

/* HQ's word out of a shard; shard may be NULL: then HQ knows nobody. */
struct overlay_hq flow_overlay_hq(struct shard_reader *shard);

/* The profile of a customer, or of an enrolment of this store's. 1 found, 0, -1. Both may be NULL.
 */
int flow_overlay_profile(const struct overlay *o, struct shard_reader *shard,
                         const char *customer_id, struct profile *out);

/* Everything that is awaited, but for the epoch of this run, out of the journal. 0; 1: not all of
 * it could be read; -1: out of memory. */
struct flow_overlay_from {
	struct journal_reader *reader;
	struct vault_work *work;
	struct shard_reader *shard;
	const char *store;
	const uint8_t *epoch; /* of this run */
};
int flow_overlay_recall(struct overlay *o, const struct flow_overlay_from *from);

/* The plain text of a line's `sealed` field, appended. 0, or -1: none, or its key is gone. */
int flow_overlay_open(const struct flow_overlay_from *from, const uint8_t *epoch, uint64_t seq,
                      const char *line, size_t len, struct buf *out);

/* ---- the loop's ---- */
int flow_overlay_start(struct flow *f); /* 0 or -1 */
void flow_overlay_free(struct flow *f);
/* An entry was kept: what it changed is visible from now on. */
void flow_overlay_kept(struct flow *f, const struct entry *e);
/* A change that came back with a damaged journal; and behind the last of them. */
void flow_overlay_back(struct flow *f, const struct overlay_event *event);
void flow_overlay_all_back(struct flow *f);
/* The shard, or HQ's word on what it includes, may have changed. */
void flow_overlay_heard(struct flow *f);
/* Rules or trust are other ones: every person is made anew. */
void flow_overlay_anew(struct flow *f);
/* What waits for HQ; true: something has for 30 days, which is logged once a day. */
bool flow_overlay_late(struct flow *f, struct overlay_state *out);
/* Nobody enrols or corrects now: the start is not done, the bound is reached, or memory ran out. */
bool flow_overlay_full(const struct flow *f);

#endif

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sync/uplink_internal.h"

#define READ_RETRY_US 1000000ll /* after the journal could not be read */
#define READS_MAX 15            /* reads after the first for one batch: 1,000 packs of one event */
#define LINE_USUAL_BYTES 600    /* not worth a read for less room than this */
#define KEYS_MAX_BYTES ((size_t)BATCH_EVENTS_MAX * (EVENT_ID_BYTES + VAULT_KEY_BYTES))

static bool has_key(const struct buf *keys, const uint8_t id[EVENT_ID_BYTES])
{
	for (size_t at = 0; at < keys->len; at += EVENT_ID_BYTES + VAULT_KEY_BYTES)
		if (memcmp(keys->data + at, id, EVENT_ID_BYTES) == 0)
			return true;
	return false;
}

/* The visit keys that these lines name. A pack names those of all its lines, a batch carries only
 * its own:
 * `,"k":"` stands in a canonical line only where a member k does, never inside a text. A key that
 * was destroyed is left out: that is what erasure means. */
static void collect_keys(struct uplink *u, const struct buf *lines)
{
	static const char member[] = ",\"k\":\"";
	const size_t member_len = sizeof(member) - 1;
	const uint8_t *p = lines->data, *end = p + lines->len;
	buf_reset(&u->keys);
	/* All the room at once: a buffer that grows leaves what it held behind in memory. */
	if (!buf_room(&u->keys, KEYS_MAX_BYTES))
		return;
	while ((p = memmem(p, (size_t)(end - p), member, member_len)) != NULL) {
		p += member_len;
		struct visit_key key;
		if (end - p < EVENT_ID_SIZE || p[EVENT_ID_SIZE - 1] != '"' ||
		    text_unb64((const char *)p, EVENT_ID_SIZE - 1, key.id, sizeof(key.id)) !=
		        EVENT_ID_BYTES)
			continue;
		if (has_key(&u->keys, key.id) ||
		    journal_reader_key(u->params.reader, key.id, &key) != 0)
			continue;
		buf_add(&u->keys, key.id, sizeof(key.id));
		buf_add(&u->keys, key.key, sizeof(key.key));
		vault_wipe(&key, sizeof(key));
	}
}

int uplink_make_payload(struct uplink *u, const struct uplink_epoch *e,
                        const struct journal_run *run)
{
	struct batch b = {.first = run->first,
	                  .count = run->count,
	                  .lines = run->lines.data,
	                  .lines_len = run->lines.len};
	if (!uplink_epoch_alone(e, run->first))
		b.form = u->form;
	memcpy(b.epoch, e->epoch, sizeof(b.epoch));
	memcpy(b.h_prev, run->h_prev, sizeof(b.h_prev));
	memcpy(b.h_last, run->h_last, sizeof(b.h_last));
	collect_keys(u, &run->lines);
	b.keys = u->keys.data;
	b.key_count = (uint32_t)(u->keys.len / (EVENT_ID_BYTES + VAULT_KEY_BYTES));
	buf_reset(&u->payload);
	int rc = u->keys.failed ? -1
	                        : batch_encode(u->params.codec, &b, u->store,
	                                       vault_hq_box_pub(u->params.vault), &u->payload);
	if (u->keys.len)
		vault_wipe(u->keys.data, u->keys.len);
	buf_reset(&u->keys);
	if (rc)
		log_error("uplink: a batch of %u events cannot be encoded", run->count);
	return rc;
}

/* One read takes at most 64 packs, and a pack may hold one event: go on while lines fit. Each read
 * has a snapshot of its own, so the log can shrink in between. */
static void read_on(struct uplink *u, const struct uplink_epoch *e, uint32_t max, size_t raw_max,
                    struct journal_run *run)
{
	for (int i = 0; i < READS_MAX; i++) {
		uint64_t next = run->first + run->count;
		struct journal_run more = {0};
		if (run->count >= max || run->lines.len + LINE_USUAL_BYTES > raw_max)
			return;
		int rc = journal_reader_run(u->params.reader, e->epoch, next, max - run->count,
		                            raw_max - run->lines.len, &more);
		bool joins = rc == 1 && more.first == next &&
		             memcmp(more.h_prev, run->h_last, EVENT_HASH_BYTES) == 0 &&
		             run->lines.len + more.lines.len <= BATCH_RAW_MAX;
		if (joins && buf_room(&run->lines, more.lines.len)) {
			buf_add(&run->lines, more.lines.data, more.lines.len);
			memcpy(run->h_last, more.h_last, EVENT_HASH_BYTES);
			run->count += more.count;
		} else {
			joins = false;
		}
		journal_run_free(&more);
		if (!joins)
			return;
	}
}

bool uplink_make_read(struct uplink *u, struct uplink_epoch *e, const struct journal_range *gap,
                      size_t raw_max, struct journal_run *run)
{
	uint64_t n = gap->last - gap->first + 1;
	uint32_t max = n < BATCH_EVENTS_MAX ? (uint32_t)n : BATCH_EVENTS_MAX;
	memset(run, 0, sizeof(*run));
	int rc = journal_reader_run(u->params.reader, e->epoch, gap->first, max, raw_max, run);
	if (rc == 1 && run->first == gap->first) {
		read_on(u, e, max, raw_max, run);
		return true;
	}
	if (rc == 1) {
		/* A pack went between reading the epochs and now: nothing below is held any more.
		 */
		e->deleted = e->through = run->first - 1;
		journal_run_free(run);
	}
	u->retry_us = uplink_now(u) + READ_RETRY_US;
	return false;
}

#include "flow/flow_changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "flow/flow_internal.h"
#include "flow/flow_overlay.h"

struct change {
	int64_t ordinal;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq;
	size_t at, line_len, sealed_len; /* in text: the line, and behind it what it seals */
};
struct flow_changes {
	struct change *list;
	size_t count, cap, next;
	struct buf text;
	struct flow_overlay_from from; /* the thread's */
	bool no_memory;
};

/* ---- the thread ---- */

static struct change *room(struct flow_changes *c)
{
	if (c->count == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct change *list = realloc(c->list, cap * sizeof *list);
		if (!list)
			return NULL;
		c->list = list;
		c->cap = cap;
	}
	return &c->list[c->count];
}

static bool read_line(void *ctx, int64_t ordinal, const uint8_t epoch[EVENT_EPOCH_BYTES],
                      uint64_t seq, const char *line, size_t len)
{
	struct flow_changes *c = ctx;
	struct change *one;

	if (memcmp(epoch, c->from.epoch, EVENT_EPOCH_BYTES) == 0 || c->count == OVERLAY_EVENTS_MAX)
		return false;
	one = room(c);
	c->no_memory = !one;
	if (!one)
		return false;
	*one = (struct change){.ordinal = ordinal, .seq = seq, .at = c->text.len, .line_len = len};
	memcpy(one->epoch, epoch, sizeof one->epoch);
	buf_add(&c->text, line, len);
	if (flow_overlay_open(&c->from, epoch, seq, line, len, &c->text) == 0)
		one->sealed_len = c->text.len - one->at - len;
	c->no_memory = c->text.failed;
	c->count++;
	return !c->no_memory;
}

struct flow_changes *flow_changes_read(struct journal_reader *reader, const char *store,
                                       const uint8_t *epoch)
{
	struct flow_changes *c = calloc(1, sizeof *c);
	struct vault_work *work = vault_work_new();
	uint64_t unread = 0;
	int rc = -1;

	if (c && work) {
		c->from = (struct flow_overlay_from){
		    .reader = reader, .work = work, .store = store, .epoch = epoch};
		rc = journal_reader_awaited(reader, read_line, c, &unread);
	}
	vault_work_free(work);
	if (unread)
		log_error("ALARM: %" PRIu64 " changes to customers that came back cannot be read",
		          unread);
	if (rc == 0 && !c->no_memory)
		return c;
	flow_changes_free(c);
	return NULL;
}

void flow_changes_free(struct flow_changes *c)
{
	if (!c)
		return;
	if (c->text.data)
		vault_wipe(c->text.data, c->text.len);
	buf_free(&c->text);
	free(c->list);
	free(c);
}

/* ---- the loop ---- */

bool flow_changes_take(struct flow_changes *c, struct flow *f, int max)
{
	for (; c->next < c->count && max > 0; max--, c->next++) {
		const struct change *one = &c->list[c->next];
		const char *line = (const char *)c->text.data + one->at;
		const struct overlay_event ev = {.ordinal = one->ordinal,
		                                 .epoch = one->epoch,
		                                 .seq = one->seq,
		                                 .line = line,
		                                 .line_len = one->line_len,
		                                 .sealed =
		                                     one->sealed_len ? line + one->line_len : NULL,
		                                 .sealed_len = one->sealed_len};
		flow_overlay_back(f, &ev);
	}
	if (c->next < c->count)
		return true;
	flow_overlay_all_back(f);
	return false;
}

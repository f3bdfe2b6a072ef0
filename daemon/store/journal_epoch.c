#include <string.h>

#include "base/text.h"
#include "store/journal_internal.h"

#define EPOCHS_IN_FRONT (1 << 20) /* a restart an hour for a century */

int journal_epoch_find_predecessor(struct journal *j, bool set_aside)
{
	struct journal_row row;
	int rc = journal_seek_epoch_last(&j->seek, &row);
	if (rc < 0)
		return -1;
	j->clean = rc == 0 ? !set_aside : row.closed;
	j->cause = set_aside ? "unreadable" : rc == 0 ? "new" : row.closed ? "start" : "unclean";
	/* Room in front for what a set-aside file may still hold. */
	j->first_ordinal = journal_salvage_beside(j) ? EPOCHS_IN_FRONT : 1;
	if (rc == 0)
		return 0;
	j->prev_ordinal = row.ordinal;
	memcpy(j->prev_epoch, row.epoch, sizeof(j->prev_epoch));
	return journal_seek_end(&j->seek, &row, &j->prev_last, j->prev_h);
}

/* In the epoch's row, and in packs: one bad page must not take it. */
static void box_key(struct journal *j)
{
	uint8_t ad[EVENT_STORE_SIZE + EVENT_EPOCH_BYTES];
	size_t n = strlen(j->store) + 1;
	memcpy(ad, j->store, n);
	memcpy(ad + n, j->epoch, EVENT_EPOCH_BYTES);
	if (vault_box(pack_work(j->codec), vault_hq_box_pub(j->params.vault), "epoch-key", ad,
	              n + EVENT_EPOCH_BYTES, j->key, sizeof(j->key), j->hq_box))
		journal_commit_unknown(j, "sealing the epoch's key", SQLITE_ERROR);
}

static int write_row(struct journal *j)
{
	sqlite3_bind_int64(j->put_epoch, 1, j->ordinal);
	sqlite3_bind_blob(j->put_epoch, 2, j->epoch, sizeof(j->epoch), SQLITE_STATIC);
	sqlite3_bind_int64(j->put_epoch, 3, clock_wall_us(j->params.clock));
	sqlite3_bind_text(j->put_epoch, 4, j->cause, -1, SQLITE_STATIC);
	sqlite3_bind_blob(j->put_epoch, 5, j->hq_box, sizeof(j->hq_box), SQLITE_STATIC);
	return journal_commit_run(j, j->put_epoch);
}

static const char *opened_properties(const struct journal *j, struct buf *out)
{
	char h[TEXT_HEX_SIZE(EVENT_HASH_BYTES)], epoch[EVENT_EPOCH_SIZE + 2] = "null";
	if (j->prev_ordinal) {
		epoch[0] = '"';
		text_hex(j->prev_epoch, EVENT_EPOCH_BYTES, epoch + 1);
		memcpy(epoch + EVENT_EPOCH_SIZE, "\"", 2);
	}
	text_hex(j->prev_h, EVENT_HASH_BYTES, h);
	buf_printf(out, "{\"cause\":\"%s\",\"device\":", j->cause);
	lw_event_json_string(out, j->device);
	buf_printf(out, ",\"prev_epoch\":%s,\"prev_h\":\"%s\",\"prev_last_seq\":%llu}", epoch, h,
	           (unsigned long long)j->prev_last);
	buf_byte(out, '\0');
	return out->failed ? NULL : (const char *)out->data;
}

/* seq 1, through the same path as every other event. 0, or -1: out of memory. */
static int write_opened(struct journal *j)
{
	const struct clock *clock = j->params.clock;
	int64_t date_us = clock_date_us(clock);
	struct clock_now now;
	char date[CLOCK_DATE_SIZE];
	struct buf properties = {0};
	struct entry *e = entry_new();
	struct lw_event *ev = e ? entry_add(e, EVENT_EPOCH_OPENED) : NULL;

	if (ev) {
		clock_read(clock, &now);
		ev->mono_us = now.mono_us;
		ev->wall_us = now.wall_us;
		ev->trust = now.trust;
		clock_business_date(date_us, j->params.day_cut_min, date);
		ev->business_date = date;
		ev->utc_offset_min = clock_utc_offset_min(date_us);
		ev->source = "box";
		ev->properties = opened_properties(j, &properties);
		journal_write_begin(j->batch, 0, j->h);
		if (ev->properties)
			journal_write_entry(j, j->batch, e, 'C');
	}
	bool written = ev && j->batch->next == 2;
	j->batch->slot_count = 0;
	j->batch->begun = false;
	buf_free(&properties);
	entry_free(e);
	return written ? 0 : -1;
}

int journal_epoch_open(struct journal *j)
{
	vault_random(j->epoch, sizeof(j->epoch));
	vault_epoch_key(j->params.vault, pack_work(j->codec), j->epoch, j->key);
	vault_rescue_key(pack_work(j->codec), j->key, j->rescue_key);
	box_key(j);
	j->ordinal = j->prev_ordinal ? j->prev_ordinal + 1 : j->first_ordinal;
	j->last_seq = 0;
	j->packs = 0;
	memset(j->h, 0, sizeof(j->h));
	if (write_opened(j))
		journal_commit_unknown(j, "writing Epoch Opened", SQLITE_NOMEM);
	if (journal_commit_begin(j))
		return -1;
	if (write_row(j) || journal_commit_batch(j)) {
		journal_commit_undo(j);
		return -1;
	}
	if (journal_commit_end(j))
		return -1;
	journal_commit_done(j);
	j->epoch_open = true;
	/* Who has read the epochs before the thread could open this one must know of it. */
	pthread_mutex_lock(&j->lock);
	j->state.epochs_rev += j->started;
	pthread_mutex_unlock(&j->lock);
	return 0;
}

void journal_epoch_close(struct journal *j)
{
	j->epoch_open = false;
	sqlite3_bind_int64(j->close_epoch, 1, j->ordinal);
	if (journal_commit_begin(j))
		return;
	if (journal_commit_run(j, j->close_epoch))
		journal_commit_undo(j);
	else
		journal_commit_end(j);
}

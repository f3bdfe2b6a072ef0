#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/journal_internal.h"

/* In one snapshot: a reader that stays keeps the log from shrinking. */
#define VERIFY_PACKS_MAX 64
#define VERIFY_BYTES_MAX (256u * 1024) /* of lines: this may run at low priority */

/* Where the check stands: behind a pack of this ordinal. */
struct check {
	struct journal_reader *r;
	struct journal_verify *count;
	char *err;
	size_t err_size;
	int64_t ordinal; /* 0: before the first pack */
	uint64_t next;   /* seq */
	uint8_t h[EVENT_HASH_BYTES];
	int64_t id; /* next pack to look at */
	const struct journal_verify_ops *ops;
};

static int wrong(const struct check *c, const struct journal_place *p, const char *what)
{
	snprintf(c->err, c->err_size,
	         "pack %" PRId64 " (seq %" PRIu64 " to %" PRIu64 " of epoch number %" PRId64
	         "): %s",
	         p->id, p->first, p->first + p->count - 1, p->ordinal, what);
	return -1;
}

static bool same_hex(const json_t *properties, const char *name, const uint8_t *want, size_t n)
{
	uint8_t have[EVENT_HASH_BYTES];
	const char *text = json_string_value(json_object_get(properties, name));
	return text && text_unhex(text, have, n) && memcmp(have, want, n) == 0;
}

static bool names_end(const json_t *properties, const struct journal_row *before, uint64_t last,
                      const uint8_t h[EVENT_HASH_BYTES])
{
	const json_t *seq = json_object_get(properties, "prev_last_seq");
	return same_hex(properties, "prev_epoch", before->epoch, EVENT_EPOCH_BYTES) &&
	       json_is_integer(seq) && (uint64_t)json_integer_value(seq) == last &&
	       same_hex(properties, "prev_h", h, EVENT_HASH_BYTES);
}

/* One that came back from a damaged file may have lost its end; the epoch that was opened when the
 * file was set aside could name none. */
static bool names_salvaged(const json_t *properties, const struct journal_row *before,
                           uint64_t last)
{
	json_int_t seq = json_integer_value(json_object_get(properties, "prev_last_seq"));
	if (!before->salvaged)
		return false;
	if (json_is_null(json_object_get(properties, "prev_epoch")))
		return true;
	return seq > 0 && (uint64_t)seq > last &&
	       same_hex(properties, "prev_epoch", before->epoch, EVENT_EPOCH_BYTES);
}

/* seq 1 must name the end of the epoch before it, if that one is still held. */
static int check_opened(const struct check *c, const struct journal_place *p, const char *line,
                        size_t len)
{
	struct journal_row before;
	uint8_t h[EVENT_HASH_BYTES];
	uint64_t last;
	json_t *root = json_loadb(line, len, 0, NULL);
	const char *event = json_string_value(json_object_get(root, "event"));
	int rc = event && strcmp(event, lw_event_name(EVENT_EPOCH_OPENED)) == 0
	             ? 0
	             : wrong(c, p, "seq 1 is not Epoch Opened");

	if (rc == 0 && p->ordinal > 1 &&
	    journal_seek_epoch(&c->r->seek, p->ordinal - 1, &before) == 1 &&
	    before.ordinal == p->ordinal - 1) {
		if (journal_seek_end(&c->r->seek, &before, &last, h))
			rc = wrong(c, p, "the epoch before it cannot be read");
		else if (!names_end(json_object_get(root, "properties"), &before, last, h) &&
		         !names_salvaged(json_object_get(root, "properties"), &before, last))
			rc = wrong(c, p,
			           "Epoch Opened does not name the end of the epoch before it");
	}
	json_decref(root);
	return rc;
}

/* Every line says which event of which epoch it is; moved or doubled lines are found by that. */
static int check_lines(const struct check *c, const struct journal_place *p)
{
	struct journal_walk *w = &c->r->walk;
	char epoch[EVENT_EPOCH_SIZE], id[EVENT_STORE_SIZE + 80];
	const char *line;
	size_t at = 0, len;
	uint64_t seq = p->first;

	text_hex(w->epoch, EVENT_EPOCH_BYTES, epoch);
	while ((line = pack_line(&w->lines, &at, &len))) {
		int n = snprintf(id, sizeof(id), ",\"messageId\":\"%s:%s:%" PRIu64 "\",",
		                 c->r->store, epoch, seq);
		if (!memmem(line, len, id, (size_t)n))
			return wrong(c, p, "a line's messageId is not its place");
		if (seq == 1 && check_opened(c, p, line, len))
			return -1;
		seq++;
	}
	return 0;
}

/* The pack must go on where the last one ended, or where deletion did. */
static int check_start(struct check *c, const struct journal_place *p)
{
	if (p->count == 0 || p->first == 0)
		return wrong(c, p, "has no events");
	if (p->ordinal == c->ordinal && p->first == c->next)
		return 0;
	if (p->ordinal < c->ordinal)
		return wrong(c, p, "stands behind a later epoch");
	if (journal_reader_h_before(c->r, p, c->h))
		return wrong(c, p, "there is a gap in front of it");
	if (p->ordinal != c->ordinal)
		c->count->epochs++;
	c->ordinal = p->ordinal;
	c->next = p->first;
	return 0;
}

static int check_pack(struct check *c, const struct journal_place *p)
{
	struct pack_head head = {.first = p->first, .count = p->count};
	if (check_start(c, p))
		return -1;
	if (journal_reader_load(c->r, p))
		return wrong(c, p, "cannot be opened");
	c->r->walk.place.id = 0; /* without h this walk is of no use to a run */
	memcpy(head.epoch, c->r->walk.epoch, sizeof(head.epoch));
	if (check_lines(c, p))
		return -1;
	pack_chain(c->r->codec, &head, &c->r->walk.lines, c->h);
	if (memcmp(c->h, p->h, sizeof(c->h)) != 0)
		return wrong(c, p, "its chain does not lead to the h that stands beside it");
	c->next = p->first + p->count;
	c->count->packs++;
	c->count->events += p->count;
	return 0;
}

/* Tell the fault and go on behind it, from what stands beside the pack. false: it is the end. */
static bool pass_over(struct check *c, const struct journal_place *p)
{
	struct journal_row row;
	if (!c->ops || !c->ops->fault)
		return false;
	bool known = journal_seek_epoch(&c->r->seek, p->ordinal, &row) == 1;
	c->ops->fault(c->ops->ctx, known ? row.epoch : (const uint8_t[EVENT_EPOCH_BYTES]){0}, p,
	              c->err);
	c->ordinal = p->ordinal;
	c->next = p->first + p->count;
	memcpy(c->h, p->h, sizeof(c->h));
	c->count->packs++;
	return true;
}

static void tell_keys(struct check *c, const struct journal_place *p)
{
	sqlite3_bind_int64(c->r->keys, 1, p->id);
	if (sqlite3_step(c->r->keys) == SQLITE_ROW)
		c->ops->keys(c->ops->ctx, sqlite3_column_blob(c->r->keys, 0),
		             (size_t)sqlite3_column_bytes(c->r->keys, 0));
	sqlite3_reset(c->r->keys);
}

/* 1 more, 0 through, -1 a fault. */
static int check_some(struct check *c)
{
	struct journal_place p;
	size_t bytes = 0;
	int rc = 1;

	if (journal_reader_begin(c->r)) {
		snprintf(c->err, c->err_size, "the file cannot be read");
		return -1;
	}
	for (int i = 0; i < VERIFY_PACKS_MAX && bytes < VERIFY_BYTES_MAX && rc == 1; i++) {
		rc = journal_seek_from(&c->r->seek, c->id, &p);
		if (rc < 0)
			snprintf(c->err, c->err_size, "packs cannot be read: %s",
			         sqlite3_errmsg(c->r->db));
		if (rc == 1) {
			c->id = p.id + 1;
			if (c->ops && c->ops->keys)
				tell_keys(c, &p);
			rc = check_pack(c, &p) && !pass_over(c, &p) ? -1 : 1;
			bytes += c->r->walk.lines.len;
		}
	}
	journal_reader_end(c->r);
	return rc;
}

static uint64_t count_packs(struct journal_reader *r)
{
	uint64_t n = 0;
	if (sqlite3_step(r->pack_count) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(r->pack_count, 0);
	sqlite3_reset(r->pack_count);
	return n;
}

int journal_verify_all(struct journal_reader *r, struct journal_verify *out,
                       const struct journal_verify_ops *ops, char *err, size_t err_size)
{
	struct check c = {.r = r, .count = out, .err = err, .err_size = err_size, .ops = ops};
	uint64_t total = ops->progress ? count_packs(r) : 0;
	int rc;

	memset(out, 0, sizeof(*out));
	while ((rc = check_some(&c)) == 1) {
		if (!ops->progress ||
		    ops->progress(ops->ctx, out->packs, total > out->packs ? total : out->packs))
			continue;
		snprintf(err, err_size, "stopped before the end");
		return -1;
	}
	return rc;
}

int journal_reader_verify(struct journal_reader *r, struct journal_verify *out,
                          bool (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                          char *err, size_t err_size)
{
	const struct journal_verify_ops ops = {.progress = progress, .ctx = ctx};
	return journal_verify_all(r, out, &ops, err, err_size);
}

int journal_verify_tail(struct journal_reader *r, uint32_t packs_max, uint64_t events_max,
                        char *err, size_t err_size)
{
	struct journal_verify count = {0};
	struct check c = {.r = r, .count = &count, .err = err, .err_size = err_size};
	uint64_t events = 0;
	int rc;

	sqlite3_bind_int64(r->tail, 1, packs_max);
	while ((rc = sqlite3_step(r->tail)) == SQLITE_ROW && events < events_max) {
		c.id = sqlite3_column_int64(r->tail, 0);
		events += (uint64_t)sqlite3_column_int64(r->tail, 1);
	}
	sqlite3_reset(r->tail);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		snprintf(err, err_size, "packs cannot be read: %s", sqlite3_errmsg(r->db));
		return -1;
	}
	while ((rc = check_some(&c)) == 1)
		;
	return rc;
}

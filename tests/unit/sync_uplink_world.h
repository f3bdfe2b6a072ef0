/* An uplink over a real journal, and a link that keeps what it is given. */
#ifndef LANEWAY_TESTS_SYNC_UPLINK_WORLD_H
#define LANEWAY_TESTS_SYNC_UPLINK_WORLD_H

#include "journal_place.h"

#include "base/log.h"
#include "sync/uplink.h"
#include "sync_keys.h"

#define S 1000000LL
#define SENT_MAX 4096
#define BIG 100000000
#define GENERATION_B "bbbbbbbbbbbbbbbb" /* the one that HQ goes on in */

/* What the fake HQ got: one payload, and what it says of it. */
struct sent {
	uint64_t first;
	uint32_t count;
	uint8_t epoch[8];
	size_t bytes;
	uint8_t hash[32];
	uint32_t keys;
	struct batch_form form;
};

struct fixture {
	struct place *place;
	struct uplink *uplink;
	struct batch_codec *codec, *hq_codec;
	struct vault_work *work;
	struct confirm *confirm;
	uint8_t hq_priv[32];
	struct sent sent[SENT_MAX];
	int sent_count;
	bool (*fails)(void *ctx); /* NULL, or asked before each publish and each ask */
	void *fails_ctx;
	char asked[8192]; /* the last ask */
	int asks;
	uint8_t *seen; /* per seq of the watched epoch: how often it came */
	uint64_t seen_max;
	char last_keys[48];
	struct buf last_lines;
};

static inline bool link_fails(struct fixture *f)
{
	return f->fails && f->fails(f->fails_ctx);
}

/* Every payload must be one that HQ can use: it opens, and its lines fit its chain. */
static inline bool take(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	struct batch b;
	char err[200];
	if (link_fails(f))
		return false;
	if (batch_decode(f->hq_codec, payload, len, "s1", f->hq_priv, &b, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(batch_verify(f->work, &b, NULL), 0);
	assert_true(f->sent_count < SENT_MAX);
	struct sent *s = &f->sent[f->sent_count++];
	*s = (struct sent){
	    .first = b.first, .count = b.count, .bytes = len, .keys = b.key_count, .form = b.form};
	memcpy(s->epoch, b.epoch, 8);
	vault_sha256(f->work, payload, len, s->hash);
	if (b.key_count)
		memcpy(f->last_keys, b.keys, 48);
	buf_reset(&f->last_lines);
	buf_add(&f->last_lines, b.lines, b.lines_len);
	return true;
}

static inline bool take_ask(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	if (link_fails(f))
		return false;
	assert_true(len < sizeof(f->asked));
	memcpy(f->asked, payload, len);
	f->asked[len] = '\0';
	f->asks++;
	return true;
}

static inline void uplink_start(struct fixture *f)
{
	char err[200] = "";
	struct uplink_params params = {.store = "s1",
	                               .device = "d1",
	                               .ask = take_ask,
	                               .vault = f->place->vault,
	                               .clock = &f->place->clock,
	                               .counters = &f->place->counters,
	                               .journal = f->place->journal,
	                               .reader = place_reader(f->place),
	                               .codec = f->codec,
	                               .publish = take,
	                               .ctx = f};
	f->uplink = uplink_new(&params, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(f->uplink);
}

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->place = place_new();
	place_start(f->place);
	f->codec = batch_codec_new();
	f->hq_codec = batch_codec_new();
	f->work = vault_work_new();
	f->confirm = calloc(1, sizeof(*f->confirm));
	f->confirm->credit = BIG;
	memset(f->hq_priv, 0x44, sizeof(f->hq_priv));
	uplink_start(f);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;
	uplink_free(f->uplink);
	place_free(f->place);
	batch_codec_free(f->codec);
	batch_codec_free(f->hq_codec);
	vault_work_free(f->work);
	buf_free(&f->last_lines);
	free(f->confirm);
	free(f->seen);
	free(f);
	return 0;
}

static inline void later(struct fixture *f, int64_t us)
{
	atomic_fetch_add(&f->place->wall_us, us);
}

static inline void fill(struct fixture *f, int n)
{
	place_fill(f->place, n);
}

/* One entry of n events: one pack. */
static inline void fill_pack(struct fixture *f, int n, bool urgent)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	e->first->urgent = urgent;
	for (int i = 1; i < n; i++) {
		struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED);
		struct lw_event *next = ev->next;
		*ev = *e->first;
		ev->next = next;
	}
	place_commit(f->place, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static inline struct confirm_epoch *word(struct fixture *f, uint64_t through)
{
	struct confirm *c = f->confirm;
	memset(c->epochs, 0, sizeof(c->epochs[0]));
	c->epoch_count = 1;
	c->unreadable_count = 0;
	struct journal_state s = place_state(f->place);
	memcpy(c->epochs[0].epoch, s.epoch, 8);
	c->epochs[0].through = through;
	return &c->epochs[0];
}

static inline void confirm(struct fixture *f, uint64_t through)
{
	word(f, through);
	uplink_confirm(f->uplink, f->confirm);
}

static inline struct uplink_state now(struct fixture *f)
{
	struct uplink_state s;
	uplink_state(f->uplink, &s);
	return s;
}

static inline void expect_sent(struct fixture *f, int i, uint64_t first, uint32_t count)
{
	if (i >= f->sent_count || f->sent[i].first != first || f->sent[i].count != count)
		fail_msg("batch %d of %d: expected %u from %llu, got %u from %llu", i,
		         f->sent_count, count, (unsigned long long)first, f->sent[i].count,
		         (unsigned long long)f->sent[i].first);
}

/* The journal's thread has taken in what was confirmed. */
static inline void await_confirmed(struct fixture *f, uint64_t n)
{
	for (int i = 0; i < 2000; i++) {
		if (place_state(f->place).confirmed == n)
			return;
		place_fill(f->place, 0);
		poll(NULL, 0, 5);
	}
	fail_msg("the journal counts %llu confirmed, expected %llu",
	         (unsigned long long)place_state(f->place).confirmed, (unsigned long long)n);
}

/* The journal has taken in how many epochs a new generation said nothing of yet. */
static inline void await_unheard(struct fixture *f, int n)
{
	struct journal_unheard list[8];
	for (int i = 0; i < 2000; i++) {
		if (journal_reader_unheard(place_reader(f->place), list, 8) == n)
			return;
		poll(NULL, 0, 5);
	}
	fail_msg("the journal never said that %d epochs are unheard of", n);
}

static inline void send_all(struct fixture *f)
{
	uplink_up(f->uplink);
	uplink_step(f->uplink);
}

static inline void restart(struct fixture *f)
{
	uplink_free(f->uplink);
	journal_reader_free(f->place->reader);
	f->place->reader = NULL;
	uplink_start(f);
	f->sent_count = 0;
}

/* A week later: what was confirmed is deleted. */
static inline void retain(struct fixture *f)
{
	uplink_free(f->uplink);
	place_stop(f->place);
	atomic_fetch_add(&f->place->wall_us, 8 * PLACE_DAY_US);
	place_start(f->place);
	for (int i = 0; i < 10; i++)
		fill(f, 1);
	uplink_start(f);
	f->sent_count = 0;
}

/* What was sent since `from` has come to HQ. */
static inline void arrive(struct fixture *f, int from)
{
	if (!f->seen)
		f->seen = calloc(1, f->seen_max = 100000);
	for (int i = from; i < f->sent_count; i++)
		for (uint64_t k = 0; k < f->sent[i].count; k++)
			f->seen[f->sent[i].first + k]++;
}

/* HQ confirms everything that it got. Ranges above `through` are the runs it holds. */
static inline void confirm_got(struct fixture *f)
{
	struct confirm_epoch *e = word(f, 0);
	uint64_t s = 1, last = place_state(f->place).last_seq;
	while (s <= last && f->seen[s])
		s++;
	e->through = s - 1;
	for (; s <= last; s++) {
		if (!f->seen[s])
			continue;
		if (e->range_count && e->ranges[e->range_count - 1].last == s - 1) {
			e->ranges[e->range_count - 1].last = s;
		} else if (e->range_count < CONFIRM_RANGES_MAX) {
			e->ranges[e->range_count].first = e->ranges[e->range_count].last = s;
			e->range_count++;
		}
	}
	uplink_confirm(f->uplink, f->confirm);
}

#endif

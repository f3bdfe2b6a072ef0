/* The files in tests/data/golden were written once and must be read for ever. LANEWAY_GOLDEN=DIR
 * writes a set into DIR instead (for a new version of the format; the old set then stays beside
 * it). */
#include "journal_place.h"

#include "base/log.h"
#include "base/text.h"
#include "store/dictionary.h"
#include "store/shard.h"
#include "sync/batch.h"
#include "sync/confirm.h"
#include "sync/uplink.h"

#define GOLDEN "tests/data/golden"
#define FILE_MAX 65536
#define PROFILE                                                                                    \
	"{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"kind\":"         \
	"\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"2600000000170\",\"verified\":" \
	"true}],\"language\":\"de\",\"name\":\"Anna Berg\",\"points\":1200,\"points_as_of\":"      \
	"\"2026-11-20T00:00:00.000Z\",\"state\":\"active\",\"tier\":\"gold\",\"version\":812,"     \
	"\"visits\":7}\n"
#define TOMBSTONE "{\"customer_id\":\"C000018\",\"deleted\":true,\"version\":813}\n"
#define TELL                                                                                       \
	"{\"v\":1,\"device\":\"d1\",\"id\":\"00112233445566ff\",\"tell\":\"changes\","             \
	"\"generation\":\"0123456789abcdef\",\"since\":811,\"to\":813,\"more\":false,"             \
	"\"fresh\":false}"

struct fixture {
	struct place *place;
	struct batch_codec *codec;
	struct vault_work *work;
	uint8_t hq_box[32], hq_sign[32];
	uint8_t file[FILE_MAX];
	size_t file_len;
};

static void sh(const char *fmt, const char *a, const char *b)
{
	char command[1024];
	snprintf(command, sizeof(command), fmt, a, b);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void read_private(struct fixture *f, const char *name, uint8_t out[32])
{
	char path[160], err[200] = "";
	snprintf(path, sizeof(path), "%s/%s", f->place->dir, name);
	if (vault_read_private(path, out, err, sizeof(err)))
		fail_msg("%s", err);
}

/* A place that has the golden keys. */
static struct fixture *fixture_new(const char *keys)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char err[200] = "";
	f->place = place_new();
	sh("cp %s/*.key %s/", keys, f->place->dir);
	sh("cp %s/*.pub %s/", keys, f->place->dir);
	sh("chmod 600 %s/*.key%s", f->place->dir, "");
	vault_free(f->place->vault);
	if (vault_open(&f->place->vault, f->place->dir, false, err, sizeof(err)))
		fail_msg("%s", err);
	f->place->params.vault = f->place->vault;
	read_private(f, "hq-box.key", f->hq_box);
	read_private(f, "hq-sign.key", f->hq_sign);
	f->codec = batch_codec_new();
	f->work = vault_work_new();
	return f;
}

static void fixture_free(struct fixture *f)
{
	place_free(f->place);
	batch_codec_free(f->codec);
	vault_work_free(f->work);
	free(f);
}

static void load(struct fixture *f, const char *name)
{
	char path[160];
	snprintf(path, sizeof(path), GOLDEN "/%s", name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s: run from the top folder", path);
	f->file_len = fread(f->file, 1, FILE_MAX, file);
	fclose(file);
}

static void read_form(struct fixture *f, const char *store, const char *name, struct batch *b)
{
	char err[200] = "";
	load(f, name);
	if (batch_decode(f->codec, f->file, f->file_len, store, f->hq_box, b, err, sizeof(err)))
		fail_msg("%s: %s", name, err);
	assert_int_equal(batch_verify(f->work, b, NULL), 0);
}

/* ---- writing ---- */

static void write_file(const char *dir, const char *name, const struct buf *b)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(b->data, 1, b->len, file), b->len);
	fclose(file);
}

static int access_in(const char *dir, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK);
}

static void make_keys(const char *dir)
{
	sh("mkdir -p %s%s", dir, "");
	if (access_in(dir, "vault.key") == 0) /* a set for keys that are there */
		return;
	sh("openssl rand -hex 32 >%s/vault.key%s", dir, "");
	static const char *const names[] = {"device-box", "hq-box", "hq-sign"};
	for (int i = 0; i < 3; i++) {
		sh(i < 2 ? "openssl genpkey -algorithm X25519 -out %s/%s.key"
		         : "openssl genpkey -algorithm ED25519 -out %s/%s.key",
		   dir, names[i]);
		sh("openssl pkey -in %s/%s.key -pubout -out %1$s/%2$s.pub", dir, names[i]);
	}
}

static struct lw_event *more(struct entry *e, enum event_kind kind, const char *properties)
{
	struct lw_event *ev = kind == EVENT_KIND_COUNT ? e->first : entry_add(e, kind);
	struct lw_event *next = ev->next;
	enum event_kind own = ev->kind;
	*ev = *e->first;
	ev->next = next;
	ev->kind = own;
	ev->visit_id = "AQIDBAUGBwgJCgsMDQ4PEA";
	ev->wall_us = 1795280523123000LL;
	ev->mono_us = 123456789;
	ev->trust = CLOCK_KERNEL;
	ev->utc_offset_min = 60;
	ev->properties = properties;
	return ev;
}

static void keep(struct fixture *f, struct entry *e, uint64_t counter)
{
	e->has_id = true;
	strcpy(e->id.source, "till:T3");
	strcpy(e->id.session, "morning-1");
	e->id.counter = counter;
	memset(e->id.body, (int)counter, sizeof(e->id.body));
	place_commit(f->place, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static void make_events(struct fixture *f)
{
	struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
	struct lw_event *ev =
	    more(e, EVENT_KIND_COUNT,
	         "{\"ident_ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"kind\":\"loyalty\","
	         "\"method\":\"scan\",\"outcome\":\"matched\",\"symbology\":null}");
	ev->person = "{\"value\":\"2600000000170\"}";
	memset(&ev->key, 0x61, sizeof(ev->key));
	ev = more(e, EVENT_CUSTOMER_ATTACHED,
	          "{\"basket_id\":\"EBESExQVFhcYGRobHB0eHw\",\"by\":\"scan\","
	          "\"profile_ref\":\"ICEiIyQlJicoKSorLC0uLw\",\"reason\":\"loyalty_exact\"}");
	ev->person = "{\"customer_id\":\"C000017\",\"ident_ref\":\"AAECAwQFBgcICQoLDA0ODw\"}";
	memset(&ev->key, 0x62, sizeof(ev->key));
	ev->identity = (struct lw_event_identity){.profile_ref = "ICEiIyQlJicoKSorLC0uLw",
	                                          .rule = "loyalty_exact",
	                                          .ruleset = "1",
	                                          .confidence = "certain",
	                                          .status = "provisional",
	                                          .as_of = "2026-11-21T17:02:03.123Z"};
	keep(f, e, 41);
	e = place_entry(EVENT_PRODUCT_REMOVED);
	more(e, EVENT_KIND_COUNT,
	     "{\"name\":\"Gr\xc3\xbc\xc3\x9f"
	     "e \\\"quoted\\\" \\\\ \\u001F\\t\"}");
	keep(f, e, 42);
}

static bool capture(void *ctx, const void *payload, size_t len)
{
	buf_add(ctx, payload, len);
	return true;
}

/* The first batch of the journal as the uplink makes it. */
static void make_batch(struct fixture *f, struct buf *out)
{
	char err[200] = "";
	struct uplink_params params = {.store = "s1",
	                               .vault = f->place->vault,
	                               .clock = &f->place->clock,
	                               .counters = &f->place->counters,
	                               .journal = f->place->journal,
	                               .reader = place_reader(f->place),
	                               .codec = f->codec,
	                               .publish = capture,
	                               .ctx = out};
	struct uplink *u = uplink_new(&params, err, sizeof(err));
	assert_non_null(u);
	uplink_up(u);
	uplink_step(u);
	uplink_free(u);
}

static void make_confirm(struct fixture *f, const uint8_t epoch[8], struct buf *out)
{
	struct confirm *c = calloc(1, sizeof(*c));
	struct buf header = {0};
	strcpy(c->generation, "0123456789abcdef");
	c->credit = 262144;
	c->epoch_count = 1;
	memcpy(c->epochs[0].epoch, epoch, 8);
	c->epochs[0].through = 120;
	c->epochs[0].range_count = 1;
	c->epochs[0].ranges[0].first = 125;
	c->epochs[0].ranges[0].last = 130;
	c->epochs[0].quarantined_count = c->epochs[0].forked_count = 1;
	c->epochs[0].quarantined[0] =
	    (struct confirm_seq){.seq = 126, .last = 126, .reason = "not_json"};
	c->epochs[0].forked[0] =
	    (struct confirm_seq){.seq = 131, .last = 131, .reason = "other_leaf"};
	c->unreadable_count = 1;
	memset(c->unreadable[0], 0xfe, 32);
	assert_int_equal(confirm_write(c, &header), 0);
	buf_byte(&header, 0);
	assert_int_equal(frame_encode("LNWC", "s1", (char *)header.data, NULL, 0, f->hq_sign, out),
	                 0);
	buf_free(&header);
	free(c);
}

static void make_tell(struct fixture *f, const char *dir, struct buf *out)
{
	struct buf body = {0};
	char path[160], err[200];
	uint8_t pub[32];
	snprintf(path, sizeof(path), "%s/device-box.pub", dir);
	assert_int_equal(vault_read_public(path, pub, err, sizeof(err)), 0);
	assert_int_equal(page_encode(f->codec, "s1", "d1", pub, PROFILE TOMBSTONE,
	                             strlen(PROFILE TOMBSTONE), &body),
	                 0);
	assert_int_equal(frame_encode("LNWT", "s1", TELL, body.data, body.len, f->hq_sign, out), 0);
	buf_free(&body);
}

static void confirm_some(struct fixture *f, uint64_t through, uint64_t first, uint64_t last)
{
	struct journal_confirm c = {.through = through, .range_count = 1};
	memcpy(c.epoch, place_state(f->place).epoch, 8);
	c.ranges[0] = (struct journal_range){first, last};
	assert_true(journal_confirm(f->place->journal, &c));
	place_fill(f->place, 1);
}

static void add_urgent(struct fixture *f)
{
	struct entry *e = place_entry(EVENT_CUSTOMER_DETACHED);
	e->first->urgent = true;
	entry_free(place_commit(f->place, e));
}

/* A journal with a history: an anchor, confirmed ranges, urgent seqs, a stop that was none. */
static void make_used(struct fixture *f, const char *dir)
{
	struct place *p = f->place;
	place_start(p);
	make_events(f);
	place_fill(p, 6);
	confirm_some(f, 6, 9, 9);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	place_stop(p);
	place_start(p); /* retention takes 1 to 6 of the first epoch */
	while (place_state(p).kept > 7)
		usleep(1000);
	make_events(f);
	add_urgent(f);
	confirm_some(f, 2, 4, 4);
	place_stop(p);
	place_start(p);
	add_urgent(f);
	confirm_some(f, 2, 4, 4);
	sh("cp %s %s/used.db", p->path, dir);
	sh("cp %s-wal %s/used.db-wal", p->path, dir);
	place_stop(p);
}

static void write_form(struct fixture *f, const char *dir, const char *store, const char *name,
                       const struct batch *b)
{
	struct buf out = {0};
	uint8_t hq_pub[32];
	char path[160], err[200] = "";
	snprintf(path, sizeof(path), "%s/hq-box.pub", f->place->dir);
	assert_int_equal(vault_read_public(path, hq_pub, err, sizeof(err)), 0);
	assert_int_equal(batch_encode(f->codec, b, store, hq_pub, &out), 0);
	snprintf(path, sizeof(path), "%s-%d-%d.bin", name, b->form.wire, b->form.dictionary);
	write_file(dir, path, &out);
	buf_free(&out);
}

/* Of a batch only its first article. */
static void take_one(struct fixture *f, struct batch *b)
{
	const uint8_t *p = b->lines, *nl;
	uint8_t leaf[32];
	memcpy(b->h_last, b->h_prev, sizeof(b->h_last));
	for (bool found = false; !found; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(b->lines + b->lines_len - p));
		assert_non_null(nl);
		memcpy(b->h_prev, b->h_last, sizeof(b->h_prev));
		vault_sha256(f->work, p, (size_t)(nl - p), leaf);
		vault_chain(f->work, b->h_last, b->epoch, b->first++, leaf);
		found = memmem(p, (size_t)(nl - p), "\"Product Added\"", 15) != NULL;
		if (found) {
			b->lines = p;
			b->lines_len = (size_t)(nl + 1 - p);
		}
	}
	b->first--;
	b->count = 1;
	b->key_count = 0;
}

/* A golden batch of version 1, or one article of it, in the newest form, without and with its
 * dictionary. */
static void make_forms(struct fixture *f, const char *dir, const char *store, const char *plain,
                       const char *name)
{
	struct batch_accepts all = {.wires = ~0ull, .dictionaries = ~0ull};
	struct batch_form best = batch_form_best(&all);
	struct batch b;
	struct buf lines = {0}, keys = {0};
	bool one = strcmp(name, "one") == 0;
	read_form(f, store, plain, &b);
	buf_add(&lines, b.lines, b.lines_len);
	buf_add(&keys, b.keys, b.key_count * 48);
	b.lines = lines.data;
	b.keys = keys.data;
	if (one) {
		take_one(f, &b);
		write_form(f, dir, store, name, &b);
	}
	b.form = (struct batch_form){best.wire, 0};
	write_form(f, dir, store, name, &b);
	b.form = best;
	write_form(f, dir, store, name, &b);
	buf_free(&lines);
	buf_free(&keys);
}

static void write_golden(const char *dir)
{
	struct buf batch = {0}, confirm = {0}, tell = {0};
	make_keys(dir);
	struct fixture *f = fixture_new(dir);
	place_start(f->place);
	make_events(f);
	make_batch(f, &batch);
	make_confirm(f, place_state(f->place).epoch, &confirm);
	make_tell(f, dir, &tell);
	write_file(dir, "batch.bin", &batch);
	write_file(dir, "confirm.bin", &confirm);
	write_file(dir, "tell.bin", &tell);
	place_stop(f->place);
	place_start(f->place); /* a second epoch */
	place_fill(f->place, 2);
	place_stop(f->place);
	sh("cp %s %s/journal.db", f->place->path, dir);
	sh("! ls %s/*-wal 2>/dev/null%s", f->place->dir, "");
	sh("rm %s%s*", f->place->path, "");
	make_used(f, dir);
	buf_free(&batch);
	buf_free(&confirm);
	buf_free(&tell);
	fixture_free(f);
	f = fixture_new(GOLDEN);
	make_forms(f, dir, "s1", "batch.bin", "batch");
	make_forms(f, dir, "s17", "day-1-0.bin", "day");
	make_forms(f, dir, "s17", "day-1-0.bin", "one");
	fixture_free(f);
}

/* ---- reading ---- */

static int set_up(void **state)
{
	*state = fixture_new(GOLDEN);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static void decode_batch(struct fixture *f, struct batch *b)
{
	char err[200] = "";
	load(f, "batch.bin");
	if (batch_decode(f->codec, f->file, f->file_len, "s1", f->hq_box, b, err, sizeof(err)))
		fail_msg("%s", err);
}

static void the_golden_journal_is_whole_and_its_first_epoch_is_the_golden_batch(void **state)
{
	struct fixture *f = *state;
	struct journal_verify v;
	struct journal_run run;
	struct batch b;
	struct visit_key key;
	char err[200] = "";
	sh("cp %s/journal.db %s/", GOLDEN, f->place->dir);
	struct journal_reader *r = place_reader(f->place);
	if (journal_reader_verify(r, &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, 2);
	assert_int_equal(v.events, 4 + 3);
	decode_batch(f, &b);
	assert_int_equal(journal_reader_run(r, b.epoch, 1, 100, 100000, &run), 1);
	assert_int_equal(run.count, b.count);
	assert_int_equal(run.lines.len, b.lines_len);
	assert_memory_equal(run.lines.data, b.lines, b.lines_len);
	assert_memory_equal(run.h_last, b.h_last, 32);
	assert_int_equal(journal_reader_key(r, b.keys, &key), 0);
	assert_memory_equal(key.key, b.keys + 16, 32);
	journal_run_free(&run);
}

static void the_golden_journal_can_be_gone_on_with(void **state)
{
	struct fixture *f = *state;
	sh("cp %s/journal.db %s/", GOLDEN, f->place->dir);
	place_start(f->place);
	assert_false(f->place->set_aside);
	place_fill(f->place, 1);
	assert_int_equal(place_state(f->place).kept, 4 + 3 + 2);
}

/* used-1.db: a journal of format 1 with a history, its log not yet copied into it. */
static void the_used_golden_journal_keeps_all_it_holds(void **state)
{
	struct fixture *f = *state;
	struct place *p = f->place;
	struct journal_verify v;
	struct journal_epoch e[4];
	struct journal_urgent urgent[4];
	char err[200] = "";
	sh("cp %s/used-1.db %s/journal.db", GOLDEN, p->dir);
	sh("cp %s/used-1.db-wal %s/journal.db-wal", GOLDEN, p->dir);
	place_start(p);
	assert_false(p->set_aside);
	assert_false(place_state(p).clean);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, 4);
	assert_int_equal(v.events, 5 + 6 + 3 + 1);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 4), 4);
	assert_int_equal(e[0].deleted_through, 6);
	assert_int_equal(e[0].confirmed_through, 6);
	assert_int_equal(e[0].confirmed_count, 1);
	assert_int_equal(e[0].confirmed[0].first, 9);
	assert_int_equal(e[1].confirmed_through, 2);
	assert_int_equal(e[1].confirmed[0].last, 4);
	assert_int_equal(journal_reader_urgent(place_reader(p), urgent, 4), 1);
	assert_int_equal(urgent[0].seq, 5);
	assert_memory_equal(urgent[0].epoch, e[1].epoch, 8);
	assert_int_equal(place_ask(f->place, "PRAGMA user_version"), 3);
	assert_int_equal(place_ask(f->place, "SELECT count(*) FROM pack WHERE link IS NULL"), 13);
	assert_int_equal(place_ask(f->place, "SELECT count(*) FROM pack WHERE length(link) > 40"),
	                 1);
	/* A run, a place of the chain and retention are found in packs of both kinds of ids. */
	place_fill(p, 3);
	for (int i = 0; i < 4; i++) {
		struct journal_run run;
		uint8_t h[32];
		uint64_t first = e[i].deleted_through + 1, last = i == 3 ? 4 : e[i].last_seq;
		for (uint64_t seq = first; seq <= last; seq++) {
			assert_int_equal(journal_reader_run(place_reader(p), e[i].epoch, seq, 100,
			                                    1 << 20, &run),
			                 1);
			assert_int_equal(run.first, seq);
			assert_int_equal(run.first + run.count - 1, last);
			assert_int_equal(journal_reader_h(place_reader(p), e[i].epoch, seq - 1, h),
			                 0);
			assert_memory_equal(h, run.h_prev, 32);
			journal_run_free(&run);
		}
	}
	for (int i = 0; i < 3; i++) {
		struct journal_confirm c = {.through = e[i].last_seq};
		memcpy(c.epoch, e[i].epoch, 8);
		assert_true(journal_confirm(p->journal, &c));
	}
	place_fill(p, 1);
	atomic_fetch_add(&p->wall_us, 20 * PLACE_DAY_US);
	place_stop(p);
	place_start(p);
	while (place_ask(f->place, "SELECT count(*) FROM epoch") > 2)
		usleep(1000);
	assert_int_equal(place_ask(f->place, "SELECT count(*) FROM pack"), 6);
}

static void the_golden_batch_is_whole(void **state)
{
	struct fixture *f = *state;
	struct batch b;
	decode_batch(f, &b);
	assert_int_equal(b.first, 1);
	assert_int_equal(b.count, 4);
	assert_int_equal(b.key_count, 2);
	assert_int_equal(batch_verify(f->work, &b, NULL), 0);
}

/* Whatever a store in the field sends, HQ reads. */
static void every_form_that_was_ever_sent_is_read_to_the_same_lines(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *store, *plain, *form;
		uint8_t wire;
		uint16_t dictionary;
	} forms[] = {
	    {"s1", "batch.bin", "batch-2-0.bin", 2, 0},
	    {"s1", "batch.bin", "batch-2-1.bin", 2, 1},
	    {"s17", "day-1-0.bin", "day-2-0.bin", 2, 0},
	    {"s17", "day-1-0.bin", "day-2-1.bin", 2, 1},
	    {"s1", "batch.bin", "batch-3-0.bin", 3, 0},
	    {"s1", "batch.bin", "batch-3-3.bin", 3, 3},
	    {"s17", "day-1-0.bin", "day-3-0.bin", 3, 0},
	    {"s17", "day-1-0.bin", "day-3-3.bin", 3, 3},
	    {"s17", "one-1-0.bin", "one-3-0.bin", 3, 0},
	    {"s17", "one-1-0.bin", "one-3-3.bin", 3, 3},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct batch b;
		struct buf lines = {0}, keys = {0};
		read_form(f, forms[i].store, forms[i].plain, &b);
		buf_add(&lines, b.lines, b.lines_len);
		buf_add(&keys, b.keys, b.key_count * 48);
		read_form(f, forms[i].store, forms[i].form, &b);
		assert_int_equal(b.form.wire, forms[i].wire);
		assert_int_equal(b.form.dictionary, forms[i].dictionary);
		assert_int_equal(b.lines_len, lines.len);
		assert_memory_equal(b.lines, lines.data, lines.len);
		assert_int_equal(b.key_count * 48, keys.len);
		assert_true(!keys.len || memcmp(b.keys, keys.data, keys.len) == 0);
		buf_free(&lines);
		buf_free(&keys);
	}
}

/* Version 2 is no longer written: what its reader refuses is tried on what was. */
static void an_old_form_with_a_bit_flipped_or_bytes_missing_is_refused_or_the_same(void **state)
{
	struct fixture *f = *state;
	struct batch b;
	struct buf lines = {0};
	char err[200];
	read_form(f, "s1", "batch-2-1.bin", &b);
	buf_add(&lines, b.lines, b.lines_len);
	for (size_t i = 0; i < 8 * f->file_len; i++) {
		f->file[i / 8] ^= (uint8_t)(1 << i % 8);
		if (batch_decode(f->codec, f->file, f->file_len, "s1", f->hq_box, &b, err,
		                 sizeof(err)) == 0) {
			assert_int_equal(b.lines_len, lines.len);
			assert_memory_equal(b.lines, lines.data, lines.len);
		}
		f->file[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t n = 0; n < f->file_len; n++)
		assert_int_equal(
		    batch_decode(f->codec, f->file, n, "s1", f->hq_box, &b, err, sizeof(err)), -1);
	buf_free(&lines);
}

/* Payloads wait in brokers, packs in journals, for the dictionary that they were made with. */
static void a_dictionary_that_was_shipped_is_as_it_was(void **state)
{
	struct fixture *f = *state;
	static const char *const shipped[DICTIONARIES_MAX] = {
	    [1] = "e899d4ec993cf05615d9cad57d421f60b73284e52c914e9251e090431bdc6bbf",
	    [2] = "dca4014b54d97a415eec8a085c0d790c5f340f735097c2296f33c374dd66b303",
	    [3] = "b07275237fcaf2d9a14dad19ac61fcbe1176ce621f70adb6064c6c0efc706f36",
	    [4] = "5a3c546feb53f467792a6d596fdaef80d51dd420225d9ce836c2373ad6ed92b8",
	};
	for (unsigned id = 1; id < DICTIONARIES_MAX; id++) {
		struct dictionary d;
		uint8_t hash[32];
		char hex[65];
		assert_true(dictionary_find(id, &d));
		vault_sha256(f->work, d.data, d.len, hash);
		text_hex(hash, sizeof(hash), hex);
		assert_string_equal(hex, shipped[id]);
	}
}

static void the_golden_confirmation_is_read(void **state)
{
	struct fixture *f = *state;
	struct confirm *c = calloc(1, sizeof(*c));
	struct frame frame;
	char err[200] = "";
	load(f, "confirm.bin");
	if (frame_decode("LNWC", "s1", f->file, f->file_len, vault_hq_sign_pub(f->place->vault),
	                 &frame, err, sizeof(err)) ||
	    confirm_parse(frame.header, frame.header_len, c, err, sizeof(err)))
		fail_msg("%s", err);
	assert_string_equal(c->generation, "0123456789abcdef");
	assert_int_equal(c->epochs[0].through, 120);
	assert_int_equal(c->epochs[0].ranges[0].last, 130);
	assert_string_equal(c->epochs[0].forked[0].reason, "other_leaf");
	assert_int_equal(c->unreadable[0][31], 0xfe);
	free(c);
}

static void the_golden_page_goes_into_a_shard(void **state)
{
	struct fixture *f = *state;
	struct shard *shard;
	struct frame frame;
	struct shard_mark mark = {.generation = "0123456789abcdef", .version = 813};
	const uint8_t *lines;
	size_t len;
	bool made;
	char path[128], err[200] = "";
	load(f, "tell.bin");
	if (frame_decode("LNWT", "s1", f->file, f->file_len, vault_hq_sign_pub(f->place->vault),
	                 &frame, err, sizeof(err)) ||
	    page_decode(f->codec, "s1", "d1", vault_device_box_priv(f->place->vault), frame.body,
	                frame.body_len, &lines, &len, err, sizeof(err)))
		fail_msg("%s", err);
	assert_memory_equal(lines, PROFILE TOMBSTONE, len);
	snprintf(path, sizeof(path), "%s/shard.db", f->place->dir);
	assert_int_equal(shard_open(&shard, path, f->place->vault, &made, err, sizeof(err)), 0);
	assert_int_equal(
	    shard_apply(shard, (const char *)lines, len, &mark, true, err, sizeof(err)), 2);
	shard_free(shard);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_golden_journal_is_whole_and_its_first_epoch_is_the_golden_batch),
	    TEST(the_golden_journal_can_be_gone_on_with),
	    TEST(the_used_golden_journal_keeps_all_it_holds),
	    TEST(the_golden_batch_is_whole),
	    TEST(every_form_that_was_ever_sent_is_read_to_the_same_lines),
	    TEST(an_old_form_with_a_bit_flipped_or_bytes_missing_is_refused_or_the_same),
	    TEST(a_dictionary_that_was_shipped_is_as_it_was),
	    TEST(the_golden_confirmation_is_read),
	    TEST(the_golden_page_goes_into_a_shard),
	};
	log_open("golden_test", LOG_LEVEL_WARN);
	if (getenv("LANEWAY_GOLDEN")) {
		write_golden(getenv("LANEWAY_GOLDEN"));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

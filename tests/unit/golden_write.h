/* Writes a set of golden files (golden_test.c), for a new version of a format. */
#ifndef LANEWAY_TESTS_GOLDEN_WRITE_H
#define LANEWAY_TESTS_GOLDEN_WRITE_H

#include "golden_place.h"

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

#endif

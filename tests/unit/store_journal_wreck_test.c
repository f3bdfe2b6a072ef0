/* What can be read of a damaged journal: never less than what is whole, never what was not
 * committed, and every missing seq is named. */
#include "journal_place.h"

#include <fcntl.h>

#include "store/journal_internal.h"
#include "store/journal_wreck.h"

#define PAGE 4096
#define FRAME (PAGE + 24)

struct fixture {
	struct place *p;
	char path[128]; /* the copy that is damaged */
};

static void copy(const char *from, const char *to)
{
	char command[400];
	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void keep_some(struct place *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
		for (int k = 0; k < i % 3; k++) {
			struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED), first = *e->first;
			first.next = NULL;
			*ev = first;
		}
		e->first->person = "{\"value\":\"1\"}";
		vault_random(&e->first->key, sizeof(e->first->key));
		place_commit(p, e);
		assert_int_equal(e->status, ENTRY_KEPT);
		entry_free(e);
	}
}

/* Three epochs, the last one with its log left behind; copied while it is open. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char wal[160], wal_copy[160];
	f->p = place_new();
	snprintf(f->path, sizeof(f->path), "%s/wreck.db", f->p->dir);
	for (int i = 0; i < 3; i++) {
		place_start(f->p);
		keep_some(f->p, 120);
		if (i < 2)
			place_stop(f->p);
	}
	snprintf(wal, sizeof(wal), "%s-wal", f->p->path);
	snprintf(wal_copy, sizeof(wal_copy), "%s-wal", f->path);
	copy(f->p->path, f->path);
	copy(wal, wal_copy);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	place_free(f->p);
	free(f);
	return 0;
}

static bool device_key(void *ctx, const uint8_t epoch[8], const uint8_t *box, uint8_t key[32])
{
	(void)box;
	place_epoch_key(ctx, epoch, key);
	return true;
}

/* As HQ: the key comes out of the box or not at all. */
static bool hq_key(void *ctx, const uint8_t epoch[8], const uint8_t *box, uint8_t key[32])
{
	uint8_t ad[3 + EVENT_EPOCH_BYTES] = "s1";
	struct vault_work *w = vault_work_new();
	memcpy(ad + 3, epoch, EVENT_EPOCH_BYTES);
	bool ok = box && vault_unbox(w, vault_device_box_priv(ctx), "epoch-key", ad, sizeof(ad),
	                             box, JOURNAL_WRECK_BOX_BYTES, key) == 32;
	vault_work_free(w);
	return ok;
}

static struct journal_wreck *wreck(struct fixture *f, bool hq)
{
	struct journal_wreck_params params = {
	    .path = f->path, .store = "s1", .key = hq ? hq_key : device_key, .ctx = f->p->vault};
	struct journal_wreck *w;
	char err[200] = "";
	if (journal_wreck_open(&w, &params, err, sizeof(err)))
		fail_msg("%s", err);
	return w;
}

/* Every pack it gives is byte for byte and h for h what the undamaged journal holds; what it does
 * not give of an epoch it knows, it names. The events it gives. */
static uint64_t check(struct fixture *f, struct journal_wreck *w)
{
	struct buf lines = {0};
	uint64_t events = 0;
	for (size_t i = 0; i < journal_wreck_epochs(w); i++) {
		const struct journal_wreck_epoch *e = journal_wreck_epoch(w, i);
		struct journal_wreck_pack pack;
		uint64_t next = e->deleted + 1, seen = 0;
		uint32_t hole = 0;
		for (uint64_t n = 0; n < e->packs; n++) {
			struct journal_run run;
			assert_int_equal(journal_wreck_pack(w, i, n, &pack, &lines), 0);
			if (pack.head.first != next) {
				assert_int_equal(e->missing[hole].first, next);
				assert_int_equal(e->missing[hole++].last, pack.head.first - 1);
			}
			assert_int_equal(journal_reader_run(place_reader(f->p), e->epoch,
			                                    pack.head.first, pack.head.count,
			                                    1 << 20, &run),
			                 1);
			assert_int_equal(run.first, pack.head.first);
			assert_int_equal(run.lines.len, lines.len);
			assert_memory_equal(run.lines.data, lines.data, lines.len);
			assert_memory_equal(run.h_prev, pack.h_prev, 32);
			assert_memory_equal(run.h_last, pack.h_last, 32);
			journal_run_free(&run);
			next = pack.head.first + pack.head.count;
			seen += pack.head.count;
		}
		assert_int_equal(seen, e->events);
		if (hole < e->missing_count)
			assert_int_equal(e->missing[hole++].first, e->last + 1);
		assert_int_equal(hole, e->missing_count);
		events += seen;
	}
	buf_free(&lines);
	return events;
}

static uint64_t missing_of(struct journal_wreck *w)
{
	uint64_t n = 0;
	for (size_t i = 0; i < journal_wreck_epochs(w); i++) {
		const struct journal_wreck_epoch *e = journal_wreck_epoch(w, i);
		for (uint32_t k = 0; k < e->missing_count; k++)
			n += e->missing[k].last - e->missing[k].first + 1;
	}
	return n;
}

static uint64_t kept(struct fixture *f)
{
	return place_state(f->p).kept;
}

static void write_at(const char *path, long at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

static void garbage(const char *path, long at, size_t n)
{
	uint8_t *p = malloc(n);
	vault_random(p, n);
	write_at(path, at, p, n);
	free(p);
}

static long size_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return (long)st.st_size;
}

static char *log_of(struct fixture *f, char out[160])
{
	snprintf(out, 160, "%s-wal", f->path);
	return out;
}

/* Where its frames end: behind them is room for more, zeros. */
static long end_of_log(struct fixture *f)
{
	char log[160];
	uint8_t page[4];
	long end = 32;
	FILE *file = fopen(log_of(f, log), "rb");
	assert_non_null(file);
	while (fseek(file, end, SEEK_SET) == 0 && fread(page, 1, sizeof(page), file) == 4 &&
	       memcmp(page, "\0\0\0", 4) != 0)
		end += FRAME;
	fclose(file);
	return end;
}

static void expect_all(struct fixture *f, bool hq)
{
	struct journal_wreck *w = wreck(f, hq);
	assert_int_equal(journal_wreck_epochs(w), 3);
	assert_int_equal(check(f, w), kept(f));
	assert_int_equal(missing_of(w), 0);
	journal_wreck_free(w);
}

static void a_whole_file_and_its_log_give_everything(void **state)
{
	expect_all(*state, false);
	expect_all(*state, true);
}

static void a_file_without_a_header_gives_everything(void **state)
{
	struct fixture *f = *state;
	uint8_t zeros[PAGE] = {0};
	write_at(f->path, 0, zeros, 100);
	expect_all(f, false);
	write_at(f->path, 0, zeros, PAGE);
	expect_all(f, false);
	expect_all(f, true);
}

static void a_log_without_a_header_gives_everything(void **state)
{
	struct fixture *f = *state;
	char log[160];
	garbage(log_of(f, log), 0, 32);
	struct journal_wreck *w = wreck(f, false);
	/* The first frame's sum cannot be checked without the head; the pages in it come again. */
	assert_int_equal(check(f, w), kept(f));
	journal_wreck_free(w);
}

static void without_its_log_a_file_gives_what_was_copied_into_it(void **state)
{
	struct fixture *f = *state;
	char log[160];
	unlink(log_of(f, log));
	struct journal_wreck *w = wreck(f, false);
	uint64_t events = check(f, w);
	assert_true(events > kept(f) / 2);
	assert_true(events < kept(f));
	journal_wreck_free(w);
}

static void a_truncated_file_gives_what_is_left_and_names_what_is_not(void **state)
{
	struct fixture *f = *state;
	char log[160];
	assert_int_equal(truncate(f->path, size_of(f->path) / 2 + 77), 0);
	unlink(log_of(f, log));
	struct journal_wreck *w = wreck(f, false);
	uint64_t events = check(f, w);
	assert_true(events > 10);
	assert_true(events < kept(f));
	journal_wreck_free(w);
}

static void garbage_pages_cost_what_stands_in_them_and_no_more(void **state)
{
	struct fixture *f = *state;
	long pages = size_of(f->path) / PAGE;
	uint64_t before = kept(f);
	for (long at = 7; at < pages; at += pages / 6)
		garbage(f->path, at * PAGE, PAGE);
	struct journal_wreck *w = wreck(f, false);
	uint64_t events = check(f, w), missing = missing_of(w);
	/* A leaf holds some ten packs of two events. */
	assert_true(events >= before - 7 * 40);
	assert_true(events < before);
	/* Nobody says where the last epoch ended, nor one whose successor lost its first event. */
	bool named = true;
	for (size_t i = 0; i < 3; i++)
		named = named && journal_wreck_epoch(w, i)->first == 1;
	uint64_t tail = place_state(f->p).last_seq - journal_wreck_epoch(w, 2)->last;
	assert_true(events + missing + tail <= before);
	assert_true(!named || events + missing + tail == before);
	journal_wreck_free(w);
}

/* Page by page, each in its turn is garbage: whatever it was, everything else comes. */
static void any_one_page_may_be_garbage(void **state)
{
	struct fixture *f = *state;
	uint8_t page[PAGE];
	long pages = size_of(f->path) / PAGE;
	int fd = open(f->path, O_RDONLY);
	for (long i = 0; i < pages; i++) {
		assert_int_equal(pread(fd, page, PAGE, i * PAGE), PAGE);
		garbage(f->path, i * PAGE, PAGE);
		struct journal_wreck *w = wreck(f, false);
		uint64_t events = check(f, w);
		assert_true(events >= kept(f) - 60);
		assert_true(events + missing_of(w) <= kept(f));
		journal_wreck_free(w);
		w = wreck(f, true);
		assert_int_equal(check(f, w), events);
		journal_wreck_free(w);
		write_at(f->path, i * PAGE, page, PAGE);
	}
	close(fd);
}

/* What SQLite finds committed is what is found here. */
static uint64_t events_by_sqlite(struct fixture *f)
{
	char command[600];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	snprintf(command, sizeof(command),
	         "rm -f %s/look.db*; cp %s %s/look.db; cp %s-wal %s/look.db-wal", f->p->dir,
	         f->path, f->p->dir, f->path, f->p->dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/look.db", f->p->dir);
	assert_int_equal(sqlite3_open(command, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT sum(count) FROM pack", -1, &stmt, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	uint64_t n = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void a_log_cut_anywhere_gives_what_was_committed_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	char log[160];
	long size = end_of_log(f);
	log_of(f, log);
	/* Long enough that a pack's page is cut off from the end of its transaction. */
	for (int i = 0; i < 250; i++, size -= i % 8 ? FRAME : 1000) {
		assert_int_equal(truncate(log, size), 0);
		struct journal_wreck *w = wreck(f, false);
		assert_int_equal(check(f, w), events_by_sqlite(f));
		journal_wreck_free(w);
	}
}

static void a_damaged_frame_of_the_log_costs_little(void **state)
{
	struct fixture *f = *state;
	char log[160];
	long frames = (end_of_log(f) - 32) / FRAME;
	log_of(f, log);
	for (long i = frames / 4; i < frames; i += frames / 4)
		garbage(log, 32 + i * FRAME + 100, 2000);
	struct journal_wreck *w = wreck(f, false);
	uint64_t events = check(f, w);
	/* SQLite would stop at the first. */
	assert_true(events > events_by_sqlite(f) + 50);
	assert_true(events >= kept(f) - 30);
	journal_wreck_free(w);
}

static void a_transaction_that_was_taken_back_does_not_come_up(void **state)
{
	struct fixture *f = *state;
	char log[160];
	/* Its frames are there, all but the last, which would have ended it. */
	log_of(f, log);
	assert_int_equal(truncate(log, end_of_log(f) - FRAME), 0);
	struct journal_wreck *w = wreck(f, false);
	struct journal_wreck_count c;
	assert_true(check(f, w) < kept(f));
	journal_wreck_counts(w, &c);
	assert_true(c.raw.bad_frames > 0);
	journal_wreck_free(w);
}

static void a_pack_whose_chain_does_not_close_is_not_believed(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
	                 "UPDATE pack SET link = CAST(substr(link, 1, 8) || zeroblob(32) AS BLOB)"
	                 " WHERE id = " PLACE_PACK("20") "; UPDATE pack SET h = zeroblob(32)"
	                                                 " WHERE id = " PLACE_PACK("40"),
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	struct journal_wreck *w = wreck(f, false);
	struct journal_wreck_count c;
	uint64_t events = check(f, w);
	assert_int_equal(events + missing_of(w), kept(f));
	assert_int_equal(journal_wreck_epoch(w, 0)->missing_count, 2);
	journal_wreck_counts(w, &c);
	assert_int_equal(c.unopened, 2);
	journal_wreck_free(w);
}

static void of_a_file_of_all_garbage_nothing_comes(void **state)
{
	struct fixture *f = *state;
	char log[160];
	garbage(f->path, 0, (size_t)size_of(f->path));
	log_of(f, log);
	garbage(log, 0, (size_t)size_of(log));
	struct journal_wreck *w = wreck(f, false);
	assert_int_equal(check(f, w), 0);
	journal_wreck_free(w);
}

static void without_hqs_key_hq_reads_nothing(void **state)
{
	struct fixture *f = *state;
	struct journal_wreck *w = wreck(f, true);
	assert_int_equal(check(f, w), kept(f));
	journal_wreck_free(w);
	place_put(f->p, "device-box.key",
	          "-----BEGIN PRIVATE KEY-----\n"
	          "MC4CAQAwBQYDK2VuBCIEIFVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV\n"
	          "-----END PRIVATE KEY-----\n");
	struct vault *other;
	char err[200] = "";
	if (vault_open(&other, f->p->dir, false, err, sizeof(err)))
		fail_msg("%s", err);
	struct journal_wreck_params params = {
	    .path = f->path, .store = "s1", .key = hq_key, .ctx = other};
	assert_int_equal(journal_wreck_open(&w, &params, err, sizeof(err)), 0);
	assert_int_equal(check(f, w), 0);
	struct journal_wreck_count c;
	journal_wreck_counts(w, &c);
	assert_true(c.unopened >= 363);
	journal_wreck_free(w);
	vault_free(other);
}

static void the_file_is_not_touched(void **state)
{
	struct fixture *f = *state;
	char command[400];
	snprintf(command, sizeof(command), "cat %s* | sha256sum >%s/sum", f->path, f->p->dir);
	assert_int_equal(system(command), 0);
	expect_all(f, false);
	snprintf(command, sizeof(command), "cat %s* | sha256sum | cmp - %s/sum", f->path,
	         f->p->dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "test $(ls %s* | wc -l) = 2", f->path);
	assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_whole_file_and_its_log_give_everything),
	    TEST(a_file_without_a_header_gives_everything),
	    TEST(a_log_without_a_header_gives_everything),
	    TEST(without_its_log_a_file_gives_what_was_copied_into_it),
	    TEST(a_truncated_file_gives_what_is_left_and_names_what_is_not),
	    TEST(garbage_pages_cost_what_stands_in_them_and_no_more),
	    TEST(any_one_page_may_be_garbage),
	    TEST(a_log_cut_anywhere_gives_what_was_committed_and_nothing_else),
	    TEST(a_damaged_frame_of_the_log_costs_little),
	    TEST(a_transaction_that_was_taken_back_does_not_come_up),
	    TEST(a_pack_whose_chain_does_not_close_is_not_believed),
	    TEST(of_a_file_of_all_garbage_nothing_comes),
	    TEST(without_hqs_key_hq_reads_nothing),
	    TEST(the_file_is_not_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

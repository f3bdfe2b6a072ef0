/* Repaired times in hq.db: boots, points and epochs that come in any order, against a simulated
 * truth. */
#include "hq_world.h"

#include "base/log.h"

#define S INT64_C(1000000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define BOOT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOOT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BOOT_C "cccccccccccccccccccccccccccccccc"
#define BOOT_D "dddddddddddddddddddddddddddddddd"

/* From here on lines are of this boot and time; wall_us: what the store's clock says. */
static void at(struct world *w, const char *boot, const char *trust, int64_t mono_us,
               int64_t wall_us)
{
	w->stamp.boot = boot;
	w->stamp.trust = trust;
	w->stamp.mono_us = mono_us;
	w->wall_us = wall_us;
}

static void point(struct store *s, int64_t wall_us, int64_t error_us, const char *source)
{
	char properties[300];
	snprintf(properties, sizeof properties,
	         "{\"error\":%" PRId64 ",\"mono_us\":%" PRId64
	         ",\"offset\":0,\"reason\":\"first\",\"source\":\"%s\",\"wall_us\":%" PRId64 "}",
	         error_us, s->world->stamp.mono_us, source, wall_us);
	store_say(s, &(struct said){.event = "Clock Repaired", .properties = properties});
}

static void sell(struct store *s, int number)
{
	char properties[300];
	snprintf(properties, sizeof properties,
	         "{\"cart_id\":\"b%d\",\"currency\":\"EUR\",\"order_id\":\"%s/T1/2026-11-21/%d\","
	         "\"products\":[],\"total\":\"1.00\"}",
	         number, s->name, number);
	store_say(s, &(struct said){.event = "Order Completed", .properties = properties});
}

static const char *sold(struct world *w)
{
	return world_text(w, "SELECT time_us FROM sale ORDER BY order_id");
}

static const char *statuses(struct world *w)
{
	return world_text(w, "SELECT status FROM event_time ORDER BY epoch, seq");
}

static void heard_at(struct world *w, int64_t wall_us)
{
	w->wall_us = wall_us;
	w->stamp.boot = NULL;
}

static void events_before_the_first_point_are_repaired_when_it_comes(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	at(w, BOOT_A, "none", 10 * S, 10 * S); /* 1970 */
	struct store *s = store_new(w, "s1", 1);
	at(w, BOOT_A, "none", 20 * S, 20 * S);
	sell(s, 1);
	at(w, BOOT_A, "hq", 3620 * S, now);
	point(s, now, S, "hq");
	sell(s, 2);
	heard_at(w, now + 5 * S);
	store_send(s, 1, 2);
	world_fold(w);
	assert_string_equal(statuses(w), "interval,interval");
	store_send(s, 3, 4);
	world_fold(w);
	assert_string_equal(statuses(w), "interpolated,interpolated");
	assert_int_equal(world_number(w, "SELECT time_us FROM event_time WHERE seq = 2"),
	                 now - HOUR);
	/* 1 s of the point, and 100 ppm of an hour */
	int64_t error = world_number(w, "SELECT error_us FROM event_time WHERE seq = 2");
	assert_in_range(error, S + 360000, S + 360010);
	char both[64];
	snprintf(both, sizeof both, "%" PRId64 ",%" PRId64, now - HOUR, now / 1000 * 1000);
	assert_string_equal(sold(w), both);
	store_free(s);
}

static void a_boot_without_trusted_time_lies_between_its_neighbours(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	at(w, BOOT_A, "kernel", 100 * S, now);
	struct store *a = store_new(w, "s1", 1);
	point(a, now, 0, "kernel");
	at(w, BOOT_B, "none", 10 * S, 10 * YEAR);
	struct store *b = store_after(w, "s1", 2, a);
	at(w, BOOT_B, "none", 110 * S, 10 * YEAR);
	sell(b, 1);
	at(w, BOOT_C, "hq", 50 * S, now + DAY);
	struct store *c = store_after(w, "s1", 3, b);
	point(c, now + DAY, 0, "hq");
	heard_at(w, now + 5 * DAY);
	store_send(b, 1, 2);
	world_fold(w);
	/* Nothing is known but that HQ has heard of it. */
	assert_int_equal(
	    world_number(w, "SELECT earliest_us IS NULL FROM event_time WHERE seq = 2"), 1);
	assert_in_range(world_number(w, "SELECT latest_us FROM event_time WHERE seq = 2"),
	                now + 5 * DAY - 15 * S, now + 5 * DAY + 15 * S);
	store_send(a, 1, 2);
	store_send(c, 1, 2);
	world_fold(w);
	assert_string_equal(statuses(w), "interval,interval");
	assert_int_equal(world_number(w, "SELECT time_us IS NULL FROM event_time WHERE seq = 2"),
	                 1);
	/* 110 s into a boot that began after `now`, and before the one that began a day later less
	 * 50 s */
	assert_in_range(world_number(w, "SELECT earliest_us FROM event_time WHERE seq = 2"),
	                now + 110 * S - 20000, now + 110 * S);
	assert_in_range(world_number(w, "SELECT latest_us FROM event_time WHERE seq = 2"),
	                now + DAY - 50 * S, now + DAY - 50 * S + 100000);
	assert_int_equal(world_number(w, "SELECT time_us FROM sale"),
	                 world_number(w, "SELECT earliest_us FROM event_time WHERE seq = 2"));
	store_free(a);
	store_free(b);
	store_free(c);
}

static void a_trusted_event_stands_for_a_point_that_was_lost_in_a_power_cut(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	at(w, BOOT_A, "hq", 100 * S, now);
	struct store *a = store_new(w, "s1", 1);
	at(w, BOOT_B, "none", 10 * S, 0);
	struct store *b = store_after(w, "s1", 2, a);
	at(w, BOOT_C, "kernel", 50 * S, now + DAY);
	struct store *c = store_after(w, "s1", 3, b);
	heard_at(w, now + 5 * DAY);
	store_send(c, 1, 1);
	store_send(a, 1, 1);
	world_fold(w);
	store_send(b, 1, 1);
	world_fold(w);
	assert_in_range(world_number(w, "SELECT earliest_us FROM event_time"),
	                now + 10 * S - 1000 * S, now + 10 * S);
	assert_in_range(world_number(w, "SELECT latest_us FROM event_time"), now + DAY - 50 * S,
	                now + DAY - 50 * S + 1000 * S);
	store_free(a);
	store_free(b);
	store_free(c);
}

static void the_end_of_the_boot_before_counts_also_when_it_comes_last(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	at(w, BOOT_A, "kernel", 100 * S, now);
	struct store *a = store_new(w, "s1", 1);
	point(a, now, 0, "kernel");
	at(w, BOOT_A, "kernel", 100 * S + HOUR, now + HOUR);
	store_chatter(a, 1);
	at(w, BOOT_B, "none", 10 * S, 0);
	struct store *b = store_after(w, "s1", 2, a);
	heard_at(w, now + 5 * DAY);
	store_send(a, 1, 2);
	store_send(b, 1, 1);
	world_fold(w);
	assert_in_range(world_number(w, "SELECT earliest_us FROM event_time"), now, now + 11 * S);
	store_send(a, 3, 3);
	world_fold(w);
	assert_in_range(world_number(w, "SELECT earliest_us FROM event_time"), now + HOUR - S,
	                now + HOUR + 11 * S);
	store_free(a);
	store_free(b);
}

static void three_boots_without_network_add_up(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	static const char *const boots[] = {BOOT_A, BOOT_B, BOOT_C, BOOT_D,
	                                    "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"};
	struct store *s[5] = {NULL};
	for (int i = 0; i < 5; i++) {
		bool trusted = i == 0 || i == 4;
		at(w, boots[i], trusted ? "kernel" : "none", 10 * S,
		   trusted ? now + i * DAY : 1000 * S);
		s[i] = i == 0 ? store_new(w, "s1", 1)
		              : store_after(w, "s1", (uint8_t)(i + 1), s[i - 1]);
		if (trusted)
			point(s[i], now + i * DAY, 0, "kernel");
		at(w, boots[i], trusted ? "kernel" : "none", HOUR, now + i * DAY + HOUR - 10 * S);
		store_chatter(s[i], 1);
	}
	heard_at(w, now + 20 * DAY);
	static const int order[] = {3, 1, 4, 2, 0};
	for (int i = 0; i < 5; i++) {
		store_send(s[order[i]], 1, s[order[i]]->seq);
		world_fold(w);
	}
	/* The third of them: an hour and two hours of the boots before it have passed, and its own.
	 */
	int64_t lo = world_number(w, "SELECT earliest_us FROM event_time t JOIN epoch e ON e.id = "
	                             "t.epoch WHERE hex(e.epoch) = '0404040404040404' AND seq = 2");
	int64_t hi = world_number(w, "SELECT latest_us FROM event_time t JOIN epoch e ON e.id = "
	                             "t.epoch WHERE hex(e.epoch) = '0202020202020202' AND seq = 2");
	int64_t ended = now + HOUR - 10 * S;
	assert_in_range(lo, ended + 3 * HOUR - 3 * S, ended + 3 * HOUR);
	int64_t began = now + 4 * DAY - 10 * S;
	assert_in_range(hi, began - 2 * HOUR, began - 2 * HOUR + 5 * S);
	for (int i = 0; i < 5; i++)
		store_free(s[i]);
}

static void a_clock_that_hqs_word_contradicts_is_repaired_though_it_was_trusted(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	at(w, BOOT_A, "kernel", 100 * S, now + 10 * YEAR);
	struct store *s = store_new(w, "s1", 1);
	point(s, now + 10 * YEAR, 1000, "kernel");
	sell(s, 1);
	at(w, BOOT_A, "hq", 200 * S, now + 100 * S);
	point(s, now + 100 * S, 1000, "hq");
	sell(s, 2);
	heard_at(w, now + 200 * S);
	store_send(s, 1, 3);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event_time"), 0);
	assert_string_equal(world_text(w, "SELECT kind FROM alarm"), "");
	store_send(s, 4, 5);
	world_fold(w);
	assert_string_equal(statuses(w), "interpolated,interpolated,interpolated");
	assert_string_equal(
	    world_text(w, "SELECT kind || ' ' || substr(detail, 1, 106) FROM alarm"),
	    "clock boot " BOOT_A
	    ": the store trusted a clock that was +315360000 s from what HQ signed");
	char both[64];
	snprintf(both, sizeof both, "%" PRId64 ",%" PRId64, now, (now + 100 * S) / 1000 * 1000);
	assert_string_equal(sold(w), both);
	store_free(s);
}

/* Four minutes are what two clocks may differ by; six are an alarm, one for a boot however often.
 */
static void a_store_that_trusts_another_time_than_hq_is_an_alarm_once(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US;
	at(w, BOOT_A, "kernel", 100 * S, now);
	struct store *s = store_new(w, "s1", 1), *other;
	point(s, now - 240 * S, 1000, "kernel");
	point(s, now, 1000, "hq");
	heard_at(w, now + 200 * S);
	store_send(s, 1, 3);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm"), 0);
	at(w, BOOT_B, "kernel", 100 * S, now);
	other = store_new(w, "s2", 2);
	point(other, now, 1000, "hq");
	point(other, now - 360 * S, 1000, "kernel");
	at(w, BOOT_B, "kernel", 200 * S, now);
	point(other, now - 270 * S, 1000, "kernel");
	heard_at(w, now + 200 * S);
	store_send(other, 1, 4);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm"), 1);
	assert_string_equal(world_text(w, "SELECT store.name FROM alarm JOIN store ON store.id ="
	                                  " alarm.store WHERE detail LIKE '% -360 s %'"),
	                    "s2");
	store_free(other);
	store_free(s);
}

static void the_view_has_every_event_with_its_bound(void **state)
{
	struct world *w = *state;
	int64_t now = WORLD_WALL_US / 1000 * 1000;
	at(w, BOOT_A, "none", 10 * S, 10 * S);
	struct store *s = store_new(w, "s1", 1);
	at(w, BOOT_A, "kernel", 110 * S, now);
	point(s, now, 5000, "kernel");
	at(w, BOOT_A, "kernel", 1110 * S, now + 1000 * S);
	store_chatter(s, 1);
	heard_at(w, now + 1001 * S);
	store_send(s, 1, 3);
	world_fold(w);
	char want[200];
	snprintf(want, sizeof want,
	         "1 interpolated %" PRId64 ",2 trusted %" PRId64 ",3 trusted %" PRId64,
	         now - 100 * S, now, now + 1000 * S);
	assert_string_equal(
	    world_text(w, "SELECT seq || ' ' || status || ' ' || time_us FROM event_times ORDER BY "
	                  "seq"),
	    want);
	assert_string_equal(world_text(w, "SELECT error_us FROM event_times ORDER BY seq"),
	                    "15001,5001,105001");
	store_free(s);
}

static void what_cannot_be_a_point_is_none(void **state)
{
	static const char *const bad[] = {
	    "{}",
	    "{\"error\":-1,\"mono_us\":1,\"source\":\"hq\",\"wall_us\":1}",
	    "{\"error\":1,\"mono_us\":-1,\"source\":\"hq\",\"wall_us\":1}",
	    "{\"error\":1,\"mono_us\":1,\"source\":\"none\",\"wall_us\":1}",
	    "{\"error\":1,\"mono_us\":1,\"source\":\"hq\",\"wall_us\":9223372036854775807}",
	    "{\"error\":9223372036854775807,\"mono_us\":1,\"source\":\"hq\",\"wall_us\":1}",
	    "{\"error\":1,\"mono_us\":9223372036854775807,\"source\":\"hq\",\"wall_us\":1}",
	    "{\"error\":1.5,\"mono_us\":1,\"source\":\"hq\",\"wall_us\":1}",
	};
	struct world *w = *state;
	at(w, BOOT_A, "none", 10 * S, 10 * S);
	struct store *s = store_new(w, "s1", 1);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		store_say(s, &(struct said){.event = "Clock Repaired", .properties = bad[i]});
	at(w, BOOT_A, "none", INT64_MAX, 10 * S);
	store_chatter(s, 1);
	at(w, "xyz", "none", 5, 10 * S);
	store_chatter(s, 1);
	heard_at(w, WORLD_WALL_US);
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM clock_point"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event_time"), 9);
	store_free(s);
}

/* ---- any order ---- */

#define SAGAS 20 /* LANEWAY_LONG: a thousand */
#define BOOTS 7
#define EVENTS_MAX 12 /* of an epoch */

static uint64_t seed;

static int64_t below(int64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return n > 0 ? (int64_t)((seed >> 11) % (uint64_t)n) : 0;
}

struct saga {
	struct store *store[2 * BOOTS];
	int64_t truth[2 * BOOTS][2 * EVENTS_MAX + 2]; /* by seq */
	int stores;
};

static char boot_name[BOOTS][CLOCK_BOOT_ID_SIZE];

struct boot_told {
	const char *name;
	int trusted_from;     /* event of its first epoch */
	bool lies;            /* its kernel is synchronised to something ten years ahead */
	int64_t from_us, ppm; /* true time at monotonic 0, and what its crystal is off by */
	int64_t mono_us;      /* so far */
	int64_t ran_on_us;    /* wall minus monotonic by the last point, as stores run on */
};

static int64_t truth_of(const struct boot_told *b)
{
	return b->from_us + b->mono_us + b->mono_us / 1000000 * b->ppm;
}

static void tell_point(struct store *s, struct boot_told *b, int64_t error, const char *source)
{
	point(s, b->mono_us + b->ran_on_us, error, source);
}

/* One epoch of a boot; HQ is heard at its end if the kernel lies. */
static void tell_epoch(struct saga *g, struct world *w, struct boot_told *b)
{
	int n = 3 + (int)below(EVENTS_MAX - 3), i = g->stores++;
	struct store *s = NULL;
	for (int k = 0; k < n; k++) {
		bool trusted = k >= b->trusted_from, last = k == n - 1;
		bool signs = b->lies ? last : below(2);
		bool tells =
		    trusted && (k == b->trusted_from || below(3) == 0 || (b->lies && last));
		int64_t error = below(2) ? 2000 : 2 * S;
		b->mono_us += 1 + below(2 * HOUR);
		if (tells)
			b->ran_on_us = truth_of(b) + below(2 * error + 1) - error - b->mono_us +
			               (b->lies && !signs ? 10 * YEAR : 0);
		int64_t untrusted = below(3) * 30 * YEAR + b->mono_us;
		const char *source = signs ? "hq" : "kernel";
		at(w, b->name, trusted ? source : "none", b->mono_us,
		   trusted ? b->mono_us + b->ran_on_us : untrusted);
		if (k > 0)
			sell(s, i * 100 + k);
		else
			s = i ? store_after(w, "s1", (uint8_t)(i + 1), g->store[i - 1])
			      : store_new(w, "s1", 1);
		g->store[i] = s;
		g->truth[i][s->seq] = truth_of(b);
		if (tells)
			tell_point(s, b, error, source);
		g->truth[i][s->seq] = truth_of(b);
	}
	b->trusted_from = b->trusted_from > n ? b->trusted_from : 0;
}

static void tell_saga(struct saga *g, struct world *w)
{
	int64_t now = WORLD_WALL_US;
	memset(g, 0, sizeof *g);
	for (int i = 0; i < BOOTS; i++) {
		bool never = i > 0 && i < BOOTS - 1 && below(2);
		struct boot_told b = {.name = boot_name[i],
		                      .trusted_from = never ? 1000 : (int)below(3),
		                      .lies = below(4) == 0,
		                      .from_us = now,
		                      .ppm = below(201) - 100,
		                      .mono_us = below(HOUR)};
		snprintf(boot_name[i], sizeof boot_name[i], "%032d", i);
		for (int e = 0; e < 1 + (int)below(2); e++)
			tell_epoch(g, w, &b);
		now = truth_of(&b) + 1 + below(2 * DAY);
	}
}

struct part {
	int store;
	uint64_t first, last;
};

static int cut(const struct saga *g, struct part *out)
{
	int n = 0;
	for (int i = 0; i < g->stores; i++) {
		for (uint64_t first = 1; first <= g->store[i]->seq;) {
			uint64_t last = first + (uint64_t)below(8);
			if (last > g->store[i]->seq)
				last = g->store[i]->seq;
			out[n++] = (struct part){i, first, last};
			first = last + 1;
		}
	}
	for (int i = n; i > 1; i--) {
		int k = (int)below(i);
		struct part t = out[i - 1];
		out[i - 1] = out[k];
		out[k] = t;
	}
	return n;
}

/* Send everything to a new HQ in some order; what it then holds, as one text to be freed. */
static char *receive(const struct saga *g, struct world *w)
{
	struct part part[2 * BOOTS * 30];
	int n = cut(g, part);
	heard_at(w, WORLD_WALL_US + 100 * DAY);
	for (int i = 0; i < n; i++) {
		struct store *s = g->store[part[i].store];
		s->world = w;
		store_send(s, part[i].first, part[i].last);
		if (below(3) == 0)
			world_fold(w);
	}
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM boot WHERE draw OR redo_mono IS NOT "
	                                 "NULL OR scan_epoch IS NOT NULL"),
	                 0);
	char *all = NULL;
	sqlite3_stmt *q = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&all, &size);
	sqlite3_prepare_v2(
	    hq_db_handle(w->db),
	    "SELECT epoch || ' ' || seq || ' ' || status || ' ' || coalesce(time_us, "
	    "'-') || ' ' || coalesce(error_us, '-') || ' ' || coalesce(earliest_us, "
	    "'-') || ' ' || coalesce(latest_us, '-') FROM event_times UNION ALL "
	    "SELECT order_id || ' ' || time_us FROM sale ORDER BY 1",
	    -1, &q, NULL);
	while (sqlite3_step(q) == SQLITE_ROW)
		fprintf(f, "%s\n", (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	fclose(f);
	return all;
}

static void check_truth(const struct saga *g, struct world *w)
{
	sqlite3_stmt *q = NULL;
	sqlite3_prepare_v2(
	    hq_db_handle(w->db),
	    "SELECT epoch, seq, status, time_us, error_us, earliest_us, latest_us FROM "
	    "event_times",
	    -1, &q, NULL);
	int intervals = 0;
	while (sqlite3_step(q) == SQLITE_ROW) {
		unsigned e =
		    (unsigned)strtoul((const char *)sqlite3_column_text(q, 0) + 14, NULL, 16);
		int64_t seq = sqlite3_column_int64(q, 1), truth = g->truth[e - 1][seq];
		const char *status = (const char *)sqlite3_column_text(q, 2);
		if (strcmp(status, "interval") == 0) {
			intervals++;
			assert_int_not_equal(sqlite3_column_type(q, 5), SQLITE_NULL);
			assert_int_not_equal(sqlite3_column_type(q, 6), SQLITE_NULL);
			assert_true(truth >= sqlite3_column_int64(q, 5));
			assert_true(truth <= sqlite3_column_int64(q, 6));
		} else if (llabs(sqlite3_column_int64(q, 3) - truth) >
		           sqlite3_column_int64(q, 4) + 1000) { /* lines hold milliseconds */
			fail_msg("epoch %u seq %d, %s: %lld us off, error said %lld", e, (int)seq,
			         status, (long long)(sqlite3_column_int64(q, 3) - truth),
			         (long long)sqlite3_column_int64(q, 4));
		}
	}
	sqlite3_finalize(q);
}

static void the_order_of_arrival_does_not_matter_and_the_truth_is_within_the_bound(void **state)
{
	int sagas = getenv("LANEWAY_LONG") ? 1000 : SAGAS;
	(void)state;
	for (int round = 1; round <= sagas; round++) {
		seed = (uint64_t)round;
		struct saga g;
		struct world *one = world_new(), *two;
		tell_saga(&g, one);
		char *a = receive(&g, one), *b;
		check_truth(&g, one);
		for (int again = 0; again < 2; again++) {
			two = world_new();
			b = receive(&g, two);
			if (strcmp(a, b) != 0)
				fail_msg("seed %d: another order, another result:\n%s\n%s", round,
				         a, b);
			free(b);
			world_free(two);
		}
		for (int i = 0; i < g.stores; i++)
			store_free(g.store[i]);
		world_free(one);
		free(a);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(events_before_the_first_point_are_repaired_when_it_comes),
	    TEST(a_boot_without_trusted_time_lies_between_its_neighbours),
	    TEST(a_trusted_event_stands_for_a_point_that_was_lost_in_a_power_cut),
	    TEST(the_end_of_the_boot_before_counts_also_when_it_comes_last),
	    TEST(three_boots_without_network_add_up),
	    TEST(a_clock_that_hqs_word_contradicts_is_repaired_though_it_was_trusted),
	    TEST(a_store_that_trusts_another_time_than_hq_is_an_alarm_once),
	    TEST(the_view_has_every_event_with_its_bound),
	    TEST(what_cannot_be_a_point_is_none),
	    cmocka_unit_test(
	        the_order_of_arrival_does_not_matter_and_the_truth_is_within_the_bound),
	};
	log_open("hq_time_boot_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

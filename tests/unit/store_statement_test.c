/* The statement: its bytes, its signature, and counting it out of a journal. */
#include "journal_place.h"

#include <jansson.h>

#include "store/statement.h"

#define PROPERTIES                                                                                 \
	"{\"business_date\":\"2026-11-21\",\"counts\":{\"Basket Opened\":3,\"Order "               \
	"Completed\":2},"                                                                          \
	"\"device\":\"d1\",\"first_date\":\"2026-11-20\",\"more\":false,\"ranges\":[{\"epoch\":"   \
	"\"0102030405060708\",\"from\":3,\"h\":"                                                   \
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"h_prev\":"         \
	"\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"to\":8}],"         \
	"\"signature\":"                                                                           \
	"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"          \
	"AAAAAAAAA\",\"training\":{\"Basket Opened\":1},\"version\":1}"

static struct statement *parse(const char *json, const char *expected_fault)
{
	struct statement *s = calloc(1, sizeof *s);
	char err[200] = "";
	json_t *o = json_loads(json, 0, NULL);
	assert_non_null(o);
	int rc = statement_read(o, s, err, sizeof err);
	json_decref(o);
	if (!expected_fault && rc != 0)
		fail_msg("%s", err);
	if (expected_fault) {
		assert_int_equal(rc, -1);
		if (!strstr(err, expected_fault))
			fail_msg("\"%s\" is not \"%s\"", err, expected_fault);
	}
	return s;
}

static void what_is_read_is_written_again_byte_by_byte(void **state)
{
	(void)state;
	struct statement *s = parse(PROPERTIES, NULL);
	struct buf out = {0};
	statement_write(s, true, &out);
	buf_byte(&out, '\0');
	assert_string_equal((char *)out.data, PROPERTIES);
	assert_int_equal(s->counts.total, 5);
	assert_int_equal(s->training.total, 1);
	assert_int_equal(s->range[0].to, 8);
	buf_free(&out);
	free(s);
}

static void the_signature_is_over_the_canonical_text_without_itself(void **state)
{
	(void)state;
	struct statement *s = parse(PROPERTIES, NULL);
	struct buf own = {0}, parsed = {0};
	uint8_t priv[32], pub[32];
	memset(priv, 0x45, sizeof priv);
	text_unhex(PLACE_SIGN_PUB, pub, sizeof pub);
	assert_int_equal(statement_sign(s, "s1", priv), 0);
	statement_write(s, true, &own);
	json_t *o = json_loadb((char *)own.data, own.len, 0, NULL);
	assert_int_equal(statement_signed_bytes("s1", o, &parsed), 0);
	static const char head[] = "laneway statement v1\0s1";
	assert_memory_equal(parsed.data, head, sizeof head);
	assert_true(vault_verify(pub, parsed.data, parsed.len, s->signature));
	buf_reset(&parsed);
	assert_int_equal(statement_signed_bytes("s2", o, &parsed), 0);
	assert_false(vault_verify(pub, parsed.data, parsed.len, s->signature));
	/* A member that this release does not know is under the signature too. */
	json_object_set_new(o, "zzz", json_integer(1));
	buf_reset(&parsed);
	assert_int_equal(statement_signed_bytes("s1", o, &parsed), 0);
	assert_false(vault_verify(pub, parsed.data, parsed.len, s->signature));
	json_decref(o);
	buf_free(&own);
	buf_free(&parsed);
	free(s);
}

static void a_statement_that_is_none_says_what_is_wrong(void **state)
{
	static const struct {
		const char *from, *to, *fault;
	} cases[] = {
	    {"2026-11-20", "2026-11-22", "first_date"},
	    {"\"business_date\":\"2026-11-21\"", "\"business_date\":\"2026-13-21\"",
	     "business_date"},
	    {"\"device\":\"d1\"", "\"device\":7", "device"},
	    {"\"version\":1", "\"version\":0", "version"},
	    {"\"version\":1", "\"version\":1.5", "version"},
	    {"\"Basket Opened\":3", "\"Basket Opened\":-3", "counts"},
	    {"\"from\":3", "\"from\":0", "ranges"},
	    {"\"to\":8", "\"to\":2", "ranges"},
	    {"\"to\":8", "\"to\":9007199254740993", "ranges"},
	    {"0102030405060708", "010203040506070", "ranges"},
	    {"AAAAAAAAA\"", "AAAAAAAA\"", "signature"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[2000];
		const char *at = strstr(PROPERTIES, cases[i].from);
		assert_non_null(at);
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - PROPERTIES), PROPERTIES,
		         cases[i].to, at + strlen(cases[i].from));
		free(parse(text, cases[i].fault));
	}
	free(parse("[]", "no object"));
}

static void a_seq_stands_in_a_statement_once(void **state)
{
	(void)state;
	struct statement *s = parse(PROPERTIES, NULL);
	struct buf out = {0};
	s->range[1] = s->range[0];
	s->ranges = 2;
	statement_write(s, true, &out);
	buf_byte(&out, '\0');
	free(parse((char *)out.data, "each seq once"));
	buf_free(&out);
	free(s);
}

static void kinds_are_counted_in_the_order_of_their_bytes(void **state)
{
	(void)state;
	struct statement_counts *c = calloc(1, sizeof *c), *other = calloc(1, sizeof *other);
	const char *events[] = {"Visit Ended", "Basket", "Basket Opened", "Visit Ended", "A"};
	struct buf out = {0};
	for (size_t i = 0; i < 5; i++) {
		assert_true(statement_count(c, events[i], strlen(events[i])));
		assert_true(statement_count(other, events[4 - i], strlen(events[4 - i])));
	}
	statement_counts_write(c, &out);
	buf_byte(&out, '\0');
	assert_string_equal((char *)out.data,
	                    "{\"A\":1,\"Basket\":1,\"Basket Opened\":1,\"Visit Ended\":2}");
	assert_true(statement_counts_equal(c, other));
	statement_count(other, "A", 1);
	assert_false(statement_counts_equal(c, other));
	assert_false(statement_count(c, "", 0));
	assert_false(statement_count(c, "a name that is longer than any event's name may be", 49));
	buf_free(&out);
	free(c);
	free(other);
}

static void dates_move_over_months_and_leap_days(void **state)
{
	static const struct {
		const char *from;
		int days;
		const char *to;
	} cases[] = {{"2026-11-30", 1, "2026-12-01"},  {"2027-01-01", -1, "2026-12-31"},
	             {"2028-02-28", 1, "2028-02-29"},  {"2026-03-01", -1, "2026-02-28"},
	             {"1970-01-01", -1, "1969-12-31"}, {"2026-02-30", 1, ""}};
	char out[CLOCK_DATE_SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		statement_date_move(cases[i].from, cases[i].days, out);
		assert_string_equal(out, cases[i].to);
	}
}

/* ---- out of a journal ---- */

static struct statement_place here(struct place *p)
{
	struct journal_state s = place_state(p);
	return (struct statement_place){s.ordinal, s.last_seq};
}

static struct statement *build(struct place *p, struct statement_place covered,
                               struct statement_place until, struct statement_place *end)
{
	struct statement *s = calloc(1, sizeof *s);
	struct statement_job job = {.covered = covered, .until = until};
	char err[200] = "";
	if (statement_build(place_reader(p), &job, s, end, err, sizeof err) != 0)
		fail_msg("%s", err);
	return s;
}

static void a_statement_covers_what_lies_between_two_places(void **state)
{
	struct place *p = *state;
	struct statement_place covered, end;
	place_fill(p, 5);
	covered = here(p);
	place_fill(p, 7);
	struct statement_place until = here(p);
	place_fill(p, 3);
	struct statement *s = build(p, covered, until, &end);
	assert_int_equal(s->ranges, 1);
	assert_int_equal(s->range[0].from, 7);
	assert_int_equal(s->range[0].to, 13);
	assert_int_equal(s->counts.total, 7);
	assert_int_equal(s->counts.kinds, 1);
	assert_int_equal(end.seq, 13);
	uint8_t h[EVENT_HASH_BYTES];
	assert_int_equal(journal_reader_h(p->reader, s->range[0].epoch, 6, h), 0);
	assert_memory_equal(h, s->range[0].h_prev, sizeof h);
	assert_int_equal(journal_reader_h(p->reader, s->range[0].epoch, 13, h), 0);
	assert_memory_equal(h, s->range[0].h, sizeof h);
	free(s);
}

static void a_statement_goes_over_every_epoch_in_between(void **state)
{
	struct place *p = *state;
	struct statement_place covered, end;
	place_fill(p, 2);
	covered = here(p);
	place_fill(p, 1);
	for (int i = 0; i < 3; i++) {
		place_stop(p);
		place_start(p);
		place_fill(p, i);
	}
	struct statement *s = build(p, covered, here(p), &end);
	assert_int_equal(s->ranges, 4);
	assert_int_equal(s->range[0].from, 4);
	assert_int_equal(s->range[0].to, 4);
	assert_int_equal(s->range[3].from, 1);
	assert_int_equal(s->range[3].to, 3);
	assert_int_equal(s->counts.total, 1 + 1 + 2 + 3);
	assert_int_equal(end.ordinal, here(p).ordinal);
	free(s);
	s = build(p, end, here(p), &end);
	assert_int_equal(s->ranges, 0); /* nothing is left over */
	free(s);
}

/* As salvage leaves an epoch of a damaged file of which packs were lost. */
static void make_hole(struct place *p, int first, int last)
{
	char sql[300];
	snprintf(sql, sizeof sql,
	         "DELETE FROM pack WHERE ordinal = 1 AND first BETWEEN %d AND %d;"
	         "INSERT INTO hole VALUES(1, %d, %d); UPDATE epoch SET cause = 'salvaged' WHERE "
	         "ordinal = 1",
	         first, last, first, last);
	place_damage(p, sql);
}

static void what_did_not_come_back_from_a_damaged_file_is_left_out(void **state)
{
	struct place *p = *state;
	struct statement_place end;
	place_fill(p, 10);
	place_stop(p);
	make_hole(p, 5, 7);
	place_start(p);
	struct statement *s = build(p, (struct statement_place){0, 0}, here(p), &end);
	assert_int_equal(s->ranges, 3);
	assert_int_equal(s->range[0].to, 4);
	assert_int_equal(s->range[1].from, 8);
	assert_int_equal(s->range[1].to, 11);
	assert_int_equal(s->counts.total, 4 + 4 + 1);
	struct buf out = {0};
	s->version = 1;
	strcpy(s->device, "d1");
	strcpy(s->first_date, "2026-11-21");
	strcpy(s->business_date, "2026-11-21");
	statement_write(s, true, &out);
	buf_byte(&out, '\0');
	free(parse((char *)out.data, NULL)); /* one epoch twice, each seq once */
	buf_free(&out);
	free(s);
}

static void counting_goes_on_over_more_events_than_one_piece(void **state)
{
	struct place *p = *state;
	struct statement_place end;
	for (int n = 0; n < 6; n++) {
		struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
		for (int i = 1; i < 1000; i++) {
			struct lw_event *ev = entry_add(e, EVENT_PRODUCT_ADDED), copy = *e->first;
			copy.next = NULL;
			copy.training = i % 10 == 0;
			*ev = copy;
		}
		entry_free(place_commit(p, e));
	}
	struct statement *s = build(p, (struct statement_place){0, 0}, here(p), &end);
	assert_int_equal(s->counts.total, 1 + 6 * 901);
	assert_int_equal(s->training.total, 6 * 99);
	free(s);
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static void counting_can_be_given_up(void **state)
{
	struct place *p = *state;
	struct statement_job job = {.until = here(p), .go_on = never};
	struct statement *s = calloc(1, sizeof *s);
	struct statement_place end;
	char err[200] = "";
	assert_int_equal(statement_build(place_reader(p), &job, s, &end, err, sizeof err), -1);
	assert_non_null(strstr(err, "stopped"));
	free(s);
}

static void the_first_date_is_of_a_trusted_clock(void **state)
{
	static const enum clock_trust trust[] = {CLOCK_NONE, CLOCK_NONE, CLOCK_RTC, CLOCK_KERNEL};
	static const char *const dates[] = {"1970-01-01", "2036-01-01", "2026-11-19", "2026-11-21"};
	struct place *p = *state;
	struct statement_job job = {.covered = here(p)};
	char date[CLOCK_DATE_SIZE], err[200] = "";
	for (int i = 0; i < 4; i++) {
		struct entry *e = place_entry(EVENT_BOX_STARTED);
		e->first->trust = trust[i];
		e->first->business_date = dates[i];
		entry_free(place_commit(p, e));
		job.until = here(p);
		int rc = statement_first_date(place_reader(p), &job, date, err, sizeof err);
		assert_int_equal(rc, i >= 2);
		assert_string_equal(date, i >= 2 ? "2026-11-19" : "");
	}
}

#define PLACE_TEST(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_read_is_written_again_byte_by_byte),
	    cmocka_unit_test(the_signature_is_over_the_canonical_text_without_itself),
	    cmocka_unit_test(a_statement_that_is_none_says_what_is_wrong),
	    cmocka_unit_test(a_seq_stands_in_a_statement_once),
	    cmocka_unit_test(kinds_are_counted_in_the_order_of_their_bytes),
	    cmocka_unit_test(dates_move_over_months_and_leap_days),
	    PLACE_TEST(a_statement_covers_what_lies_between_two_places),
	    PLACE_TEST(a_statement_goes_over_every_epoch_in_between),
	    PLACE_TEST(what_did_not_come_back_from_a_damaged_file_is_left_out),
	    PLACE_TEST(counting_goes_on_over_more_events_than_one_piece),
	    PLACE_TEST(counting_can_be_given_up),
	    PLACE_TEST(the_first_date_is_of_a_trusted_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event/event.h"
#include "sync/squeeze.h"

#define MUTANTS 4000

static const uint8_t epoch[8] = {0xdb, 0x3b, 0xf9, 0x30, 0x57, 0xe8, 0xb8, 0xc0};

struct fixture {
	struct squeeze *squeeze;
	struct buf lines, text, raw, out;
	struct squeeze_head head;
	int64_t mono_us, wall_us;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->squeeze = squeeze_new();
	f->head = (struct squeeze_head){.store = "s1", .epoch = epoch, .first = 995};
	f->mono_us = 11782185209;
	f->wall_us = 1795280523123456;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct buf *all[] = {&f->lines, &f->text, &f->raw, &f->out};
	squeeze_free(f->squeeze);
	for (size_t i = 0; i < 4; i++)
		buf_free(all[i]);
	free(f);
	return 0;
}

static void add_line(struct fixture *f, const char *line)
{
	buf_str(&f->lines, line);
	buf_byte(&f->lines, '\n');
	f->head.count++;
}

/* The next event of a basket, as the journal writes it. */
static void add_event(struct fixture *f, enum event_kind kind, const char *properties)
{
	struct entry_id id = {.session = "s5-6b024bc0", .counter = 40 + f->head.count / 2};
	struct lw_event_stamp stamp = {.store = "s1",
	                               .boot = "222b0a526e35438f9bf5abb5f8abbb31",
	                               .epoch = epoch,
	                               .seq = f->head.first + f->head.count,
	                               .id = &id};
	struct lw_event ev = {.kind = kind,
	                      .mono_us = f->mono_us,
	                      .wall_us = f->wall_us,
	                      .business_date = "2026-11-21",
	                      .utc_offset_min = 60,
	                      .source = "till:T1",
	                      .lane = "1",
	                      .visit_id = "njlCHjtBh1Js5xwvcwj3hw",
	                      .basket_id = "gN7qr7JcbWktCj35jFcj4A",
	                      .properties = properties};
	assert_int_equal(lw_event_line(&f->lines, &ev, &stamp), 0);
	buf_byte(&f->lines, '\n');
	f->head.count++;
	f->mono_us += 123457;
	f->wall_us += 123457;
}

static void add_article(struct fixture *f, int n)
{
	char properties[400];
	snprintf(properties, sizeof(properties),
	         "{\"cart_id\":\"gN7qr7JcbWktCj35jFcj4A\",\"currency\":\"EUR\",\"entry_method\":"
	         "\"scanned\",\"line_id\":\"%d\",\"name\":\"Rye bread\",\"price\":\"2.89\","
	         "\"quantity\":\"1\",\"sku\":\"4311501043271\",\"unit\":\"piece\"}",
	         n);
	add_event(f, EVENT_PRODUCT_ADDED, properties);
}

/* Packed into f->text and f->raw; the bytes of both. */
static size_t pack(struct fixture *f)
{
	const struct buf *text, *raw;
	assert_int_equal(
	    squeeze_pack(f->squeeze, &f->head, f->lines.data, f->lines.len, &text, &raw), 0);
	buf_reset(&f->text);
	buf_reset(&f->raw);
	buf_add(&f->text, text->data, text->len);
	buf_add(&f->raw, raw->data, raw->len);
	return text->len + raw->len;
}

static int unpack(struct fixture *f, size_t max)
{
	struct squeeze_form form = {f->text.data, f->raw.data, f->text.len, f->raw.len};
	buf_reset(&f->out);
	return squeeze_unpack(f->squeeze, &f->head, &form, max, &f->out);
}

static size_t comes_back(struct fixture *f)
{
	size_t n = pack(f);
	assert_int_equal(unpack(f, f->lines.len), 0);
	assert_int_equal(f->out.len, f->lines.len);
	assert_memory_equal(f->out.data, f->lines.data, f->lines.len);
	return n;
}

static void a_basket_comes_back_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	add_event(f, EVENT_VISIT_STARTED, "{\"evidence\":\"basket\",\"place\":\"lane\"}");
	for (int i = 1; i < 30; i++)
		add_article(f, i);
	add_event(
	    f, EVENT_ORDER_COMPLETED,
	    "{\"cart_id\":\"gN7qr7JcbWktCj35jFcj4A\",\"order_id\":\"s1/T1/2026-11-21/0019\","
	    "\"products\":[{\"line_id\":\"1\",\"name\":\"A \\\"b\\\"\\u001F\",\"price\":\"2.89\"},"
	    "{\"line_id\":\"2\",\"name\":\"A\",\"price\":\"2.89\"}],\"receipt_number\":\"0019\"}");
	comes_back(f);
}

static void what_can_be_worked_out_costs_a_byte_or_two(void **state)
{
	struct fixture *f = *state;
	for (int i = 1; i <= 10; i++)
		add_article(f, i);
	size_t ten = comes_back(f);
	for (int i = 11; i <= 110; i++)
		add_article(f, i);
	/* 27 values a line, a byte each before zstd, and three of mono_us */
	assert_in_range(comes_back(f) - ten, 1, 100 * 36);
}

/* The clock that was set goes with mono_us again after one line. */
static void a_clock_that_was_set_or_a_boot_that_changed_comes_back(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 40; i++) {
		add_article(f, i);
		if (i == 10)
			f->wall_us += 10LL * 365 * 86400 * 1000000;
		if (i == 20)
			f->wall_us = 123;
		if (i == 30)
			f->mono_us = 77;
	}
	comes_back(f);
}

static void lines_of_any_bytes_come_back(void **state)
{
	struct fixture *f = *state;
	static const char *const odd[] = {
	    "",
	    "{}",
	    "not json",
	    "\"",
	    "\"\\",
	    "{\"a\":\"",
	    "{\"a\":-1,\"b\":00012,\"c\":1e5}",
	    "\x01",
	    "{\"a\":\"x\x01y\"}",
	    "{\"seq\":995,\"seq\":\"995\",\"epoch\":\"db3bf93057e8b8c0\"}",
	    "{\"originalTimestamp\":\"2026-02-31T00:00:00.000Z\",\"business_date\":\"2026-02-31\"}",
	    "{\"mono_us\":99999999999999999999,\"originalTimestamp\":\"0001-01-01T00:00:00.000Z\"}",
	    "{\"mono_us\":999999999999999999,\"originalTimestamp\":\"9999-12-31T23:59:59.999Z\"}",
	    "{\"mono_us\":0,\"originalTimestamp\":\"1970-01-01T00:00:00.000Z\",\"d\":\"9999-12-"
	    "31\"}",
	    "{\"a\":[\"1\",\"2\",\"3\",\"9\",\"10\",\"099\",\"100\",\"999999999999999\","
	    "\"9999999999999999\"]}",
	    "{\"boot\":\"222B0A526E35438F9BF5ABB5F8ABBB31\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAB\"}",
	    "{\"c\":\"rqb-wzr8RvdpOsAf9-ANdPiMtmSSxXiygmiT-6EHhL6PTsOf9m1WJ_s\",\"n\":\"\"}",
	    "{\"cart_id\":\"\",\"visit_id\":\"\",\"receipt_number\":\"\",\"order_id\":\"/\"}",
	    "{\"source\":\"till:\",\"business_date\":\"\",\"order_id\":\"s1///\"}",
	};
	for (int twice = 0; twice < 2; twice++)
		for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
			add_line(f, odd[i]);
	comes_back(f);
}

/* Bytes turned over, taken out and doubled in real lines: no line is one that was thought of. */
static void mutants_of_real_lines_come_back(void **state)
{
	struct fixture *f = *state;
	static const char likely[] = "\"\\:,{}[]0129aZ_-/\x01 ";
	for (int i = 1; i <= 6; i++)
		add_article(f, i);
	add_event(f, EVENT_ORDER_COMPLETED,
	          "{\"order_id\":\"s1/T1/2026-11-21/0019\",\"receipt_number\":\"0019\"}");
	struct buf whole = {0};
	buf_add(&whole, f->lines.data, f->lines.len);
	srand(11);
	for (int i = 0; i < MUTANTS; i++) {
		buf_reset(&f->lines);
		buf_add(&f->lines, whole.data, whole.len);
		for (int k = rand() % 12; k >= 0; k--) {
			size_t at = (size_t)rand() % f->lines.len;
			int to =
			    rand() % 4 ? likely[rand() % (int)(sizeof(likely) - 1)] : rand() % 256;
			if (f->lines.data[at] != '\n' && to != '\n')
				f->lines.data[at] = (uint8_t)to;
		}
		comes_back(f);
	}
	buf_free(&whole);
}

static void more_shapes_than_there_is_room_for_come_back(void **state)
{
	struct fixture *f = *state;
	char line[64];
	for (int i = 0; i < SQUEEZE_SHAPES_MAX + 50; i++) {
		snprintf(line, sizeof(line), "{\"key%d\":\"Value %d\"}", i, i);
		add_line(f, line);
	}
	add_line(f, "{\"key3\":\"Value 4\"}");
	comes_back(f);
}

static void a_line_of_more_values_than_there_is_room_for_travels_whole(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < SQUEEZE_VALUES_MAX + 1; i++)
		buf_str(&f->lines, i ? ",7" : "7");
	buf_byte(&f->lines, '\n');
	f->head.count = 1;
	comes_back(f);
}

static void lines_that_are_not_count_many_or_not_whole_are_not_packed(void **state)
{
	struct fixture *f = *state;
	const struct buf *text, *raw;
	add_line(f, "{}");
	add_line(f, "{}");
	for (uint32_t count = 1; count <= 3; count += 2) {
		f->head.count = count;
		assert_int_equal(
		    squeeze_pack(f->squeeze, &f->head, f->lines.data, f->lines.len, &text, &raw),
		    -1);
	}
	f->head.count = 2;
	assert_int_equal(
	    squeeze_pack(f->squeeze, &f->head, f->lines.data, f->lines.len - 1, &text, &raw), -1);
}

static void a_form_that_unpacks_to_more_than_allowed_is_refused(void **state)
{
	struct fixture *f = *state;
	add_article(f, 1);
	pack(f);
	for (size_t max = 0; max < f->lines.len; max++)
		assert_int_equal(unpack(f, max), -1);
	assert_int_equal(unpack(f, f->lines.len), 0);
}

static void a_form_cut_anywhere_or_with_a_byte_more_is_refused(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 3; i++)
		add_article(f, i);
	pack(f);
	size_t text = f->text.len, raw = f->raw.len;
	for (f->text.len = 0; f->text.len < text; f->text.len++)
		assert_int_equal(unpack(f, 100000), -1);
	for (f->raw.len = 0; f->raw.len < raw; f->raw.len++)
		assert_int_equal(unpack(f, 100000), -1);
	buf_byte(&f->raw, 0);
	assert_int_equal(unpack(f, 100000), -1);
	f->raw.len--;
	buf_byte(&f->text, 'x');
	assert_int_equal(unpack(f, 100000), -1);
}

/* What it unpacks to matters to nobody (the hash tells); that it stays within its bounds does. */
static void a_form_with_any_byte_changed_is_refused_or_stays_within_its_bounds(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 6; i++)
		add_article(f, i);
	pack(f);
	for (size_t i = 0; i < f->text.len; i++)
		for (int k = 1; k < 256; k += 13) {
			f->text.data[i] = (uint8_t)(f->text.data[i] ^ k);
			unpack(f, 5000);
			assert_in_range(f->out.len, 0, 5000);
			f->text.data[i] = (uint8_t)(f->text.data[i] ^ k);
		}
}

/* A form made by hand, of one or two lines. */
struct made {
	const char *why, *shapes, *codes;
	size_t codes_len;
	const char *texts, *raw;
	size_t raw_len;
	uint32_t count;
};
#define BYTES(text) (text), sizeof(text) - 1

static int unpack_made(struct fixture *f, const struct made *m)
{
	buf_reset(&f->text);
	buf_reset(&f->raw);
	buf_byte(&f->text, (uint8_t)strlen(m->shapes));
	buf_byte(&f->text, (uint8_t)m->codes_len);
	buf_str(&f->text, m->shapes);
	buf_add(&f->text, m->codes, m->codes_len);
	buf_str(&f->text, m->texts);
	buf_add(&f->raw, m->raw, m->raw_len);
	f->head.count = m->count;
	return unpack(f, 1000);
}

#define ONE "{\"a\":\"\x01\"}\n"
#define DAY "\"business_date\":\"\x01\",\"t\":\"\x01\"\n"
#define TWO "{\"a\":\"\x01\",\"b\":\"\x01\"}\n"

static void forms_made_by_hand_are_read_as_the_wire_document_says(void **state)
{
	struct fixture *f = *state;
	static const struct {
		struct made made;
		const char *lines;
	} good[] = {
	    {{"", "", BYTES("\0"), "any text\n", BYTES(""), 1}, "any text\n"},
	    {{"", ONE, BYTES("\1\0\2\2\1\x21"), "B9\n", BYTES(""), 2},
	     "{\"a\":\"B9\"}\n{\"a\":\"B11\"}\n"},
	    {{"", ONE, BYTES("\1\0\2\2\1\x20"), "x007\n", BYTES(""), 2},
	     "{\"a\":\"x007\"}\n{\"a\":\"x008\"}\n"},
	    {{"", TWO, BYTES("\1\0\2\x40"), "same\n", BYTES(""), 1},
	     "{\"a\":\"same\",\"b\":\"same\"}\n"},
	    {{"", TWO, BYTES("\1\0\2\x80"), "same\n", BYTES(""), 1},
	     "{\"a\":\"same\",\"b\":\"same\"}\n"},
	    {{"", "\x01,\x01\n", BYTES("\1\0\2\xc1"), "5\n", BYTES(""), 1}, "5,7\n"},
	    {{"", ONE, BYTES("\1\0\6"), "", BYTES("\xac\x02"), 1}, "{\"a\":\"150\"}\n"},
	    {{"", ONE, BYTES("\1\0\7"), "", BYTES("\0"), 1},
	     "{\"a\":\"1970-01-01T00:00:00.000Z\"}\n"},
	    {{"", ONE, BYTES("\1\0\x08"), "", BYTES("\x1f"), 1}, "{\"a\":\"1970-02-01\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0e"), "", BYTES("\xac\x02"), 1}, "{\"a\":\"300\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0e"), "", BYTES("\xff\xff\x8f\xbb\xba\xd6\xad\xf0\x0d"), 1},
	     "{\"a\":\"999999999999999999\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0b"), "", BYTES("\0"), 1}, "{\"a\":\"2026-01-01\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0b"), "", BYTES("\x88\x05"), 1}, "{\"a\":\"2026-11-21\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0b"), "", BYTES("\xcb\xbf\x02"), 1},
	     "{\"a\":\"1970-01-01\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0b"), "", BYTES("\xf4\xc2\xe3\x02"), 1},
	     "{\"a\":\"9999-12-31\"}\n"},
	    {{"", DAY, BYTES("\1\0\x0b\x0c"), "", BYTES("\x88\x05\0"), 1},
	     "\"business_date\":\"2026-11-21\",\"t\":\"2026-11-21T12:00:00.000Z\"\n"},
	    {{"", DAY, BYTES("\1\0\x0b\x0c"), "", BYTES("\x88\x05\xcf\x0f"), 1},
	     "\"business_date\":\"2026-11-21\",\"t\":\"2026-11-21T11:59:59.000Z\"\n"},
	    {{"", ONE, BYTES("\1\0\x0d"), "", BYTES("\x64\x62\x8c\x7f\x07"), 1},
	     "{\"a\":\"4311501043271\"}\n"},
	    {{"", ONE, BYTES("\1\0\x0d"), "", BYTES("\0\0\0\0\0"), 1},
	     "{\"a\":\"0000000000000\"}\n"},
	    {{"", ONE, BYTES("\1\0\2\2\1\x09\2"), "abc\nz\n", BYTES(""), 2},
	     "{\"a\":\"abc\"}\n{\"a\":\"abz\"}\n"},
	    {{"", "\"seq\":\x01\n", BYTES("\1\0\0"), "", BYTES(""), 1}, "\"seq\":995\n"},
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (unpack_made(f, &good[i].made))
			fail_msg("refused: %s", good[i].lines);
		assert_int_equal(f->out.len, strlen(good[i].lines));
		assert_memory_equal(f->out.data, good[i].lines, f->out.len);
	}
}

/* Alone in a batch a line costs what no line before it can tell. */
static void a_line_alone_says_its_day_time_and_article_in_few_bytes(void **state)
{
	struct fixture *f = *state;
	static const char *const values[] = {"4311501043271",  "4311501043272", "431150104327",
	                                     "43115010432710", "431150104327x", "4311501O43271"};
	static const size_t raw[] = {5, 0, 0, 0, 0, 0};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char line[200];
		snprintf(line, sizeof(line),
		         "{\"business_date\":\"2026-11-21\",\"originalTimestamp\":\"2026-11-22T02:"
		         "59:59.999Z\","
		         "\"sku\":\"%s\"}",
		         values[i]);
		buf_reset(&f->lines);
		f->head.count = 0;
		add_line(f, line);
		comes_back(f);
		assert_int_equal(f->raw.len, 2 + 4 + raw[i]);
	}
	/* zstd finds the second one in the first: it must not be among what zstd does not see. */
	buf_reset(&f->lines);
	f->head.count = 0;
	add_line(f, "{\"a\":\"4311501043271\"}");
	add_line(f, "{\"b\":\"4311501043271\"}");
	comes_back(f);
	assert_int_equal(f->raw.len, 0);
}

static const struct made impossible[] = {
    {"a line before the first", ONE, BYTES("\1\1\1"), "", BYTES(""), 1},
    {"a line far before the first", ONE, BYTES("\1\x40\1"), "", BYTES(""), 1},
    {"a line more than 64 back", ONE, BYTES("\1\x41\2"), "x\n", BYTES(""), 1},
    {"a line without a shape", ONE, BYTES("\0\1\1\2"), "x\ny\n", BYTES(""), 2},
    {"a line whose shape has no place", "{}\n" ONE, BYTES("\1\0\1\1\2"), "x\n", BYTES(""), 2},
    {"a time counted on beyond 9999", "\"originalTimestamp\":\x01\n", BYTES("\1\0\7\2\0\7"), "",
     BYTES("\xfe\xef\xfe\xa1\xfa\x9d\x73\2"), 2},
    {"a shape that is not there", ONE, BYTES("\1\0\2\3\0\2"), "x\ny\n", BYTES(""), 2},
    {"a shape too many", ONE ONE, BYTES("\1\0\2"), "x\n", BYTES(""), 1},
    {"16 digits", ONE, BYTES("\1\0\2\2\1\x20"), "1234567890123456\n", BYTES(""), 2},
    {"no digits", ONE, BYTES("\1\0\2\2\1\x20"), "x\n", BYTES(""), 2},
    {"nothing to count on from", ONE, BYTES("\1\0\x20"), "", BYTES(""), 1},
    {"nothing of the same key", TWO, BYTES("\1\0\2\xc0"), "1\n", BYTES(""), 1},
    {"itself", ONE, BYTES("\1\0\x40"), "", BYTES(""), 1},
    {"a value behind it", TWO, BYTES("\1\0\x41\2"), "x\n", BYTES(""), 1},
    {"a value before the first", TWO, BYTES("\1\0\2\x81"), "x\n", BYTES(""), 1},
    {"nothing expected", ONE, BYTES("\1\0\0"), "", BYTES(""), 1},
    {"nothing referred to", ONE, BYTES("\1\0\1"), "", BYTES(""), 1},
    {"an unknown code", ONE, BYTES("\1\0\x0f"), "", BYTES(""), 1},
    {"more of a prefix than there is", ONE, BYTES("\1\0\2\2\1\x09\4"), "abc\nz\n", BYTES(""), 2},
    {"raw bytes that are not there", ONE, BYTES("\1\0\3"), "", BYTES("123456789012345"), 1},
    {"hex that is not there", ONE, BYTES("\1\0\4\3"), "", BYTES("12"), 1},
    {"a number below 0", ONE, BYTES("\1\0\6"), "", BYTES("\1"), 1},
    {"a number of 10^18", ONE, BYTES("\1\0\6"), "", BYTES("\x80\x80\xa0\xf6\xf4\xac\xdb\xe0\x1b"),
     1},
    {"a number without an end", ONE, BYTES("\1\0\6"), "",
     BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1},
    {"a time before 1970", ONE, BYTES("\1\0\7"), "", BYTES("\1"), 1},
    {"a time after 9999", ONE, BYTES("\1\0\7"), "", BYTES("\x80\xf0\xfe\xa1\xfa\x9d\x73"), 1},
    {"a day after 9999", ONE, BYTES("\1\0\x08"), "", BYTES("\xa1\x81\xb3\x01"), 1},
    {"a day before 1970", ONE, BYTES("\1\0\x0b"), "", BYTES("\xcd\xbf\x02"), 1},
    {"a day behind 9999", ONE, BYTES("\1\0\x0b"), "", BYTES("\xf6\xc2\xe3\x02"), 1},
    {"a day far behind 9999", ONE, BYTES("\1\0\x0b"), "",
     BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"), 1},
    {"a day far before 1970", ONE, BYTES("\1\0\x0b"), "",
     BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 1},
    {"a time of no day", ONE, BYTES("\1\0\x0c"), "", BYTES("\0"), 1},
    {"a time of a day that is none", DAY, BYTES("\1\0\2\x0c"), "2026-02-31\n", BYTES("\0"), 1},
    {"a time of a day that follows", "\"t\":\"\x01\",\"business_date\":\"\x01\"\n",
     BYTES("\1\0\x0c\x0b"), "", BYTES("\0\0"), 1},
    {"a time of a day, before 1970", DAY, BYTES("\1\0\x0b\x0c"), "",
     BYTES("\xcb\xbf\x02\x81\xb8\x99\x29"), 1},
    {"a time of a day, after 9999", DAY, BYTES("\1\0\x0b\x0c"), "",
     BYTES("\xf4\xc2\xe3\x02\x80\xb8\x99\x29"), 1},
    {"a time of a day, far after it", DAY, BYTES("\1\0\x0b\x0c"), "",
     BYTES("\x88\x05\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"), 1},
    {"a first number of 10^18", ONE, BYTES("\1\0\x0e"), "",
     BYTES("\x80\x80\x90\xbb\xba\xd6\xad\xf0\x0d"), 1},
    {"an article of 13 digits", ONE, BYTES("\1\0\x0d"), "", BYTES("\xe8\xd4\xa5\x10\0"), 1},
    {"an article of 4 bytes", ONE, BYTES("\1\0\x0d"), "", BYTES("1234"), 1},
    {"an order's id without a till", ONE, BYTES("\1\0\x0a"), "1\n", BYTES(""), 1},
    {"a text too few", ONE, BYTES("\1\0\2"), "x", BYTES(""), 1},
    {"a text too many", ONE, BYTES("\1\0\2"), "x\ny\n", BYTES(""), 1},
    {"a code too many", ONE, BYTES("\1\0\2\2"), "x\n", BYTES(""), 1},
};

static void forms_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	/* What stood in the scratch before must not be found. */
	for (int i = 0; i < 70; i++)
		add_article(f, i);
	comes_back(f);
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		if (unpack_made(f, &impossible[i]) == 0)
			fail_msg("accepted: %s", impossible[i].why);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_basket_comes_back_byte_for_byte),
	    TEST(what_can_be_worked_out_costs_a_byte_or_two),
	    TEST(a_clock_that_was_set_or_a_boot_that_changed_comes_back),
	    TEST(lines_of_any_bytes_come_back),
	    TEST(mutants_of_real_lines_come_back),
	    TEST(more_shapes_than_there_is_room_for_come_back),
	    TEST(a_line_of_more_values_than_there_is_room_for_travels_whole),
	    TEST(lines_that_are_not_count_many_or_not_whole_are_not_packed),
	    TEST(a_form_that_unpacks_to_more_than_allowed_is_refused),
	    TEST(a_form_cut_anywhere_or_with_a_byte_more_is_refused),
	    TEST(forms_made_by_hand_are_read_as_the_wire_document_says),
	    TEST(a_line_alone_says_its_day_time_and_article_in_few_bytes),
	    TEST(forms_that_cannot_be_are_refused),
	    TEST(a_form_with_any_byte_changed_is_refused_or_stays_within_its_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

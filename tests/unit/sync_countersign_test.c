/* HQ's word on statements: asked for, checked, kept once. */
#include "journal_place.h"

#include <dirent.h>
#include <jansson.h>

#include "store/ledger.h"
#include "store/statement.h"
#include "sync/countersign.h"
#include "sync_keys.h"

#define S 1000000LL
#define EPOCH "0102030405060708"

struct fixture {
	struct place *place;
	struct ledger *ledger;
	struct countersign *c;
	struct batch_codec *codec, *hq_codec;
	struct key_pair hq;
	char dir[120], ask[400], id[17], generation[17];
	int asks;
	size_t held; /* versions that the last ask told */
};

static bool take(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	json_t *o = json_loadb(payload, len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "ask")), "statement");
	assert_string_equal(json_string_value(json_object_get(o, "device")), "d1");
	strcpy(f->id, json_string_value(json_object_get(o, "id")));
	snprintf(f->ask, sizeof f->ask, "%s %lld",
	         json_string_value(json_object_get(o, "generation")),
	         (long long)json_integer_value(json_object_get(o, "since")));
	f->held = json_array_size(json_object_get(o, "versions"));
	json_decref(o);
	f->asks++;
	return true;
}

static void start(struct fixture *f)
{
	struct downlink_params params = {.store = "s1",
	                                 .device = "d1",
	                                 .vault = f->place->vault,
	                                 .clock = &f->place->clock,
	                                 .counters = &f->place->counters,
	                                 .codec = f->codec,
	                                 .publish = take,
	                                 .ctx = f};
	char err[200] = "";
	if (ledger_open(&f->ledger, f->dir, err, sizeof err))
		fail_msg("%s", err);
	f->c = countersign_new(&params, f->ledger);
	assert_non_null(f->c);
}

static void stop(struct fixture *f)
{
	countersign_free(f->c);
	ledger_free(f->ledger);
}

/* hq-sign.pub as a SubjectPublicKeyInfo in PEM. */
static void write_sign_pub(const struct fixture *f)
{
	uint8_t der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	unsigned char text[65];
	char pem[200];
	memcpy(der + 12, f->hq.pub, 32);
	EVP_EncodeBlock(text, der, sizeof der);
	snprintf(pem, sizeof pem, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
	         (char *)text);
	place_put(f->place, "hq-sign.pub", pem);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char err[200];
	f->place = place_new();
	f->hq = key_pair(EVP_PKEY_ED25519, 5);
	write_sign_pub(f);
	vault_free(f->place->vault);
	assert_int_equal(vault_open(&f->place->vault, f->place->dir, false, err, sizeof err), 0);
	f->codec = batch_codec_new();
	f->hq_codec = batch_codec_new();
	snprintf(f->dir, sizeof f->dir, "%s/statements", f->place->dir);
	strcpy(f->generation, "00000000000000aa");
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	stop(f);
	batch_codec_free(f->codec);
	batch_codec_free(f->hq_codec);
	place_free(f->place);
	free(f);
	return 0;
}

static void pass(struct fixture *f, int64_t us)
{
	atomic_fetch_add(&f->place->wall_us, us);
}

/* A line of a page with a version that HQ signed. */
static void version_line(struct fixture *f, int version, const char *state, struct buf *out)
{
	struct buf bytes = {0};
	uint8_t signature[VAULT_SIGNATURE_BYTES];
	char text[100];
	json_t *doc = json_pack("{s:s,s:{s:s},s:s,s:s,s:i}", "business_date", "2026-11-21",
	                        "findings", "state", state, "made", "2026-11-22T03:00:09.120Z",
	                        "store", "s1", "version", version);
	assert_int_equal(statement_version_bytes("s1", doc, &bytes), 0);
	assert_int_equal(vault_sign(f->hq.priv, bytes.data, bytes.len, signature), 0);
	text_b64(signature, sizeof signature, text);
	json_object_set_new(doc, "signature", json_string(text));
	char *dump = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	buf_printf(
	    out, "{\"business_date\":\"2026-11-21\",\"doc\":%s,\"epoch\":\"" EPOCH "\",\"to\":7}\n",
	    dump);
	free(dump);
	json_decref(doc);
	buf_free(&bytes);
}

static int tell(struct fixture *f, const struct buf *lines, int to, bool more)
{
	struct buf body = {0};
	char header[300], err[200] = "";
	/* the test's keys: HQ's public box key is the device's own */
	const uint8_t *pub = vault_hq_box_pub(f->place->vault);
	assert_int_equal(page_encode(f->hq_codec, "s1", "d1", pub, lines->data, lines->len, &body),
	                 0);
	int n = snprintf(
	    header, sizeof header,
	    "{\"v\":1,\"device\":\"d1\",\"id\":\"%s\",\"tell\":\"statement\",\"generation\":"
	    "\"%s\",\"since\":0,\"to\":%d,\"more\":%s}",
	    f->id, f->generation, to, more ? "true" : "false");
	struct frame frame = {
	    .header = header, .header_len = (size_t)n, .body = body.data, .body_len = body.len};
	int rc = countersign_tell(f->c, &frame, err, sizeof err);
	buf_free(&body);
	return rc;
}

static const uint8_t epoch[EVENT_EPOCH_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static int files(const struct fixture *f)
{
	int n = 0;
	DIR *d = opendir(f->dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += strstr(e->d_name, ".v") != NULL;
	closedir(d);
	return n;
}

static void it_asks_at_each_connection_and_then_every_quarter_of_an_hour(void **state)
{
	struct fixture *f = *state;
	struct buf none = {0};
	assert_true(countersign_step(f->c) == INT64_MAX);
	countersign_up(f->c);
	countersign_step(f->c);
	assert_int_equal(f->asks, 1);
	assert_string_equal(f->ask, " 0");
	assert_int_equal(tell(f, &none, 0, false), 0);
	pass(f, 899 * S);
	countersign_step(f->c);
	assert_int_equal(f->asks, 1);
	pass(f, 2 * S);
	countersign_step(f->c);
	assert_int_equal(f->asks, 2);
	countersign_down(f->c);
	assert_true(countersign_step(f->c) == INT64_MAX);
}

static void an_ask_without_an_answer_is_sent_again(void **state)
{
	struct fixture *f = *state;
	countersign_up(f->c);
	countersign_step(f->c);
	pass(f, 11 * S);
	countersign_step(f->c);
	assert_int_equal(f->asks, 2);
	pass(f, 11 * S);
	countersign_step(f->c);
	assert_int_equal(f->asks, 2);
	pass(f, 10 * S);
	countersign_step(f->c);
	assert_int_equal(f->asks, 3);
}

static void a_statement_that_waits_is_asked_for_soon_until_it_is_countersigned(void **state)
{
	struct fixture *f = *state;
	struct buf lines = {0};
	countersign_up(f->c);
	countersign_step(f->c);
	assert_int_equal(tell(f, &lines, 0, false), 0);
	ledger_expect(f->ledger, epoch, 7);
	countersign_step(f->c);
	int asked[] = {1, 1, 2}; /* seconds: 1, then 1, then 2 doubling */
	for (int i = 0; i < 3; i++) {
		pass(f, asked[i] * S + 1);
		countersign_step(f->c);
		assert_int_equal(f->asks, 2 + i);
		assert_int_equal(tell(f, &lines, 0, false), 0);
	}
	pass(f, 5 * S);
	countersign_step(f->c);
	version_line(f, 1, "complete", &lines);
	assert_int_equal(tell(f, &lines, 1, false), 0);
	int so_far = f->asks;
	pass(f, 600 * S);
	countersign_step(f->c);
	assert_int_equal(f->asks, so_far);
	buf_free(&lines);
}

static void another_generation_is_asked_at_once_and_soon_again(void **state)
{
	struct fixture *f = *state;
	struct buf lines = {0};
	countersign_up(f->c);
	countersign_step(f->c);
	version_line(f, 1, "complete", &lines);
	assert_int_equal(tell(f, &lines, 1, false), 0);
	buf_reset(&lines);
	countersign_again(f->c);
	for (int i = 0; i < 3; i++) {
		countersign_step(f->c);
		assert_int_equal(f->asks, 2 + i);
		assert_int_equal(f->held, 1); /* with what is held here, for HQ to see */
		assert_int_equal(tell(f, &lines, 0, false), 0);
		pass(f, (2 << i) * S);
	}
	buf_free(&lines);
}

static void each_version_is_kept_as_a_file_that_does_not_change(void **state)
{
	struct fixture *f = *state;
	struct buf one = {0}, both = {0}, again = {0};
	struct ledger_entry e;
	countersign_up(f->c);
	countersign_step(f->c);
	version_line(f, 1, "complete", &one);
	assert_int_equal(tell(f, &one, 1, false), 0);
	assert_int_equal(files(f), 1);
	assert_true(ledger_find(f->ledger, epoch, 7, &e));
	assert_int_equal(e.version, 1);
	assert_string_equal(e.state, "countersigned");
	assert_string_equal(e.made, "2026-11-22T03:00:09.120Z");
	pass(f, 901 * S);
	countersign_step(f->c);
	assert_string_equal(f->ask, "00000000000000aa 1");
	version_line(f, 2, "incomplete", &both);
	assert_int_equal(tell(f, &both, 2, false), 0);
	assert_int_equal(files(f), 2);
	assert_true(ledger_find(f->ledger, epoch, 7, &e));
	assert_string_equal(e.state, "lost");
	/* Told again from another generation: what is here stays. */
	char path[300];
	snprintf(path, sizeof path, "%s/2026-11-21-" EPOCH "-7.v1.json", f->dir);
	struct stat before, after;
	assert_int_equal(stat(path, &before), 0);
	strcpy(f->generation, "00000000000000bb");
	pass(f, 901 * S);
	countersign_step(f->c);
	version_line(f, 1, "complete", &again);
	assert_int_equal(tell(f, &again, 1, false), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(ledger_find(f->ledger, epoch, 7, &e));
	assert_int_equal(e.version, 2);
	buf_free(&one);
	buf_free(&both);
	buf_free(&again);
}

static void what_was_heard_is_known_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct buf lines = {0};
	struct ledger_entry e;
	countersign_up(f->c);
	countersign_step(f->c);
	version_line(f, 1, "complete", &lines);
	assert_int_equal(tell(f, &lines, 41, false), 0);
	stop(f);
	start(f);
	assert_true(ledger_find(f->ledger, epoch, 7, &e));
	assert_int_equal(e.version, 1);
	countersign_up(f->c);
	countersign_step(f->c);
	assert_string_equal(f->ask, "00000000000000aa 41");
	buf_free(&lines);
}

static void what_hq_did_not_sign_is_not_kept(void **state)
{
	struct fixture *f = *state;
	struct buf lines = {0};
	countersign_up(f->c);
	countersign_step(f->c);
	f->hq.priv[0] ^= 1;
	version_line(f, 1, "complete", &lines);
	f->hq.priv[0] ^= 1;
	assert_int_equal(tell(f, &lines, 1, false), -1);
	assert_int_equal(files(f), 0);
	pass(f, 901 * S);
	countersign_step(f->c);
	assert_string_equal(f->ask, " 0");
	buf_free(&lines);
}

static void what_waits_is_shown_with_what_is_missing(void **state)
{
	struct fixture *f = *state;
	struct buf lines = {0};
	struct ledger_entry e;
	countersign_up(f->c);
	countersign_step(f->c);
	buf_str(&lines, "{\"business_date\":\"2026-11-21\",\"epoch\":\"" EPOCH
	                "\",\"missing\":3,\"state\":\"incomplete\",\"to\":7}\n");
	assert_int_equal(tell(f, &lines, 0, false), 0);
	assert_true(ledger_find(f->ledger, epoch, 7, &e));
	assert_string_equal(e.state, "incomplete");
	assert_int_equal(e.missing, 3);
	assert_int_equal(e.version, 0);
	version_line(f, 1, "complete", &lines);
	pass(f, 901 * S);
	countersign_step(f->c);
	assert_int_equal(tell(f, &lines, 1, false), 0);
	assert_true(ledger_find(f->ledger, epoch, 7, &e));
	assert_string_equal(e.state, "countersigned");
	buf_free(&lines);
}

static void the_answer_to_another_ask_is_skipped(void **state)
{
	struct fixture *f = *state;
	struct buf lines = {0};
	countersign_up(f->c);
	countersign_step(f->c);
	strcpy(f->id, "ffffffffffffffff");
	version_line(f, 1, "complete", &lines);
	assert_int_equal(tell(f, &lines, 1, false), 0);
	assert_int_equal(files(f), 0);
	buf_free(&lines);
}

static void the_ledger_keeps_the_newest_statements(void **state)
{
	struct fixture *f = *state;
	struct ledger_entry e = {.state = "incomplete", .missing = 1}, out[LEDGER_STATEMENTS_MAX];
	char date[CLOCK_DATE_SIZE] = "2026-01-01";
	for (int i = 0; i < LEDGER_STATEMENTS_MAX + 5; i++) {
		memcpy(e.business_date, date, sizeof date);
		e.to = (uint64_t)i + 1;
		ledger_waiting(f->ledger, &e);
		statement_date_move(e.business_date, 1, date);
	}
	assert_int_equal(ledger_list(f->ledger, out, LEDGER_STATEMENTS_MAX), LEDGER_STATEMENTS_MAX);
	assert_int_equal(out[0].to, LEDGER_STATEMENTS_MAX + 5);
	assert_int_equal(out[LEDGER_STATEMENTS_MAX - 1].to, 6);
	memcpy(e.business_date, "2025-01-01", sizeof e.business_date);
	e.to = 9999;
	ledger_waiting(f->ledger, &e); /* older than all: there is no room for it */
	assert_false(ledger_find(f->ledger, e.epoch, 9999, &e));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(it_asks_at_each_connection_and_then_every_quarter_of_an_hour),
	    TEST(an_ask_without_an_answer_is_sent_again),
	    TEST(a_statement_that_waits_is_asked_for_soon_until_it_is_countersigned),
	    TEST(another_generation_is_asked_at_once_and_soon_again),
	    TEST(each_version_is_kept_as_a_file_that_does_not_change),
	    TEST(what_was_heard_is_known_after_a_restart),
	    TEST(what_hq_did_not_sign_is_not_kept),
	    TEST(what_waits_is_shown_with_what_is_missing),
	    TEST(the_answer_to_another_ask_is_skipped),
	    TEST(the_ledger_keeps_the_newest_statements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

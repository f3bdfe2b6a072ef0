/* What may not be kept, and what cannot be: card numbers, a full disk, a full queue. */
#include "flow_world.h"

#include <dirent.h>

#include "fault_vfs.h"

static int set_up(void **state)
{
	memset(&fault, 0, sizeof fault);
	return world_set_up(state);
}

static int tear_down(void **state)
{
	memset(&fault, 0, sizeof fault);
	return world_tear_down(state);
}

/* ---- card numbers ---- */

#define LINE_BEFORE "\"basket\":\"B1\",\"line\":\"1\","
#define LINE_AFTER                                                                                 \
	"\"quantity\":\"1\",\"unit\":\"piece\",\"price\":\"1.00\",\"entry_method\":\"scanned\""
#define ORDER_AFTER                                                                                \
	"\"subtotal\":\"1.00\",\"discount\":\"0.00\",\"tax\":\"0.00\",\"rounding\":\"0.00\","      \
	"\"total\":\"1.00\",\"revenue\":\"1.00\",\"prices_include_tax\":true,\"sale_kind\":"       \
	"\"sale\",\"change\":\"0.00\",\"tenders\":[{\"type\":\"cash\",\"amount\":\"1.00\"}]"
#define PRODUCT_AFTER                                                                              \
	"\"quantity\":\"1\",\"unit\":\"piece\",\"price\":\"1.00\",\"line_total\":\"1.00\","        \
	"\"discount\":\"0.00\",\"tax_rate\":\"19.0\",\"line_kind\":\"goods\"}]"

/* Each text member that a till may send, holding a card number: its type and members. */
static const struct {
	const char *field, *type, *members;
} card_messages[] = {
    {"basket", "basket_opened", "\"basket\":\"" PAN "\""},
    {"staff_ref", "basket_opened", "\"basket\":\"B1\",\"staff_ref\":\"" PAN "\""},
    {"mode", "basket_opened", "\"basket\":\"B1\",\"mode\":\"" PAN "\""},
    {"line", "line_added",
     "\"basket\":\"B1\",\"line\":\"" PAN "\",\"sku\":\"1\",\"name\":\"x\"," LINE_AFTER},
    {"sku", "line_added", LINE_BEFORE "\"sku\":\"" PAN "\",\"name\":\"x\"," LINE_AFTER},
    {"name", "line_added",
     LINE_BEFORE "\"sku\":\"1\",\"name\":\"Gift 4111 1111 1111 1111 thanks\"," LINE_AFTER},
    /* a Visa number of 13 digits that a product could have too, where no product's number goes */
    {"name", "line_added", LINE_BEFORE "\"sku\":\"1\",\"name\":\"4000000000006\"," LINE_AFTER},
    {"reason", "line_removed",
     "\"basket\":\"B1\",\"line\":\"1\",\"reason\":\"4111-1111-1111-1111\""},
    {"approver_ref", "line_changed",
     "\"basket\":\"B1\",\"line\":\"1\",\"reason\":\"x\",\"price\":\"1.00\",\"approver_ref\":\"" PAN
     "\""},
    {"value", "customer_chosen", "\"basket\":\"B1\",\"kind\":\"loyalty\",\"value\":\"" PAN "\""},
    {"value", "customer_chosen",
     "\"basket\":\"B1\",\"kind\":\"email\",\"value\":\"" PAN "@example.com\""},
    {"reason", "customer_removed", "\"basket\":\"B1\",\"reason\":\"" PAN "\""},
    {"receipt_number", "order_completed",
     "\"basket\":\"B1\",\"receipt_number\":\"" PAN "\"," ORDER_AFTER ",\"products\":[]"},
    {"name", "order_completed",
     "\"basket\":\"B1\",\"receipt_number\":\"1\"," ORDER_AFTER
     ",\"products\":[{\"line\":\"1\",\"sku\":\"1\",\"name\":\"" PAN "\"," PRODUCT_AFTER},
    {"order_id", "order_cancelled", "\"order_id\":\"" PAN "\",\"reason\":\"x\""},
    {"reason", "basket_voided", "\"basket\":\"B1\",\"reason\":\"" PAN "\""},
    {"exchange_id", "refund",
     "\"refund_number\":\"1\",\"original_order_id\":null,\"products\":[],\"total\":\"1.00\","
     "\"tax\":\"0.00\",\"tenders\":[],\"exchange_id\":\"" PAN "\""},
};
#define CARD_MESSAGES (sizeof card_messages / sizeof *card_messages)

static void each_member_with_a_card_number_is_refused_by_name(void **state)
{
	struct world *w = *state;
	char line[1024], id[32];
	keep(w);
	till_connect(w, "T1", "1");
	for (size_t i = 0; i < CARD_MESSAGES; i++) {
		json_t *error;
		snprintf(id, sizeof id, "a:%zu", i + 1);
		snprintf(line, sizeof line, "{\"type\":\"%s\",\"source_message_id\":\"%s\",%s}",
		         card_messages[i].type, id, card_messages[i].members);
		till_say(w, line);
		WAIT_FOR(w, (error = said(w, 0, "error", id)));
		assert_string_equal(text_of(error, "code"), "card_number");
		assert_string_equal(text_of(error, "field"), card_messages[i].field);
	}
	assert_int_equal(counted(w, COUNTER_PAN_REFUSED), CARD_MESSAGES);
	assert_int_equal(counted(w, COUNTER_POS_REFUSED), CARD_MESSAGES);
	WAIT_FOR(w, kept_times(w, "Input Refused") == (int)CARD_MESSAGES);
	till_say(w, "{\"type\":\"basket_opened\",\"source_message_id\":\"" PAN ":1\",\"basket\":"
	            "\"B1\"}");
	WAIT_FOR(w, counted(w, COUNTER_PAN_REFUSED) == CARD_MESSAGES + 1);
	assert_null(said(w, 0, "kept", NULL));
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
}

/* A product's number may look like a card's. */
static void a_product_code_is_not_taken_for_a_card(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	/* valid as an EAN-13 and as a 13-digit Visa number */
	till_say(w, "{\"type\":\"line_added\",\"source_message_id\":\"a:2\"," LINE_BEFORE
	            "\"sku\":\"4000000000006\",\"name\":\"x\"," LINE_AFTER "}");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
}

/* The plain text of each `sealed` field of what was kept, one a line. */
static void open_sealed(struct world *w, struct buf *out)
{
	struct vault_work *work = vault_work_new();
	const char *at = (const char *)w->kept.data, *end = at + w->kept.len;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		json_t *line = json_loadb(at, (size_t)(stop - at), 0, NULL);
		json_t *context = json_object_get(json_object_get(line, "context"), "laneway");
		json_t *sealed = json_object_get(context, "sealed");
		struct visit_key key;
		uint8_t id[EVENT_ID_BYTES], seal[4096];
		struct buf ad = {0};
		at = stop + 1;
		if (sealed) {
			const char *k = text_of(sealed, "k"), *n = text_of(sealed, "n"),
			           *c = text_of(sealed, "c");
			uint8_t epoch[EVENT_EPOCH_BYTES];
			assert_int_equal(text_unb64(k, strlen(k), id, sizeof id), sizeof id);
			assert_int_equal(journal_reader_key(place_reader(w->p), id, &key), 0);
			assert_int_equal(text_unb64(n, strlen(n), seal, 12), 12);
			ssize_t len = text_unb64(c, strlen(c), seal + 12, sizeof seal - 12);
			assert_true(len > 0);
			assert_true(text_unhex(text_of(context, "epoch"), epoch, sizeof epoch));
			buf_add(&ad, "s1", 3);
			buf_add(&ad, epoch, sizeof epoch);
			buf_be64(&ad,
			         (uint64_t)json_integer_value(json_object_get(context, "seq")));
			uint8_t *place = buf_room(out, (size_t)len + 1);
			len = vault_unseal(work, key.key, ad.data, ad.len, seal, (size_t)len + 12,
			                   place);
			assert_true(len > 0);
			out->len += (size_t)len;
			buf_byte(out, '\n');
			buf_free(&ad);
		}
		json_decref(line);
	}
	vault_work_free(work);
}

static bool holds_card(const void *bytes, size_t n)
{
	static const char *const forms[] = {PAN, "4111 1111 1111 1111", "4111-1111-1111-1111"};
	bool found = false;
	for (size_t i = 0; n > 0 && i < sizeof forms / sizeof *forms; i++)
		found = found || memmem(bytes, n, forms[i], strlen(forms[i]));
	return found;
}

static void assert_no_file_holds_a_card(struct world *w)
{
	DIR *d = opendir(w->p->dir);
	int files = 0;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		char path[512];
		struct buf bytes = {0};
		snprintf(path, sizeof path, "%s/%s", w->p->dir, e->d_name);
		int fd = e->d_type == DT_REG ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		for (ssize_t n; (n = read(fd, buf_room(&bytes, 65536), 65536)) > 0;)
			bytes.len += (size_t)n;
		close(fd);
		files += bytes.len > 0;
		if (holds_card(bytes.data, bytes.len))
			fail_msg("%s holds the card number", e->d_name);
		buf_free(&bytes);
	}
	closedir(d);
	assert_true(files >= 4); /* journal.db, its log, shard.db, the log file */
}

static void a_card_number_is_in_no_line_no_file_and_no_log(void **state)
{
	struct world *w = *state;
	struct buf plain = {0};
	char line[1024];
	int log = open(w->log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), old = dup(2);
	dup2(log, 2);
	log_open("test", LOG_LEVEL_DEBUG);
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "b:1", "B1");
	WAIT_FOR(w, strcmp(text_of(shown(w, "1"), "state"), "basket") == 0);
	scan(w, PAN);
	scan(w, "4111 1111 1111 1111");
	for (size_t i = 0; i < CARD_MESSAGES; i++) {
		snprintf(line, sizeof line, "{\"type\":\"%s\",\"source_message_id\":\"a:%zu\",%s}",
		         card_messages[i].type, i + 1, card_messages[i].members);
		till_say(w, line);
	}
	till_say(w, "{\"type\":\"basket_opened\",\"source_message_id\":\"c:1\",\"" PAN "\":1}");
	till_say(w, "{\"type\":\"" PAN "\",\"source_message_id\":\"c:2\"}");
	till_say(w, PAN);
	WAIT_FOR(w, kept_times(w, "Input Refused") == (int)CARD_MESSAGES);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	WAIT_FOR(w, said_times(w, "error", NULL) == CARD_MESSAGES + 3);
	dup2(old, 2);
	close(old);
	close(log);
	log_open("test", LOG_LEVEL_INFO);

	open_sealed(w, &plain);
	assert_non_null(memmem(plain.data, plain.len, "************1111", 16));
	assert_false(holds_card(plain.data, plain.len));
	assert_false(holds_card(w->kept.data, w->kept.len));
	for (size_t i = 0; i < w->seen_count; i++) {
		char *view = json_dumps(w->seen[i].view, 0);
		assert_false(holds_card(view, strlen(view)));
		free(view);
	}
	assert_true(person_is(w, "1", "refused_card"));
	assert_no_file_holds_a_card(w);
	buf_free(&plain);
}

/* ---- a full disk ---- */

static void on_a_full_disk_the_till_is_told_no_and_may_send_again(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	uint64_t refused = counted(w, COUNTER_EVENTS_REFUSED);
	atomic_store(&fault.log_write_full, true);
	till_open(w, "a:2", "B2");
	json_t *answer;
	WAIT_FOR(w, (answer = said(w, 0, "refused", "a:2")));
	assert_string_equal(text_of(answer, "reason"), "disk_full");
	assert_int_equal(counted(w, COUNTER_EVENTS_REFUSED), refused + 2);
	atomic_store(&fault.log_write_full, false);
	pass(w, 11 * SECOND_US); /* the journal gives the disk ten seconds */
	till_open(w, "a:2", "B2");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	assert_int_equal(kept_times(w, "Basket Opened"), 2);
}

static bool answered;
static char answer_code[33];

static void on_answer(void *ctx, const struct sale_error *err)
{
	(void)ctx;
	answered = true;
	snprintf(answer_code, sizeof answer_code, "%s", err ? err->code : "");
}

static const char *manager_says(struct world *w, bool block)
{
	struct sale_error err;
	const struct flow_block b = {
	    .block = block, .kind = "loyalty", .value = CARD, .reason = "r", .done = on_answer};
	answered = false;
	if (flow_block(w->flow, &b, &err) < 0)
		return strcpy(answer_code, err.code);
	WAIT_FOR(w, answered);
	return answer_code;
}

/* Or the store would go by a block that HQ never hears of. */
static void a_managers_word_that_is_not_kept_does_not_count(void **state)
{
	struct world *w = *state;
	keep(w);
	atomic_store(&fault.log_write_full, true);
	assert_string_equal(manager_says(w, true), "disk_full");
	atomic_store(&fault.log_write_full, false);
	pass(w, 11 * SECOND_US);
	assert_string_equal(manager_says(w, false), "not_blocked");
	assert_string_equal(manager_says(w, true), "");
	atomic_store(&fault.log_write_full, true);
	assert_string_equal(manager_says(w, false), "disk_full");
	atomic_store(&fault.log_write_full, false);
	pass(w, 11 * SECOND_US);
	assert_string_equal(manager_says(w, true), "blocked");
	assert_string_equal(manager_says(w, false), "");
	assert_int_equal(kept_times(w, "Identifier Blocked"), 1);
	assert_int_equal(kept_times(w, "Identifier Unblocked"), 1);
}

static void with_card(struct world *w, int basket)
{
	char line[200], id[16];
	snprintf(line, sizeof line,
	         "{\"type\":\"basket_opened\",\"source_message_id\":\"a:%d\",\"basket\":\"B%d\","
	         "\"staff_ref\":\"K1\"}",
	         basket, basket);
	till_say(w, line);
	snprintf(id, sizeof id, "a:%d", basket);
	WAIT_FOR(w, said(w, 0, "kept", id));
	pass(w, 2 * SECOND_US);
	scan(w, CARD);
}

/* The third basket of the half-hour makes a card shared: when it is kept, and once. */
static void a_basket_whose_customer_is_not_kept_is_not_counted(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	for (int i = 1; i <= 2; i++) {
		with_card(w, i);
		WAIT_FOR(w, kept_times(w, "Customer Attached") == i);
	}
	till_say(w, "{\"type\":\"basket_opened\",\"source_message_id\":\"a:3\",\"basket\":\"B3\","
	            "\"staff_ref\":\"K1\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	pass(w, 2 * SECOND_US);
	atomic_store(&fault.log_write_full, true);
	scan(w, CARD);
	WAIT_FOR(w, is(person(w, "1"), "struck"));
	assert_int_equal(flow_guard_state(w->flow, IDENT_LOYALTY, CARD), GUARD_CLEAR);
	atomic_store(&fault.log_write_full, false);
	pass(w, 11 * SECOND_US);
	assert_int_equal(kept_times(w, "Identifier Blocked"), 0);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 3);
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	assert_int_equal(flow_guard_state(w->flow, IDENT_LOYALTY, CARD), GUARD_SHARED);
	world_close(w);
	world_open(w);
	assert_int_equal(flow_guard_state(w->flow, IDENT_LOYALTY, CARD), GUARD_SHARED);
}

/* What a scanner brought meanwhile is counted, and told to HQ when there is room. */
static void scans_on_a_full_disk_become_a_capture_gap(void **state)
{
	struct world *w = *state;
	char from[CLOCK_ISO8601_SIZE], to[CLOCK_ISO8601_SIZE];
	keep(w);
	till_connect(w, "T1", "1");
	WAIT_FOR(w, kept_times(w, "Device Connected") == 1);
	atomic_store(&fault.log_write_full, true);
	scan(w, CARD); /* begins a visit */
	clock_iso8601(clock_wall_us(&w->clock), from);
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 1);
	assert_true(is(person(w, "1"), "struck"));
	assert_string_equal(text_of(shown(w, "1"), "prompt"), "Ask for the customer card");
	scan(w, "2600000000999"); /* begins none */
	clock_iso8601(clock_wall_us(&w->clock), to);
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 2);
	pass(w, SECOND_US);
	atomic_store(&fault.log_write_full, false);
	pass(w, 11 * SECOND_US); /* the journal gives the disk ten seconds */
	assert_int_equal(kept_times(w, "Capture Gap"), 0);
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, kept_times(w, "Capture Gap") == 1);
	json_t *line = kept(w, "Capture Gap", 0), *p = json_object_get(line, "properties");
	assert_string_equal(text_of(p, "source"), "scan-1");
	assert_int_equal(json_integer_value(json_object_get(p, "known_missing")), 2);
	assert_string_equal(text_of(p, "from"), from);
	assert_string_equal(text_of(p, "to"), to);
	json_decref(line);
	assert_int_equal(kept_times(w, "Identifier Presented"), 0);
	till_open(w, "a:2", "B2");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	assert_int_equal(kept_times(w, "Capture Gap"), 1);
}

static void a_gap_that_could_not_be_told_is_told_later(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	WAIT_FOR(w, kept_times(w, "Device Connected") == 1);
	atomic_store(&fault.log_write_full, true);
	scan(w, CARD);
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 1);
	scan(w, "2600000000888");
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 2);
	/* No room for the gap's own event either: it is still owed. */
	struct entry *e = flow_box_entry(w->flow, EVENT_CAPTURE_GAP, NULL, "{}");
	e->tag = FLOW_TAG_GAP;
	e->cookie = &w->flow->gaps[0];
	w->flow->gaps[0].reported = 2;
	assert_true(flow_put(w->flow, e));
	WAIT_FOR(w, w->flow->gaps[0].reported == 0);
	assert_int_equal(w->flow->gaps[0].missing, 2);
	atomic_store(&fault.log_write_full, false);
	pass(w, 11 * SECOND_US); /* the journal gives the disk ten seconds */
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, kept_times(w, "Capture Gap") == 1);
	WAIT_FOR(w, w->flow->gaps[0].missing == 0);
}

/* ---- a full queue; the journal's thread has not come to it ---- */

static void fill_queue(struct world *w, size_t n)
{
	while (w->flow->in_flight < n)
		assert_true(flow_put(w->flow, flow_box_entry(w->flow, EVENT_DEVICE_CONNECTED, "1",
		                                             "{\"cause\":\"test\",\"source\":"
		                                             "\"scan-1\"}")));
}

static void a_till_waits_while_the_queue_is_full_and_scans_go_on(void **state)
{
	struct world *w = *state;
	till_connect(w, "T1", "1");
	fill_queue(w, FLOW_QUEUE_MAX - FLOW_QUEUE_SPARE);
	till_open(w, "a:1", "B1");
	scan(w, "2600000000999");
	WAIT_FOR(w, person_is(w, "1", "unknown"));
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(counted(w, COUNTER_POS_MESSAGES), 1); /* the hello */
	assert_null(said(w, 0, "refused", NULL));
	keep(w);
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	assert_int_equal(kept_times(w, "Identifier Presented"), 1);
	assert_int_equal(counted(w, COUNTER_CAPTURE_GAPS), 0);
}

/* The configuration takes such a name. */
static void a_gap_of_a_scanner_with_a_quotation_mark_in_its_name_can_be_read(void **state)
{
	struct world *w = *state;
	keep(w);
	flow_note_gap(w->flow, "the \"left\" one");
	flow_flush_gaps(w->flow);
	WAIT_FOR(w, kept_times(w, "Capture Gap") == 1);
	json_t *line = kept(w, "Capture Gap", 0), *p = json_object_get(line, "properties");
	assert_string_equal(text_of(p, "source"), "the \"left\" one");
	json_decref(line);
}

static void a_scan_that_no_longer_fits_is_struck_out_and_told_as_a_gap(void **state)
{
	struct world *w = *state;
	fill_queue(w, FLOW_QUEUE_MAX);
	scan(w, CARD);
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 1);
	assert_true(is(person(w, "1"), "struck"));
	keep(w);
	WAIT_FOR(w, kept_times(w, "Capture Gap") == 1);
	assert_int_equal(kept_times(w, "Identifier Presented"), 0);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
}

static void a_gap_that_is_owed_at_the_stop_is_journaled_by_it(void **state)
{
	struct world *w = *state;
	fill_queue(w, FLOW_QUEUE_MAX);
	scan(w, CARD);
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 1);
	assert_true(flow_owes_gaps(w->flow));
	assert_int_equal(journal_start(w->p->journal), 0);
	flow_stop(w->flow); /* the queue is still full when it begins */
	journal_stop(w->p->journal);
	flow_drained(w->flow);
	assert_int_equal(kept_times(w, "Capture Gap"), 1);
	assert_false(flow_owes_gaps(w->flow));
	flow_free(w->flow);
	w->flow = NULL;
}

static void on_tapped(void *ctx, const struct sale_error *err)
{
	snprintf(ctx, 33, "%s", err ? err->code : "kept");
}

static void a_tap_that_cannot_be_kept_says_so(void **state)
{
	struct world *w = *state;
	struct sale_error err = {0};
	char said_of_it[33] = "";
	const struct flow_tap wrong = {.lane = "1", .done = on_tapped, .ctx = said_of_it};
	const struct flow_tap choice = {
	    .lane = "1", .question = "x", .choice = "this", .done = on_tapped, .ctx = said_of_it};
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, strcmp(text_of(shown(w, "1"), "state"), "basket") == 0);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	fill_queue(w, FLOW_QUEUE_MAX);
	assert_int_equal(flow_tap(w->flow, &wrong, &err), -1);
	assert_string_equal(err.code, "busy");
	keep(w);
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	assert_int_equal(flow_tap(w->flow, &wrong, &err), 0);
	assert_string_equal(said_of_it, ""); /* not before it is kept */
	WAIT_FOR(w, kept_times(w, "Customer Detached") == 1);
	assert_string_equal(said_of_it, "kept");
	assert_true(person_is(w, "1", "none"));
	assert_int_equal(flow_tap(w->flow, &choice, &err), -1);
	assert_string_equal(err.code, "question_gone");
}

static void a_tap_that_the_journal_refuses_is_answered_so(void **state)
{
	struct world *w = *state;
	char said_of_it[33] = "";
	struct sale_error err;
	const struct flow_tap wrong = {.lane = "1", .done = on_tapped, .ctx = said_of_it};
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	atomic_store(&fault.log_write_full, true);
	assert_int_equal(flow_tap(w->flow, &wrong, &err), 0);
	WAIT_FOR(w, said_of_it[0]);
	assert_string_equal(said_of_it, "disk_full");
}

int main(void)
{
	fault_install();
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(each_member_with_a_card_number_is_refused_by_name),
	    T(a_product_code_is_not_taken_for_a_card),
	    T(a_card_number_is_in_no_line_no_file_and_no_log),
	    T(on_a_full_disk_the_till_is_told_no_and_may_send_again),
	    T(a_managers_word_that_is_not_kept_does_not_count),
	    T(a_basket_whose_customer_is_not_kept_is_not_counted),
	    T(scans_on_a_full_disk_become_a_capture_gap),
	    T(a_gap_that_could_not_be_told_is_told_later),
	    T(a_till_waits_while_the_queue_is_full_and_scans_go_on),
	    T(a_gap_of_a_scanner_with_a_quotation_mark_in_its_name_can_be_read),
	    T(a_scan_that_no_longer_fits_is_struck_out_and_told_as_a_gap),
	    T(a_gap_that_is_owed_at_the_stop_is_journaled_by_it),
	    T(a_tap_that_cannot_be_kept_says_so),
	    T(a_tap_that_the_journal_refuses_is_answered_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

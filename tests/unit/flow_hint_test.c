/* Suggestions on a lane: whom is looked for, what is shown of them, what a tap does. */
#include "flow_form_world.h"

#include "flow/flow_hint.h"

#define CLARA "AAECAwQFBgcICQoLDA0OEQ" /* her unit */
#define CLARAS_PHONE "+491728394057"
#define ENROL_CLARA                                                                                \
	"{\"first_name\":\"Clara\",\"last_name\":\"Kern\",\"email\":\"clarakern+shop@gmail.com\"}"

static void says(struct world *w, enum flow_form_kind kind, const char *lane, const char *body)
{
	if (form(w, kind, lane, body) != 0)
		fail_msg("%s: %s", refused.code, refused.message);
	WAIT_FOR(w, answered.done);
	assert_string_equal(answered.err.code, "");
}

/* Customers of HQ's, and what is new of them. */
static void hq_brings(struct world *w, const char *line)
{
	static uint64_t version = 812;
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = ++version};
	char path[96], err[256] = "";
	struct shard *s;
	bool made;
	uint64_t one = 1;
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, line, strlen(line), &mark, false, err, sizeof err) < 0)
		fail_msg("%s", err);
	shard_free(s);
	w->sync.shard_version = version;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
}

/* more: members of the line, each with a comma behind it. */
static void hq_has_clara(struct world *w, const char *email, const char *seen, const char *more)
{
	char line[1600];
	snprintf(line, sizeof line,
	         "{\"customer_id\":\"C000031\",\"first_name\":\"Clara\",\"identifiers\":[{\"kind\":"
	         "\"email\",\"ref\":\"AAECAwQFBgcICQoLDA0OEg\",\"value\":\"%s\",\"verified\":"
	         "false},{\"kind\":\"phone\",\"ref\":\"AAECAwQFBgcICQoLDA0OEw\"%s,\"value\":"
	         "\"" CLARAS_PHONE
	         "\",\"verified\":false}],\"includes\":{},\"name\":\"Clara Kern\",%s\"units\":[{"
	         "\"confirmed\":true,\"number\":31,\"ref\":\"" CLARA
	         "\"}],\"version\":813,\"visits\":7}\n",
	         email, seen, more);
	hq_brings(w, line);
}

static void clara_is_known(struct world *w)
{
	hq_has_clara(w, "clara.kern@gmail.com", "", "\"state\":\"active\",");
}

static json_t *suggestion(struct world *w, const char *lane)
{
	json_t *s = json_object_get(shown(w, lane), "suggestion");
	return json_is_object(s) ? s : NULL;
}

static void basket(struct world *w)
{
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
}

/* Until all turns that were due have been. */
static void settle(struct world *w)
{
	uint64_t looked;
	do {
		looked = counted(w, COUNTER_HINTS_LOOKED);
		for (int i = 0; i < 20; i++)
			turn(w);
	} while (counted(w, COUNTER_HINTS_LOOKED) != looked);
}

static void clara_comes_again(struct world *w)
{
	clara_is_known(w);
	basket(w);
	says(w, FLOW_ENROL, "1", ENROL_CLARA);
	WAIT_FOR(w, suggestion(w, "1"));
}

/* ---- who is suggested ---- */

static void a_mailbox_in_another_spelling_is_suggested_with_initials_only(void **state)
{
	struct world *w = *state;
	clara_comes_again(w);
	assert_string_equal(text_of(suggestion(w, "1"), "text"),
	                    "Maybe already a customer: C. K., phone \u202657");
	assert_string_equal(text_of(suggestion(w, "1"), "id"), CLARA);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Clara");
	char *view = json_dumps(shown(w, "1"), 0);
	assert_null(strstr(view, "Kern"));
	assert_null(strstr(view, "8394"));
	assert_null(strstr(view, "gmail"));
	free(view);
	assert_null(suggestion(w, "2"));
}

static void a_number_that_was_not_seen_for_years_suggests_who_had_it(void **state)
{
	struct world *w = *state;
	hq_has_clara(w, "clara@example.net", ",\"seen\":\"2023-01-01T00:00:00.000Z\"",
	             "\"state\":\"active\",");
	basket(w);
	says(w, FLOW_ENROL, "1",
	     "{\"first_name\":\"Clara\",\"last_name\":\"Kern\",\"phone\":\"0172 8394057\"}");
	WAIT_FOR(w, suggestion(w, "1"));
	assert_string_equal(text_of(suggestion(w, "1"), "id"), CLARA);
}

static void a_stranger_on_a_number_that_was_passed_on_is_not_suggested(void **state)
{
	struct world *w = *state;
	hq_has_clara(w, "clara@example.net", ",\"seen\":\"2023-01-01T00:00:00.000Z\"",
	             "\"state\":\"active\",");
	basket(w);
	says(w, FLOW_ENROL, "1",
	     "{\"first_name\":\"Ben\",\"last_name\":\"Mohr\",\"phone\":\"0172 8394057\"}");
	WAIT_FOR(w, counted(w, COUNTER_HINTS_LOOKED) > 0);
	settle(w);
	assert_null(suggestion(w, "1"));
}

static void who_was_enrolled_on_the_other_lane_is_suggested_without_hq(void **state)
{
	struct world *w = *state;
	w->sync = (struct sync_state){0};
	basket(w);
	says(
	    w, FLOW_ENROL, "2",
	    "{\"first_name\":\"Clara\",\"last_name\":\"Kern\",\"email\":\"cla.rakern@gmail.com\"}");
	says(w, FLOW_ENROL, "1", ENROL_CLARA);
	WAIT_FOR(w, suggestion(w, "1"));
	assert_string_equal(text_of(suggestion(w, "1"), "text"), "Maybe already a customer: C. K.");
	/* Not even two enrolments are joined by a tap. */
	char body[64];
	const struct ident_given one = {.kind = IDENT_EMAIL, .value = "cla.rakern@gmail.com"},
	                         two = {.kind = IDENT_EMAIL, .value = "clarakern+shop@gmail.com"};
	struct answer a, b;
	snprintf(body, sizeof body, "{\"suggestion\":\"%s\"}", text_of(suggestion(w, "1"), "id"));
	says(w, FLOW_SAME_PERSON, "1", body);
	WAIT_FOR(w, !suggestion(w, "1"));
	flow_resolve(w->flow, NULL, &one, &a);
	flow_resolve(w->flow, NULL, &two, &b);
	assert_string_not_equal(a.hit.profile.customer_id, b.hit.profile.customer_id);
}

static void who_is_confidential_or_restricted_is_never_suggested(void **state)
{
	static const char *const states[] = {"\"state\":\"confidential\",",
	                                     "\"state\":\"restricted\","};
	struct world *w = *state;
	clara_comes_again(w);
	for (int i = 0; i < 2; i++) {
		hq_has_clara(w, "clara.kern@gmail.com", "", states[i]);
		WAIT_FOR(w, !suggestion(w, "1"));
		clara_is_known(w);
		WAIT_FOR(w, suggestion(w, "1"));
	}
}

static void old_data_suggests_nobody(void **state)
{
	struct world *w = *state;
	clara_comes_again(w);
	pass(w, 8LL * 86400 * SECOND_US);
	flow_publish_all(w->flow);
	assert_null(suggestion(w, "1"));
}

static void without_a_basket_nobody_is_suggested(void **state)
{
	struct world *w = *state;
	clara_is_known(w);
	keep(w);
	says(w, FLOW_ENROL, "1", ENROL_CLARA);
	WAIT_FOR(w, person_is(w, "1", "known"));
	settle(w);
	assert_null(suggestion(w, "1"));
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, suggestion(w, "1"));
}

static void a_plain_scan_looks_for_nobody(void **state)
{
	struct world *w = *state;
	clara_is_known(w);
	basket(w);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	settle(w);
	assert_int_equal(counted(w, COUNTER_HINTS_LOOKED), 0);
}

/* ---- what HQ has taken, and what it told ---- */

/* All of this run is included. */
static void hq_takes_all(struct world *w)
{
	struct overlay_state o;
	struct journal_state j;
	uint64_t one = 1;
	journal_state(w->p->journal, &j);
	memcpy(w->sync.includes.at[0].epoch, j.epoch, sizeof j.epoch);
	w->sync.includes.at[0].seq = j.last_seq;
	w->sync.includes.count = 1;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
	do {
		turn(w);
		overlay_state(w->flow->overlay, &o);
	} while (o.events);
}

static void hq_takes_the_enrolment(struct world *w)
{
	json_t *e = kept(w, "Customer Enrolled", 0);
	const char *unit = text_of(json_object_get(e, "properties"), "enrolment_id");
	char line[1600];
	snprintf(
	    line, sizeof line,
	    "{\"customer_id\":\"C000044\",\"first_name\":\"Clara\",\"identifiers\":[{\"kind\":"
	    "\"unit\",\"ref\":\"%s\",\"value\":\"%s\",\"verified\":false},{\"kind\":\"email\","
	    "\"ref\":\"AAECAwQFBgcICQoLDA0OGA\",\"value\":\"clarakern+shop@gmail.com\","
	    "\"verified\":false}],\"includes\":{},\"name\":\"Clara Kern\",\"state\":\"active\","
	    "\"units\":[{\"confirmed\":true,\"number\":44,\"ref\":\"%s\"}],\"version\":830,"
	    "\"visits\":0}\n",
	    unit, unit, unit);
	json_decref(e);
	hq_brings(w, line);
	hq_takes_all(w);
}

static void she_comes_again(struct world *w, const char *id, const char *basket)
{
	char line[300];
	till_open(w, id, basket);
	WAIT_FOR(w, said(w, 0, "kept", id));
	snprintf(line, sizeof line,
	         "{\"type\":\"customer_chosen\",\"source_message_id\":\"%s2\",\"basket\":\"%s\","
	         "\"kind\":\"email\",\"value\":\"clarakern+shop@gmail.com\"}",
	         id, basket);
	till_say(w, line);
	WAIT_FOR(w, person_is(w, "1", "known"));
}

/* In this sale, in the next one, and after a start that has nothing pending. */
static void who_was_enrolled_is_suggested_to_also_when_hq_has_taken_it(void **state)
{
	struct world *w = *state;
	clara_comes_again(w);
	hq_takes_the_enrolment(w);
	settle(w);
	assert_non_null(suggestion(w, "1"));
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:3\",\"basket\":\"B1\"}");
	WAIT_FOR(w, person_is(w, "1", "none"));
	assert_null(suggestion(w, "1"));
	she_comes_again(w, "a:4", "B2");
	WAIT_FOR(w, suggestion(w, "1"));
	assert_string_equal(text_of(suggestion(w, "1"), "id"), CLARA);
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, suggestion(w, "1"));
	says(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"" CLARA "\"}");
	WAIT_FOR(w, !suggestion(w, "1"));
	settle(w);
	assert_null(suggestion(w, "1"));
}

#define CARD_2 "2600000000187"
#define UNIT_2 "AAECAwQFBgcICQoLDA0OFQ"
#define LIKELY(who, other)                                                                         \
	"\"likely\":[{\"because\":[\"first_name:same\",\"birth_date:same\",\"Kern 1990\"],"        \
	"\"mbit\":9100,\"other\":\"" other "\",\"who\":\"" who "\"}],"

/* Somebody with a card, of whom the store's own rules would never think that she is Clara. */
static void hq_has_cora(struct world *w, const char *more)
{
	char line[1600];
	snprintf(line, sizeof line,
	         "{\"customer_id\":\"C000032\",\"first_name\":\"Cora\",\"identifiers\":[{\"kind\":"
	         "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0OFA\",\"value\":\"" CARD_2
	         "\",\"verified\":true}],\"includes\":{},%s\"name\":\"Cora Mohr\",\"state\":"
	         "\"active\",\"units\":[{\"confirmed\":true,\"number\":32,\"ref\":\"" UNIT_2
	         "\"}],\"version\":820,\"visits\":1}\n",
	         more);
	hq_brings(w, line);
}

static void whom_hq_holds_to_be_the_same_is_suggested_like_the_stores_own(void **state)
{
	struct world *w = *state;
	clara_is_known(w);
	hq_has_cora(w, LIKELY("C000031", CLARA));
	basket(w);
	scan(w, CARD_2);
	WAIT_FOR(w, suggestion(w, "1"));
	assert_string_equal(text_of(suggestion(w, "1"), "text"),
	                    "Maybe already a customer: C. K., phone \u202657");
	says(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"" CLARA "\"}");
	WAIT_FOR(w, !suggestion(w, "1"));
	json_t *said_so = kept(w, "Identity Unlinked", 0);
	json_t *p = json_object_get(said_so, "properties");
	char *evidence = json_dumps(json_object_get(p, "evidence"), JSON_COMPACT);
	assert_string_equal(text_of(p, "left_ref"), UNIT_2);
	assert_string_equal(text_of(p, "right_ref"), CLARA);
	/* what is no word of a comparison is not taken over */
	assert_string_equal(evidence, "[\"first_name:same\",\"birth_date:same\"]");
	free(evidence);
	json_decref(said_so);
	/* HQ's line still has the pair, and nothing of what was said here. */
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, counted(w, COUNTER_HINTS_LOOKED) > 0);
	settle(w);
	assert_null(suggestion(w, "1"));
}

static void a_pair_of_hqs_is_not_shown_where_it_does_not_hold_here(void **state)
{
	static const char *const more[] = {
	    LIKELY("C000099", CLARA),                    /* whom the store does not have */
	    LIKELY("C000031", "AAECAwQFBgcICQoLDA0OGQ"), /* no record of that customer's */
	    LIKELY("C000031", UNIT_2),                   /* her own */
	    LIKELY("C000031", CLARA) "\"pairs\":[{\"is\":\"apart\",\"other\":\"" CLARA "\"}],",
	    LIKELY("C000031", CLARA) "\"pairs\":[{\"is\":\"same\",\"other\":\"" CLARA "\"}],",
	    "\"likely\":[{\"mbit\":4999,\"other\":\"" CLARA "\",\"who\":\"C000031\"}],",
	    "\"likely\":[{\"mbit\":9000,\"other\":7,\"who\":\"C000031\"},{},7],",
	    "\"likely\":{},"};
	struct world *w = *state;
	clara_is_known(w);
	basket(w);
	hq_has_cora(w, LIKELY("C000031", CLARA));
	scan(w, CARD_2);
	WAIT_FOR(w, suggestion(w, "1"));
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		hq_has_cora(w, more[i]);
		WAIT_FOR(w, !suggestion(w, "1"));
		hq_has_cora(w, LIKELY("C000031", CLARA));
		WAIT_FOR(w, suggestion(w, "1"));
	}
}

/* ---- what a tap does ---- */

static void who_says_no_is_never_asked_again_about_that_pair(void **state)
{
	struct world *w = *state;
	char err[200];
	clara_comes_again(w);
	says(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"" CLARA "\"}");
	WAIT_FOR(w, !suggestion(w, "1"));
	json_t *said_so = kept(w, "Identity Unlinked", 0);
	json_t *p = json_object_get(said_so, "properties");
	if (lw_event_check(EVENT_IDENTITY_UNLINKED, p, err, sizeof err))
		fail_msg("%s", err);
	assert_string_equal(text_of(p, "rule"), "not_me");
	assert_string_equal(text_of(p, "right_ref"), CLARA);
	assert_string_equal(json_string_value(json_array_get(json_object_get(p, "evidence"), 0)),
	                    "first_name:same");
	json_decref(said_so);
	settle(w);
	assert_null(suggestion(w, "1"));
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known"));
	WAIT_FOR(w, counted(w, COUNTER_HINTS_LOOKED) > 0);
	settle(w);
	assert_null(suggestion(w, "1"));
}

static void after_a_restart_the_suggestion_is_there_again(void **state)
{
	struct world *w = *state;
	clara_comes_again(w);
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, suggestion(w, "1"));
	assert_string_equal(text_of(suggestion(w, "1"), "id"), CLARA);
	says(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"" CLARA "\"}");
	WAIT_FOR(w, !suggestion(w, "1"));
}

/* Nobody has another look at them but the start: they are HQ's. */
static void a_correction_of_hqs_customer_suggests_too_also_after_a_restart(void **state)
{
	struct world *w = *state;
	clara_is_known(w);
	hq_brings(
	    w, "{\"customer_id\":\"C000032\",\"first_name\":\"Clara\",\"identifiers\":[{\"kind\":"
	       "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0OFA\",\"value\":\"2600000000187\","
	       "\"verified\":true}],\"includes\":{},\"name\":\"Clara Kern\",\"state\":\"active\","
	       "\"units\":[{\"confirmed\":true,\"number\":32,\"ref\":"
	       "\"AAECAwQFBgcICQoLDA0OFQ\"}],\"version\":820,\"visits\":1}\n");
	basket(w);
	scan(w, "2600000000187");
	WAIT_FOR(w, person_is(w, "1", "known"));
	settle(w);
	assert_null(suggestion(w, "1"));
	says(w, FLOW_CORRECT, "1", "{\"email\":\"clarakern+shop@gmail.com\"}");
	WAIT_FOR(w, suggestion(w, "1"));
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, suggestion(w, "1"));
	assert_string_equal(text_of(suggestion(w, "1"), "id"), CLARA);
}

static void what_another_store_was_told_counts_here(void **state)
{
	struct world *w = *state;
	char more[200];
	clara_comes_again(w);
	json_t *enrolled = kept(w, "Customer Enrolled", 0);
	snprintf(more, sizeof more,
	         "\"pairs\":[{\"is\":\"apart\",\"other\":\"%s\"}],\"state\":\"active\",",
	         text_of(json_object_get(enrolled, "properties"), "enrolment_id"));
	json_decref(enrolled);
	hq_has_clara(w, "clara.kern@gmail.com", "", more);
	WAIT_FOR(w, !suggestion(w, "1"));
}

static void who_says_yes_proposes_it_and_nothing_else_changes(void **state)
{
	struct world *w = *state;
	const struct ident_given given = {.kind = IDENT_PHONE, .value = CLARAS_PHONE};
	char err[200];
	struct answer a;
	clara_comes_again(w);
	says(w, FLOW_SAME_PERSON, "1", "{\"suggestion\":\"" CLARA "\"}");
	WAIT_FOR(w, !suggestion(w, "1"));
	json_t *said_so = kept(w, "Identity Linked", 0);
	json_t *p = json_object_get(said_so, "properties");
	if (lw_event_check(EVENT_IDENTITY_LINKED, p, err, sizeof err))
		fail_msg("%s", err);
	assert_string_equal(text_of(p, "status"), "proposed");
	assert_string_equal(text_of(p, "rule"), "same_person");
	json_decref(said_so);
	flow_resolve(w->flow, NULL, &given, &a);
	assert_int_equal(a.outcome, OUTCOME_MATCHED);
	assert_string_equal(a.hit.profile.customer_id, "C000031");
	const struct ident_given typed = {.kind = IDENT_EMAIL, .value = "clarakern+shop@gmail.com"};
	flow_resolve(w->flow, NULL, &typed, &a);
	assert_int_equal(a.outcome, OUTCOME_MATCHED);
	assert_string_not_equal(a.hit.profile.customer_id, "C000031");
	assert_true(is(person(w, "1"), "new"));
	assert_int_equal(kept_times(w, "Customer Attached"), 1);
}

static void a_tap_on_what_is_no_longer_so_is_refused(void **state)
{
	struct world *w = *state;
	clara_comes_again(w);
	assert_int_equal(form(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"AAECAwQFBgcICQoLDA0OFw\"}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "suggestion_gone");
	assert_int_equal(form(w, FLOW_SAME_PERSON, "2", "{\"suggestion\":\"" CLARA "\"}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "no_customer");
	till_say(w,
	         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, person_is(w, "1", "none"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(form(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"" CLARA "\"}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "suggestion_gone");
	assert_int_equal(kept_times(w, "Identity Unlinked"), 0);
}

static void a_tap_on_who_is_gone_meanwhile_is_refused(void **state)
{
	struct world *w = *state;
	char path[96], err[256] = "";
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 999};
	const char gone[] = "{\"customer_id\":\"C000031\",\"deleted\":true,\"version\":999}\n";
	struct shard *s;
	bool made;
	clara_comes_again(w);
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	assert_int_equal(shard_open(&s, path, w->p->vault, &made, err, sizeof err), 0);
	assert_int_equal(shard_apply(s, gone, strlen(gone), &mark, false, err, sizeof err), 1);
	shard_free(s);
	/* HQ's word has not been looked at yet. */
	assert_int_equal(form(w, FLOW_NOT_ME, "1", "{\"suggestion\":\"" CLARA "\"}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "suggestion_gone");
	assert_non_null(strstr(refused.message, "not known here any more"));
}

/* ---- weights ---- */

/* The built-in ones, by which nobody is anybody. */
static char *distrustful(const char *made)
{
	struct score_model *m = score_model_defaults();
	struct buf text = {0};
	json_error_t err;
	score_model_write(m, &text);
	json_t *o = json_loadb((char *)text.data, text.len, 0, &err);
	assert_non_null(o);
	json_object_set_new(o, "match", json_real(1e-12));
	json_object_set_new(o, "made", json_string(made));
	char *out = json_dumps(o, 0);
	json_decref(o);
	buf_free(&text);
	score_model_free(m);
	return out;
}

static void hq_tells_weights(struct world *w, const char *text)
{
	uint64_t one = 1;
	hq_weights = text;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
	WAIT_FOR(w, !hq_weights);
}

static void hqs_weights_count_at_once_and_after_a_restart_without_hq(void **state)
{
	struct world *w = *state;
	char *weights = distrustful("2026-11-22T00:00:00.000Z");
	clara_comes_again(w);
	hq_tells_weights(w, weights);
	WAIT_FOR(w, !suggestion(w, "1"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	json_t *changed = kept(w, "Configuration Changed", 0);
	assert_string_equal(text_of(json_object_get(changed, "properties"), "version"),
	                    "2026-11-22T00:00:00.000Z");
	json_decref(changed);
	assert_string_equal(weighs, "2026-11-22T00:00:00.000Z");
	hq_tells_weights(w, weights);
	weighs[0] = '\0';
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, counted(w, COUNTER_HINTS_LOOKED) > 0);
	settle(w);
	assert_null(suggestion(w, "1"));
	assert_int_equal(kept_times(w, "Configuration Changed"), 1);
	assert_string_equal(weighs, "2026-11-22T00:00:00.000Z");
	free(weights);
}

static void weights_that_cannot_be_read_change_nothing(void **state)
{
	struct world *w = *state;
	char *much = calloc(1, SCORE_TOLD_BYTES_MAX + 2);
	clara_comes_again(w);
	memset(much, ' ', SCORE_TOLD_BYTES_MAX + 1);
	hq_tells_weights(w, "{\"version\":\"x\"}");
	hq_tells_weights(w, much);
	settle(w);
	assert_non_null(suggestion(w, "1"));
	assert_int_equal(kept_times(w, "Configuration Changed"), 0);
	free(much);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_mailbox_in_another_spelling_is_suggested_with_initials_only),
	    T(a_number_that_was_not_seen_for_years_suggests_who_had_it),
	    T(a_stranger_on_a_number_that_was_passed_on_is_not_suggested),
	    T(who_was_enrolled_on_the_other_lane_is_suggested_without_hq),
	    T(who_is_confidential_or_restricted_is_never_suggested),
	    T(old_data_suggests_nobody),
	    T(without_a_basket_nobody_is_suggested),
	    T(a_plain_scan_looks_for_nobody),
	    T(who_was_enrolled_is_suggested_to_also_when_hq_has_taken_it),
	    T(whom_hq_holds_to_be_the_same_is_suggested_like_the_stores_own),
	    T(a_pair_of_hqs_is_not_shown_where_it_does_not_hold_here),
	    T(who_says_no_is_never_asked_again_about_that_pair),
	    T(after_a_restart_the_suggestion_is_there_again),
	    T(a_correction_of_hqs_customer_suggests_too_also_after_a_restart),
	    T(what_another_store_was_told_counts_here),
	    T(who_says_yes_proposes_it_and_nothing_else_changes),
	    T(a_tap_on_what_is_no_longer_so_is_refused),
	    T(a_tap_on_who_is_gone_meanwhile_is_refused),
	    T(hqs_weights_count_at_once_and_after_a_restart_without_hq),
	    T(weights_that_cannot_be_read_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Enrolments and corrections at a lane: what they journal, and that every lane knows at once. */
#include "flow_form_world.h"

#define CONSENTS                                                                                   \
	"\"consents\":[{\"purpose\":\"marketing\",\"channel\":\"sms\",\"value\":\"granted\","      \
	"\"text_version\":\"2026-1\",\"language\":\"de\"},{\"purpose\":\"personalisation\","       \
	"\"channel\":\"any\",\"value\":\"refused\",\"text_version\":\"2026-1\",\"language\":"      \
	"\"de\"}]"

static void chosen_on_lane_2(struct world *w, const char *till, const char *value)
{
	char line[300];
	till_connect(w, till, "2");
	till_open(w, "b:1", "X");
	snprintf(line, sizeof line,
	         "{\"type\":\"customer_chosen\",\"source_message_id\":\"b:2\",\"basket\":\"X\","
	         "\"kind\":\"phone\",\"value\":\"%s\"}",
	         value);
	till_say(w, line);
	WAIT_FOR(w, said(w, 0, "kept", "b:2"));
}

/* The row of the manager's list with this cause, to be released; NULL: there is none. */
static json_t *reviewed(struct world *w, const char *cause)
{
	struct buf json = {0};
	flow_review_json(w->flow, &json);
	json_t *root = json_loadb((char *)json.data, json.len, 0, NULL), *row, *found = NULL;
	size_t i;
	json_array_foreach(json_object_get(root, "review"), i, row) found =
	    strcmp(text_of(row, "cause"), cause) ? found : json_incref(row);
	json_decref(root);
	buf_free(&json);
	return found;
}

static json_t *context(json_t *line)
{
	return json_object_get(json_object_get(line, "context"), "laneway");
}

/* ---- enrolling ---- */

static void who_is_enrolled_is_attached_and_known_on_the_other_lane(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"," CONSENTS "}");
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
	WAIT_FOR(w, is(person(w, "1"), "new") && !is(person(w, "1"), "provisional"));
	chosen_on_lane_2(w, "T2", "+49 172 8394057");
	WAIT_FOR(w, person_is(w, "2", "known"));
	assert_string_equal(text_of(person(w, "2"), "first_name"), "Mia");
	assert_true(is(person(w, "2"), "new"));
}

static void an_enrolment_is_one_entry_of_sealed_events(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	enrols(w, "1",
	       "{\"first_name\":\"Mia\",\"age_ok\":true,\"phone\":\"0172 8394057\"," CONSENTS "}");
	json_t *enrolled = kept(w, "Customer Enrolled", 0),
	       *attached = kept(w, "Customer Attached", 0);
	json_t *p = json_object_get(enrolled, "properties");
	assert_int_equal(kept_times(w, "Consent Changed"), 2);
	assert_int_equal(json_integer_value(json_object_get(context(enrolled), "seq")) + 3,
	                 json_integer_value(json_object_get(context(attached), "seq")));
	assert_string_equal(text_of(json_object_get(context(enrolled), "sealed"), "k"),
	                    text_of(json_object_get(context(attached), "sealed"), "k"));
	assert_true(is(p, "age_ok"));
	assert_string_equal(text_of(p, "by"), "till");
	char err[200];
	if (lw_event_check(EVENT_CUSTOMER_ENROLLED, p, err, sizeof err))
		fail_msg("%s", err);
	json_t *choice = kept(w, "Consent Changed", 0);
	if (lw_event_check(EVENT_CONSENT_CHANGED, json_object_get(choice, "properties"), err,
	                   sizeof err))
		fail_msg("%s", err);
	assert_null(memmem(w->kept.data, w->kept.len, "Mia", 3));
	assert_null(memmem(w->kept.data, w->kept.len, "1728394057", 10));
	json_decref(enrolled);
	json_decref(attached);
	json_decref(choice);
}

static void whose_age_was_not_asked_is_not_told_to_be_too_young(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	json_t *enrolled = kept(w, "Customer Enrolled", 0);
	json_t *p = json_object_get(enrolled, "properties");
	char err[200];
	assert_true(json_is_null(json_object_get(p, "age_ok")));
	if (lw_event_check(EVENT_CUSTOMER_ENROLLED, p, err, sizeof err))
		fail_msg("%s", err);
	json_decref(enrolled);
}

static void a_new_card_that_was_just_shown_is_the_enrolments(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, "2600000000999");
	WAIT_FOR(w, person_is(w, "1", "unknown"));
	assert_true(is(shown(w, "1"), "new_card"));
	enrols(w, "1", "{\"first_name\":\"Mia\"}");
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_false(is(shown(w, "1"), "new_card"));
	json_t *enrolled = kept(w, "Customer Enrolled", 0);
	json_t *verified = json_object_get(json_object_get(enrolled, "properties"), "verified");
	assert_int_equal(json_array_size(verified), 1);
	assert_string_equal(json_string_value(json_array_get(verified, 0)), "loyalty");
	json_decref(enrolled);
	till_say(w,
	         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, person_is(w, "1", "none"));
	scan(w, "2600000000999");
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
}

static void before_a_basket_the_enrolled_waits_for_it(void **state)
{
	struct world *w = *state;
	keep(w);
	enrols(w, "1", "{\"first_name\":\"Mia\",\"email\":\"mia@example.net\"}");
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(shown(w, "1"), "state"), "idle");
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
}

static void after_a_restart_the_enrolled_is_still_known_and_still_attached(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
	assert_true(is(person(w, "1"), "new"));
	chosen_on_lane_2(w, "T2", PHONE);
	WAIT_FOR(w, person_is(w, "2", "known"));
	assert_string_equal(text_of(person(w, "2"), "first_name"), "Mia");
}

static void who_waited_when_the_box_went_waits_again(void **state)
{
	struct world *w = *state;
	keep(w);
	enrols(w, "1", "{\"first_name\":\"Mia\",\"email\":\"mia@example.net\"}");
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known"));
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
}

static void an_enrolment_that_the_journal_refuses_is_known_nowhere(void **state)
{
	struct world *w = *state;
	struct answer a;
	const struct ident_given given = {.kind = IDENT_PHONE, .value = PHONE};
	assert_int_equal(
	    form(w, FLOW_ENROL, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}"), 0);
	flow_resolve(w->flow, NULL, &given, &a);
	assert_int_equal(a.outcome, OUTCOME_UNKNOWN);
	assert_false(answered.done);
	keep(w);
	WAIT_FOR(w, answered.done);
	flow_resolve(w->flow, NULL, &given, &a);
	assert_int_equal(a.outcome, OUTCOME_MATCHED);
}

/* ---- who is known already ---- */

static void a_phone_that_is_known_is_offered_to_attach(void **state)
{
	struct world *w = *state;
	keep(w);
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	till_connect(w, "T2", "2");
	till_open(w, "b:1", "X");
	WAIT_FOR(w, said(w, 0, "kept", "b:1"));
	assert_int_equal(form(w, FLOW_ENROL, "2",
	                      "{\"first_name\":\"mia\",\"phone\":\"0172 8394057\"," CONSENTS "}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "known_customer");
	assert_string_equal(refused.field, "phone");
	assert_true(known.is && known.attach && !known.several);
	assert_string_equal(known.first_name, "M\u2026");
	enrols(w, "2",
	       "{\"first_name\":\"mia\",\"phone\":\"0172 8394057\",\"known\":\"attach\"," CONSENTS
	       "}");
	WAIT_FOR(w, person_is(w, "2", "known"));
	assert_int_equal(kept_times(w, "Customer Enrolled"), 1);
	assert_int_equal(kept_times(w, "Customer Corrected"), 0);
	assert_int_equal(kept_times(w, "Consent Changed"), 2);
}

/* Anybody can say somebody's number: who does gets no card or address that leads to them. */
static void whose_number_was_only_said_gets_no_new_card_or_address(void **state)
{
	struct world *w = *state;
	struct answer a;
	const struct ident_given card = {
	    .kind = IDENT_LOYALTY, .scanned = true, .value = "2600000000999"};
	keep(w);
	enrols(w, "2", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	refuses(w, FLOW_ENROL,
	        "{\"phone\":\"0172 8394057\",\"email\":\"eve@example.net\",\"known\":\"attach\"}",
	        "not_verified", "email");
	scan(w, "2600000000999");
	WAIT_FOR(w, person_is(w, "1", "unknown"));
	refuses(w, FLOW_ENROL, "{\"phone\":\"0172 8394057\",\"known\":\"attach\"}", "not_verified",
	        "card");
	flow_resolve(w->flow, "1", &card, &a);
	assert_int_equal(a.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(kept_times(w, "Customer Corrected"), 0);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
}

static void another_name_on_the_phone_is_a_second_person_and_then_it_is_asked(void **state)
{
	struct world *w = *state;
	struct answer a;
	const struct ident_given given = {.kind = IDENT_PHONE, .value = PHONE};
	keep(w);
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	till_connect(w, "T2", "2");
	till_open(w, "b:1", "X");
	WAIT_FOR(w, said(w, 0, "kept", "b:1"));
	assert_int_equal(
	    form(w, FLOW_ENROL, "2", "{\"first_name\":\"Ben\",\"phone\":\"0172 8394057\"}"),
	    FLOW_FORM_REFUSED);
	assert_true(known.is && !known.attach);
	assert_int_equal(
	    form(w, FLOW_ENROL, "2",
	         "{\"first_name\":\"Ben\",\"known\":\"attach\",\"phone\":\"0172 8394057\"}"),
	    FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "other_customer");
	enrols(w, "2", "{\"first_name\":\"Ben\",\"known\":\"new\",\"phone\":\"0172 8394057\"}");
	WAIT_FOR(w, person_is(w, "2", "known"));
	assert_string_equal(text_of(person(w, "2"), "first_name"), "Ben");
	flow_resolve(w->flow, NULL, &given, &a);
	assert_int_not_equal(a.outcome, OUTCOME_MATCHED);
	assert_int_not_equal(a.outcome, OUTCOME_UNKNOWN);
}

static void somebody_else_is_not_replaced_by_an_enrolment(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}",
	        "customer_attached", "lane");
	assert_int_equal(kept_times(w, "Customer Enrolled"), 0);
}

/* ---- what is wrong is named ---- */

static void a_form_that_is_wrong_says_which_member_and_what_was_expected(void **state)
{
	struct world *w = *state;
	keep(w);
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"phone\":\"12\"}", "bad_field", "phone");
	assert_non_null(strstr(refused.message, "0171"));
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"email\":\"mia\"}", "bad_field", "email");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\"}", "missing_field", "phone");
	refuses(w, FLOW_ENROL, "{\"phone\":\"0172 8394057\"}", "missing_field", "first_name");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"M\\u001bia\",\"phone\":\"0172 8394057\"}",
	        "bad_field", "first_name");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"\\u202eaiM\",\"phone\":\"0172 8394057\"}",
	        "bad_field", "first_name");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\\u009b2J\",\"phone\":\"0172 8394057\"}",
	        "bad_field", "first_name");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"birth\":\"1990\"}", "unknown_field",
	        "birth");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"" PAN "\",\"phone\":\"0172 8394057\"}",
	        "card_number", "first_name");
	refuses(w, FLOW_ENROL,
	        "{\"first_name\":\"4111.1111.1111.1111\",\"phone\":\"0172 8394057\"}",
	        "card_number", "first_name");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"phone\":\"" PAN "\"}", "card_number",
	        "phone");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"phone\":\"4111/1111/1111/1111\"}",
	        "card_number", "phone");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"phone\":\"0171 1234567\"}", "blocked",
	        "phone");
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"email\":\"no@\"}", "bad_field", "email");
	refuses(w, FLOW_ENROL,
	        "{\"first_name\":\"Mia\",\"email\":\"mia@example.net\"," CONSENTS "}", "bad_field",
	        "consents");
	refuses(w, FLOW_ENROL,
	        "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\",\"consents\":[{\"purpose\":"
	        "\"everything\"}]}",
	        "bad_field", "consents");
	assert_non_null(strstr(refused.message, "sell_share"));
	refuses(w, FLOW_ENROL,
	        "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\",\"known\":\"take\"}",
	        "bad_field", "known");
	assert_int_equal(kept_times(w, "Customer Enrolled"), 0);
	assert_true(!w->kept.len || !memmem(w->kept.data, w->kept.len, "41111111", 8));
}

static void while_the_box_starts_nobody_is_enrolled(void **state)
{
	struct world *w = *state;
	world_close(w);
	world_begin(w);
	event_del(w->flow->rebuild_event);
	refuses(w, FLOW_ENROL, "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}", "starting",
	        "");
	event_add(w->flow->rebuild_event, NULL);
	WAIT_FOR(w, flow_stage(w->flow) == FLOW_READY);
}

/* ---- HQ ---- */

static size_t pending(struct world *w)
{
	struct overlay_state o;
	overlay_state(w->flow->overlay, &o);
	return o.events;
}

/* HQ's pages bring this line, and say that they include everything. */
static void hq_says(struct world *w, const char *line)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 900};
	char path[96], err[256] = "";
	struct journal_state j;
	struct shard *s;
	bool made;
	uint64_t one = 1;
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, line, strlen(line), &mark, false, err, sizeof err) < 0)
		fail_msg("%s", err);
	shard_free(s);
	journal_state(w->p->journal, &j);
	memcpy(w->sync.includes.at[0].epoch, j.epoch, sizeof j.epoch);
	w->sync.includes.at[0].seq = j.last_seq;
	w->sync.includes.count = 1;
	w->sync.shard_version = 900;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
}

static void what_hq_made_of_an_enrolment_takes_its_place(void **state)
{
	struct world *w = *state;
	struct answer a;
	const struct ident_given given = {.kind = IDENT_PHONE, .value = PHONE};
	keep(w);
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	assert_int_equal(pending(w), 1);
	hq_says(w, "{\"customer_id\":\"C000200\",\"first_name\":\"Mia\",\"identifiers\":[{\"kind\":"
	           "\"phone\",\"ref\":\"AAECAwQFBgcICQoLDA0OEA\",\"value\":\"" PHONE
	           "\",\"verified\":false}],\"includes\":{},\"name\":\"Mia\",\"state\":\"active\","
	           "\"version\":900,\"visits\":0}\n");
	WAIT_FOR(w, pending(w) == 0);
	flow_resolve(w->flow, NULL, &given, &a);
	assert_int_equal(a.outcome, OUTCOME_MATCHED);
	assert_string_equal(a.hit.profile.customer_id, "C000200");
}

static int take_over(struct world *w, const char *lane, const char *change)
{
	struct sale_error err;
	const struct flow_tap tap = {
	    .lane = lane, .change = change, .done = on_done, .ctx = &answered};
	answered = (struct outcome_of){0};
	return flow_tap(w->flow, &tap, &err);
}

static void whom_hq_knew_before_is_taken_over_with_a_tap(void **state)
{
	struct world *w = *state;
	char line[1200], change[64];
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	enrols(w, "1", "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}");
	json_t *enrolled = kept(w, "Customer Enrolled", 0);
	const char *ref = text_of(json_object_get(enrolled, "properties"), "enrolment_id");
	snprintf(
	    line, sizeof line,
	    "{\"customer_id\":\"C000012\",\"first_name\":\"Maria\",\"identifiers\":[{\"kind\":"
	    "\"unit\",\"ref\":\"%s\",\"value\":\"%s\",\"verified\":false},{\"kind\":\"phone\","
	    "\"ref\":\"AAECAwQFBgcICQoLDA0OEA\",\"value\":\"" PHONE
	    "\",\"verified\":true}],\"includes\":{},\"name\":\"Maria\",\"state\":\"active\","
	    "\"units\":[{\"confirmed\":true,\"number\":12,\"ref\":\"AAECAwQFBgcICQoLDA0OEQ\"},"
	    "{\"confirmed\":false,\"number\":200,\"ref\":\"%s\"}],\"version\":900,\"visits\":0}\n",
	    ref, ref, ref);
	json_decref(enrolled);
	hq_says(w, line);
	WAIT_FOR(w, json_is_object(json_object_get(shown(w, "1"), "change")));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Mia");
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "change"), "text"),
	                    "HQ knows this customer already: Maria");
	snprintf(change, sizeof change, "%s",
	         text_of(json_object_get(shown(w, "1"), "change"), "id"));
	assert_int_equal(take_over(w, "1", change), 0);
	WAIT_FOR(w, answered.done);
	WAIT_FOR(w, strcmp(text_of(person(w, "1"), "first_name"), "Maria") == 0);
	assert_int_equal(kept_times(w, "Customer Attached"), 2);
	assert_true(json_is_null(json_object_get(shown(w, "1"), "change")));
}

static void a_name_that_hq_kept_is_said_once_when_the_customer_is_there(void **state)
{
	struct world *w = *state;
	char line[800], epoch[EVENT_EPOCH_SIZE];
	struct journal_state j;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"first_name\":\"Hanna\"}"), 0);
	WAIT_FOR(w, answered.done);
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	journal_state(w->p->journal, &j);
	text_hex(j.epoch, EVENT_EPOCH_BYTES, epoch);
	snprintf(line, sizeof line,
	         "{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"kind\":"
	         "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"" CARD
	         "\",\"verified\":true}],\"includes\":{\"%s\":%d},\"name\":\"Anna Berg\",\"state\":"
	         "\"active\",\"units\":[{\"confirmed\":true,\"number\":17,\"ref\":"
	         "\"AAECAwQFBgcICQoLDA0OEQ\"}],\"version\":900,\"visits\":7}\n",
	         epoch, (int)j.last_seq);
	hq_says(w, line);
	WAIT_FOR(w, pending(w) == 0);
	json_t *row = reviewed(w, "hq_kept");
	assert_string_equal(text_of(row, "value"), "C000017");
	assert_string_equal(text_of(row, "kind"), "first_name");
	assert_string_equal(text_of(row, "words"), "HQ kept another value than was said here");
	json_decref(row);
	till_open(w, "a:3", "B2");
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	scan(w, CARD);
	WAIT_FOR(w, strcmp(text_of(shown(w, "1"), "notice"),
	                   "HQ kept \u201cAnna\u201d, not \u201cHanna\u201d") == 0);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Anna");
	row = reviewed(w, "hq_kept");
	assert_string_equal(text_of(row, "words"),
	                    "HQ kept another value; it was said at the lane");
	json_decref(row);
	till_say(w,
	         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:4\",\"basket\":\"B2\"}");
	WAIT_FOR(w, person_is(w, "1", "none"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(shown(w, "1"), "notice"), "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(who_is_enrolled_is_attached_and_known_on_the_other_lane),
	    T(an_enrolment_is_one_entry_of_sealed_events),
	    T(whose_age_was_not_asked_is_not_told_to_be_too_young),
	    T(a_new_card_that_was_just_shown_is_the_enrolments),
	    T(before_a_basket_the_enrolled_waits_for_it),
	    T(after_a_restart_the_enrolled_is_still_known_and_still_attached),
	    T(who_waited_when_the_box_went_waits_again),
	    T(an_enrolment_that_the_journal_refuses_is_known_nowhere),
	    T(a_phone_that_is_known_is_offered_to_attach),
	    T(whose_number_was_only_said_gets_no_new_card_or_address),
	    T(another_name_on_the_phone_is_a_second_person_and_then_it_is_asked),
	    T(somebody_else_is_not_replaced_by_an_enrolment),
	    T(a_form_that_is_wrong_says_which_member_and_what_was_expected),
	    T(while_the_box_starts_nobody_is_enrolled),
	    T(what_hq_made_of_an_enrolment_takes_its_place),
	    T(whom_hq_knew_before_is_taken_over_with_a_tap),
	    T(a_name_that_hq_kept_is_said_once_when_the_customer_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

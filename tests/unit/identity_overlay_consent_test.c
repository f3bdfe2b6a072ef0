/* What the store believes was chosen: HQ's word and its own, of everybody who is within reach. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/overlay.h"

#define PHONE "+491512345678"
#define T0 "2026-11-21T10:00:00.000Z"

static const uint8_t epoch[8] = {1, 2, 3, 4, 5, 6, 7, 8};

struct world {
	struct rule_set rules;
	struct field_trust trust;
	struct overlay *o;
	uint64_t seq;
	const char *choices; /* in the line of C000017, who has the phone */
};

static const char *ref(char letter)
{
	static char out[4][EVENT_ID_SIZE];
	static int next;
	uint8_t bytes[16];
	char *text = out[next++ % 4];
	memset(bytes, letter, sizeof bytes);
	text_b64(bytes, sizeof bytes, text);
	return text;
}

static int lines(void *ctx, const char *kind, const char *value, overlay_line_fn *fn, void *fn_ctx)
{
	const struct world *w = ctx;
	struct profile p = {.customer_id = "C000017", .first_name = "Anna"};
	char line[2048];
	if (strcmp(value, PHONE) != 0 && strcmp(value, "C000017") != 0 &&
	    strcmp(value, ref('u')) != 0)
		return 0;
	(void)kind;
	int n = snprintf(
	    line, sizeof line,
	    "{\"choices\":[%s],\"customer_id\":\"C000017\",\"facts\":[],\"first_name\":"
	    "\"Anna\",\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"%s\",\"value\":\"" PHONE
	    "\",\"verified\":false}],\"units\":[{\"confirmed\":true,\"number\":17,\"ref\":"
	    "\"%s\"}],\"version\":1}",
	    w->choices, ref('c'), ref('u'));
	fn(fn_ctx, &p, line, (size_t)n);
	return 1;
}

static void take(struct world *w, const char *event, const char *properties, const char *sealed)
{
	const struct overlay_hq hq = {lines, w};
	char line[2048];
	int n = snprintf(line, sizeof line,
	                 "{\"context\":{\"laneway\":{\"clock\":\"kernel\"}},\"event\":\"%s\","
	                 "\"originalTimestamp\":\"" T0 "\",\"properties\":%s}",
	                 event, properties);
	const struct overlay_event ev = {.ordinal = 1,
	                                 .epoch = epoch,
	                                 .seq = ++w->seq,
	                                 .line = line,
	                                 .line_len = (size_t)n,
	                                 .sealed = sealed,
	                                 .sealed_len = strlen(sealed)};
	assert_int_equal(overlay_take(w->o, &hq, &ev), 1);
}

/* Bert, on Anna's phone. */
static void enrol_bert(struct world *w)
{
	char properties[256], sealed[512];
	snprintf(properties, sizeof properties,
	         "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         ref('b'));
	snprintf(
	    sealed, sizeof sealed,
	    "{\"fields\":{\"first_name\":\"Bert\"},\"identifiers\":[{\"kind\":\"phone\",\"ref\":"
	    "\"%s\",\"value\":\"" PHONE "\",\"verified\":false}]}",
	    ref('d'));
	take(w, "Customer Enrolled", properties, sealed);
}

static void choose(struct world *w, char id, char unit, char claim, const char *value,
                   const char *method, const char *at)
{
	char properties[700], sealed[200];
	snprintf(
	    properties, sizeof properties,
	    "{\"channel\":\"sms\",\"choice_id\":\"%s\",\"chosen_from\":\"%s\",\"chosen_to\":\"%s\","
	    "\"ident_ref\":\"%s\",\"language\":\"de\",\"method\":\"%s\",\"proof_ref\":null,"
	    "\"purpose\":\"marketing\",\"scope\":\"address\",\"text_version\":\"1\",\"value\":"
	    "\"%s\"}",
	    ref(id), at, at, ref(claim), method, value);
	snprintf(sealed, sizeof sealed, "{\"covers\":[\"%s\"],\"unit\":\"%s\"}", ref(unit),
	         ref(unit));
	take(w, "Consent Changed", properties, sealed);
}

/* May the person with this unit be written to at the phone? */
static struct consent_answer asked(struct world *w, char unit)
{
	const struct overlay_hq hq = {lines, w};
	struct overlay_person p;
	struct consent_answer a;
	char name[EVENT_ID_SIZE];
	text_copy(name, sizeof name, ref(unit));
	assert_int_equal(overlay_person(w->o, &hq, "unit", name, &p), 1);
	assert_true(p.claim_count > 0);
	struct consent_question q = {.purpose = CONSENT_MARKETING,
	                             .channel = CONSENT_SMS,
	                             .address = p.claim[0].ident,
	                             .unit = p.unit,
	                             .unit_count = p.unit_count};
	consent_evaluate(p.choice, p.choice_count, &q, &a);
	a.because = NULL;
	overlay_person_free(&p);
	return a;
}

static int make(void **state)
{
	struct world *w = *state = calloc(1, sizeof *w);
	rule_defaults(&w->rules);
	field_trust_defaults(&w->trust);
	w->choices = "";
	w->o = overlay_new(&w->rules, &w->trust);
	return w->o ? 0 : -1;
}

static int end(void **state)
{
	struct world *w = *state;
	overlay_free(w->o);
	free(w);
	return 0;
}

static void a_stop_here_binds_whoever_else_has_the_address(void **state)
{
	struct world *w = *state;
	enrol_bert(w);
	choose(w, '1', 'b', 'd', "granted", "confirmed", "2026-11-21T10:00:00.000Z");
	assert_true(asked(w, 'b').allowed);
	choose(w, '2', 'u', 'c', "withdrawn", "stop", "2026-11-21T11:00:00.000Z");
	assert_string_equal(asked(w, 'b').rule, "stop");
	assert_string_equal(asked(w, 'u').rule, "stop");
}

static void with_a_line_of_hqs_that_cannot_be_read_nothing_is_allowed(void **state)
{
	struct world *w = *state;
	enrol_bert(w);
	choose(w, '1', 'b', 'd', "granted", "confirmed", "2026-11-21T10:00:00.000Z");
	assert_true(asked(w, 'b').allowed);
	w->choices = "{\"id\":\"a no that a later release wrote otherwise\"}";
	assert_false(asked(w, 'b').allowed);
}

static void with_a_line_that_may_lack_a_no_nothing_is_allowed(void **state)
{
	static const char no[] =
	    "{\"at\":[\"2020-01-01T00:00:00.000Z\"],\"channel\":\"email\",\"id\":"
	    "\"AQAAAAAAAAAAAAAAAAAAAA\",\"method\":\"till\",\"purpose\":"
	    "\"profiling\",\"unit\":\"AQAAAAAAAAAAAAAAAAAAAA\",\"value\":\"refused\"}],\"left_"
	    "out\":{\"choices\":1},"
	    "\"x\":[{}";
	static const char yes[] =
	    "{\"at\":[\"2020-01-01T00:00:00.000Z\"],\"channel\":\"email\",\"id\":"
	    "\"AQAAAAAAAAAAAAAAAAAAAA\",\"method\":\"customer\",\"purpose\":"
	    "\"profiling\",\"text\":\"1\",\"unit\":\"AQAAAAAAAAAAAAAAAAAAAA\",\"value\":"
	    "\"granted\"}],\"left_out\":"
	    "{\"choices\":1},\"x\":[{}";
	struct world *w = *state;
	enrol_bert(w);
	choose(w, '1', 'b', 'd', "granted", "confirmed", "2026-11-21T10:00:00.000Z");
	w->choices = no;
	assert_false(asked(w, 'b').allowed);
	w->choices = yes;
	assert_true(asked(w, 'b').allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_stop_here_binds_whoever_else_has_the_address, make,
	                                    end),
	    cmocka_unit_test_setup_teardown(with_a_line_that_may_lack_a_no_nothing_is_allowed, make,
	                                    end),
	    cmocka_unit_test_setup_teardown(
	        with_a_line_of_hqs_that_cannot_be_read_nothing_is_allowed, make, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What stores say of who somebody is, as HQ's tests have them say it. */
#ifndef LANEWAY_TESTS_HQ_SAY_H
#define LANEWAY_TESTS_HQ_SAY_H

#include "hq_world.h"

#include "hq/identity/hq_profile.h"

/* References: 16 bytes of one value, as base64url. */
static inline const char *ref(uint8_t byte)
{
	static char text[8][EVENT_ID_SIZE];
	static int next;
	uint8_t bytes[EVENT_ID_BYTES];

	next = (next + 1) % 8;
	memset(bytes, byte, sizeof bytes);
	text_b64(bytes, sizeof bytes, text[next]);
	return text[next];
}

static inline void speak(struct store *s, const char *event, const char *properties,
                         const char *sealed)
{
	s->world->wall_us += 1000000;
	store_say(s, &(struct said){
	                 .event = event, .properties = properties, .visit = "v", .person = sealed});
}

/* unit: of the enrolment; claim: of its phone. name NULL: none. */
static inline void enrol(struct store *s, uint8_t unit, uint8_t claim, const char *name,
                         const char *phone)
{
	char properties[300], sealed[400], first[80] = "";

	if (name)
		snprintf(first, sizeof first, "\"first_name\":\"%s\"", name);
	snprintf(
	    properties, sizeof properties,
	    "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[\"first_name\"],"
	    "\"verified\":[]}",
	    ref(unit));
	snprintf(
	    sealed, sizeof sealed,
	    "{\"fields\":{%s},\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"%s\",\"value\":\"%s\","
	    "\"verified\":false}]}",
	    first, ref(claim), phone);
	speak(s, "Customer Enrolled", properties, sealed);
}

static inline void correct_by(struct store *s, uint8_t id, uint8_t unit, const char *by,
                              const char *members)
{
	char properties[300], sealed[400];

	snprintf(properties, sizeof properties,
	         "{\"age_ok\":null,\"by\":\"%s\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         by, ref(id));
	snprintf(sealed, sizeof sealed, "{%s,\"unit\":\"%s\"}", members, ref(unit));
	speak(s, "Customer Corrected", properties, sealed);
}

static inline void correct(struct store *s, uint8_t id, uint8_t unit, const char *members)
{
	correct_by(s, id, unit, "till", members);
}

static inline void link_event(struct store *s, const char *event, const char *rule, uint8_t id,
                              uint8_t a, uint8_t b)
{
	char properties[400];

	snprintf(properties, sizeof properties,
	         "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"%s\",\"link_id\":\"%s\","
	         "\"right_ref\":\"%s\",\"rule\":\"%s\",\"ruleset\":\"1\",\"status\":\"confirmed\"}",
	         ref(a), ref(id), ref(b), rule);
	speak(s, event, properties, NULL);
}

static inline void attach(struct store *s, const char *basket, const char *customer,
                          const char *claim)
{
	char properties[300], sealed[200];

	snprintf(properties, sizeof properties,
	         "{\"basket_id\":\"%s\",\"by\":\"scan\",\"profile_ref\":\"p\",\"reason\":\"scan\"}",
	         basket);
	snprintf(sealed, sizeof sealed, "{\"customer_id\":\"%s\",\"ident_ref\":\"%s\"}", customer,
	         claim);
	speak(s, "Customer Attached", properties, sealed);
}

static inline void order(struct store *s, const char *basket, const char *number, const char *total)
{
	char properties[400];

	snprintf(properties, sizeof properties,
	         "{\"cart_id\":\"%s\",\"currency\":\"EUR\",\"order_id\":\"%s/T1/2026-11-21/%s\","
	         "\"products\":[],\"total\":\"%s\"}",
	         basket, s->name, number, total);
	speak(s, "Order Completed", properties, NULL);
}

static inline void points(struct store *s, uint8_t id, uint8_t unit, int n)
{
	char properties[300], sealed[100];

	snprintf(properties, sizeof properties,
	         "{\"balance_as_of\":null,\"balance_seen\":null,\"change_type\":\"accumulate\","
	         "\"entry_id\":\"%s\",\"order_id\":null,\"points\":%d,\"reservation_id\":null,"
	         "\"reverses\":null}",
	         ref(id), n);
	snprintf(sealed, sizeof sealed, "{\"unit\":\"%s\"}", ref(unit));
	speak(s, "Points Changed", properties, sealed);
}

/* also: a second unit that the choice covers; claim: the address that it is for; 0: none. */
static inline void choose_for(struct store *s, uint8_t id, uint8_t unit, uint8_t also,
                              uint8_t claim, const char *value, const char *to)
{
	char properties[500], sealed[200], address[64] = "";

	if (claim)
		snprintf(address, sizeof address, "\"ident_ref\":\"%s\",", ref(claim));
	snprintf(properties, sizeof properties,
	         "{\"channel\":\"sms\",\"choice_id\":\"%s\",\"chosen_from\":\"2026-11-21T10:00:00."
	         "000Z\",\"chosen_to\":\"%s\",%s\"language\":\"de\",\"method\":\"till\","
	         "\"proof_ref\":null,\"purpose\":\"marketing\",\"scope\":\"chain\",\"text_"
	         "version\":\"1\",\"value\":\"%s\"}",
	         ref(id), to, address, value);
	snprintf(sealed, sizeof sealed, "{\"covers\":[\"%s\"%s%s%s],\"unit\":\"%s\"}", ref(unit),
	         also ? ",\"" : "", also ? ref(also) : "", also ? "\"" : "", ref(unit));
	speak(s, "Consent Changed", properties, sealed);
}

/* value NULL: of an unblock, which names the block alone. */
static inline void block(struct store *s, const char *event, const char *scope, uint8_t id,
                         const char *kind, const char *value)
{
	char properties[300], sealed[200];

	snprintf(properties, sizeof properties,
	         "{\"ident_ref\":\"%s\",\"reason\":\"r\",\"scope\":\"%s\",\"until\":null}", ref(id),
	         scope);
	snprintf(sealed, sizeof sealed, "{\"kind\":\"%s\",\"value\":\"%s\"}", kind,
	         value ? value : "");
	speak(s, event, properties, value ? sealed : NULL);
}

#define CHOSEN "2026-11-21T10:00:00.000Z"

static inline void choose(struct store *s, uint8_t id, uint8_t unit, uint8_t claim,
                          const char *value)
{
	choose_for(s, id, unit, 0, claim, value, CHOSEN);
}

static inline void arrive(struct store *s)
{
	store_send(s, 1, s->seq);
	world_fold(s->world);
}

/* The line of a customer in a page. */
static inline char *line_of(struct world *w, int64_t n)
{
	struct buf out = {0};

	hq_profile_line(w->db, n, &out);
	buf_byte(&out, '\0');
	return (char *)out.data;
}

static inline bool says(struct world *w, int64_t n, const char *text)
{
	char *line = line_of(w, n);
	bool found = strstr(line, text) != NULL;

	free(line);
	return found;
}

#endif

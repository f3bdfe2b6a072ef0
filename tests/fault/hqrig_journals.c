/* The stores' journals of one run, written down before HQ's first start. In the parent. */
#include "../unit/hq_world.h"

#include "hqrig.h"

#define LINES_LEAST 300
#define LINES_MORE 300
#define BASKETS 5 /* open at a time */
#define PHONES 12 /* of those who are enrolled */

struct hqrig_journals hqrig_journals;

/* HQ's keys stand here; its database does not. */
static struct world *world;
static struct hqrig_fact facts[HQRIG_EPOCHS][WORLD_LINES_MAX + 1];
static const char *const names[HQRIG_STORES] = {"s1", "s2"};

const char *hqrig_keys(void)
{
	if (!world) {
		world = world_new();
		world_close(world);
	}
	return world->dir;
}

void hqrig_forget_keys(void)
{
	folder_drop(world->dir);
}

const uint8_t *hqrig_sign_pub(void)
{
	return world->sign.pub;
}

const char *hqrig_store(int epoch)
{
	return hqrig_journals.real[epoch]->name;
}

const uint8_t *hqrig_epoch_id(int epoch)
{
	return hqrig_journals.real[epoch]->epoch;
}

static struct store *journal(int epoch, bool clone)
{
	return clone ? hqrig_journals.clone[epoch] : hqrig_journals.real[epoch];
}

uint64_t hqrig_last(int epoch, bool clone)
{
	return journal(epoch, clone)->seq;
}

const char *hqrig_line(int epoch, bool clone, uint64_t seq)
{
	return journal(epoch, clone)->line[seq].text;
}

const struct hqrig_fact *hqrig_fact(int epoch, uint64_t seq)
{
	return &facts[epoch][seq];
}

uint8_t *hqrig_batch(int epoch, bool clone, uint64_t first, uint64_t last, size_t *len)
{
	struct buf out = {0};

	store_batch_of(journal(epoch, clone), first, last, true, &out);
	*len = out.len;
	return out.data;
}

/* ---- what happens in a store ---- */

struct writing {
	struct store *s;
	int epoch, *baskets;                 /* numbers count over all epochs */
	uint64_t *luck, enrolled[2], linked; /* seqs of the last ones; 0: none */
};

static void note(struct writing *w, struct hqrig_fact fact)
{
	facts[w->epoch][w->s->seq] = fact;
}

static void attach(struct writing *w, int basket)
{
	char properties[200], person[100];
	int customer = 1 + (int)dice_below(w->luck, HQRIG_CUSTOMERS);

	snprintf(
	    properties, sizeof properties,
	    "{\"basket_id\":\"b%d\",\"by\":\"scan\",\"profile_ref\":\"p\",\"reason\":\"scan\"}",
	    basket);
	snprintf(person, sizeof person, "{\"customer_id\":\"C%06d\",\"ident_ref\":\"r\"}",
	         customer);
	store_say(w->s, &(struct said){.event = "Customer Attached",
	                               .properties = properties,
	                               .visit = "v",
	                               .person = person});
	note(w, (struct hqrig_fact){.kind = 'a', .basket = basket, .customer = customer});
}

static void detach(struct writing *w, int basket)
{
	char properties[200];

	snprintf(
	    properties, sizeof properties,
	    "{\"basket_id\":\"b%d\",\"by\":\"till\",\"profile_ref\":\"p\",\"reason\":\"wrong\"}",
	    basket);
	store_say(w->s, &(struct said){
	                    .event = "Customer Detached", .properties = properties, .visit = "v"});
	note(w, (struct hqrig_fact){.kind = 'd', .basket = basket});
}

static void order(struct writing *w, int basket)
{
	char properties[500], visit[24];
	int64_t total = 1 + (int64_t)dice_below(w->luck, 9999);

	snprintf(visit, sizeof visit, "v%d", basket);
	snprintf(properties, sizeof properties,
	         "{\"cart_id\":\"b%d\",\"currency\":\"EUR\",\"order_id\":\"%s/T1/2026-11-21/%d\","
	         "\"products\":[{\"line_id\":\"1\",\"name\":\"Bread\",\"quantity\":\"1\",\"sku\":"
	         "\"1\"}],\"total\":\"%" PRId64 ".%02" PRId64 "\"}",
	         basket, w->s->name, basket, total / 100, total % 100);
	store_say(w->s, &(struct said){
	                    .event = "Order Completed", .properties = properties, .visit = visit});
	note(w, (struct hqrig_fact){.kind = 'o', .basket = basket, .total = total});
}

/* A reference that is this event's alone. */
static void ref_of(const struct writing *w, uint64_t seq, char kind, char out[EVENT_ID_SIZE])
{
	uint8_t bytes[EVENT_ID_BYTES] = {(uint8_t)kind, (uint8_t)(w->epoch + 1),
	                                 (uint8_t)(seq >> 8), (uint8_t)seq};

	text_b64(bytes, sizeof bytes, out);
}

/* Few phones and fewer names: some enrolments become one person, some phones are shared. */
static void enrol(struct writing *w)
{
	static const char *const names_said[] = {"\"first_name\":\"Anna\"",
	                                         "\"first_name\":\"Bert\"", ""};
	char unit[EVENT_ID_SIZE], claim[EVENT_ID_SIZE], properties[200], person[300];

	ref_of(w, w->s->seq + 1, 'u', unit);
	ref_of(w, w->s->seq + 1, 'c', claim);
	snprintf(properties, sizeof properties,
	         "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         unit);
	snprintf(person, sizeof person,
	         "{\"fields\":{%s},\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"%s\",\"value\":"
	         "\"+4915127418%03d\",\"verified\":false}]}",
	         names_said[dice_below(w->luck, 3)], claim,
	         395 + 7 * (int)dice_below(w->luck, PHONES));
	store_say(w->s, &(struct said){.event = "Customer Enrolled",
	                               .properties = properties,
	                               .visit = "v",
	                               .person = person});
	note(w, (struct hqrig_fact){.kind = 'e'});
	w->enrolled[1] = w->enrolled[0];
	w->enrolled[0] = w->s->seq;
}

/* The last two who were enrolled here are one person; or what the last link said never was. */
static void link_or_unlink(struct writing *w, bool linked)
{
	char id[EVENT_ID_SIZE], left[EVENT_ID_SIZE], right[EVENT_ID_SIZE], properties[400];

	ref_of(w, linked ? w->s->seq + 1 : w->linked, 'l', id);
	ref_of(w, w->enrolled[0], 'u', left);
	ref_of(w, w->enrolled[1], 'u', right);
	snprintf(
	    properties, sizeof properties,
	    "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"%s\",\"link_id\":\"%s\","
	    "\"right_ref\":\"%s\",\"rule\":\"said\",\"ruleset\":\"1\",\"status\":\"confirmed\"}",
	    left, id, right);
	store_say(w->s, &(struct said){.event = linked ? "Identity Linked" : "Identity Unlinked",
	                               .properties = properties});
	w->linked = linked ? w->s->seq : 0;
}

static void fill(struct writing *w, uint64_t lines)
{
	int open[BASKETS];

	for (int i = 0; i < BASKETS; i++)
		open[i] = (*w->baskets)++;
	while (w->s->seq < lines) {
		uint64_t at = dice_below(w->luck, BASKETS), roll = dice_below(w->luck, 10);
		w->s->world->wall_us += 1000000;
		if (roll < 4) {
			attach(w, open[at]);
		} else if (roll < 5) {
			detach(w, open[at]);
		} else if (roll < 8) {
			order(w, open[at]);
			open[at] = (*w->baskets)++;
		} else if (dice_below(w->luck, 4) > 0) {
			store_chatter(w->s, 1);
		} else if (!w->enrolled[1] || dice_below(w->luck, 2)) {
			enrol(w);
		} else {
			link_or_unlink(w, !w->linked);
		}
	}
}

/* The same device, copied: the same beginning, then a history of its own. */
static struct store *clone_of(const struct store *s, uint64_t *luck)
{
	struct store *c = calloc(1, sizeof *c);
	uint64_t same = 1 + dice_below(luck, 12);

	memcpy(c, s, sizeof *c);
	for (uint64_t i = 1; i <= same; i++)
		c->line[i].text = strdup(s->line[i].text);
	c->seq = same;
	for (int i = 0; i < 60 && c->seq < s->seq; i++) {
		char properties[80];
		snprintf(properties, sizeof properties,
		         "{\"cause\":\"clone\",\"source\":\"scan-%d\"}", i);
		store_say(c, &(struct said){.event = "Device Connected", .properties = properties});
	}
	return c;
}

void hqrig_write_journals(uint64_t seed)
{
	int baskets = 1;
	const struct store *prev[HQRIG_STORES] = {NULL};
	uint64_t luck = seed;

	memset(facts, 0, sizeof facts);
	world->wall_us = WORLD_WALL_US; /* whatever runs were before this one */
	for (int i = 0; i < HQRIG_EPOCHS; i++) {
		int store = i % HQRIG_STORES;
		if (hqrig_journals.real[i]) {
			store_free(hqrig_journals.clone[i]);
			store_free(hqrig_journals.real[i]);
		}
		struct store *s = store_after(world, names[store], (uint8_t)(16 + i), prev[store]);
		struct writing w = {.s = s, .epoch = i, .baskets = &baskets, .luck = &luck};
		fill(&w, LINES_LEAST + dice_below(&luck, LINES_MORE));
		hqrig_journals.real[i] = s;
		hqrig_journals.clone[i] = clone_of(s, &luck);
		prev[store] = s;
	}
}

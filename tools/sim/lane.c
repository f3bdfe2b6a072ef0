/* A lane's day: one customer after the other, each with a script of acts; the cashier scans again
 * when no name shows. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "sim/basket.h"
#include "sim/shift.h"

#define ANSWER_MS                                                                                  \
	1500 /* how long a cashier looks at the screen before scanning again; real time            \
	      */
#define RESCAN_MAX 3
#define LINE_MS 3000     /* between two articles, real time of a real store */
#define ARRIVAL_MS 20000 /* between two customers */
#define ACTS_MAX 80
#define SHIFT_BASKETS                                                                              \
	50 /* then others serve: nobody types numbers in for longer than a person may */

/* How a customer is recognised. */
enum how {
	HOW_NONE,    /* cash, no card */
	HOW_BEFORE,  /* card first, then the articles */
	HOW_DURING,  /* between the articles */
	HOW_LATE,    /* after the subtotal key: "this customer" */
	HOW_AFTER,   /* after the receipt: "last customer" */
	HOW_TYPED,   /* phone number typed at the till */
	HOW_WAITING, /* scanned while the one before was being served */
	HOW_UNKNOWN, /* a card nobody knows */
	HOW_PAYMENT, /* holds a payment card under the scanner */
	HOW_TYPO,    /* a phone number typed wrong: nobody's */
	HOW_REMOVED, /* a phone number typed wrong: another's, taken away again */
};
static const char *const how_names[] = {
    [HOW_NONE] = "none",       [HOW_BEFORE] = "before",   [HOW_DURING] = "during",
    [HOW_LATE] = "late",       [HOW_AFTER] = "after",     [HOW_TYPED] = "typed",
    [HOW_WAITING] = "waiting", [HOW_UNKNOWN] = "unknown", [HOW_PAYMENT] = "payment",
    [HOW_TYPO] = "typo",       [HOW_REMOVED] = "removed",
};

enum act {
	ACT_OPEN,
	ACT_ADD,
	ACT_REMOVE,
	ACT_CHANGE,
	ACT_SCAN,
	ACT_LOOK,
	ACT_TYPE,
	ACT_REMOVE_PERSON,
	ACT_SECOND,
	ACT_TENDER,
	ACT_TAP_THIS,
	ACT_CHECK,
	ACT_COMPLETE,
	ACT_TAP_LAST,
	ACT_VOID,
	ACT_REFUND,
	ACT_CANCEL,
	ACT_END
};

struct sim_lane {
	struct sim_lane_params p;
	struct sim_random random;
	struct sim_scanner *scanner;
	struct sim_till *till;
	struct event *timer;
	char till_name[17], session[17];
	struct sim_basket basket, last_basket;
	struct sim_shift shift;
	char last_order[129];
	enum act acts[ACTS_MAX];
	int act_count, act_at;
	enum how how;
	const struct person *person, *next_person;
	const struct person *lingering,
	    *perhaps; /* whose question was not answered: who comes next */
	char unknown[33];
	bool asked;   /* the screen asks about this one's card, and nobody has answered */
	bool looking; /* waiting for a name to show */
	bool seen;    /* the till was told of somebody, or of a question */
	bool certain; /* whose basket this is does not hang on an answer that never came */
	bool closed, resting;
	int tries;
	uint32_t baskets, receipts, refunds;
	struct sim_totals totals;
};

static void later(struct sim_lane *l, int ms, bool scaled)
{
	int64_t us = scaled ? (int64_t)(ms * 1000 / l->p.scale) : ms * 1000LL;
	struct timeval tv;

	if (us < 2000)
		us = 2000;
	tv = (struct timeval){us / 1000000, us % 1000000};
	event_add(l->timer, &tv);
}

static void push(struct sim_lane *l, enum act a)
{
	if (l->act_count < ACTS_MAX)
		l->acts[l->act_count++] = a;
}

static const struct person *somebody(struct sim_lane *l)
{
	/* Each lane has its own part of the customers: nobody stands at two tills at once. */
	uint32_t n = (uint32_t)(l->p.people->count / (size_t)l->p.lane_count);
	uint32_t i =
	    sim_random_below(&l->random, n) * (uint32_t)l->p.lane_count + (uint32_t)l->p.lane_index;

	return &l->p.people->list[i];
}

static enum how choose_how(struct sim_lane *l)
{
	static const struct {
		enum how how;
		uint32_t percent;
	} mix[] = {
	    {HOW_NONE, 16}, {HOW_BEFORE, 25}, {HOW_DURING, 27}, {HOW_LATE, 7},    {HOW_AFTER, 5},
	    {HOW_TYPED, 6}, {HOW_UNKNOWN, 5}, {HOW_PAYMENT, 2}, {HOW_REMOVED, 5},
	};
	uint32_t at = sim_random_below(&l->random, 100);

	for (size_t i = 0; i < sizeof mix / sizeof mix[0]; i++) {
		if (at < mix[i].percent)
			return mix[i].how;
		at -= mix[i].percent;
	}
	return HOW_TYPO;
}

static bool has_person(enum how how)
{
	return how == HOW_BEFORE || how == HOW_DURING || how == HOW_LATE || how == HOW_AFTER ||
	       how == HOW_TYPED || how == HOW_WAITING;
}

/* The articles, with the card somewhere between them. */
static void script_lines(struct sim_lane *l, bool second)
{
	int lines = 1 + (int)sim_random_below(&l->random, 9);
	int card = l->how == HOW_WAITING ? 0 : (int)sim_random_below(&l->random, (uint32_t)lines);
	bool during = l->how == HOW_DURING || l->how == HOW_UNKNOWN || l->how == HOW_PAYMENT;

	for (int i = 0; i < lines; i++) {
		push(l, ACT_ADD);
		if (i == card && during)
			push(l, ACT_SCAN);
		if (i == card &&
		    (l->how == HOW_TYPED || l->how == HOW_TYPO || l->how == HOW_REMOVED))
			push(l, ACT_TYPE);
		if (i == card && l->how == HOW_REMOVED)
			push(l, ACT_REMOVE_PERSON);
		if (i == card && l->how == HOW_WAITING)
			push(l, ACT_LOOK);
		if (sim_random_chance(&l->random, 6))
			push(l, ACT_CHANGE);
		if (i > 1 && sim_random_chance(&l->random, 6))
			push(l, ACT_REMOVE);
	}
	if (second)
		push(l, ACT_SECOND);
}

static void script(struct sim_lane *l)
{
	bool second = l->how != HOW_LATE && l->how != HOW_AFTER && has_person(l->how) &&
	              sim_random_chance(&l->random, 8);

	l->act_count = l->act_at = 0;
	if (l->how == HOW_BEFORE)
		push(l, ACT_SCAN);
	push(l, ACT_OPEN);
	script_lines(l, second);
	if (!second && sim_random_chance(&l->random, 4)) {
		if (l->how == HOW_LATE ||
		    l->how == HOW_AFTER) { /* gone before the card was shown */
			l->how = HOW_NONE;
			l->person = NULL;
		}
		push(l, ACT_VOID);
		push(l, ACT_END);
		return;
	}
	if (!second && has_person(l->how) && l->how != HOW_LATE && l->how != HOW_AFTER)
		push(l, ACT_CHECK);
	push(l, ACT_TENDER);
	if (l->how == HOW_LATE) {
		push(l, ACT_SCAN);
		push(l, ACT_TAP_THIS);
	}
	push(l, ACT_COMPLETE);
	if (l->how == HOW_AFTER) {
		push(l, ACT_SCAN);
		push(l, ACT_TAP_LAST);
	}
	if (sim_random_chance(&l->random, 8))
		push(l, ACT_REFUND);
	if (sim_random_chance(&l->random, 3))
		push(l, ACT_CANCEL);
	push(l, ACT_END);
}

static void arrive(struct sim_lane *l)
{
	l->how = l->next_person ? HOW_WAITING : choose_how(l);
	l->person = l->next_person ? l->next_person : has_person(l->how) ? somebody(l) : NULL;
	l->next_person = NULL;
	l->certain = true;
	l->perhaps = l->lingering;
	l->lingering = NULL;
	l->seen = l->asked = false;
	l->tries = 0;
	memset(&l->basket, 0, sizeof l->basket);
	snprintf(l->basket.name, sizeof l->basket.name, "%s-%s-%u", l->till_name, l->session,
	         ++l->baskets);
	snprintf(l->basket.staff, sizeof l->basket.staff, "K%u",
	         1 + sim_random_below(&l->random, 4) + l->baskets / SHIFT_BASKETS * 4);
	l->basket.training = sim_random_chance(&l->random, 3);
	people_unknown_card(l->unknown, (uint32_t)l->p.lane_index * 100000 + l->baskets);
	l->totals.customers++;
	script(l);
}

/* ---- acts ---- */

static void scan(struct sim_lane *l, const char *payload, const char *what, const char *person)
{
	struct sim_scan s = {payload, what, person, l->basket.name};

	sim_scanner_send(l->scanner, &s);
	l->totals.scans++;
}

static void say(struct sim_lane *l, json_t *message)
{
	sim_shift_count(&l->shift, message, l->basket.training);
	sim_till_send(l->till, message);
	l->totals.messages++;
}

static void look(struct sim_lane *l)
{
	l->looking = true;
	later(l, ANSWER_MS, false);
}

/* Show the customer's card and wait for the screen; false: nothing to wait for. */
static bool scan_card(struct sim_lane *l)
{
	char payment[33];

	switch (l->how) {
	case HOW_UNKNOWN:
		scan(l, l->unknown, "unknown", NULL);
		return false;
	case HOW_PAYMENT:
		people_payment_card(payment, l->baskets);
		scan(l, payment, "payment", NULL);
		return false;
	default:
		l->seen = false;
		l->tries++;
		scan(l, l->person->loyalty, "known", l->person->id);
		look(l);
		return true;
	}
}

static void type_phone(struct sim_lane *l)
{
	if (l->how == HOW_TYPO)
		say(l, sim_basket_choose(&l->basket, "phone", "+4915109080705"));
	else if (l->how == HOW_REMOVED)
		say(l, sim_basket_choose(&l->basket, "phone", somebody(l)->phone));
	else
		say(l, sim_basket_choose(&l->basket, "phone", l->person->phone));
}

static void complete(struct sim_lane *l)
{
	char receipt[33];

	while (l->basket.count == 0)
		say(l, sim_basket_add(&l->basket, &l->random));
	snprintf(receipt, sizeof receipt, "%s%04u", l->session, ++l->receipts);
	l->last_order[0] = '\0';
	say(l, sim_basket_complete(&l->basket, receipt, &l->random));
	l->last_basket = l->basket;
	l->totals.orders++;
}

static void refund(struct sim_lane *l)
{
	char number[33];

	if (l->last_basket.count == 0)
		return;
	snprintf(number, sizeof number, "%sR%04u", l->session, ++l->refunds);
	bool receipt = l->last_order[0] && !sim_random_chance(&l->random, 30);
	say(l, sim_basket_refund(&l->last_basket, number, receipt ? l->last_order : NULL));
}

static void end(struct sim_lane *l, const char *how_it_ended)
{
	sim_log_write(l->p.log,
	              json_pack("{s:s,s:s,s:s,s:s,s:s?,s:s?,s:s,s:b,s:s}", "type", "basket", "lane",
	                        l->p.lane, "till", l->till_name, "basket", l->basket.name, "person",
	                        l->person ? l->person->id : NULL, "perhaps",
	                        l->perhaps ? l->perhaps->id : NULL, "how", how_names[l->how],
	                        "certain", l->certain, "end", how_it_ended));
}

/* A question that nobody answers means the next customer. */
static void tap(struct sim_lane *l, const char *choice)
{
	l->certain = sim_tap(l->p.url, l->p.lane, choice, l->p.log, l->basket.name);
	l->lingering = l->certain ? NULL : l->person;
	l->asked = l->asked && !l->certain;
}

/* The cashier looks before taking another's card. */
static void scan_second(struct sim_lane *l)
{
	if (!l->seen)
		return;
	l->next_person = somebody(l);
	if (l->next_person == l->person)
		l->next_person = NULL;
	else
		scan(l, l->next_person->loyalty, "next", l->next_person->id);
}

static void leave(struct sim_lane *l)
{
	/* Somebody else stood in this one's place: "Replace?". */
	if (l->asked && l->perhaps && !l->lingering)
		l->lingering = l->person;
	end(l, l->acts[l->act_at - 2] == ACT_VOID ? "void" : "order");
}

/* Do one act. true: it waits for the screen by itself. */
static bool act(struct sim_lane *l, enum act a)
{
	switch (a) {
	case ACT_OPEN:
		say(l, sim_basket_open(&l->basket));
		break;
	case ACT_ADD:
		if (l->basket.count < SIM_LINES_MAX)
			say(l, sim_basket_add(&l->basket, &l->random));
		break;
	case ACT_REMOVE:
		if (l->basket.count > 1)
			say(l, sim_basket_remove(&l->basket, &l->random));
		break;
	case ACT_CHANGE:
		say(l, sim_basket_change(&l->basket, &l->random));
		break;
	case ACT_SCAN:
		return scan_card(l);
	case ACT_LOOK:
		look(l);
		return true;
	case ACT_TYPE:
		type_phone(l);
		break;
	case ACT_REMOVE_PERSON:
		say(l, sim_basket_unchoose(&l->basket));
		break;
	case ACT_SECOND:
		scan_second(l);
		break;
	case ACT_CHECK:
		if (l->seen || l->how == HOW_TYPED)
			break;
		return scan_card(l);
	case ACT_TENDER:
		say(l, sim_basket_tender(&l->basket));
		break;
	case ACT_TAP_THIS:
		tap(l, "this");
		break;
	case ACT_TAP_LAST:
		tap(l, "last");
		break;
	case ACT_COMPLETE:
		complete(l);
		break;
	case ACT_VOID:
		say(l, sim_basket_void(&l->basket));
		break;
	case ACT_REFUND:
		refund(l);
		break;
	case ACT_CANCEL:
		if (l->last_order[0])
			say(l, sim_order_cancel(l->last_order));
		break;
	case ACT_END:
		leave(l);
		break;
	}
	return false;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct sim_lane *l = ctx;

	(void)fd;
	(void)what;
	if (l->looking && !l->seen && l->tries < RESCAN_MAX) {
		l->totals.rescans++;
		scan_card(l);
		return;
	}
	if (l->looking) {
		l->certain = l->certain && l->seen;
		l->looking = false;
	}
	if (l->act_at >= l->act_count) {
		if (l->closed && !l->next_person) {
			say(l, sim_shift_close(&l->shift));
			l->resting = true;
			return;
		}
		arrive(l);
	}
	enum act a = l->acts[l->act_at++];
	if (!act(l, a))
		later(l, a == ACT_END ? ARRIVAL_MS : a == ACT_OPEN ? 500 : LINE_MS, true);
}

static void on_customer(void *ctx, const char *state, const char *basket)
{
	struct sim_lane *l = ctx;
	bool seen = strcmp(state, "known") == 0 || strcmp(state, "held") == 0;

	(void)basket;
	if (l->how == HOW_WAITING && strcmp(state, "held") == 0)
		return;
	l->seen = seen;
	if (seen)
		l->asked = strcmp(state, "held") == 0;
	if (l->looking && seen)
		later(l, 400, true);
}

static void on_kept(void *ctx, const char *type, const char *order_id)
{
	struct sim_lane *l = ctx;

	l->totals.kept++;
	if (order_id && strcmp(type, "order_completed") == 0)
		snprintf(l->last_order, sizeof l->last_order, "%s", order_id);
}

struct sim_lane *sim_lane_new(const struct sim_lane_params *params)
{
	struct sim_lane *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->p = *params;
	sim_random_seed(&l->random, params->seed, (uint64_t)params->lane_index + 1);
	snprintf(l->till_name, sizeof l->till_name, "T%.15s", params->lane);
	snprintf(l->session, sizeof l->session, "%.16s", params->session);
	l->scanner = sim_scanner_open(params->dir, params->lane, params->aim, params->log);
	l->timer = event_new(params->base, -1, 0, on_timer, l);
	const struct sim_till_params till = {
	    .base = params->base,
	    .port = params->port,
	    .till = l->till_name,
	    .lane = params->lane,
	    .token = params->token,
	    .session = l->session,
	    .log = params->log,
	    .customer = on_customer,
	    .kept = on_kept,
	    .ctx = l,
	};
	if (!l->scanner || !l->timer || !(l->till = sim_till_new(&till))) {
		sim_lane_free(l);
		return NULL;
	}
	say(l, sim_shift_open());
	later(l, 500 + (int)sim_random_below(&l->random, ARRIVAL_MS), true);
	return l;
}

void sim_lane_free(struct sim_lane *l)
{
	if (!l)
		return;
	sim_till_free(l->till);
	sim_scanner_free(l->scanner);
	if (l->timer)
		event_free(l->timer);
	free(l);
}

void sim_lane_close(struct sim_lane *l)
{
	l->closed = true;
}

bool sim_lane_idle(const struct sim_lane *l)
{
	return l->resting && sim_till_waiting(l->till) == 0;
}

void sim_lane_totals(const struct sim_lane *l, struct sim_totals *add_to)
{
	add_to->customers += l->totals.customers;
	add_to->scans += l->totals.scans;
	add_to->messages += l->totals.messages;
	add_to->kept += l->totals.kept;
	add_to->orders += l->totals.orders;
	add_to->rescans += l->totals.rescans;
}

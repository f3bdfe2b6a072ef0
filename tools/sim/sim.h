/* laneway-sim: plays a store. What its parts share.
 *
 * Everything that is sent is first written to the log ("sent.jsonl" in the output folder), before
 * the daemon can see a byte of it. Times scale; the daemon's own guards do not.
 */
#ifndef LANEWAY_SIM_H
#define LANEWAY_SIM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct event_base;

/* ---- random numbers: one stream per lane, so that a seed gives the same day whatever the timing
 * ---- */
struct sim_random {
	uint64_t state;
};
void sim_random_seed(struct sim_random *r, uint64_t seed, uint64_t stream);
uint32_t sim_random_below(struct sim_random *r, uint32_t n);
bool sim_random_chance(struct sim_random *r, uint32_t percent);

/* ---- people ---- */
struct person {
	char id[33], first_name[33], last_name[33], loyalty[33], phone[33], email[97];
};
struct people {
	struct person *list;
	size_t count;
};
/* Write a customer file of `count` people, the same for the same seed. */
void people_write(FILE *out, size_t count, uint64_t seed);
/* Read such a file; 0, or -1 with a message on standard error. */
int people_read(struct people *p, const char *path);
void people_free(struct people *p);
/* A card of the chain that nobody has (index counts them), and a payment card's number. */
void people_unknown_card(char out[33], uint32_t index);
void people_payment_card(char out[33], uint32_t index);

/* ---- the log ---- */
struct sim_log;
struct sim_log *sim_log_open(const char *dir);
void sim_log_close(struct sim_log *l);
/* Write one record with the time; takes the reference. On disk before this returns to the sender.
 */
void sim_log_write(struct sim_log *l, json_t *record);

/* ---- a scanner: a pseudo-terminal, linked as <dir>/scanner-<lane> ---- */
struct sim_scanner;
/* aim: put the AIM identifier in front of each code ("]E0", "]C0"). */
struct sim_scanner *sim_scanner_open(const char *dir, const char *lane, bool aim,
                                     struct sim_log *log);
void sim_scanner_free(struct sim_scanner *s);
/* Log and send a scan. what: "known", "unknown", "payment", ...; person: customer id or NULL. */
struct sim_scan {
	const char *payload, *what, *person, *basket;
};
void sim_scanner_send(struct sim_scanner *s, const struct sim_scan *scan);

/* ---- a till: one connection that sends again what was not answered ---- */
struct sim_till;
struct sim_till_params {
	struct event_base *base;
	int port;
	const char *till, *lane, *token, *session;
	struct sim_log *log;
	/* What `customer` said last: state and the till's basket. */
	void (*customer)(void *ctx, const char *state, const char *basket);
	/* A message was kept; type as sent; order_id NULL unless it was an order or refund. */
	void (*kept)(void *ctx, const char *type, const char *order_id);
	void *ctx;
};
struct sim_till *sim_till_new(const struct sim_till_params *params);
void sim_till_free(struct sim_till *t);
/* Give the message its source_message_id, log it, send it; takes the reference. */
void sim_till_send(struct sim_till *t, json_t *message);
size_t sim_till_waiting(const struct sim_till *t); /* messages not yet answered */

/* ---- a tap on the lane screen ---- */
/* Answer the question that stands on a lane; true: the daemon took it. Logged with its result. */
bool sim_tap(const char *url, const char *lane, const char *choice, struct sim_log *log,
             const char *basket);

/* ---- a lane's day ---- */
struct sim_lane;
struct sim_lane_params {
	struct event_base *base;
	const struct people *people;
	struct sim_log *log;
	const char *dir, *lane, *token, *session, *url;
	int port;
	uint64_t seed;
	int lane_index, lane_count;
	bool aim;     /* scanners send AIM identifiers */
	double scale; /* how many times faster than real time */
};
struct sim_lane *sim_lane_new(const struct sim_lane_params *params);
void sim_lane_free(struct sim_lane *l);
/* No further customer; the one at the till is served to the end. */
void sim_lane_close(struct sim_lane *l);
bool sim_lane_idle(const struct sim_lane *l); /* closed, empty, all answered */

struct sim_totals {
	uint64_t customers, scans, messages, kept, orders, rescans;
};
void sim_lane_totals(const struct sim_lane *l, struct sim_totals *add_to);

#endif

/* A simulated month of ten stores: who comes where, the same for every way of choosing whom a store
 * holds. */
#ifndef LANEWAY_BENCH_MONTH_H
#define LANEWAY_BENCH_MONTH_H

#include <stdbool.h>
#include <stdint.h>

#define MONTH_DAYS 28
#define MONTH_STORES 10
#define MONTH_LATE_DAY 25 /* the first of the three days that are compared */

struct month_customer {
	int home, way, joins; /* joins: the day, -1: was always there */
	double rate;          /* visits a day */
	int64_t unit;
};

struct month_visit {
	int customer, store; /* from 0 */
};

struct month_world {
	struct month_customer *who;
	int count;
	struct month_visit *visits; /* in their order */
	int first[MONTH_DAYS + 1];  /* visit of a day, and behind the last */
};

/* Of `count` customers; the same from the same seed on every machine. 0, or -1: memory. */
int month_world_make(struct month_world *m, int count, uint64_t seed);
void month_world_free(struct month_world *m);
/* The chance that a visit of this customer is to this store. */
double month_habit(const struct month_customer *c, int store);
/* Visits a day to each store that are to be expected of who made these visits in so many days, by
 * the law that customers are made by: nobody who only sees visits can guess better. */
void month_law(const int visits[MONTH_STORES], int days, double out[MONTH_STORES]);

/* Print what other ways of choosing reach in the last three days, `room` customers to a store:
 * JSON members. 0, or -1: memory. */
int month_peers(const struct month_world *m, int room);

#endif

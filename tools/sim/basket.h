/* A basket of the simulator and the till messages about it. Every function returns a new message
 * without its source_message_id; the caller owns it. */
#ifndef LANEWAY_SIM_BASKET_H
#define LANEWAY_SIM_BASKET_H

#include "sim/sim.h"

#define SIM_LINES_MAX 40
#define SIM_GOODS 3000 /* articles of the assortment */

struct sim_good {
	char sku[14], name[48], unit[8];
	int cents;
	bool weighed;
};
/* Article n, below SIM_GOODS. */
void sim_good(uint32_t n, struct sim_good *out);
/* What the next customer takes off the shelf. */
uint32_t sim_good_pick(struct sim_random *r);

struct sim_line {
	char name[16];
	uint32_t good; /* index of the assortment */
	int milli;     /* quantity in thousandths */
	int cents;     /* price */
};
struct sim_basket {
	char name[64]; /* the till's own name for it */
	struct sim_line lines[SIM_LINES_MAX];
	int count, numbered;
	char staff[8];
	bool training;
};

json_t *sim_basket_open(const struct sim_basket *b);
json_t *sim_basket_add(struct sim_basket *b, struct sim_random *r);    /* count < SIM_LINES_MAX */
json_t *sim_basket_remove(struct sim_basket *b, struct sim_random *r); /* count > 0 */
/* Another quantity, or a price that somebody approved; count > 0. */
json_t *sim_basket_change(struct sim_basket *b, struct sim_random *r);
json_t *sim_basket_tender(const struct sim_basket *b);
json_t *sim_basket_choose(const struct sim_basket *b, const char *kind, const char *value);
json_t *sim_basket_unchoose(const struct sim_basket *b);
json_t *sim_basket_complete(const struct sim_basket *b, const char *receipt, struct sim_random *r);
json_t *sim_basket_void(const struct sim_basket *b);
/* The basket's first line comes back; order_id NULL: without its receipt. */
json_t *sim_basket_refund(const struct sim_basket *b, const char *number, const char *order_id);
json_t *sim_order_cancel(const char *order_id);

#endif

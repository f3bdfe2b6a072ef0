/* What a till counts of its own sales until it closes. */
#ifndef LANEWAY_SIM_SHIFT_H
#define LANEWAY_SIM_SHIFT_H

#include "sim/sim.h"

struct sim_shift {
	struct {
		int64_t n, cents;
	} orders, refunds, voids;
	int64_t cash, card, cash_back; /* cents: taken, given back for refunds */
	int64_t last_order;            /* cents of the order completed last; -1: of training */
	char first[33], last[33];      /* receipt numbers */
};

/* Count a message that the till sends; training: its basket's. */
void sim_shift_count(struct sim_shift *s, const json_t *message, bool training);
/* New messages without source_message_id. */
json_t *sim_shift_open(void);
json_t *sim_shift_close(const struct sim_shift *s);

#endif

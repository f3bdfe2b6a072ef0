/* Suggestions on the lanes: whom the customer may be, too (identity/hint.h). Loop thread only. */
#ifndef LANEWAY_FLOW_HINT_H
#define LANEWAY_FLOW_HINT_H

#include "flow/flow_internal.h"
#include "identity/hint.h"

int flow_hint_start(struct flow *f); /* 0 or -1 */
void flow_hint_free(struct flow *f);

/* Score by these from now on, which are the hints' then. */
void flow_hint_weigh(struct flow *f, struct score_model *model);

/* ---- flow_weights.c: which weights ---- */
/* What HQ said in an earlier run: the mark of that name. */
void flow_weights_begin(struct flow *f, const struct buf *mark);
/* Tell the sync thread which are in use, as it asks HQ for others. */
void flow_weights_stand(struct flow *f);
/* HQ may have said something new. */
void flow_weights_heard(struct flow *f);

/* A customer stands on this lane: it is looked for a suggestion soon, once for each basket. */
void flow_hint_met(struct flow *f, const struct lane_view *v);
/* What is known of customers has changed: every lane is looked at again soon. */
void flow_hint_due(struct flow *f);

/* Whoever has this customer id, or the enrolment of that name. As overlay_person. */
int flow_hint_person(const struct flow *f, const char *customer_id, struct overlay_person *out);
/* May anything be suggested about who stands here? In an open basket only: it is a look-up. */
bool flow_hint_wanted(const struct lane_view *v);
/* What is suggested for the customer and the basket of this view, or NULL. Valid until the loop
 * turns. */
const struct hint *flow_hint_on(const struct flow *f, const struct lane_view *v);

#endif

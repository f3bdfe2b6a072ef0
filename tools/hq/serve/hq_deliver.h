/* From the outbox to the webhook and back: which job is due, and what its answer means. Loop
 * thread.
 *
 * A job is tried at once, then after 1 s doubling to 5 min, until it is answered 2xx. When somebody
 * answers again after nobody did, everything that nobody answered is due at once. */
#ifndef LANEWAY_HQ_DELIVER_H
#define LANEWAY_HQ_DELIVER_H

#include <stdint.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"
#include "hq/serve/hq_webhook.h"

struct hq_deliver;

struct hq_deliver *hq_deliver_new(struct hq_db *db, struct hq_webhook *webhook,
                                  const struct clock *clock);
void hq_deliver_free(struct hq_deliver *d);

/* Take new jobs out of the outbox and post what is due. After every commit, and when time has
 * passed. */
void hq_deliver_pump(struct hq_deliver *d);
/* Take the webhook's answers. When its fd is readable. */
void hq_deliver_answers(struct hq_deliver *d);

#endif

/* How many bytes of batches a store may have on its way to HQ: no window where HQ keeps up, and a
 * bound on what waits in HQ's memory where it does not.
 *
 * All stores that send much share one budget in equal parts; it shrinks as what waits for a commit
 * gets older than a quarter of a second. The credit goes out with every confirmation; a store may
 * always have one batch on its way, whatever it says.
 */
#ifndef LANEWAY_HQ_CREDIT_H
#define LANEWAY_HQ_CREDIT_H

#include <stddef.h>
#include <stdint.h>

#define HQ_CREDIT_TOTAL_BYTES                                                                      \
	(32u << 20) /* the budget; what comes beyond twice this is dropped                         \
	             */
#define HQ_CREDIT_STORE_BYTES                                                                      \
	(1u << 20) /* of one store: fills 2 Mbit/s over a round trip of 4 s                        \
	            */

/* The rule: what each of `stores` that send much gets when payloads wait for lag_us until they are
 * committed. */
uint64_t hq_credit_share(uint64_t stores, int64_t lag_us);

struct hq_credit;

struct hq_credit *hq_credit_new(void);
void hq_credit_free(struct hq_credit *c);

/* A batch of this length came from this store. */
void hq_credit_heard(struct hq_credit *c, const char *store, size_t len, int64_t now_us);
/* A round has been committed; its oldest payload had waited for lag_us. */
void hq_credit_lag(struct hq_credit *c, int64_t lag_us, int64_t now_us);
/* What to tell a store now. */
uint64_t hq_credit_now(struct hq_credit *c, int64_t now_us);

#endif

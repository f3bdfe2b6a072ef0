/* How often each cashier looked somebody up within an hour, by phone or e-mail: no more than so
 * many times, so that nobody can read the customers out number by number.
 *
 * An hour is any 60 minutes, not the clock's. Whoever has used them up gets one back an hour after
 * each. Bounded: QUOTA_WHO_MAX cashiers, who was idle for longest gives way. Pure: the caller says
 * what time it is, by a clock that does not jump. Loop thread.
 */
#ifndef LANEWAY_IDENTITY_QUOTA_H
#define LANEWAY_IDENTITY_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define QUOTA_HOUR_US (3600 * INT64_C(1000000))
#define QUOTA_MAX 100 /* the most that a limit can be */
#define QUOTA_WHO_MAX 256
#define QUOTA_WHO_SIZE 41 /* an operator as in the events, or a lane */

struct quota;
struct quota *quota_new(void); /* NULL: out of memory */
void quota_free(struct quota *q);

/* When `who` may look somebody up again: 0: now; else a time after now_us. limit: 1 to QUOTA_MAX.
 */
int64_t quota_until(const struct quota *q, const char *who, int limit, int64_t now_us);
/* One more by `who`. */
void quota_count(struct quota *q, const char *who, int64_t now_us);

/* What is to be kept over a restart: who did it when, of the last hour. */
void quota_save(const struct quota *q, int64_t now_us, struct buf *out);
/* Load what quota_save wrote. What is said to have been later than now counts as of now: a clock
 * that was set back gives nobody more. false: it is not that; what was readable stays. */
bool quota_load(struct quota *q, int64_t now_us, const uint8_t *saved, size_t len);

#endif

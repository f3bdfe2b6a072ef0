/* Posting to the webhook, in a thread of its own: the loop never waits for somebody else's server.
 */
#ifndef LANEWAY_HQ_WEBHOOK_H
#define LANEWAY_HQ_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

struct hq_webhook;

/* NULL: out of memory, or no thread. url is copied. */
struct hq_webhook *hq_webhook_start(const char *url);
/* What is under way is given up: it was not answered, so it stays in the outbox. NULL is allowed.
 */
void hq_webhook_stop(struct hq_webhook *w);

/* Post this body under an Idempotency-Key. false: the queue is full, try again later. Takes copies.
 */
bool hq_webhook_post(struct hq_webhook *w, int64_t id, const char *key, const char *body);

struct hq_webhook_result {
	int64_t id;
	long status; /* HTTP; 0: nobody answered */
};
/* false: none. fd is readable while there is one. */
bool hq_webhook_next(struct hq_webhook *w, struct hq_webhook_result *out);
int hq_webhook_fd(const struct hq_webhook *w);

#endif

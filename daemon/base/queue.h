/* A bounded queue of pointers between threads, with an eventfd that is readable while it is not
 * empty.
 *
 * Any number of producers and consumers. A full queue refuses: what then happens (back-pressure, a
 * counted gap) is the caller's policy.
 */
#ifndef LANEWAY_BASE_QUEUE_H
#define LANEWAY_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* NULL with errno on failure. max: items, 1 to 1,048,576. */
struct queue *queue_new(size_t max);

/* Items still inside are not freed: drain first. NULL is allowed. */
void queue_free(struct queue *q);

/* false: full, or closed. The item then still belongs to the caller. */
bool queue_push(struct queue *q, void *item);

/* All of n items in their order, or none. One lock and one wake-up for all of them. */
bool queue_push_many(struct queue *q, void *const *items, size_t n);

/* The oldest item, or NULL when empty. Never waits. */
void *queue_pop(struct queue *q);

/* Up to n oldest items at once; how many were taken. */
size_t queue_pop_many(struct queue *q, void **items, size_t n);

/* Wait until not empty, closed, or timeout_ms have passed (-1: for ever). true: not empty. */
bool queue_wait(struct queue *q, int timeout_ms);

/* The same, but not woken before n items are inside: a thread that would rather do some at once
 * costs the others a wake-up for n items, not for each. true: not empty, if only by fewer. */
bool queue_wait_many(struct queue *q, size_t n, int timeout_ms);

/* No push succeeds from here on; waiters wake; what is inside can still be popped. */
void queue_close(struct queue *q);

size_t queue_len(struct queue *q);

/* For an event loop. Level-triggered: readable exactly while the queue holds something. A queue
 * that was never asked for it makes no system calls for it. */
int queue_fd(struct queue *q);

#endif

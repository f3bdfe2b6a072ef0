/* While nobody writes, a reader leaves its transaction open from one lookup to the next: beginning
 * and ending one costs as much as half a search. It would keep the log from being copied and
 * emptied, and itself in the past; so it is ended for the readers before anything is written. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "store/shard_internal.h"

struct shard_gate {
	pthread_mutex_t lock; /* a lookup has it from its begin to its end */
	bool open;
	struct shard_holder *first;
};

struct shard_gate *shard_gate_new(void)
{
	struct shard_gate *g = calloc(1, sizeof(*g));

	if (g != NULL)
		pthread_mutex_init(&g->lock, NULL);
	return g;
}

void shard_gate_free(struct shard_gate *g)
{
	if (g == NULL)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static void let_go(struct shard_holder *h)
{
	if (h->held)
		sqlite3_reset(h->stmt);
	h->held = false;
}

void shard_gate_join(struct shard_gate *g, struct shard_holder *h)
{
	pthread_mutex_lock(&g->lock);
	h->next = g->first;
	g->first = h;
	pthread_mutex_unlock(&g->lock);
}

void shard_gate_leave(struct shard_gate *g, struct shard_holder *h)
{
	struct shard_holder **at = &g->first;

	pthread_mutex_lock(&g->lock);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	let_go(h);
	pthread_mutex_unlock(&g->lock);
}

bool shard_gate_enter(struct shard_gate *g)
{
	pthread_mutex_lock(&g->lock);
	return g->open;
}

void shard_gate_exit(struct shard_gate *g)
{
	pthread_mutex_unlock(&g->lock);
}

void shard_gate_close(struct shard_gate *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	g->open = false;
	for (struct shard_holder *h = g->first; h != NULL; h = h->next)
		let_go(h);
	pthread_mutex_unlock(&g->lock);
}

void shard_gate_open(struct shard_gate *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_mutex_unlock(&g->lock);
}

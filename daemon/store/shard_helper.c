/* Two threads make lines, one puts them into the tables. The writer puts what is next in order;
 * while that is not made it makes a line itself, so neither waits for long. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/shard_internal.h"

#define SLOTS 32 /* lines that are made and not yet put: some 20 KB each, most never touched */

enum state { FREE, MAKING, MADE };

struct slot {
	enum state state;
	const char *line;
	size_t len;
	struct shard_made made;
};

struct shard_helper {
	struct shard_maker maker; /* the helper's */
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* holds for all below, but for a slot's lines and what is made of
	                       * them: those are its maker's while MAKING, the writer's once MADE */
	pthread_cond_t work;  /* there is a line to make and room for it, or `stopping` */
	pthread_cond_t made;  /* a slot is MADE */
	bool stopping;
	const char *at, *end; /* lines that nobody makes yet */
	size_t claimed, put;  /* lines of this page */
	bool helper_waits, writer_waits;
	struct slot slots[SLOTS];
};

/* The next line to make, or NULL: there is none, or no room for it. Under the lock. */
static struct slot *claim(struct shard_helper *h)
{
	struct slot *slot = &h->slots[h->claimed % SLOTS];
	const char *end;

	if (h->at == h->end || h->claimed - h->put == SLOTS)
		return NULL;
	end = memchr(h->at, '\n', (size_t)(h->end - h->at));
	slot->state = MAKING;
	slot->line = h->at;
	slot->len = (size_t)(end - h->at);
	h->at = end + 1;
	h->claimed++;
	return slot;
}

/* Without the lock, which is held before and afterwards. */
static void make(struct shard_helper *h, struct shard_maker *maker, struct slot *slot)
{
	pthread_mutex_unlock(&h->lock);
	shard_make(maker, slot->line, slot->len, &slot->made);
	pthread_mutex_lock(&h->lock);
	slot->state = MADE;
}

static void *run(void *arg)
{
	struct shard_helper *h = arg;
	struct slot *slot;

	pthread_mutex_lock(&h->lock);
	while (!h->stopping) {
		slot = claim(h);
		if (slot == NULL) {
			h->helper_waits = true;
			pthread_cond_wait(&h->work, &h->lock);
			h->helper_waits = false;
			continue;
		}
		make(h, &h->maker, slot);
		if (h->writer_waits)
			pthread_cond_signal(&h->made);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* Called when half of the room is free again, not for each line: a wake-up costs as much as one. */
static void wake_helper(struct shard_helper *h)
{
	if (h->helper_waits && h->claimed - h->put <= SLOTS / 2)
		pthread_cond_signal(&h->work);
}

/* The next line in order, made. Under the lock. */
static struct slot *next_made(struct shard_helper *h, struct shard_maker *maker)
{
	struct slot *next = &h->slots[h->put % SLOTS], *slot;

	while (h->put == h->claimed || next->state != MADE) {
		slot = claim(h);
		if (slot != NULL) {
			make(h, maker, slot);
			continue;
		}
		h->writer_waits = true;
		pthread_cond_wait(&h->made, &h->lock);
		h->writer_waits = false;
	}
	return next;
}

/* No line of the page is read any more. Under the lock. */
static void drop_page(struct shard_helper *h)
{
	h->at = h->end = NULL;
	for (; h->put < h->claimed; h->put++) {
		while (h->slots[h->put % SLOTS].state == MAKING) {
			h->writer_waits = true;
			pthread_cond_wait(&h->made, &h->lock);
			h->writer_waits = false;
		}
		h->slots[h->put % SLOTS].state = FREE;
	}
}

int shard_helper_apply(struct shard_helper *h, const struct shard_helping *with, const char *lines,
                       size_t len)
{
	char fault[SHARD_FAULT_SIZE];
	int rc = 0;
	size_t count;

	pthread_mutex_lock(&h->lock);
	h->at = lines;
	h->end = lines + len;
	h->claimed = h->put = 0;
	wake_helper(h);
	while (rc == 0 && (h->at < h->end || h->put < h->claimed)) {
		struct slot *slot = next_made(h, with->maker);

		pthread_mutex_unlock(&h->lock);
		rc = with->put(with->ctx, &slot->made, fault, sizeof(fault));
		pthread_mutex_lock(&h->lock);
		slot->state = FREE;
		h->put++;
		wake_helper(h);
	}
	count = h->put;
	drop_page(h);
	pthread_mutex_unlock(&h->lock);
	if (rc == 0)
		return (int)count;
	snprintf(with->err, with->err_size, "line %zu: %s", count, fault);
	return -1;
}

static int start(struct shard_helper *h)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	h->running = pthread_create(&h->thread, NULL, run, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return h->running ? 0 : -1;
}

struct shard_helper *shard_helper_new(const struct vault *vault,
                                      const uint8_t salt[VAULT_SALT_BYTES])
{
	struct shard_helper *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->work, NULL);
	pthread_cond_init(&h->made, NULL);
	h->maker.work = vault_work_new();
	h->maker.squeeze = shard_squeeze_new(true);
	if (h->maker.work != NULL)
		h->maker.keys = vault_shard_new(vault, h->maker.work, salt);
	if (h->maker.squeeze != NULL && h->maker.keys != NULL && start(h) == 0)
		return h;
	shard_helper_free(h);
	return NULL;
}

void shard_helper_free(struct shard_helper *h)
{
	if (h == NULL)
		return;
	if (h->running) {
		pthread_mutex_lock(&h->lock);
		h->stopping = true;
		pthread_cond_signal(&h->work);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->thread, NULL);
	}
	pthread_cond_destroy(&h->made);
	pthread_cond_destroy(&h->work);
	pthread_mutex_destroy(&h->lock);
	vault_shard_free(h->maker.keys);
	shard_squeeze_free(h->maker.squeeze);
	vault_work_free(h->maker.work);
	vault_wipe(h, sizeof(*h));
	free(h);
}

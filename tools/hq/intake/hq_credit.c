#include "hq/intake/hq_credit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"

#define HQ_CREDIT_LAG_US 250000    /* waiting up to this costs nothing */
#define HQ_CREDIT_SPAN_US 2000000  /* who sends much is counted over this */
#define HQ_CREDIT_MUCH_BYTES 16384 /* in a span; less is a shop's ordinary trade */
#define HQ_CREDIT_HALF_US 1000000  /* a lag that is not measured again halves in this time */
#define HQ_CREDIT_BUCKETS 1024

struct store {
	struct store *next;
	char name[EVENT_STORE_SIZE];
	uint64_t bytes; /* in the span that is running */
};

struct hq_credit {
	struct store *bucket[HQ_CREDIT_BUCKETS];
	uint64_t much;     /* stores that sent much in the last whole span */
	uint64_t now_much; /* in the running one, so far */
	int64_t span_us;   /* when it began */
	int64_t lag_us, measured_us;
};

uint64_t hq_credit_share(uint64_t stores, int64_t lag_us)
{
	uint64_t share = HQ_CREDIT_TOTAL_BYTES / (stores ? stores : 1);

	if (share > HQ_CREDIT_STORE_BYTES)
		share = HQ_CREDIT_STORE_BYTES;
	if (lag_us > HQ_CREDIT_LAG_US)
		share = share * HQ_CREDIT_LAG_US / (uint64_t)lag_us;
	return share;
}

struct hq_credit *hq_credit_new(void)
{
	return memory_zeroed(1, sizeof(struct hq_credit));
}

void hq_credit_free(struct hq_credit *c)
{
	if (!c)
		return;
	for (int i = 0; i < HQ_CREDIT_BUCKETS; i++) {
		while (c->bucket[i]) {
			struct store *store = c->bucket[i];
			c->bucket[i] = store->next;
			free(store);
		}
	}
	free(c);
}

static struct store **place_of(struct hq_credit *c, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	struct store **at = &c->bucket[hash % HQ_CREDIT_BUCKETS];
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

/* Spans follow each other; one in which nothing came counts nobody. */
static void turn(struct hq_credit *c, int64_t now_us)
{
	if (now_us - c->span_us < HQ_CREDIT_SPAN_US)
		return;
	c->much = now_us - c->span_us < 2 * HQ_CREDIT_SPAN_US ? c->now_much : 0;
	c->now_much = 0;
	c->span_us = now_us;
	for (int i = 0; i < HQ_CREDIT_BUCKETS; i++)
		for (struct store *s = c->bucket[i]; s; s = s->next)
			s->bytes = 0;
}

/* Without memory for it a store is not counted: the others' shares are a little large. */
void hq_credit_heard(struct hq_credit *c, const char *name, size_t len, int64_t now_us)
{
	turn(c, now_us);
	struct store **at = place_of(c, name), *s = *at;
	if (!s) {
		s = *at = memory_zeroed(1, sizeof(*s));
		if (!s)
			return;
		text_copy(s->name, sizeof(s->name), name);
	}
	bool before = s->bytes >= HQ_CREDIT_MUCH_BYTES;
	s->bytes += len;
	if (!before && s->bytes >= HQ_CREDIT_MUCH_BYTES)
		c->now_much++;
}

static int64_t lag_now(const struct hq_credit *c, int64_t now_us)
{
	int64_t halves = (now_us - c->measured_us) / HQ_CREDIT_HALF_US;

	return halves < 32 ? c->lag_us >> halves : 0;
}

/* One slow round counts; the way back is slower, so that the window does not swing. */
void hq_credit_lag(struct hq_credit *c, int64_t lag_us, int64_t now_us)
{
	int64_t faded = lag_now(c, now_us) * 7 / 8;

	c->lag_us = lag_us > faded ? lag_us : faded;
	c->measured_us = now_us;
}

uint64_t hq_credit_now(struct hq_credit *c, int64_t now_us)
{
	turn(c, now_us);
	return hq_credit_share(c->much > c->now_much ? c->much : c->now_much, lag_now(c, now_us));
}

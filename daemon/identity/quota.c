#include "identity/quota.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define SAVED_VERSION 1
#define SECOND_US INT64_C(1000000)

struct cashier {
	char who[QUOTA_WHO_SIZE]; /* empty: the row is free */
	int64_t at_us[QUOTA_MAX]; /* ring, `count` long in all */
	unsigned next, count;
};

struct quota {
	struct cashier row[QUOTA_WHO_MAX];
};

struct quota *quota_new(void)
{
	return memory_zeroed(1, sizeof(struct quota));
}

void quota_free(struct quota *q)
{
	free(q);
}

/* The n-th newest, from 0 on. */
static int64_t nth(const struct cashier *c, unsigned n)
{
	return c->at_us[(c->next + QUOTA_MAX - 1 - n) % QUOTA_MAX];
}

static const struct cashier *find(const struct quota *q, const char *who)
{
	for (size_t i = 0; i < QUOTA_WHO_MAX; i++)
		if (q->row[i].who[0] && strcmp(q->row[i].who, who) == 0)
			return &q->row[i];
	return NULL;
}

/* The row of `who`, made if need be: a free one, or that of who was idle for longest. */
static struct cashier *place(struct quota *q, const char *who)
{
	struct cashier *idle = &q->row[0];

	for (size_t i = 0; i < QUOTA_WHO_MAX; i++) {
		struct cashier *c = &q->row[i];
		if (strcmp(c->who, who) == 0)
			return c;
		if (!idle->who[0])
			continue;
		if (!c->who[0] || nth(c, 0) < nth(idle, 0))
			idle = c;
	}
	*idle = (struct cashier){0};
	text_copy(idle->who, sizeof idle->who, who);
	return idle;
}

int64_t quota_until(const struct quota *q, const char *who, int limit, int64_t now_us)
{
	const struct cashier *c = find(q, who);

	if (!c || c->count < (unsigned)limit)
		return 0;
	int64_t free_us = nth(c, (unsigned)limit - 1) + QUOTA_HOUR_US;
	return free_us > now_us ? free_us : 0;
}

void quota_count(struct quota *q, const char *who, int64_t now_us)
{
	struct cashier *c = place(q, who);

	c->at_us[c->next] = now_us;
	c->next = (c->next + 1) % QUOTA_MAX;
	if (c->count < QUOTA_MAX)
		c->count++;
}

/* ---- over a restart ---- */

static unsigned recent(const struct cashier *c, int64_t now_us)
{
	unsigned n = 0;

	while (n < c->count && nth(c, n) > now_us - QUOTA_HOUR_US)
		n++;
	return c->who[0] ? n : 0;
}

void quota_save(const struct quota *q, int64_t now_us, struct buf *out)
{
	buf_byte(out, SAVED_VERSION);
	for (size_t i = 0; i < QUOTA_WHO_MAX; i++) {
		const struct cashier *c = &q->row[i];
		unsigned n = recent(c, now_us);
		if (!n)
			continue;
		buf_byte(out, (uint8_t)strlen(c->who));
		buf_str(out, c->who);
		buf_byte(out, (uint8_t)n);
		while (n > 0)
			buf_be32(out, (uint32_t)(nth(c, --n) / SECOND_US));
	}
}

/* One cashier of a snapshot; how many bytes it takes, 0: it is cut off. */
static size_t load_one(struct quota *q, int64_t now_us, const uint8_t *at, size_t left)
{
	char who[QUOTA_WHO_SIZE] = "";
	size_t name = at[0];

	if (name == 0 || name >= sizeof who || left < name + 2 || memchr(at + 1, 0, name))
		return 0;
	memcpy(who, at + 1, name);
	size_t n = at[1 + name], end = name + 2 + n * 4;
	if (n > QUOTA_MAX || left < end)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int64_t at_us = (int64_t)buf_get32(at + name + 2 + i * 4) * SECOND_US;
		quota_count(q, who, at_us < now_us ? at_us : now_us);
	}
	return end;
}

bool quota_load(struct quota *q, int64_t now_us, const uint8_t *saved, size_t len)
{
	if (len == 0 || saved[0] != SAVED_VERSION)
		return false;
	for (size_t at = 1; at < len;) {
		size_t taken = load_one(q, now_us, saved + at, len - at);
		if (!taken)
			return false;
		at += taken;
	}
	return true;
}

#include "hq/tell/hq_tell_profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_profile.h"
#include "sync/inquiry.h"

#define BOX_BYTES (INQUIRY_PLAIN_BYTES + VAULT_BOX_OVERHEAD)
#define MINUTE_US INT64_C(60000000)

/* How often a store has asked since its minute began. */
struct asker {
	char store[EVENT_STORE_SIZE];
	int64_t began_us;
	int asks;
};

struct hq_tell_profile {
	struct hq_db *db;
	struct hq_keys *keys;
	const struct clock *clock;
	struct vault_work *work;
	struct asker *asker;
	size_t asker_count, asker_cap;
};

struct hq_tell_profile *hq_tell_profile_new(struct hq_db *db, struct hq_keys *keys,
                                            const struct clock *clock)
{
	struct hq_tell_profile *p = memory_zeroed(1, sizeof *p);

	if (!p)
		return NULL;
	p->db = db;
	p->keys = keys;
	p->clock = clock;
	p->work = vault_work_new();
	if (p->work)
		return p;
	free(p);
	return NULL;
}

void hq_tell_profile_free(struct hq_tell_profile *p)
{
	if (!p)
		return;
	vault_work_free(p->work);
	free(p->asker);
	free(p);
}

/* NULL: out of memory. */
static struct asker *asker_of(struct hq_tell_profile *p, const char *store)
{
	for (size_t i = 0; i < p->asker_count; i++) {
		if (strcmp(p->asker[i].store, store) == 0)
			return &p->asker[i];
	}
	if (p->asker_count == p->asker_cap) {
		size_t cap = p->asker_cap ? 2 * p->asker_cap : 16;
		struct asker *more = memory_more(p->asker, cap * sizeof *more);
		if (!more)
			return NULL;
		p->asker = more;
		p->asker_cap = cap;
	}
	struct asker *a = &p->asker[p->asker_count++];
	*a = (struct asker){.began_us = clock_mono_us(p->clock)};
	text_copy(a->store, sizeof a->store, store);
	return a;
}

static bool may_ask(struct hq_tell_profile *p, const char *store)
{
	int64_t now = clock_mono_us(p->clock);
	struct asker *a = asker_of(p, store);

	if (!a)
		return false;
	if (now - a->began_us >= MINUTE_US) {
		a->began_us = now;
		a->asks = 0;
	}
	if (a->asks++ < HQ_TELL_ASKS_PER_MINUTE)
		return true;
	if (a->asks == HQ_TELL_ASKS_PER_MINUTE + 1)
		log_warn("store %s: more than %d asks for a profile in a minute; the rest of "
		         "this minute is not answered",
		         store, HQ_TELL_ASKS_PER_MINUTE);
	return false;
}

static int open_box(struct hq_tell_profile *p, const char *store, const struct hq_tell_ask *ask,
                    struct inquiry_question *out)
{
	uint8_t box[BOX_BYTES], plain[INQUIRY_PLAIN_BYTES];
	char context[INQUIRY_CONTEXT_MAX];
	size_t context_len = inquiry_context(store, ask->device, ask->id, context);
	int rc = -1;

	if (text_unb64(ask->box, strlen(ask->box), box, sizeof box) != sizeof box)
		return -1;
	ssize_t n = vault_unbox(p->work, hq_keys_box(p->keys), "ask", context, context_len, box,
	                        sizeof box, plain);
	if (n > 0)
		rc = inquiry_read((const char *)plain, (size_t)n, out);
	vault_wipe(plain, sizeof plain);
	return rc;
}

int hq_tell_profile_lines(struct hq_tell_profile *p, const char *store,
                          const struct hq_tell_ask *ask, const struct hq_includes *includes,
                          struct buf *lines)
{
	struct inquiry_question question;
	int n;

	if (!may_ask(p, store))
		return -1;
	if (open_box(p, store, ask, &question) != 0) {
		log_warn("store %s: an ask for a profile that is not sealed to this HQ", store);
		return -1;
	}
	n = hq_profile_of_ident(p->db, question.kind, question.value, includes, lines);
	if (n > 0)
		hq_hold_asked(p->db, hq_db_int(p->db, 0, HQ_SQL_STORE_ID, "t", store),
		              question.kind, question.value, clock_wall_us(p->clock));
	vault_wipe(&question, sizeof question);
	return n;
}

/* Arbitrary journal lines, then a life after them: views, time, and a new basket. */
#include <string.h>

#include "base/text.h"
#include "sale/sale.h"

static int any_key(void *ctx, const uint8_t id[EVENT_ID_BYTES], struct visit_key *out)
{
	(void)ctx;
	memset(out, 0, sizeof *out);
	memcpy(out->id, id, EVENT_ID_BYTES);
	return id[0] & 1 ? -1 : 0;
}

static int plain_open(void *ctx, const struct visit_key *key,
                      const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq, const char *n,
                      const char *c, struct buf *json)
{
	uint8_t plain[512];
	ssize_t len = text_unb64(c, strlen(c), plain, sizeof plain);
	(void)ctx, (void)key, (void)epoch, (void)seq, (void)n;
	if (len < 0)
		return -1;
	buf_add(json, plain, (size_t)len);
	return 0;
}

static int some_profile(void *ctx, const char *customer_id, struct profile *out)
{
	(void)ctx;
	*out = (struct profile){.confidential = customer_id[0] == 'V'};
	return customer_id[0] == 'N' ? 0 : 1;
}

static void some_answer(void *ctx, enum ident_kind kind, const char *value, struct answer *out)
{
	(void)ctx;
	*out = (struct answer){.outcome = value[0] == 'N' ? OUTCOME_UNKNOWN : OUTCOME_MATCHED,
	                       .kind = kind};
	memcpy(out->hit.profile.customer_id, "C1", 3);
}

static void live_on(struct sale *s)
{
	struct sale_now now = {.business_date = "2026-11-21"};
	const struct sale_start start = {"0123456789abcdef0123456789abcdef", "power"};
	struct entry *e = entry_new(), *due = entry_new();
	struct lane_view view;
	struct sale_spot spot;
	if (due && sale_replayed(s, due, &now, &start) >= 0) {
		due->status = ENTRY_KEPT;
		sale_answered(s, due, &now);
	}
	entry_free(due);
	sale_tills_heard(s, &now);
	sale_oldest(s, &spot);
	sale_view(s, "3", &view);
	now.mono_us = INT64_C(601000000);
	if (e) {
		sale_tick(s, e, &now);
		e->status = ENTRY_KEPT;
		sale_answered(s, e, &now);
	}
	sale_view(s, "3", &view);
	entry_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t epoch[EVENT_EPOCH_BYTES] = {1};
	static const char *const lanes[] = {"3", NULL};
	const struct sale_params params = {.store = "s1", .currency = "EUR", .lanes = lanes};
	const struct sale_sources from = {any_key, plain_open, some_profile, some_answer, NULL};
	struct sale *s = sale_new(&params);
	uint64_t seq = 0;
	if (!s)
		return 0;
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end ? (size_t)(end - data) - at : size - at;
		sale_replay(s, epoch, ++seq, (const char *)data + at, len, &from);
		at += len + 1;
	}
	live_on(s);
	sale_free(s);
	return 0;
}

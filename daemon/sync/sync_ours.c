/* What HQ includes, as far as it holds it as it stands here. Two copies of one disk that write on
 * in one epoch give the same names to other events: HQ names a seq as included, and means the other
 * copy's. What HQ holds of our own history its confirmations say, by the chain's h. */
#include <string.h>

#include "sync/sync_internal.h"

static void add(struct downlink_includes *out, const uint8_t epoch[EVENT_EPOCH_BYTES],
                const struct journal_range *r)
{
	struct downlink_run *run;

	if (r->first == 1 && out->count < DOWNLINK_EPOCHS_MAX) {
		memcpy(out->at[out->count].epoch, epoch, EVENT_EPOCH_BYTES);
		out->at[out->count++].seq = r->last;
	} else if (out->beyond_count < DOWNLINK_BEYOND_MAX) {
		run = &out->beyond[out->beyond_count++];
		*run = (struct downlink_run){.first = r->first, .last = r->last};
		memcpy(run->epoch, epoch, EVENT_EPOCH_BYTES);
	}
}

static void add_ours(const struct sync *s, const uint8_t epoch[EVENT_EPOCH_BYTES],
                     const struct journal_range *said, struct downlink_includes *out)
{
	struct journal_range ours[DOWNLINK_BEYOND_MAX];
	int n = uplink_ours(s->uplink, epoch, said, ours, DOWNLINK_BEYOND_MAX);

	for (int i = 0; i < n; i++)
		add(out, epoch, &ours[i]);
}

void sync_ours(const struct sync *s, const struct downlink_includes *said,
               struct downlink_includes *out)
{
	*out = (struct downlink_includes){.count = 0};
	for (int i = 0; i < said->count; i++)
		add_ours(s, said->at[i].epoch, &(struct journal_range){1, said->at[i].seq}, out);
	for (int i = 0; i < said->beyond_count; i++)
		add_ours(s, said->beyond[i].epoch,
		         &(struct journal_range){said->beyond[i].first, said->beyond[i].last}, out);
}

void sync_held(const struct sync *s, const struct downlink_includes *said,
               struct downlink_includes *out)
{
	const struct journal_range all = {1, INT64_MAX};

	*out = (struct downlink_includes){.count = 0};
	for (int i = 0; i < said->count; i++)
		add_ours(s, said->at[i].epoch, &all, out);
}

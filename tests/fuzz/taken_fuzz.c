/* A row of `taken` is read at every start: whatever stands there must be bounded, and what is read
 * says the same when it is written again. */
#include <stdlib.h>
#include <string.h>

#include "store/taken.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct taken_message *m, const struct buf *bytes, size_t *at,
                  struct taken *third)
{
	struct taken_message again;
	if (taken_next(third, bytes->data, bytes->len, at, &again) != 1 ||
	    memcmp(&again.id, &m->id, sizeof(again.id)) != 0 || again.seq != m->seq ||
	    again.count != m->count || again.wall_s != m->wall_s)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct taken *in = taken_new(), *out = taken_new(), *third = taken_new();
	struct taken_message m;
	struct buf bytes = {0};
	size_t at = 0, again = 0;

	if (!in || !out || !third)
		abort();
	while (taken_next(in, data, size, &at, &m) == 1) {
		if (taken_add(out, &bytes, &m))
			abort();
		check(&m, &bytes, &again, third);
	}
	buf_free(&bytes);
	taken_free(in);
	taken_free(out);
	taken_free(third);
	return 0;
}

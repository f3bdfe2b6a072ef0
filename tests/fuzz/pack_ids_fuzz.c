/* The ids beside a pack are read at every start: whatever stands there must be bounded. */
#include <stdlib.h>
#include <string.h>

#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pack_id id;
	struct buf again = {0};
	size_t at = 0, before = 0;
	while (pack_id_next(data, size, &at, &id) == 1) {
		buf_reset(&again);
		pack_id_add(&again, &id);
		if (again.len != at - before || memcmp(again.data, data + before, again.len) != 0)
			abort();
		before = at;
	}
	buf_free(&again);
	return 0;
}

/* Arbitrary bytes as a store's ask for what is held. */
#include <stdlib.h>
#include <string.h>

#include "hq/intake/hq_held.h"
#include "sync/confirm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hq_held_ask ask;
	char err[200] = "", text[200];

	if (hq_held_parse(data, size, &ask, err, sizeof err) == 0) {
		if (ask.epoch_count > HQ_HELD_EPOCHS_MAX || ask.raw_count > HQ_HELD_RAW_MAX ||
		    !hq_keys_name_ok(ask.device))
			abort();
		for (int i = 0; i < ask.raw_count; i++) {
			if (ask.raw[i].seq == 0)
				abort();
		}
	} else if (!err[0]) {
		abort();
	}
	hq_held_is(data, size);
	if (size < sizeof text) {
		memcpy(text, data, size);
		text[size] = '\0';
		confirm_seen_turn(text);
	}
	return 0;
}

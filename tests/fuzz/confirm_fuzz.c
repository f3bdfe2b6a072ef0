/* Arbitrary bytes as the header of a confirmation and of a tell; what is read is written and read
 * back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/confirm.h"
#include "sync/downlink.h"
#include "sync/hqtime.h"
#include "sync/tell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct confirm *one = malloc(sizeof(*one)), *two = malloc(sizeof(*two));
	struct downlink_tell tell;
	struct hqtime_word word;
	struct tell head;
	struct buf out = {0};
	char err[200];
	const char *json = (const char *)data;
	if (confirm_parse(json, size, one, err, sizeof(err)) == 0) {
		if (confirm_write(one, &out) ||
		    confirm_parse((char *)out.data, out.len, two, err, sizeof(err)) ||
		    memcmp(one, two, sizeof(*one)) != 0)
			abort();
	}
	bool told = downlink_parse(json, size, &tell, err, sizeof(err)) == 0 ||
	            hqtime_parse(json, size, &word, err, sizeof(err)) == 0;
	if (told && tell_parse(json, size, &head, err, sizeof(err)) != 0)
		abort();
	buf_free(&out);
	free(one);
	free(two);
	return 0;
}

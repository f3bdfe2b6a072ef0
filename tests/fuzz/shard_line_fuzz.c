/* The lines of a page from HQ, after box and zstd: whatever they hold, they are read or refused,
 * and what was accepted as a line can be shown as a profile. */
#include <stdlib.h>
#include <string.h>

#include "store/shard_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shard_line line;
	struct profile profile;
	char err[160];
	int rc = shard_line_read(&line, (const char *)data, size, err, sizeof(err));

	if (rc == 0 && (line.ident_count > SHARD_IDENTS_MAX || line.customer_id[0] == '\0' ||
	                shard_profile_read(&profile, (const char *)data, size) != 0 ||
	                strcmp(profile.customer_id, line.customer_id) != 0))
		abort();
	if (rc != 0 && strstr(err, "expected") == NULL)
		abort();
	shard_profile_read(&profile, (const char *)data, size);
	return 0;
}

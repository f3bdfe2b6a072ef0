/* Arbitrary bytes as a batch's payload, as HQ reads it; what is read must be what it says it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/batch.h"

static void check(struct batch_codec *codec, struct vault_work *work, const uint8_t *data,
                  size_t size, const uint8_t *priv)
{
	struct batch b;
	char err[200];
	if (batch_decode(codec, data, size, "s1", priv, &b, err, sizeof(err)))
		return;
	uint8_t *leaves = malloc((size_t)b.count * EVENT_HASH_BYTES);
	uint32_t lines = 0;
	for (size_t i = 0; i < b.lines_len; i++)
		lines += b.lines[i] == '\n';
	if (lines != b.count || b.count > BATCH_EVENTS_MAX || b.first < 1)
		abort();
	batch_verify(work, &b, leaves);
	free(leaves);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t priv[32] = {1};
	struct batch_codec *codec = batch_codec_new();
	struct vault_work *work = vault_work_new();
	check(codec, work, data, size, NULL);
	check(codec, work, data, size, priv);
	vault_work_free(work);
	batch_codec_free(codec);
	return 0;
}

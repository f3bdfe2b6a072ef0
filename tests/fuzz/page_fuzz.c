/* Arbitrary bytes as a page's body, and as what stands in its box. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/batch.h"

/* A key pair of X25519: RFC 7748, section 6.1, Alice. */
static const uint8_t priv[32] = {0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
                                 0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x92, 0xeb, 0xc0,
                                 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a};
static const uint8_t pub[32] = {0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
                                0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
                                0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a};

static void check(struct batch_codec *codec, const uint8_t *body, size_t n)
{
	const uint8_t *lines;
	size_t len;
	char err[200];
	if (page_decode(codec, "s1", "d1", priv, body, n, &lines, &len, err, sizeof(err)))
		return;
	if (len > PAGE_RAW_MAX || (len && lines[len - 1] != '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct batch_codec *codec = batch_codec_new();
	struct vault_work *work = vault_work_new();
	uint8_t *box = malloc(size + VAULT_BOX_OVERHEAD);
	check(codec, data, size);
	if (vault_box(work, pub, "page", "s1\0d1", 5, data, size, box) != 0)
		abort();
	check(codec, box, size + VAULT_BOX_OVERHEAD);
	free(box);
	vault_work_free(work);
	batch_codec_free(codec);
	return 0;
}

/* Arbitrary bytes as a signed frame, as they are and with a signature that is right, so that what
 * lies behind the signature is reached too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/batch.h"

/* A test key pair of Ed25519: RFC 8032, section 7.1, test 1. */
static const uint8_t priv[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const uint8_t pub[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                                0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                                0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

static void check(const uint8_t *data, size_t size)
{
	struct frame f;
	char err[200];
	if (frame_decode("LNWC", "s1", data, size, pub, &f, err, sizeof(err)))
		return;
	const uint8_t *header = (const uint8_t *)f.header;
	if (header < data || header + f.header_len > f.body || f.body + f.body_len > data + size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char context[] = "laneway frame v1\0s1";
	struct buf tbs = {0}, frame = {0};
	uint8_t signature[VAULT_SIGNATURE_BYTES];
	check(data, size);
	buf_add(&tbs, context, sizeof(context));
	buf_add(&tbs, data, size);
	if (vault_sign(priv, tbs.data, tbs.len, signature) != 0)
		abort();
	buf_add(&frame, data, size);
	buf_add(&frame, signature, sizeof(signature));
	check(frame.data, frame.len);
	buf_free(&tbs);
	buf_free(&frame);
	return 0;
}

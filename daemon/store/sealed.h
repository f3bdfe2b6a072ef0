/* The field `sealed` of an event's line (WIRE.md, section 3.3): one way to seal and to open it, for
 * the store that writes it, the store that reads it back and HQ. */
#ifndef LANEWAY_STORE_SEALED_H
#define LANEWAY_STORE_SEALED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "event/event.h"
#include "store/vault.h"

/* The event whose field it is: a seal opens in no other place. */
struct sealed_at {
	const char *store; /* at most EVENT_STORE_SIZE - 1 bytes */
	const uint8_t *epoch;
	uint64_t seq;
};

/* n bytes under the visit key; out has n + VAULT_SEAL_OVERHEAD. 0 or -1. */
int sealed_make(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES],
                const struct sealed_at *at, const void *plain, size_t n, uint8_t *out);

/* The seal's bytes out of its texts `n` and `c`; how many, or -1: they are none, or more than size.
 */
ssize_t sealed_bytes(const char *n, const char *c, uint8_t *out, size_t size);

/* Into out (len - VAULT_SEAL_OVERHEAD bytes, returned); -1: it is not this event's, not under this
 * key, or damaged. */
ssize_t sealed_open(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES],
                    const struct sealed_at *at, const uint8_t *seal, size_t len, uint8_t *out);

/* Both at once: the plain text is appended to out. 0 or -1. */
int sealed_text(struct vault_work *w, const uint8_t key[VAULT_KEY_BYTES],
                const struct sealed_at *at, const char *n, const char *c, struct buf *out);

#endif

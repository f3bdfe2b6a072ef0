/* Marks that name people, or may: each sealed under a key of its own, which the device's key wraps.
 * With every new one the key of the one before it is gone. */
#include "flow/flow_internal.h"

#include <string.h>

static const uint8_t mark_id[EVENT_ID_BYTES]; /* one key of each purpose: it needs no name */

int flow_mark_put(struct flow *f, struct entry *e, const char *name, const char *purpose,
                  const struct buf *plain)
{
	struct buf mark = {0};
	uint8_t key[VAULT_KEY_BYTES], wrapped[VAULT_WRAP_BYTES], *place = NULL;

	vault_random(key, sizeof key);
	mark.failed =
	    plain->len && vault_wrap(f->p.vault, f->work, purpose, mark_id, key, wrapped) != 0;
	if (plain->len && !mark.failed) {
		buf_add(&mark, wrapped, sizeof wrapped);
		place = buf_room(&mark, plain->len + VAULT_SEAL_OVERHEAD);
		if (place && vault_seal(f->work, key, f->conf->store, strlen(f->conf->store) + 1,
		                        plain->data, plain->len, place) == 0)
			mark.len += plain->len + VAULT_SEAL_OVERHEAD;
		else
			mark.failed = true;
	}
	vault_wipe(key, sizeof key);
	int rc = mark.failed ? -1 : entry_mark(e, name, mark.data, mark.len);
	buf_free(&mark);
	return rc;
}

int flow_mark_open(struct flow *f, const char *purpose, const struct buf *mark, struct buf *out)
{
	uint8_t key[VAULT_KEY_BYTES], *place;
	size_t n = mark->len > VAULT_WRAP_BYTES ? mark->len - VAULT_WRAP_BYTES : 0;
	ssize_t len = -1;

	if (!n)
		return 0;
	place = buf_room(out, n);
	if (place && vault_unwrap(f->p.vault, f->work, purpose, mark_id, mark->data, key) == 0)
		len = vault_unseal(f->work, key, f->conf->store, strlen(f->conf->store) + 1,
		                   mark->data + VAULT_WRAP_BYTES, n, place);
	vault_wipe(key, sizeof key);
	if (len > 0)
		out->len += (size_t)len;
	return len > 0 ? 1 : -1;
}

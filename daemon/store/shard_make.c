/* A line of a page, read and sealed. It may be called for several lines at once, with a maker
 * each. */
#include <stdio.h>
#include <string.h>

#include "store/shard_internal.h"

static const uint8_t *next_seed(struct shard_maker *m)
{
	if (m->seeds_left == 0) {
		vault_random(m->seeds, sizeof(m->seeds));
		m->seeds_left = SHARD_SEEDS;
	}
	return m->seeds[--m->seeds_left];
}

/* Each state of a profile gets a key of its own; the one before goes with the row it stood in. */
static int seal(struct shard_maker *m, const char *line, size_t len, struct shard_made *out)
{
	struct shard_text text[2];

	for (int i = 0; i < out->ident_count; i++)
		vault_shard_blind(m->keys, m->work, m->line.idents[i].kind, m->line.idents[i].value,
		                  out->blinds[i]);
	text[0] = (struct shard_text){m->head, shard_head_write(m->head, &m->line, out->blinds)};
	return shard_squeeze_in(m->squeeze, (struct shard_text){line, len}, &text[1]) == 0
	           ? shard_row_seal(m->keys, m->work, next_seed(m), text, &out->row)
	           : -1;
}

void shard_make(struct shard_maker *m, const char *line, size_t len, struct shard_made *out)
{
	out->failed = shard_line_read(&m->line, line, len, out->fault, sizeof(out->fault)) != 0;
	if (out->failed)
		return;
	memcpy(out->customer_id, m->line.profile.customer_id, sizeof(out->customer_id));
	out->who = shard_who_key(m->keys, m->work, out->customer_id);
	out->deleted = m->line.deleted;
	out->ident_count = m->line.ident_count;
	if (out->deleted || seal(m, line, len, out) == 0)
		return;
	snprintf(out->fault, sizeof(out->fault), "shard: a profile cannot be sealed");
	out->failed = true;
}

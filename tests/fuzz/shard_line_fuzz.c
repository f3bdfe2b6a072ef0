/* The lines of a page from HQ, after box and zstd: whatever they hold, they are read or refused,
 * and the quick way reads nothing else than the parser does. */
#include <stdlib.h>
#include <string.h>

#include "store/shard_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct shard_line *a, const struct shard_line *b)
{
	if (a->deleted != b->deleted || a->ident_count != b->ident_count ||
	    memcmp(&a->profile, &b->profile, sizeof(a->profile)) != 0)
		abort();
	for (int i = 0; i < a->ident_count; i++) {
		const struct shard_ident *x = &a->idents[i], *y = &b->idents[i];

		if (strcmp(x->kind, y->kind) != 0 || strcmp(x->value, y->value) != 0 ||
		    strcmp(x->seen, y->seen) != 0 || memcmp(x->ref, y->ref, sizeof(x->ref)) != 0 ||
		    x->verified != y->verified || x->shared != y->shared ||
		    x->blocked != y->blocked)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shard_line line, quick;
	const char *text = (const char *)data;
	char err[160];
	int rc = shard_line_parse(&line, text, size, err, sizeof(err));

	if (rc == 0 && (line.ident_count > SHARD_IDENTS_MAX || line.profile.customer_id[0] == '\0'))
		abort();
	if (rc != 0 && strstr(err, "expected") == NULL)
		abort();
	if (shard_line_quick(&quick, text, size)) {
		if (rc != 0)
			abort();
		same(&line, &quick);
	}
	return 0;
}

/* A mailbox behind an address: what a hint finds somebody by who writes it another way. Identity
 * has the rule (ident_email_uid2); a line's addresses are normal forms already, so here it is one
 * pass over those of one domain, and a fill does not feel it. */
#include <string.h>

#include "store/shard_internal.h"

static const char domain[] = "@gmail.com";

bool shard_fold(const char *email, char out[SHARD_IDENT_VALUE_SIZE])
{
	size_t len = strlen(email), tail = sizeof domain - 1;
	const char *at = email + len - tail;
	char *to = out;

	if (len <= tail || len >= SHARD_IDENT_VALUE_SIZE || memcmp(at, domain, tail) != 0)
		return false;
	for (const char *p = email; p < at && *p != '+'; p++)
		if (*p != '.')
			*to++ = *p;
	if (to == out || to - out == at - email)
		return false;
	memcpy(to, domain, sizeof domain);
	return true;
}

void shard_line_fold(struct shard_line *line)
{
	int count = line->ident_count;

	for (int i = 0; i < count && line->ident_count < SHARD_IDENTS_MAX; i++) {
		const struct shard_ident *email = &line->idents[i];
		struct shard_ident *folded = &line->idents[line->ident_count];
		if (strcmp(email->kind, "email") != 0 || !shard_fold(email->value, folded->value))
			continue;
		memcpy(folded->kind, SHARD_FOLDED, sizeof SHARD_FOLDED);
		memcpy(folded->ref, email->ref, sizeof folded->ref);
		memcpy(folded->seen, email->seen, sizeof folded->seen);
		folded->verified = false;
		folded->shared = email->shared;
		folded->blocked = email->blocked;
		line->ident_count++;
	}
	if (line->shortfall > 0)
		line->idents[line->ident_count++] =
		    (struct shard_ident){.kind = SHARD_SHORTFALL, .value = SHARD_SHORTFALL_ALL};
}

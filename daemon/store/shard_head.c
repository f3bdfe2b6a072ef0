#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/shard_internal.h"

/* form, flags, number of identifiers; points, version, visits */
#define HEAD_FIXED (3 + 3 * 8)
#define HEAD_FORM 1

enum { HEAD_POINTS = 1, HEAD_CONFIDENTIAL = 2, HEAD_RESTRICTED = 4 };
enum { IDENT_FLAGS = VAULT_BLIND_BYTES + EVENT_ID_BYTES, IDENT_SEEN };
enum { IDENT_VERIFIED = 1, IDENT_SHARED = 2, IDENT_BLOCKED = 4 };

#define TEXT_OF(member)                                                                            \
	{                                                                                          \
		offsetof(struct profile, member), sizeof(((struct profile *)0)->member)            \
	}

/* The texts in the order in which they stand; each is one byte of length and its bytes. */
static const struct {
	size_t at, size;
} texts[] = {
    TEXT_OF(customer_id),  TEXT_OF(first_name), TEXT_OF(name),      TEXT_OF(tier),
    TEXT_OF(points_as_of), TEXT_OF(language),   TEXT_OF(last_seen),
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static void put64(uint8_t *out, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* One byte of length, and the text. */
static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t n = strlen(text);

	*at++ = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		*at++ = (uint8_t)text[i];
	return at;
}

static uint8_t *put_idents(uint8_t *at, const struct shard_line *line,
                           uint8_t (*blinds)[VAULT_BLIND_BYTES])
{
	for (int i = 0; i < line->ident_count; i++) {
		const struct shard_ident *ident = &line->idents[i];

		memcpy(at, blinds[i], VAULT_BLIND_BYTES);
		memcpy(at + VAULT_BLIND_BYTES, ident->ref, EVENT_ID_BYTES);
		at[IDENT_FLAGS] = (uint8_t)((ident->verified ? IDENT_VERIFIED : 0) |
		                            (ident->shared ? IDENT_SHARED : 0) |
		                            (ident->blocked ? IDENT_BLOCKED : 0));
		at = put_text(at + IDENT_SEEN, ident->seen);
	}
	return at;
}

size_t shard_head_write(uint8_t out[SHARD_HEAD_MAX], const struct shard_line *line,
                        uint8_t (*blinds)[VAULT_BLIND_BYTES])
{
	const struct profile *p = &line->profile;
	uint8_t *at;

	out[0] = HEAD_FORM;
	out[1] = (uint8_t)((p->has_points ? HEAD_POINTS : 0) |
	                   (p->confidential ? HEAD_CONFIDENTIAL : 0) |
	                   (p->restricted ? HEAD_RESTRICTED : 0));
	out[2] = (uint8_t)line->ident_count;
	put64(out + 3, (uint64_t)p->points);
	put64(out + 11, p->version);
	put64(out + 19, p->visits);
	at = put_idents(out + HEAD_FIXED, line, blinds);
	for (size_t i = 0; i < TEXTS; i++)
		at = put_text(at, (const char *)p + texts[i].at);
	return (size_t)(at - out);
}

/* Sealed bytes are ours; a length that does not fit is still no reason to read beyond them. NULL:
 * it does not. */
static const uint8_t *take_text(char *out, size_t size, const uint8_t *at, const uint8_t *end)
{
	size_t n;

	if (at == end || *at >= size || *at >= end - at)
		return NULL;
	n = *at++;
	memcpy(out, at, n);
	out[n] = '\0';
	return at + n;
}

static int read_texts(struct profile *out, const uint8_t *at, const uint8_t *end)
{
	for (size_t i = 0; i < TEXTS && at != NULL; i++)
		at = take_text((char *)out + texts[i].at, texts[i].size, at, end);
	return at == end ? 0 : -1;
}

/* Behind an identifier, or NULL. */
static const uint8_t *ident_end(const uint8_t *ident, const uint8_t *end)
{
	if (end - ident < SHARD_HEAD_IDENT_BYTES ||
	    end - ident - SHARD_HEAD_IDENT_BYTES < ident[IDENT_SEEN])
		return NULL;
	return ident + SHARD_HEAD_IDENT_BYTES + ident[IDENT_SEEN];
}

/* Behind the first n identifiers, or NULL. */
static const uint8_t *idents_end(const uint8_t *head, size_t len, int n)
{
	const uint8_t *at = head + HEAD_FIXED;

	if (len < HEAD_FIXED || head[0] != HEAD_FORM)
		return NULL;
	for (int i = 0; i < n && at != NULL; i++)
		at = ident_end(at, head + len);
	return at;
}

int shard_head_read(struct profile *out, const uint8_t *head, size_t len)
{
	const uint8_t *at = idents_end(head, len, len < HEAD_FIXED ? 0 : head[2]);

	if (at == NULL)
		return -1;
	out->has_points = head[1] & HEAD_POINTS;
	out->confidential = head[1] & HEAD_CONFIDENTIAL;
	out->restricted = head[1] & HEAD_RESTRICTED;
	out->points = (int64_t)buf_get64(head + 3);
	out->version = buf_get64(head + 11);
	out->visits = buf_get64(head + 19);
	return read_texts(out, at, head + len);
}

const uint8_t *shard_head_ident(const uint8_t *head, size_t len, int n)
{
	const uint8_t *at;

	if (len < HEAD_FIXED || n >= head[2])
		return NULL;
	at = idents_end(head, len, n);
	return at != NULL && ident_end(at, head + len) != NULL ? at : NULL;
}

void shard_head_hit(const uint8_t *ident, struct shard_hit *out)
{
	uint8_t flags = ident[IDENT_FLAGS];
	const uint8_t *seen = ident + IDENT_SEEN;

	text_b64(ident + VAULT_BLIND_BYTES, EVENT_ID_BYTES, out->ident_ref);
	out->verified = flags & IDENT_VERIFIED;
	out->shared = flags & IDENT_SHARED;
	out->blocked = flags & IDENT_BLOCKED;
	take_text(out->seen, sizeof(out->seen), seen, seen + 1 + *seen);
}

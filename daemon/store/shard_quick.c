/* A line as HQ writes it (compact, members in the order of their bytes, whole numbers) is read in
 * one pass without allocating: a first fill reads a million of them. Whatever is not so, is wrong
 * or is merely unusual, is left to the parser of shard_line.c, which knows all of JSON and says
 * what is wrong. */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "store/shard_internal.h"

#define DEPTH_MAX 16
#define DIGITS_MAX 18 /* always an int64 */

struct cursor {
	const char *at, *end;
};

struct span {
	const char *p;
	size_t n;
};

static bool take(struct cursor *c, char expected)
{
	if (c->at == c->end || *c->at != expected)
		return false;
	c->at++;
	return true;
}

static bool take_word(struct cursor *c, const char *word, size_t n)
{
	if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

#define EACH_BYTE 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

/* The high bit of the first byte that is a quote, a backslash or below a space; those behind it
 * mean nothing. 0: none of the eight is. */
static uint64_t stops(uint64_t bytes)
{
	uint64_t quote = bytes ^ (EACH_BYTE * '"'), slash = bytes ^ (EACH_BYTE * '\\');

	return (((bytes - EACH_BYTE * 0x20) & ~bytes) | ((quote - EACH_BYTE) & ~quote) |
	        ((slash - EACH_BYTE) & ~slash)) &
	       HIGH_BITS;
}

/* To the first byte that ends a text or may not stand in it, or to the last seven; *seen gets the
 * high bits of what is passed. */
static const char *pass_eights(const char *at, const char *end, uint64_t *seen)
{
	uint64_t bytes, stop;

	for (; end - at >= (ptrdiff_t)sizeof(bytes); at += sizeof(bytes)) {
		memcpy(&bytes, at, sizeof(bytes));
		bytes = le64toh(bytes);
		stop = stops(bytes);
		if (stop != 0) {
			*seen |= bytes & ((stop & -stop) - 1) >> 7;
			return at + __builtin_ctzll(stop) / 8;
		}
		*seen |= bytes;
	}
	return at;
}

/* Text without escapes: what stands between the quotes is what it means. */
static bool take_text(struct cursor *c, struct span *out)
{
	uint64_t seen = 0;

	if (!take(c, '"'))
		return false;
	out->p = c->at;
	c->at = pass_eights(c->at, c->end, &seen);
	while (c->at < c->end && *c->at != '"') {
		unsigned char byte = (unsigned char)*c->at++;

		if (byte < 0x20 || byte == '\\')
			return false;
		seen |= byte;
	}
	out->n = (size_t)(c->at - out->p);
	return take(c, '"') && ((seen & HIGH_BITS) == 0 || text_utf8_ok(out->p, out->n));
}

static bool take_number(struct cursor *c, int64_t *out)
{
	bool minus = take(c, '-');
	const char *first = c->at;
	int64_t n = 0;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - first < DIGITS_MAX)
		n = 10 * n + (*c->at++ - '0');
	*out = minus ? -n : n;
	if (c->at == first || (*first == '0' && c->at - first > 1) || (minus && n == 0))
		return false;
	return c->at < c->end && strchr("0123456789.eE", *c->at) == NULL;
}

static bool take_bool(struct cursor *c, bool *out)
{
	*out = c->at < c->end && *c->at == 't';
	return *out ? take_word(c, "true", 4) : take_word(c, "false", 5);
}

static bool skip_value(struct cursor *c, int depth);

/* The next member's name; members stand in the order of their bytes, so none stands twice. */
static bool next_name(struct cursor *c, struct span *name, bool first)
{
	struct span before = *name;
	size_t n;
	int order;

	if ((!first && !take(c, ',')) || !take_text(c, name) || !take(c, ':'))
		return false;
	if (first)
		return true;
	n = before.n < name->n ? before.n : name->n;
	order = memcmp(before.p, name->p, n);
	return order < 0 || (order == 0 && before.n < name->n);
}

static bool skip_object(struct cursor *c, int depth)
{
	struct span name;
	bool first = true;

	if (!take(c, '{'))
		return false;
	for (; !take(c, '}'); first = false) {
		if (!next_name(c, &name, first) || !skip_value(c, depth))
			return false;
	}
	return true;
}

static bool skip_array(struct cursor *c, int depth)
{
	bool first = true;

	if (!take(c, '['))
		return false;
	for (; !take(c, ']'); first = false) {
		if ((!first && !take(c, ',')) || !skip_value(c, depth))
			return false;
	}
	return true;
}

static bool skip_value(struct cursor *c, int depth)
{
	struct span text;
	int64_t number;
	bool yes;

	if (c->at == c->end || depth == DEPTH_MAX)
		return false;
	switch (*c->at) {
	case '"':
		return take_text(c, &text);
	case '{':
		return skip_object(c, depth + 1);
	case '[':
		return skip_array(c, depth + 1);
	case 't':
	case 'f':
		return take_bool(c, &yes);
	case 'n':
		return take_word(c, "null", 4);
	default:
		return take_number(c, &number);
	}
}

static inline bool is(const struct span *name, const char *text)
{
	return strlen(text) == name->n && memcmp(text, name->p, name->n) == 0;
}

/* Text of 1 to size - 1 bytes without control characters. */
static bool take_exact(struct cursor *c, char *out, size_t size)
{
	struct span text;

	if (!take_text(c, &text) || text.n == 0 || text.n >= size ||
	    text_has_control(text.p, text.n))
		return false;
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return true;
}

/* What would have to be cut is not so common. */
static bool take_display(struct cursor *c, char *out, size_t size)
{
	struct span text;

	if (!take_text(c, &text) || text.n >= size)
		return false;
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return true;
}

static bool take_count(struct cursor *c, uint64_t *out)
{
	int64_t n;

	if (!take_number(c, &n) || n < 0)
		return false;
	*out = (uint64_t)n;
	return true;
}

enum { IDENT_KIND = 1, IDENT_REF = 2, IDENT_VALUE = 4 };

static bool take_ident_member(struct cursor *c, const struct span *name, struct shard_ident *out,
                              int *seen)
{
	struct span text;

	if (is(name, "kind")) {
		*seen |= IDENT_KIND;
		return take_exact(c, out->kind, sizeof(out->kind)) && !strchr(out->kind, '|');
	}
	if (is(name, "value")) {
		*seen |= IDENT_VALUE;
		return take_exact(c, out->value, sizeof(out->value));
	}
	if (is(name, "ref")) {
		*seen |= IDENT_REF;
		return take_text(c, &text) &&
		       text_unb64(text.p, text.n, out->ref, sizeof(out->ref)) ==
		           (ssize_t)sizeof(out->ref);
	}
	if (is(name, "verified"))
		return take_bool(c, &out->verified);
	if (is(name, "seen"))
		return take_display(c, out->seen, sizeof(out->seen));
	if (is(name, "state")) {
		if (!take_text(c, &text))
			return false;
		out->blocked = is(&text, "blocked");
		out->shared = text.n > 0 && !out->blocked;
		return true;
	}
	return skip_value(c, 2);
}

static bool take_ident(struct cursor *c, struct shard_ident *out)
{
	struct span name;
	bool first = true;
	int seen = 0;

	out->verified = out->shared = out->blocked = false;
	out->seen[0] = '\0';
	if (!take(c, '{'))
		return false;
	for (; !take(c, '}'); first = false) {
		if (!next_name(c, &name, first) || !take_ident_member(c, &name, out, &seen))
			return false;
	}
	return seen == (IDENT_KIND | IDENT_REF | IDENT_VALUE);
}

static bool take_idents(struct cursor *c, struct shard_line *out)
{
	if (!take(c, '['))
		return false;
	while (!take(c, ']')) {
		if ((out->ident_count > 0 && !take(c, ',')) ||
		    out->ident_count == SHARD_IDENTS_MAX ||
		    !take_ident(c, &out->idents[out->ident_count]))
			return false;
		out->ident_count++;
	}
	return true;
}

static bool take_state(struct cursor *c, struct profile *p)
{
	struct span text;

	if (!take_text(c, &text))
		return false;
	p->restricted = is(&text, "restricted");
	p->confidential = !p->restricted && text.n > 0 && !is(&text, "active");
	return text.n < 33;
}

#define TEXT_MEMBER(name)                                                                          \
	{                                                                                          \
#name, sizeof(#name) - 1, offsetof(struct profile, name),                          \
		    sizeof(((struct profile *)0)->name)                                            \
	}

static const struct {
	const char *member;
	size_t len, at, size;
} texts[] = {
    TEXT_MEMBER(first_name), TEXT_MEMBER(language),     TEXT_MEMBER(last_seen),
    TEXT_MEMBER(name),       TEXT_MEMBER(points_as_of), TEXT_MEMBER(tier),
};

static bool take_text_member(struct cursor *c, const struct span *name, struct profile *p,
                             bool *known)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (name->n == texts[i].len && memcmp(name->p, texts[i].member, name->n) == 0)
			return take_display(c, (char *)p + texts[i].at, texts[i].size);
	}
	*known = false;
	return true;
}

enum { LINE_CUSTOMER = 1, LINE_VERSION = 2 };

static bool take_member(struct cursor *c, const struct span *name, struct shard_line *out,
                        int *seen)
{
	struct profile *p = &out->profile;
	bool known = true, ok = take_text_member(c, name, p, &known);

	if (known)
		return ok;
	if (is(name, "identifiers"))
		return take_idents(c, out);
	if (is(name, "customer_id")) {
		*seen |= LINE_CUSTOMER;
		return take_exact(c, p->customer_id, sizeof(p->customer_id));
	}
	if (is(name, "version")) {
		*seen |= LINE_VERSION;
		return take_count(c, &p->version);
	}
	if (is(name, "deleted"))
		return take_bool(c, &out->deleted);
	if (is(name, "points"))
		return p->has_points = take_number(c, &p->points);
	if (is(name, "visits"))
		return take_count(c, &p->visits);
	if (is(name, "shortfall"))
		return take_count(c, &out->shortfall);
	return is(name, "state") ? take_state(c, p) : skip_value(c, 1);
}

bool shard_line_quick(struct shard_line *out, const char *line, size_t len)
{
	struct cursor c = {line, line + len};
	struct span name;
	bool first = true;
	int seen = 0;

	out->deleted = false;
	out->ident_count = 0;
	out->shortfall = 0;
	memset(&out->profile, 0, sizeof(out->profile));
	if (!take(&c, '{'))
		return false;
	for (; !take(&c, '}'); first = false) {
		if (!next_name(&c, &name, first) || !take_member(&c, &name, out, &seen))
			return false;
	}
	return c.at == c.end && seen == (LINE_CUSTOMER | LINE_VERSION);
}

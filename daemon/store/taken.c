#include "store/taken.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS_FIRST 16
#define VARINT_BYTES_MAX 10

struct taken_session {
	char source[EVENT_NAME_SIZE], session[EVENT_SESSION_SIZE];
	uint64_t counter; /* of its last message */
};

struct taken {
	struct taken_session *sessions;
	size_t count, cap;
	uint64_t seq; /* of the last message */
	uint64_t wall_s;
};

struct taken *taken_new(void)
{
	return calloc(1, sizeof(struct taken));
}

void taken_free(struct taken *t)
{
	if (!t)
		return;
	free(t->sessions);
	free(t);
}

void taken_begin(struct taken *t)
{
	t->count = 0;
	t->seq = t->wall_s = 0;
}

static struct taken_session *add_session(struct taken *t)
{
	if (t->count == TAKEN_SESSIONS_MAX)
		return NULL;
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : SESSIONS_FIRST;
		void *grown = realloc(t->sessions, cap * sizeof(*t->sessions));
		if (!grown)
			return NULL;
		t->sessions = grown;
		t->cap = cap;
	}
	memset(&t->sessions[t->count], 0, sizeof(*t->sessions));
	return &t->sessions[t->count++];
}

/* ---- writing ---- */

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_byte(b, (uint8_t)(v | 0x80));
	buf_byte(b, (uint8_t)v);
}

/* The way from one number to another, small when it is short in either direction. */
static uint64_t step_to(uint64_t from, uint64_t to)
{
	uint64_t d = to - from;
	return d << 1 ^ (0 - (d >> 63));
}

static uint64_t step_from(uint64_t from, uint64_t step)
{
	return from + (step >> 1 ^ (0 - (step & 1)));
}

static size_t find_session(const struct taken *t, const struct entry_id *id)
{
	size_t i = 0;
	while (i < t->count && (strcmp(t->sessions[i].session, id->session) != 0 ||
	                        strcmp(t->sessions[i].source, id->source) != 0))
		i++;
	return i;
}

static void put_text(struct buf *b, const char *s)
{
	size_t n = strlen(s);
	buf_byte(b, (uint8_t)n);
	buf_add(b, s, n);
}

int taken_add(struct taken *t, struct buf *out, const struct taken_message *m)
{
	size_t before = out->len, i = find_session(t, &m->id), known = t->count;
	struct taken_session *s = i < t->count ? &t->sessions[i] : add_session(t);

	if (!s)
		return -1;
	put_varint(out, i);
	if (i == known) {
		memcpy(s->source, m->id.source, sizeof(s->source));
		memcpy(s->session, m->id.session, sizeof(s->session));
		put_text(out, s->source);
		put_text(out, s->session);
	}
	put_varint(out, step_to(s->counter, m->id.counter));
	put_varint(out, step_to(t->seq, m->seq));
	put_varint(out, m->count);
	put_varint(out, step_to(t->wall_s, (uint64_t)m->wall_s));
	buf_add(out, m->id.body, TAKEN_BODY_BYTES);
	if (out->failed) {
		out->len = before;
		t->count = known;
		return -1;
	}
	s->counter = m->id.counter;
	t->seq = m->seq;
	t->wall_s = (uint64_t)m->wall_s;
	return 0;
}

/* ---- reading ---- */

struct cursor {
	const uint8_t *p;
	size_t n, at;
};

static int get_varint(struct cursor *c, uint64_t *out)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < VARINT_BYTES_MAX && c->at < c->n; i++) {
		uint8_t b = c->p[c->at++];
		if (i == VARINT_BYTES_MAX - 1 && b > 1)
			return -1;
		v |= (uint64_t)(b & 0x7f) << 7 * i;
		if (!(b & 0x80)) {
			*out = v;
			return 0;
		}
	}
	return -1;
}

static int get_text(struct cursor *c, char *out, size_t size)
{
	if (c->at >= c->n)
		return -1;
	size_t len = c->p[c->at++];
	if (len >= size || len > c->n - c->at || memchr(c->p + c->at, '\0', len))
		return -1;
	memcpy(out, c->p + c->at, len);
	out[len] = '\0';
	c->at += len;
	return 0;
}

static struct taken_session *get_session(struct taken *t, struct cursor *c)
{
	uint64_t i;
	if (get_varint(c, &i) || i > t->count)
		return NULL;
	if (i < t->count)
		return &t->sessions[i];
	struct taken_session *s = add_session(t);
	if (!s || get_text(c, s->source, sizeof(s->source)) ||
	    get_text(c, s->session, sizeof(s->session)))
		return NULL;
	return s;
}

int taken_next(struct taken *t, const uint8_t *p, size_t n, size_t *at, struct taken_message *out)
{
	struct cursor c = {p, n, *at};
	uint64_t counter, seq, count, wall_s;

	if (c.at >= n)
		return 0;
	struct taken_session *s = get_session(t, &c);
	if (!s || get_varint(&c, &counter) || get_varint(&c, &seq) || get_varint(&c, &count) ||
	    get_varint(&c, &wall_s) || count > UINT32_MAX || n - c.at < TAKEN_BODY_BYTES)
		return -1;
	s->counter = step_from(s->counter, counter);
	t->seq = step_from(t->seq, seq);
	t->wall_s = step_from(t->wall_s, wall_s);
	if (t->wall_s > INT64_MAX / 1000000)
		return -1;
	memset(out, 0, sizeof(*out));
	memcpy(out->id.source, s->source, sizeof(s->source));
	memcpy(out->id.session, s->session, sizeof(s->session));
	out->id.counter = s->counter;
	memcpy(out->id.body, c.p + c.at, TAKEN_BODY_BYTES);
	out->seq = t->seq;
	out->count = (uint32_t)count;
	out->wall_s = (int64_t)t->wall_s;
	*at = c.at + TAKEN_BODY_BYTES;
	return 1;
}

/* A person's consent on a page's line: what it takes to answer any question, and as much of the
 * rest as there is room for. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/tell/hq_page.h"
#include "identity/consent_json.h"

#define HQ_PAGE_CHOICES_READ_MAX 4096 /* of one person: behind them stand plain yeses, if any */

struct said {
	struct consent_choice *choice; /* in the order in which they are told */
	bool *over;                    /* nothing of it is left */
	size_t count, cap;
	bool failed;
};

/* A copy that lasts longer than the row; NULL for what is empty. */
static const char *take_text(struct said *s, struct sqlite3_stmt *q, int column)
{
	const char *text = hq_db_text(q, column);
	char *own = text[0] ? memory_text(text) : NULL;

	s->failed |= text[0] && !own;
	return own;
}

static void take_covers(struct said *s, struct sqlite3_stmt *q, int column,
                        struct consent_choice *c)
{
	size_t n = (size_t)sqlite3_column_bytes(q, column) / sizeof *c->covers;
	struct ref *own;

	if (n > CONSENT_COVERS_MAX)
		n = CONSENT_COVERS_MAX;
	own = n ? memory_alloc(n * sizeof *own) : NULL;
	s->failed |= n && !own;
	if (!own)
		return;
	memcpy(own, sqlite3_column_blob(q, column), n * sizeof *own);
	c->covers = own;
	c->cover_count = n;
}

static int64_t whole_ms(int64_t us, bool up)
{
	int64_t rest = ((us % 1000) + 1000) % 1000;

	return us - rest + (up && rest ? 1000 : 0);
}

static void take(struct said *s, struct sqlite3_stmt *q)
{
	struct consent_choice *c = &s->choice[s->count++];

	/* Times as the line tells them: what a store sees as overlapping supersedes nothing. */
	*c = (struct consent_choice){.purpose = consent_purpose_named(hq_db_text(q, 1)),
	                             .channel = consent_channel_named(hq_db_text(q, 2)),
	                             .value = consent_value_named(hq_db_text(q, 3)),
	                             .method = consent_method_named(hq_db_text(q, 4)),
	                             .has_text = hq_db_text(q, 5)[0] != '\0',
	                             .from_us = whole_ms(sqlite3_column_int64(q, 6), false),
	                             .to_us = whole_ms(sqlite3_column_int64(q, 7), true),
	                             .text_version = take_text(s, q, 5),
	                             .language = take_text(s, q, 11)};
	hq_db_ref(q, 0, &c->id);
	hq_db_ref(q, 8, &c->address);
	hq_db_ref(q, 9, &c->unit);
	take_covers(s, q, 10, c);
}

static bool more_room(struct said *s)
{
	size_t cap = s->cap ? 2 * s->cap : 16;
	struct consent_choice *more = NULL;

	if (s->count < s->cap)
		return true;
	if (cap <= HQ_PAGE_CHOICES_READ_MAX)
		more = memory_more(s->choice, cap * sizeof *more);
	else
		return false;
	s->failed |= !more;
	if (!more)
		return false;
	s->choice = more;
	s->cap = cap;
	return true;
}

/* How many there was no room to read. */
static int read_all(struct hq_page_person *p, struct said *s)
{
	struct sqlite3_stmt *q = hq_db_query(p->db, HQ_SQL_CHOICES_OF_PERSON, "i", p->person);
	int unread = 0;

	while (hq_db_row(p->db, q)) {
		if (more_room(s))
			take(s, q);
		else
			unread++;
	}
	s->over = s->count ? memory_zeroed(s->count, sizeof *s->over) : NULL;
	s->failed |= s->count && !s->over;
	if (s->over)
		consent_supersede(s->choice, s->count, s->over);
	return unread;
}

static void free_all(struct said *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free((struct ref *)s->choice[i].covers);
		free((char *)s->choice[i].text_version);
		free((char *)s->choice[i].language);
	}
	free(s->choice);
	free(s->over);
}

/* false: there is no room for it. */
static bool put(const struct consent_choice *c, size_t begin, struct buf *out)
{
	size_t entry = out->len;

	consent_json_write(out, c);
	if (out->len - begin <= HQ_PAGE_CHOICES_BYTES)
		return true;
	out->len = entry;
	return false;
}

/* What forbids stands first: what is left out for want of room must not make anything allowed.
 * Behind one that found no room a shorter one would, and it may be a grant. How many are told. */
static int put_needed(struct hq_page_person *p, const struct said *s, size_t begin, struct buf *out)
{
	bool room = true;
	int told = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (s->over[i])
			continue;
		room = room && told < HQ_PAGE_CHOICES_MAX && put(&s->choice[i], begin, out);
		told += room;
		p->left_choices += !room;
	}
	return told;
}

/* It decides nothing: it is for who asks what else was said. */
static void put_rest(const struct said *s, int told, size_t begin, struct buf *out)
{
	for (size_t i = 0; i < s->count && told < HQ_PAGE_CHOICES_MAX; i++) {
		if (s->over[i] && !put(&s->choice[i], begin, out))
			return;
		told += s->over[i];
	}
}

void hq_page_choices(struct hq_page_person *p, struct buf *out)
{
	struct said s = {.count = 0};
	size_t begin = out->len;
	int told = 0;

	p->left_choices = read_all(p, &s);
	buf_str(out, "\"choices\":[");
	if (s.failed)
		p->left_choices += (int)s.count + 1;
	else
		told = put_needed(p, &s, begin, out);
	if (told && p->left_choices == 0)
		put_rest(&s, told, begin, out);
	if (told)
		buf_str(out, "],");
	else
		out->len = begin;
	free_all(&s);
}

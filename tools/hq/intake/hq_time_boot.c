#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/intake/hq_epoch.h"
#include "hq/intake/hq_time_internal.h"

#define MONO_US_MAX (INT64_C(1) << 53)          /* 285 years of uptime */
#define WALL_US_MAX INT64_C(253402300800000000) /* year 10000 */
#define ERROR_US_MAX INT64_C(31536000000000)    /* a year: says nothing any more */
#define HEARD_STEP_US                                                                              \
	INT64_C(10000000) /* a bound that HQ's hearing betters by less stays: how long an          \
	                     event was on its way is chance */
#define STAMP_ERROR_US INT64_C(900000000) /* a store lets a time go that may be wronger */
#define LINKS_MAX 32                      /* of one boot to others; a copied card has two */

struct hq_time *hq_time_new(struct hq_db *db, const struct clock *clock)
{
	struct hq_time *t = memory_zeroed(1, sizeof *t);

	if (!t)
		return NULL;
	t->db = db;
	t->clock = clock;
	return t;
}

void hq_time_free(struct hq_time *t)
{
	if (!t)
		return;
	free(t->model.point);
	free(t);
}

void hq_time_forget(struct hq_time *t)
{
	t->model.boot = 0;
	t->epoch = 0;
}

/* ---- a boot's model ---- */

static bool add_point(struct hq_time_model *m, const struct hq_time_point *p)
{
	if (m->count == m->room) {
		size_t room = m->room ? m->room * 2 : 64;
		struct hq_time_point *more = memory_more(m->point, room * sizeof *more);
		if (!more)
			return false;
		m->point = more;
		m->room = room;
	}
	m->point[m->count++] = *p;
	return true;
}

static bool read_points(struct hq_time *t)
{
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_POINT_ALL, "i", t->model.boot);
	bool ok = true;

	while (hq_db_row(t->db, q)) {
		const struct hq_time_point p = {
		    .mono_us = sqlite3_column_int64(q, 0),
		    .wall_us = sqlite3_column_int64(q, 1),
		    .error_us = sqlite3_column_int64(q, 2),
		    .is_signed = clock_trust_of(hq_db_text(q, 3)) == CLOCK_HQ,
		};
		ok = ok && add_point(&t->model, &p);
	}
	return ok;
}

static void settle(struct hq_time_model *m)
{
	hq_time_settle(m->point, m->count);
	m->contradicted = false;
	for (size_t i = 0; i < m->count; i++)
		m->contradicted = m->contradicted || m->point[i].dropped;
}

static int64_t column_or(struct sqlite3_stmt *q, int i, int64_t none)
{
	return sqlite3_column_type(q, i) == SQLITE_NULL ? none : sqlite3_column_int64(q, i);
}

bool hq_time_model(struct hq_time *t, int64_t boot)
{
	struct hq_time_model *m = &t->model;
	struct sqlite3_stmt *q;

	if (m->boot == boot)
		return true;
	m->boot = 0;
	m->count = 0;
	q = hq_db_query(t->db, HQ_SQL_BOOT_GET, "i", boot);
	if (!hq_db_row(t->db, q))
		return false;
	m->store = sqlite3_column_int64(q, 0);
	m->start = (struct hq_time_span){column_or(q, 1, INT64_MIN), column_or(q, 2, INT64_MAX)};
	hq_db_end(q);
	m->boot = boot;
	if (!read_points(t)) {
		log_error("out of memory: the times of a boot are not repaired");
		m->boot = 0;
		return false;
	}
	settle(m);
	return true;
}

struct hq_time_span hq_time_bounds(struct hq_time *t, int64_t boot, int64_t mono_us)
{
	struct hq_time_span span = {INT64_MIN, INT64_MAX};

	if (hq_time_model(t, boot) && !hq_time_at(t->model.point, t->model.count, mono_us, &span))
		span = hq_time_from_start(t->model.start, mono_us);
	return span;
}

/* ---- what an event says ---- */

static int64_t boot_row(struct hq_time *t, int64_t store, const char *boot_id)
{
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_BOOT_ID, "it", store, boot_id);
	int64_t row = -1;

	t->contradicted = false;
	if (hq_db_row(t->db, q)) {
		row = sqlite3_column_int64(q, 0);
		t->contradicted = sqlite3_column_int64(q, 1) != 0;
		hq_db_end(q);
	} else if (hq_db_run(t->db, HQ_SQL_BOOT_ADD, "it", store, boot_id) == 1) {
		row = hq_db_last_id(t->db);
	}
	return row;
}

/* All of an epoch's events are of one boot; what a line says counts. */
static int64_t boot_of(struct hq_time *t, const struct hq_time_place *at, const char *boot_id)
{
	if (t->epoch == at->epoch && strcmp(t->boot_id, boot_id) == 0)
		return t->epoch_boot;
	t->epoch = 0;
	t->epoch_boot = boot_row(t, at->store, boot_id);
	if (t->epoch_boot < 0)
		return -1;
	if (hq_db_run(t->db, HQ_SQL_EPOCH_BOOT, "ii", at->epoch, t->epoch_boot) > 0)
		hq_time_linked(t, at->store);
	t->epoch = at->epoch;
	text_copy(t->boot_id, sizeof t->boot_id, boot_id);
	return t->epoch_boot;
}

static bool same(const struct hq_time_point *a, const struct hq_time_point *b)
{
	return a->dropped == b->dropped && a->torn == b->torn && a->span.lo_us == b->span.lo_us &&
	       a->span.hi_us == b->span.hi_us;
}

static bool is_it(const struct hq_time_point *a, const struct hq_time_point *b)
{
	return a->mono_us == b->mono_us && a->wall_us == b->wall_us && a->error_us == b->error_us &&
	       a->is_signed == b->is_signed;
}

/* Between which monotonic times the new point has changed anything. old: as settled without it. */
static void changed_range(const struct hq_time_model *m, const struct hq_time_point *old,
                          const struct hq_time_point *added, int64_t *lo_us, int64_t *hi_us)
{
	size_t at = 0, first, last;

	while (at < m->count && !is_it(&m->point[at], added))
		at++;
	first = last = at;
	for (size_t i = 0; i < m->count; i++) {
		if (i == at || same(&m->point[i], &old[i < at ? i : i - 1]))
			continue;
		first = i < first ? i : first;
		last = i > last ? i : last;
	}
	*lo_us = first > 0 ? m->point[first - 1].mono_us : INT64_MIN;
	*hi_us = last + 1 < m->count ? m->point[last + 1].mono_us : INT64_MAX;
}

/* A store that trusted a time over 5 minutes from what HQ signed: its events are repaired, but who
 * told it the wrong time is for a person to find out. Once for each boot. */
static void raise_alarm(struct hq_time *t)
{
	const struct hq_time_model *m = &t->model;
	char store[EVENT_STORE_SIZE] = "", detail[240];
	const struct hq_alarm alarm = {m->store, store, "clock", detail, clock_wall_us(t->clock)};
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_STORE_NAME, "i", m->store);
	struct hq_time_span word;
	size_t i = 0;

	if (hq_db_row(t->db, q))
		text_copy(store, sizeof store, hq_db_text(q, 0));
	hq_db_end(q);
	while (i < m->count && !m->point[i].dropped)
		i++;
	if (i == m->count || !hq_time_at(m->point, m->count, m->point[i].mono_us, &word))
		return;
	int64_t off_us = m->point[i].wall_us - (word.lo_us / 2 + word.hi_us / 2);
	snprintf(detail, sizeof detail,
	         "boot %s: the store trusted a clock that was %+" PRId64
	         " s from what HQ signed; its "
	         "events' times are repaired: check NTP there, and the clock here",
	         t->boot_id, (off_us + (off_us < 0 ? -500000 : 500000)) / 1000000);
	hq_epoch_alarm(t->db, &alarm);
}

/* t->model is the boot's, without the new point. */
static void take_point(struct hq_time *t, int64_t boot, const struct hq_time_point *added)
{
	struct hq_time_model *m = &t->model;
	struct hq_time_point *old;
	int64_t lo_us, hi_us;
	bool was_contradicted;

	was_contradicted = m->contradicted;
	old = memory_zeroed(m->count + 1, sizeof *old);
	if (!old || !add_point(m, added)) {
		free(old);
		m->boot = 0; /* read again, with the point, when it is asked for next */
		hq_db_run(t->db, HQ_SQL_BOOT_REDO, "iii", boot, INT64_MIN, INT64_MAX);
		return;
	}
	if (m->count > 1)
		memcpy(old, m->point, (m->count - 1) * sizeof *old);
	settle(m);
	changed_range(m, old, added, &lo_us, &hi_us);
	free(old);
	hq_db_run(t->db, HQ_SQL_BOOT_REDO, "iii", boot, lo_us, hi_us);
	hq_db_run(t->db, HQ_SQL_BOOT_POINTS, "iii", boot, (int64_t)m->count,
	          (int64_t)m->contradicted);
	t->contradicted = m->contradicted;
	if (m->contradicted && !was_contradicted)
		raise_alarm(t);
	if (m->contradicted || was_contradicted)
		hq_db_run(t->db, HQ_SQL_BOOT_SCAN, "i", boot);
	hq_db_run(t->db, HQ_SQL_BOOT_DRAW_NEAR, "i", boot);
}

static bool in_range(const struct json_t *properties, const char *key, int64_t max, int64_t *out)
{
	return hq_line_number(properties, key, out) && *out >= 0 && *out < max;
}

/* The point that a `Clock Repaired` names. false: it is none, or one that cannot be. */
static bool read_point(const struct hq_line *line, struct hq_time_point *p)
{
	if (strcmp(line->event, lw_event_name(EVENT_CLOCK_REPAIRED)) != 0)
		return false;
	memset(p, 0, sizeof *p);
	p->is_signed = clock_trust_of(hq_line_text(line, "source")) == CLOCK_HQ;
	return clock_trust_of(hq_line_text(line, "source")) != CLOCK_NONE &&
	       in_range(line->properties, "mono_us", MONO_US_MAX, &p->mono_us) &&
	       in_range(line->properties, "wall_us", WALL_US_MAX, &p->wall_us) &&
	       in_range(line->properties, "error", ERROR_US_MAX, &p->error_us);
}

static void note_heard(struct hq_time *t, int64_t boot, int64_t mono_us)
{
	const struct hq_time_span now = {INT64_MIN, clock_wall_us(t->clock)};
	int64_t heard_us = hq_time_to_start(now, mono_us).hi_us;

	if (hq_db_run(t->db, HQ_SQL_BOOT_HEARD, "iii", boot, heard_us, HEARD_STEP_US) > 0)
		hq_time_draw(t, boot);
}

int64_t hq_time_take(struct hq_time *t, const struct hq_time_place *at, const struct hq_line *line)
{
	struct hq_time_event e = {.epoch = at->epoch, .seq = at->seq, .wall_us = line->time_us};
	struct hq_time_point p;
	const char *boot_id = hq_line_boot(line);
	int64_t boot;

	if (strlen(boot_id) != CLOCK_BOOT_ID_SIZE - 1 ||
	    !in_range(line->laneway, "mono_us", MONO_US_MAX, &e.mono_us))
		return e.wall_us;
	e.trust = hq_line_trust(line);
	boot = boot_of(t, at, boot_id);
	if (boot < 0)
		return e.wall_us;
	if (read_point(line, &p) && hq_time_model(t, boot) &&
	    hq_db_run(t->db, HQ_SQL_POINT_ADD, "iiiiiit", boot, p.mono_us, at->epoch,
	              (int64_t)at->seq, p.wall_us, p.error_us, hq_line_text(line, "source")) > 0)
		take_point(t, boot, &p);
	if (e.trust == CLOCK_NONE)
		note_heard(t, boot, e.mono_us);
	/* The usual event needs no more than this, and none of its boot's points. */
	if ((e.trust != CLOCK_NONE && !t->contradicted) || !hq_time_model(t, boot))
		return e.wall_us;
	return hq_time_place(t, &e);
}

void hq_time_linked(struct hq_time *t, int64_t store)
{
	hq_db_run(t->db, HQ_SQL_BOOT_DRAW_STORE, "i", store);
}

void hq_time_grown(struct hq_time *t, int64_t epoch)
{
	hq_db_run(t->db, HQ_SQL_BOOT_DRAW_GROWN, "i", epoch);
}

/* ---- boots without a point, from their neighbours ---- */

struct link {
	int64_t epoch, boot, next; /* next: the epoch that names this place; of BOOT_AFTER only */
	uint64_t seq;
};

static int read_links(struct hq_time *t, enum hq_sql sql, int64_t boot, struct link *out)
{
	struct sqlite3_stmt *q = hq_db_query(t->db, sql, "i", boot);
	int n = 0;

	while (hq_db_row(t->db, q)) {
		if (n == LINKS_MAX)
			continue;
		out[n++] = (struct link){.epoch = sqlite3_column_int64(q, 0),
		                         .seq = (uint64_t)sqlite3_column_int64(q, 1),
		                         .boot = sqlite3_column_int64(q, 2),
		                         .next = sqlite3_column_int64(q, 3)};
	}
	return n;
}

/* The event at this seq, or the newest one held below it. false: none is held. */
static bool read_event(struct hq_time *t, int64_t epoch, uint64_t seq, struct hq_time_event *e)
{
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_EVENT_STAMP, "ii", epoch, (int64_t)seq);

	if (!hq_db_row(t->db, q))
		return false;
	*e = (struct hq_time_event){.mono_us = sqlite3_column_int64(q, 0),
	                            .trust = clock_trust_of(hq_db_text(q, 1)),
	                            .wall_us = sqlite3_column_int64(q, 2)};
	hq_db_end(q);
	return e->mono_us >= 0 && e->mono_us < MONO_US_MAX;
}

/* Where an event of another boot lies. Without a point its own word counts, if its clock was
 * trusted. */
static struct hq_time_span lies(struct hq_time *t, int64_t boot, const struct hq_time_event *e)
{
	struct hq_time_span s = hq_time_bounds(t, boot, e->mono_us);

	if (e->trust == CLOCK_NONE || t->model.boot != boot || t->model.count > 0)
		return s;
	if (s.lo_us < e->wall_us - STAMP_ERROR_US)
		s.lo_us = e->wall_us - STAMP_ERROR_US;
	if (s.hi_us > e->wall_us + STAMP_ERROR_US)
		s.hi_us = e->wall_us + STAMP_ERROR_US;
	return s;
}

/* This boot began after the one before it had written its last event. */
static int64_t begins_after(struct hq_time *t, int64_t boot)
{
	struct link before[LINKS_MAX];
	int n = read_links(t, HQ_SQL_BOOT_BEFORE, boot, before);
	int64_t lo_us = INT64_MIN;
	struct hq_time_event e;

	for (int i = 0; i < n; i++) {
		if (!read_event(t, before[i].epoch, before[i].seq, &e))
			continue;
		struct hq_time_span s = lies(t, before[i].boot, &e);
		lo_us = s.lo_us > lo_us ? s.lo_us : lo_us;
	}
	return lo_us;
}

/* Its events had been written when the next one began, and when HQ heard of them. */
static int64_t begins_before(struct hq_time *t, int64_t boot)
{
	struct link after[LINKS_MAX];
	int n = read_links(t, HQ_SQL_BOOT_AFTER, boot, after);
	int64_t hi_us = hq_db_int(t->db, INT64_MAX, HQ_SQL_BOOT_HEARD_AT, "i", boot);
	struct hq_time_event mine, first;

	for (int i = 0; i < n; i++) {
		if (!read_event(t, after[i].epoch, after[i].seq, &mine) ||
		    !read_event(t, after[i].next, 1, &first))
			continue;
		struct hq_time_span s = lies(t, after[i].boot, &first);
		s = hq_time_to_start(hq_time_to_start(s, first.mono_us), mine.mono_us);
		hi_us = s.hi_us < hi_us ? s.hi_us : hi_us;
	}
	return hi_us;
}

void hq_time_draw(struct hq_time *t, int64_t boot)
{
	hq_db_run(t->db, HQ_SQL_BOOT_DRAWN, "i", boot);
	if (!hq_time_model(t, boot) || t->model.count > 0)
		return;
	struct hq_time_span was = t->model.start;
	struct hq_time_span is = {begins_after(t, boot), begins_before(t, boot)};
	if (is.lo_us == was.lo_us && is.hi_us == was.hi_us)
		return;
	hq_db_run(t->db, HQ_SQL_BOOT_START, "iii", boot, is.lo_us, is.hi_us);
	hq_db_run(t->db, HQ_SQL_BOOT_REDO, "iii", boot, INT64_MIN, INT64_MAX);
	hq_db_run(t->db, HQ_SQL_BOOT_DRAW_NEAR, "i", boot);
	t->model.boot = 0;
}

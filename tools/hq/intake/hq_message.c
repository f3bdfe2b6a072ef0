#include "hq/intake/hq_message.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/num.h"
#include "base/text.h"
#include "hq/intake/hq_epoch.h"

#define HQ_MESSAGE_SESSIONS 64 /* remembered: the tills that speak at the same time */
#define HQ_MESSAGE_NAME_SIZE 64
#define HQ_MESSAGE_GROUPS_MAX 16 /* epochs of one message: copies of copies */
#define HQ_MESSAGE_EVENTS_MAX 64 /* looked at of one message */

struct session {
	int64_t id, store;
	char source[HQ_MESSAGE_NAME_SIZE], name[HQ_MESSAGE_NAME_SIZE];
};

/* The message whose events are being read: they stand side by side in their epoch. */
struct message {
	int64_t session; /* 0: none */
	uint64_t counter;
	struct hq_message_at at; /* store_name is not kept */
	uint64_t first, last;
};

struct hq_messages {
	struct hq_db *db;
	struct session session[HQ_MESSAGE_SESSIONS];
	size_t next; /* the place to be used anew */
	struct message open;
	char store_name[EVENT_STORE_SIZE], name[2 * HQ_MESSAGE_NAME_SIZE];
};

struct hq_messages *hq_messages_new(struct hq_db *db)
{
	struct hq_messages *m = memory_zeroed(1, sizeof *m);

	if (m)
		m->db = db;
	return m;
}

void hq_messages_free(struct hq_messages *m)
{
	free(m);
}

static int64_t session_of(struct hq_messages *m, int64_t store, const char *source,
                          const char *name)
{
	struct session *s;

	for (size_t i = 0; i < HQ_MESSAGE_SESSIONS; i++) {
		s = &m->session[i];
		if (s->store == store && strcmp(s->name, name) == 0 &&
		    strcmp(s->source, source) == 0)
			return s->id;
	}
	s = &m->session[m->next];
	m->next = (m->next + 1) % HQ_MESSAGE_SESSIONS;
	memset(s, 0, sizeof *s);
	s->id = hq_db_int(m->db, 0, HQ_SQL_SESSION_ID, "itt", store, source, name);
	if (!s->id && hq_db_run(m->db, HQ_SQL_SESSION_ADD, "itt", store, source, name) == 1)
		s->id = hq_db_last_id(m->db);
	s->store = store;
	text_copy(s->source, sizeof s->source, source);
	text_copy(s->name, sizeof s->name, name);
	return s->id;
}

/* ---- a message that stands in several epochs ---- */

struct group {
	int64_t epoch_row;
	uint64_t first, last;
	int64_t time_us;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	char *content; /* what the till said, as far as the events tell */
};

/* What the box makes up or works out from its own state; the rest is the till's word. */
static const char *const own_members[] = {
    "basket_id", "cart_id", "order_id", "refund_id",     "claim_id", "profile_ref", "ident_ref",
    "replaces",  "lines",   "value",    "identified_at", "by",       NULL};
/* What follows from who stands there: it may be so once and otherwise the next time. */
static const char *const own_events[] = {"Customer Attached",
                                         "Customer Detached",
                                         "Identifier Presented",
                                         "Visit Started",
                                         "Visit Ended",
                                         "Order Claimed",
                                         NULL};

static bool is_one_of(const char *const *list, const char *name)
{
	for (; *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static void add_content(json_t *list, json_t *root)
{
	const char *event = json_string_value(json_object_get(root, "event"));
	json_t *properties = json_object_get(root, "properties");

	if (!event || is_one_of(own_events, event))
		return;
	for (const char *const *key = own_members; *key; key++)
		json_object_del(properties, *key);
	json_array_append_new(list, json_pack("[s,O]", event, properties));
}

static void read_group(struct hq_messages *m, struct group *g)
{
	struct sqlite3_stmt *q = hq_db_query(m->db, HQ_SQL_MESSAGE_LINES, "iii", g->epoch_row,
	                                     (int64_t)g->first, (int64_t)g->last);
	json_t *list = json_array();
	int64_t at_us;

	g->time_us = INT64_MAX;
	while (hq_db_row(m->db, q)) {
		json_t *root = json_loadb(sqlite3_column_blob(q, 0),
		                          (size_t)sqlite3_column_bytes(q, 0), 0, NULL);
		const char *time = json_string_value(json_object_get(root, "originalTimestamp"));
		if (time && clock_parse_iso8601(time, &at_us) == 0 && at_us < g->time_us)
			g->time_us = at_us;
		if (root && json_array_size(list) < HQ_MESSAGE_EVENTS_MAX)
			add_content(list, root);
		json_decref(root);
	}
	g->content = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(list);
}

static size_t read_groups(struct hq_messages *m, struct group *groups)
{
	struct sqlite3_stmt *q =
	    hq_db_query(m->db, HQ_SQL_MESSAGE_ALL, "ii", m->open.session, (int64_t)m->open.counter);
	size_t n = 0;

	while (n < HQ_MESSAGE_GROUPS_MAX && hq_db_row(m->db, q)) {
		const void *epoch = hq_db_bytes(q, 3, EVENT_EPOCH_BYTES);
		memset(&groups[n], 0, sizeof groups[n]);
		groups[n].epoch_row = sqlite3_column_int64(q, 0);
		groups[n].first = (uint64_t)sqlite3_column_int64(q, 1);
		groups[n].last = (uint64_t)sqlite3_column_int64(q, 2);
		if (epoch)
			memcpy(groups[n].epoch, epoch, EVENT_EPOCH_BYTES);
		n++;
	}
	hq_db_end(q);
	return n;
}

static int by_precedence(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return memcmp(x->epoch, y->epoch, EVENT_EPOCH_BYTES);
}

static void add_orders(struct hq_messages *m, const struct group *g, struct hq_names *orders)
{
	struct sqlite3_stmt *q = hq_db_query(m->db, HQ_SQL_ORDERS_OF_FACTS, "iii", g->epoch_row,
	                                     (int64_t)g->first, (int64_t)g->last);

	while (hq_db_row(m->db, q))
		hq_names_add(orders, hq_db_text(q, 0));
}

static void alarm_reused(struct hq_messages *m)
{
	char detail[200];
	struct hq_alarm alarm = {m->open.at.store, m->store_name, "id_reused", detail,
	                         m->open.at.wall_us};

	snprintf(detail, sizeof detail,
	         "message %s of a till came twice with different content: both count", m->name);
	hq_epoch_alarm(m->db, &alarm);
}

/* The first by its own time counts, and so does every one that says something else. */
static void settle(struct hq_messages *m, struct hq_names *orders)
{
	struct group g[HQ_MESSAGE_GROUPS_MAX];
	size_t n = read_groups(m, g);
	bool same = true;

	if (n < 2)
		return;
	for (size_t i = 0; i < n; i++)
		read_group(m, &g[i]);
	qsort(g, n, sizeof g[0], by_precedence);
	for (size_t i = 0; i < n; i++) {
		bool copy = false;
		for (size_t k = 0; k < i && !copy; k++)
			copy =
			    g[i].content && g[k].content && strcmp(g[i].content, g[k].content) == 0;
		same = same && (i == 0 || copy);
		hq_db_run(m->db, HQ_SQL_FACT_COPY, "iiii", g[i].epoch_row, (int64_t)g[i].first,
		          (int64_t)g[i].last, (int64_t)copy);
		hq_db_run(m->db, HQ_SQL_MESSAGE_COPY, "iiii", m->open.session,
		          (int64_t)m->open.counter, g[i].epoch_row, (int64_t)copy);
		add_orders(m, &g[i], orders);
	}
	if (!same)
		alarm_reused(m);
	for (size_t i = 0; i < n; i++)
		free(g[i].content);
}

/* ---- one after the other ---- */

static void close_message(struct hq_messages *m, struct hq_names *orders)
{
	struct message *o = &m->open;

	if (!o->session)
		return;
	hq_db_run(m->db, HQ_SQL_MESSAGE_PUT, "iiiii", o->session, (int64_t)o->counter,
	          o->at.epoch_row, (int64_t)o->first, (int64_t)o->last);
	settle(m, orders);
	o->session = 0;
}

static bool continues(const struct message *o, int64_t session, uint64_t counter,
                      const struct hq_message_at *at)
{
	return o->session == session && o->counter == counter && o->at.epoch_row == at->epoch_row &&
	       at->seq == o->last + 1;
}

void hq_messages_note(struct hq_messages *m, const struct hq_message_at *at,
                      const struct hq_line *line, struct hq_names *orders)
{
	const char *id = json_string_value(json_object_get(line->laneway, "source_message_id"));
	const char *source = json_string_value(json_object_get(line->laneway, "source"));
	const char *colon = id ? strrchr(id, ':') : NULL;
	char name[HQ_MESSAGE_NAME_SIZE];
	uint64_t counter;
	int64_t session;

	if (!colon || !source || strlen(source) >= HQ_MESSAGE_NAME_SIZE ||
	    (size_t)(colon - id) >= sizeof name || !num_u64(colon + 1, 1, INT64_MAX, &counter))
		return;
	memcpy(name, id, (size_t)(colon - id));
	name[colon - id] = '\0';
	session = session_of(m, at->store, source, name);
	if (!session)
		return;
	if (continues(&m->open, session, counter, at)) {
		m->open.last = at->seq;
		return;
	}
	close_message(m, orders);
	m->open = (struct message){session, counter, *at, at->seq, at->seq};
	text_copy(m->store_name, sizeof m->store_name, at->store_name);
	m->open.at.store_name = m->store_name;
	snprintf(m->name, sizeof m->name, "%.60s (%.60s)", id, source);
}

void hq_messages_end(struct hq_messages *m, bool kept, struct hq_names *orders)
{
	if (kept) {
		close_message(m, orders);
		return;
	}
	memset(m->session, 0, sizeof m->session);
	m->open.session = 0;
}

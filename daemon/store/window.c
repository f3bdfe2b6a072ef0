#include "store/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A till opens a session per start; these bounds only meet a till that makes one up per message. */
#define SOURCES_MAX 1024
#define SESSIONS_PER_SOURCE_MAX 4096
#define IDS_FIRST 8 /* ids a new session has room for */

#define BODY_BYTES 8 /* of the keyed hash: nobody can look for two bodies that share them */
#define COUNT_BITS 13
#define COUNT_MAX ((1u << COUNT_BITS) - 1) /* events of a message; a pack has fewer */
#define EPOCHS_MAX (1u << (32 - COUNT_BITS))

/* 32 bytes an id; arrays grow by a quarter, so at most 40 with the slack. */
struct id_slot {
	uint64_t counter;
	union {
		uint64_t seq;
		struct entry *queued;
	} at;
	uint8_t body[BODY_BYTES];
	uint32_t wall_s;
	uint32_t count : COUNT_BITS;        /* 0: queued */
	uint32_t epoch : (32 - COUNT_BITS); /* index into window.epochs */
};
_Static_assert(sizeof(struct id_slot) <= 32, "the window holds hundreds of thousands of these");

/* Ids in rising order of counter, from head to head + len. */
struct session {
	char name[EVENT_SESSION_SIZE];
	uint64_t dropped; /* highest counter that has left the window */
	int64_t used_s;   /* wall time of the newest id */
	struct id_slot *ids;
	size_t head, len, cap;
};

struct source {
	char name[EVENT_NAME_SIZE];
	struct session **sessions; /* sorted by name */
	size_t len, cap;
	size_t ids;
};

struct window {
	int64_t age_s_max;
	size_t ids_max;
	struct source **sources; /* sorted by name */
	size_t len, cap;
	uint8_t (*epochs)[EVENT_EPOCH_BYTES];
	size_t epoch_len, epoch_cap;
	size_t ids;
};

static uint32_t seconds(int64_t wall_us)
{
	int64_t s = wall_us / 1000000;
	return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* Both tables hold pointers to structs that begin with their name. The place of the name, or where
 * it would have to stand. */
static size_t name_place(void *const *items, size_t len, const char *name, bool *found)
{
	size_t lo = 0, hi = len;
	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp((const char *)items[mid], name);
		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int name_insert(void ***items, size_t *len, size_t *cap, size_t place, void *item)
{
	if (*len == *cap) {
		size_t more = *cap ? *cap * 2 : 4;
		void **grown = realloc(*items, more * sizeof(*grown));
		if (!grown)
			return -1;
		*items = grown;
		*cap = more;
	}
	memmove(*items + place + 1, *items + place, (*len - place) * sizeof(**items));
	(*items)[place] = item;
	(*len)++;
	return 0;
}

static struct source *source_find(const struct window *w, const char *name)
{
	bool found;
	size_t at = name_place((void *const *)w->sources, w->len, name, &found);
	return found ? w->sources[at] : NULL;
}

static struct session *session_find(const struct source *s, const char *name)
{
	bool found;
	size_t at = name_place((void *const *)s->sessions, s->len, name, &found);
	return found ? s->sessions[at] : NULL;
}

/* Index (from head) of the counter, or of where it would have to stand. */
static size_t id_place(const struct session *s, uint64_t counter, bool *found)
{
	const struct id_slot *ids = s->ids + s->head;
	size_t lo = 0, hi = s->len;
	*found = false;
	if (hi && ids[hi - 1].counter < counter)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (ids[mid].counter == counter) {
			*found = true;
			return mid;
		}
		if (ids[mid].counter < counter)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct id_slot *id_find(const struct window *w, const struct entry_id *id,
                               struct source **source, struct session **session)
{
	bool found;
	*session = NULL;
	*source = source_find(w, id->source);
	if (!*source)
		return NULL;
	*session = session_find(*source, id->session);
	if (!*session)
		return NULL;
	size_t at = id_place(*session, id->counter, &found);
	return found ? (*session)->ids + (*session)->head + at : NULL;
}

static void session_free(struct session *s)
{
	free(s->ids);
	free(s);
}

/* The lowest counter leaves. */
static void session_drop_first(struct window *w, struct source *source, struct session *s)
{
	uint64_t counter = s->ids[s->head].counter;
	if (counter > s->dropped)
		s->dropped = counter;
	s->head++;
	s->len--;
	source->ids--;
	w->ids--;
	if (s->len == 0) {
		free(s->ids);
		s->ids = NULL;
		s->head = s->cap = 0;
	}
}

static bool session_can_drop(const struct session *s)
{
	return s->len && s->ids[s->head].count;
}

/* The oldest id of a source that is not waiting for its commit makes room. */
static void source_drop_oldest(struct window *w, struct source *source)
{
	struct session *oldest = NULL;
	for (size_t i = 0; i < source->len; i++) {
		struct session *s = source->sessions[i];
		if (session_can_drop(s) &&
		    (!oldest || s->ids[s->head].wall_s < oldest->ids[oldest->head].wall_s))
			oldest = s;
	}
	if (oldest)
		session_drop_first(w, source, oldest);
}

static bool session_waits(const struct session *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->ids[s->head + i].count == 0)
			return true;
	}
	return false;
}

/* The session that was silent for longest goes, with its marks. */
static void source_drop_session(struct window *w, struct source *source)
{
	size_t at = source->len;
	for (size_t i = 0; i < source->len; i++) {
		struct session *s = source->sessions[i];
		if ((at == source->len || s->used_s < source->sessions[at]->used_s) &&
		    !session_waits(s))
			at = i;
	}
	if (at == source->len)
		return;
	struct session *s = source->sessions[at];
	source->ids -= s->len;
	w->ids -= s->len;
	source->len--;
	memmove(source->sessions + at, source->sessions + at + 1,
	        (source->len - at) * sizeof(*source->sessions));
	session_free(s);
}

static struct source *source_get(struct window *w, const char *name)
{
	bool found;
	size_t at = name_place((void *const *)w->sources, w->len, name, &found);
	if (found)
		return w->sources[at];
	if (w->len >= SOURCES_MAX)
		return NULL;
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	memcpy(s->name, name, strnlen(name, sizeof(s->name) - 1));
	if (name_insert((void ***)&w->sources, &w->len, &w->cap, at, s)) {
		free(s);
		return NULL;
	}
	return s;
}

static struct session *session_get(struct window *w, struct source *source, const char *name)
{
	bool found;
	struct session *s = session_find(source, name);
	if (s)
		return s;
	if (source->len >= SESSIONS_PER_SOURCE_MAX)
		source_drop_session(w, source);
	if (source->len >= SESSIONS_PER_SOURCE_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	memcpy(s->name, name, strnlen(name, sizeof(s->name) - 1));
	size_t at = name_place((void *const *)source->sessions, source->len, name, &found);
	if (name_insert((void ***)&source->sessions, &source->len, &source->cap, at, s)) {
		free(s);
		return NULL;
	}
	return s;
}

/* Room for one more behind the last: what was dropped in front is taken back first. */
static int session_room(struct session *s)
{
	if (s->head + s->len < s->cap)
		return 0;
	if (s->head > s->cap / 4) {
		memmove(s->ids, s->ids + s->head, s->len * sizeof(*s->ids));
		s->head = 0;
		return 0;
	}
	size_t cap = s->cap ? s->cap + s->cap / 4 + 1 : IDS_FIRST;
	struct id_slot *ids = realloc(s->ids, cap * sizeof(*ids));
	if (!ids)
		return -1;
	s->ids = ids;
	s->cap = cap;
	return 0;
}

/* The id's slot, made if it is missing. NULL: no room. */
static struct id_slot *id_get(struct window *w, const struct entry_id *id, int64_t wall_us)
{
	bool found;
	struct source *source = source_get(w, id->source);
	struct session *s = source ? session_get(w, source, id->session) : NULL;
	if (!s || session_room(s))
		return NULL;
	size_t at = id_place(s, id->counter, &found);
	struct id_slot *slot = s->ids + s->head + at;
	if (!found) {
		memmove(slot + 1, slot, (s->len - at) * sizeof(*slot));
		memset(slot, 0, sizeof(*slot));
		slot->counter = id->counter;
		s->len++;
		source->ids++;
		w->ids++;
	}
	memcpy(slot->body, id->body, sizeof(slot->body));
	slot->wall_s = seconds(wall_us);
	if (slot->wall_s > s->used_s)
		s->used_s = slot->wall_s;
	return slot;
}

static void source_bound(struct window *w, const char *name)
{
	struct source *source = source_find(w, name);
	if (source && source->ids > w->ids_max)
		source_drop_oldest(w, source);
}

static int epoch_index(struct window *w, const uint8_t epoch[EVENT_EPOCH_BYTES], uint32_t *index)
{
	for (size_t i = w->epoch_len; i-- > 0;) {
		if (memcmp(w->epochs[i], epoch, EVENT_EPOCH_BYTES) == 0) {
			*index = (uint32_t)i;
			return 0;
		}
	}
	if (w->epoch_len == EPOCHS_MAX)
		return -1;
	if (w->epoch_len == w->epoch_cap) {
		size_t cap = w->epoch_cap ? w->epoch_cap * 2 : 8;
		void *grown = realloc(w->epochs, cap * sizeof(*w->epochs));
		if (!grown)
			return -1;
		w->epochs = grown;
		w->epoch_cap = cap;
	}
	memcpy(w->epochs[w->epoch_len], epoch, EVENT_EPOCH_BYTES);
	*index = (uint32_t)w->epoch_len++;
	return 0;
}

struct window *window_new(int64_t age_us_max, size_t ids_max)
{
	struct window *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->age_s_max = age_us_max / 1000000;
	w->ids_max = ids_max ? ids_max : 1;
	return w;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->len; i++) {
		struct source *s = w->sources[i];
		for (size_t k = 0; k < s->len; k++)
			session_free(s->sessions[k]);
		free(s->sessions);
		free(s);
	}
	free(w->sources);
	free(w->epochs);
	free(w);
}

enum window_verdict window_ask(const struct window *w, const struct entry_id *id,
                               struct window_slot *slot)
{
	struct source *source;
	struct session *session;
	const struct id_slot *s = id_find(w, id, &source, &session);
	memset(slot, 0, sizeof(*slot));
	if (!s)
		return session && id->counter <= session->dropped ? WINDOW_TOO_OLD : WINDOW_NEW;
	if (memcmp(s->body, id->body, sizeof(s->body)) != 0)
		return WINDOW_DIFFERENT;
	if (s->count == 0) {
		slot->queued = s->at.queued;
		return WINDOW_QUEUED;
	}
	memcpy(slot->epoch, w->epochs[s->epoch], sizeof(slot->epoch));
	slot->seq = s->at.seq;
	slot->count = s->count;
	return WINDOW_KEPT;
}

int window_queued(struct window *w, const struct entry_id *id, struct entry *e, int64_t wall_us)
{
	struct id_slot *s = id_get(w, id, wall_us);
	if (!s)
		return -1;
	s->count = 0;
	s->at.queued = e;
	source_bound(w, id->source);
	return 0;
}

int window_kept(struct window *w, const struct entry_id *id, const uint8_t epoch[EVENT_EPOCH_BYTES],
                uint64_t seq, uint32_t count, int64_t wall_us)
{
	uint32_t index;
	if (epoch_index(w, epoch, &index))
		return -1;
	struct id_slot *s = id_get(w, id, wall_us);
	if (!s)
		return -1;
	if (count > COUNT_MAX)
		count = COUNT_MAX;
	s->count = (count ? count : 1) & COUNT_MAX;
	s->at.seq = seq;
	s->epoch = index & (EPOCHS_MAX - 1);
	source_bound(w, id->source);
	return 0;
}

/* ---- taking over ---- */

/* The lowest id of a session. 0 or -1. */
static int move_first(struct window *w, const struct window *from, const struct source *of,
                      struct session *s)
{
	const struct id_slot *slot = &s->ids[s->head];
	struct entry_id id = {.counter = slot->counter};
	struct window_slot known;
	text_copy(id.source, sizeof(id.source), of->name);
	text_copy(id.session, sizeof(id.session), s->name);
	memcpy(id.body, slot->body, sizeof(slot->body));
	if (slot->count && window_ask(w, &id, &known) == WINDOW_NEW &&
	    window_kept(w, &id, from->epochs[slot->epoch], slot->at.seq, slot->count,
	                (int64_t)slot->wall_s * 1000000))
		return -1;
	s->head++;
	s->len--;
	return 0;
}

/* What left the window there has left it here. */
static int move_marks(struct window *w, const struct source *of, const struct session *s)
{
	struct source *source = s->dropped ? source_get(w, of->name) : NULL;
	struct session *mine = source ? session_get(w, source, s->name) : NULL;
	if (!s->dropped)
		return 0;
	if (!mine)
		return -1;
	if (s->dropped > mine->dropped)
		mine->dropped = s->dropped;
	return 0;
}

int64_t window_move(struct window *w, struct window *from, size_t max)
{
	while (from->len) {
		struct source *of = from->sources[from->len - 1];
		struct session *s = of->len ? of->sessions[of->len - 1] : NULL;
		for (; s && s->len && max; max--) {
			if (move_first(w, from, of, s))
				return -1;
			of->ids--;
			from->ids--;
		}
		if (s && s->len)
			return (int64_t)from->ids;
		if (s && move_marks(w, of, s))
			return -1;
		if (s) {
			session_free(s);
			of->len--;
			continue;
		}
		free(of->sessions);
		free(of);
		from->len--;
	}
	return 0;
}

int window_gone(struct window *w, const struct entry_id *id)
{
	bool found;
	struct source *source = source_get(w, id->source);
	struct session *s = source ? session_get(w, source, id->session) : NULL;
	if (!s)
		return -1;
	id_place(s, id->counter, &found);
	if (!found && id->counter > s->dropped)
		s->dropped = id->counter;
	return 0;
}

void window_forget(struct window *w, const struct entry_id *id)
{
	struct source *source;
	struct session *session;
	struct id_slot *s = id_find(w, id, &source, &session);
	if (!s)
		return;
	size_t at = (size_t)(s - (session->ids + session->head));
	memmove(s, s + 1, (session->len - at - 1) * sizeof(*s));
	session->len--;
	source->ids--;
	w->ids--;
}

void window_expire(struct window *w, int64_t now_wall_us)
{
	int64_t oldest_s = (int64_t)seconds(now_wall_us) - w->age_s_max;
	for (size_t i = 0; i < w->len; i++) {
		struct source *source = w->sources[i];
		for (size_t k = 0; k < source->len; k++) {
			struct session *s = source->sessions[k];
			while (session_can_drop(s) && s->ids[s->head].wall_s < oldest_s)
				session_drop_first(w, source, s);
		}
	}
}

size_t window_len(const struct window *w)
{
	return w->ids;
}

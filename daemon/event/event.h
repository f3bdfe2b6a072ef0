/* One fact captured in the store, as the loop builds it and the journal writes it.
 *
 * An entry is what one input produced: its events stand in one pack and are kept or refused
 * together. The loop builds an entry, hands it to the journal, and gets the same entry back with
 * its result. All text and events of an entry live in the entry's own arena: one free for all of
 * it.
 *
 * (lw_ in front, because libevent owns struct event and event_*.)
 */
#ifndef LANEWAY_EVENT_EVENT_H
#define LANEWAY_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

#define EVENT_ID_BYTES 16   /* visit, basket, line, profile_ref, ident_ref: random bytes */
#define EVENT_ID_SIZE 23    /* ... as base64url text with NUL */
#define EVENT_EPOCH_BYTES 8 /* an epoch: random bytes, 16 hex digits as text */
#define EVENT_EPOCH_SIZE 17
#define EVENT_STORE_SIZE 33   /* [a-z0-9-]{1,32} and NUL */
#define EVENT_NAME_SIZE 33    /* source, lane, till names and NUL */
#define EVENT_SESSION_SIZE 33 /* a source's session: [A-Za-z0-9_.-]{1,32} and NUL */
#define EVENT_HASH_BYTES 32
#define EVENT_LINE_MAX (256 * 1024) /* bytes of one canonical line */

enum event_kind {
#define EVENT(symbol, name, schema, class) EVENT_##symbol,
#include "laneway/events.def"
	EVENT_KIND_COUNT
};

const char *lw_event_name(enum event_kind kind);
int lw_event_schema(enum event_kind kind);
char lw_event_class(enum event_kind kind);
/* Must the store's shard include what this event changed before its pack may go? */
bool lw_event_awaited(enum event_kind kind);
/* EVENT_KIND_COUNT if the name is not in the catalogue. */
enum event_kind lw_event_kind_of(const char *name);

/* A data key for one (visit, person); seals what names or describes that person. */
struct visit_key {
	uint8_t id[EVENT_ID_BYTES];
	uint8_t key[32];
};

/* Who this is, said by which rule. All text; NULL profile_ref: nobody identified. */
struct lw_event_identity {
	const char *profile_ref; /* base64url, 16 bytes, per (visit, person) */
	const char *rule, *ruleset, *confidence, *status, *as_of;
};

struct lw_event {
	struct lw_event *next;
	enum event_kind kind;
	int64_t mono_us, wall_us;
	enum clock_trust trust;
	const char *business_date; /* "2026-11-21" */
	int utc_offset_min;
	const char *source; /* name from the configuration; "box" for the daemon itself */
	const char *lane, *visit_id, *basket_id, *staff_ref; /* NULL: absent */
	bool training, urgent; /* urgent: goes to HQ before the rest */
	struct lw_event_identity identity;
	const char *properties; /* canonical JSON object, no person in it */
	const char *person;     /* canonical JSON object to be sealed under key; NULL: none */
	struct visit_key key;   /* valid when person is set */
};

/* What makes a message "the same" when a source sends it again. */
struct entry_id {
	char source[EVENT_NAME_SIZE];
	char session[EVENT_SESSION_SIZE];
	uint64_t counter;
	uint8_t body[EVENT_ID_BYTES]; /* keyed hash of the message as sent (vault_body_hash) */
};

/* A small value that becomes durable with the entry, or not at all. */
struct entry_mark {
	struct entry_mark *next;
	const char *name;
	const void *value;
	size_t len;
};

enum entry_status { ENTRY_PENDING, ENTRY_KEPT, ENTRY_REFUSED };

struct entry {
	struct lw_event *first, *last;
	uint32_t count;
	bool has_id;
	struct entry_id id;
	void *cookie; /* the loop's own; the journal hands it back untouched */
	uint64_t tag; /* same */
	struct entry_mark *marks, *last_mark;
	/* the journal's answer */
	enum entry_status status;
	const char *reason; /* static text when refused: "disk_full", "cannot_keep", "stopping" */
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t seq; /* of the first event */
	const char
	    *lines; /* when kept: the canonical lines, each ended by '\n', in the entry's arena */
	size_t lines_len;
	struct entry_arena *arena;
};

/* An empty entry, or NULL (out of memory). */
struct entry *entry_new(void);
void entry_free(struct entry *e);

/* Append a zeroed event of this kind; NULL when out of memory. */
struct lw_event *entry_add(struct entry *e, enum event_kind kind);

/* A copy of s[0..n) with NUL in the entry's arena; NULL when s is NULL or out of memory. */
const char *entry_text_n(struct entry *e, const char *s, size_t n);
const char *entry_text(struct entry *e, const char *s);

/* Let the journal remember `value` under `name` from this entry's commit on: a later mark of the
 * same name replaces it, an entry that is refused writes none. The name
 * ([a-z0-9_]{1,32}) must outlive the entry; the value is copied into the arena. 0, or -1: out of
 * memory, the entry is as it was. */
int entry_mark(struct entry *e, const char *name, const void *value, size_t len);

/* What the journal knows and the loop does not. */
struct lw_event_stamp {
	const char *store, *boot;
	const uint8_t *epoch;
	uint64_t seq;
	const struct entry_id *id; /* NULL: the source gave none */
	/* base64url texts of the sealed field; k NULL: nothing sealed */
	const char *sealed_k, *sealed_n, *sealed_c;
};

/* Append the canonical line (no newline) to out: JSON, keys sorted by bytes, compact, UTF-8, no
 * floats. Allocates nothing once `out` has its size. 0, or -1 (longer than EVENT_LINE_MAX, or out
 * of memory). */
int lw_event_line(struct buf *out, const struct lw_event *ev, const struct lw_event_stamp *stamp);

/* Append s as a JSON string with its quotes: escapes ", \ and bytes below 0x20 only. */
void lw_event_json_string(struct buf *out, const char *s);

/* Check that a properties object holds what the catalogue wants of this kind: each required field,
 * each field of its type, none unknown. `properties` is a jansson object (json_t *), passed as void
 * so that this header needs no third party. 0, or -1 with a sentence in err. */
int lw_event_check(enum event_kind kind, const void *properties, char *err, size_t err_size);

#endif

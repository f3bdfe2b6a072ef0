/* What the shard's files share. Not for other rooms. */
#ifndef LANEWAY_STORE_SHARD_INTERNAL_H
#define LANEWAY_STORE_SHARD_INTERNAL_H

#include <sqlite3.h>

#include "base/buf.h"
#include "store/shard.h"

#define SHARD_FORMAT 4      /* PRAGMA user_version */
#define SHARD_IDENTS_MAX 32 /* identifiers of one profile, as a line names them */
#define SHARD_FOUND_BY_MAX (SHARD_IDENTS_MAX + 1) /* and SHARD_SHORTFALL */
#define SHARD_IDENT_VALUE_SIZE 321 /* the longest normal form (an e-mail address) and NUL */
#define SHARD_PATH_SIZE 512

struct shard_ident {
	char kind[33];
	char value[SHARD_IDENT_VALUE_SIZE];
	uint8_t ref[EVENT_ID_BYTES];
	bool verified, shared, blocked;
	char seen[25];
};

/* One line of a page: a profile's state, or its tombstone (then only who it was). */
struct shard_line {
	bool deleted;
	struct profile profile;
	uint64_t shortfall; /* points; 0: none is missing */
	int ident_count;
	struct shard_ident idents[SHARD_FOUND_BY_MAX];
};

/* Read and check a line. Kinds of identifiers need not be known here; unknown members are let pass.
 * Display text that is too long is cut between characters: a long name must not stop a page. 0, or
 * -1 with what was expected where in err (never a value: those are a customer's). */
int shard_line_read(struct shard_line *out, const char *line, size_t len, char *err,
                    size_t err_size);
/* Its two ways, which must say the same: all of JSON, and in one pass what HQ writes (false: it may
 * be a line nevertheless). */
int shard_line_parse(struct shard_line *out, const char *line, size_t len, char *err,
                     size_t err_size);
bool shard_line_quick(struct shard_line *out, const char *line, size_t len);
/* Add the mailboxes that its e-mail addresses fold to (SHARD_FOLDED), as far as there is room, and
 * SHARD_SHORTFALL. */
void shard_line_fold(struct shard_line *line);
/* A normal form's mailbox; false: it is none of gmail.com, or it stands there folded already. */
bool shard_fold(const char *email, char out[SHARD_IDENT_VALUE_SIZE]);

/* ---- the head: what a lane's lookup needs of a profile, as bytes, so that a lookup neither opens
 * nor parses the JSON behind it (WIRE.md section 5) ---- */

/* Of an identifier without when it was seen. */
#define SHARD_HEAD_IDENT_BYTES (VAULT_BLIND_BYTES + EVENT_ID_BYTES + 2)
#define SHARD_HEAD_MAX                                                                             \
	(28 + SHARD_FOUND_BY_MAX * (SHARD_HEAD_IDENT_BYTES + 24) + (int)sizeof(struct profile))

/* The length; blinds: one for each identifier of the line. */
size_t shard_head_write(uint8_t out[SHARD_HEAD_MAX], const struct shard_line *line,
                        uint8_t (*blinds)[VAULT_BLIND_BYTES]);
/* 0, or -1: not a head. */
int shard_head_read(struct profile *out, const uint8_t *head, size_t len);
/* The nth identifier: VAULT_BLIND_BYTES of blind index, then what shard_head_hit reads. NULL: there
 * are not so many. */
const uint8_t *shard_head_ident(const uint8_t *head, size_t len, int n);
void shard_head_hit(const uint8_t *ident, struct shard_hit *out);

/* ---- a profile's columns: seed and seal of the head; seal of the small JSON. A lookup that needs
 * only the head never touches the other ---- */

#define SHARD_HEAD_SEAL_MAX (VAULT_SEED_BYTES + SHARD_HEAD_MAX + VAULT_TAG_BYTES)
#define SHARD_JSON_SMALL_MAX (SHARD_PROFILE_MAX + 256) /* what zstd may make of it at worst */
#define SHARD_JSON_SEAL_MAX (SHARD_JSON_SMALL_MAX + VAULT_TAG_BYTES)

struct shard_text {
	const void *p;
	size_t n;
};

struct shard_row {
	size_t head_n, json_n;
	uint8_t head[SHARD_HEAD_SEAL_MAX], json[SHARD_JSON_SEAL_MAX];
};

/* Head and small JSON under the key that the seed stands for. 0, or -1: it could not be sealed. */
int shard_row_seal(struct vault_shard *keys, struct vault_work *w, const uint8_t *seed,
                   const struct shard_text text[2], struct shard_row *out);
/* The head into out (SHARD_HEAD_MAX bytes). The length, or -1. */
ssize_t shard_row_head(struct vault_shard *keys, struct vault_work *w, const uint8_t *head,
                       size_t n, uint8_t *out);
/* The small JSON of the row whose head was just opened. The length, or -1; out has room for
 * SHARD_JSON_SMALL_MAX bytes. */
ssize_t shard_row_json(struct vault_work *w, const uint8_t *json, size_t n, uint8_t *out);

/* The JSON, made small and back. Not for two threads at once. */
struct shard_squeeze;
/* writes: it can make small, too. NULL: out of memory. */
struct shard_squeeze *shard_squeeze_new(bool writes);
void shard_squeeze_free(struct shard_squeeze *q);
/* 0, or -1. *out is valid until the next call. */
int shard_squeeze_in(struct shard_squeeze *q, struct shard_text json, struct shard_text *out);
/* Where the small JSON is to be put (SHARD_JSON_SMALL_MAX bytes) before it is made as it was; n
 * bytes of it, added to json. 0, or -1: it is none, or memory. */
uint8_t *shard_squeeze_room(struct shard_squeeze *q);
int shard_squeeze_out(struct shard_squeeze *q, size_t n, struct buf *json);

/* Under what an identifier is found: the first 63 bits of its blind index. */
int64_t shard_ident_key(const uint8_t blind[VAULT_BLIND_BYTES]);

/* The same for a profile by its customer's id. */
int64_t shard_who_key(const struct vault_shard *keys, struct vault_work *w,
                      const char *customer_id);

/* ---- a row of ident: the entries from its key up to the next row's, in ascending order, each a
 * key and the number of a profile that has it ---- */

#define SHARD_ENTRY_BYTES 12 /* u64, u32, big-endian */

/* The entries of one key. */
struct shard_list {
	const uint8_t *at;
	int count;
};
/* 0, or -1: not such a row. */
int shard_list_get(struct shard_list *out, const uint8_t *entries, size_t n, int64_t key);
int64_t shard_list_at(const struct shard_list *l, int n);

/* ---- changes of the identifiers' table that wait for their commit ---- */

/* They are written in the order of their keys: a page's keys are random, so that each would touch
 * another page of the file, and many pages' changes together touch each page once. */
struct shard_pending;
struct shard_change {
	int64_t key;
	uint32_t profile;
	enum { SHARD_NO_CHANGE, SHARD_HAS, SHARD_HAS_NOT } word;
};
struct shard_pending *shard_pending_new(void); /* NULL: out of memory */
void shard_pending_free(struct shard_pending *p);
/* The profile has the identifier, or no longer has it. The last word counts. 0, or -1: memory. */
int shard_pending_set(struct shard_pending *p, int64_t key, int64_t profile, bool has);
/* Profiles for which something waits under this key, one call after the other from *at = 0 on; 0:
 * no more. */
int64_t shard_pending_next(const struct shard_pending *p, int64_t key, size_t *at, bool *has);
size_t shard_pending_count(const struct shard_pending *p);
/* All that waits, in the order of keys and profiles; until it is dropped nothing may be set or
 * asked. */
const struct shard_change *shard_pending_sort(struct shard_pending *p);
void shard_pending_drop(struct shard_pending *p);

/* ---- the customers of a fill from nothing, so that most of them need not be searched ---- */

/* May say yes to one that was never added (one in a hundred of a million), never no to one that
 * was. */
struct shard_met;
struct shard_met *shard_met_new(void); /* NULL: out of memory */
void shard_met_free(struct shard_met *m);
/* Was it there before? It is now. */
bool shard_met_add(struct shard_met *m, int64_t key);

/* ---- a line, read and sealed: all that can be done before it is known whether its customer is
 * ----
 */

#define SHARD_FAULT_SIZE 160
#define SHARD_SEEDS                                                                                \
	64 /* made at once: asking the system for randomness costs as much as a seal               \
	    */

/* What one thread needs for it. */
struct shard_maker {
	struct vault_work *work;
	struct vault_shard *keys;
	struct shard_squeeze *squeeze;
	uint8_t seeds[SHARD_SEEDS][VAULT_SEED_BYTES];
	int seeds_left;
	struct shard_line line;
	uint8_t head[SHARD_HEAD_MAX];
};

struct shard_made {
	bool failed; /* with a sentence in fault */
	bool deleted;
	char customer_id[sizeof(((struct profile *)0)->customer_id)];
	int64_t who;
	int ident_count;
	uint8_t blinds[SHARD_FOUND_BY_MAX][VAULT_BLIND_BYTES];
	struct shard_row row;
	char fault[SHARD_FAULT_SIZE];
};

void shard_make(struct shard_maker *m, const char *line, size_t len, struct shard_made *out);

/* ---- a second thread that makes lines while the writer puts them into the tables, as long as
 * pages follow one another: a first fill has a million lines, and is bound by the processor ---- */

struct shard_helper;
/* salt: of the shard's keys. NULL: no thread or no memory for it, which only takes longer. */
struct shard_helper *shard_helper_new(const struct vault *vault,
                                      const uint8_t salt[VAULT_SALT_BYTES]);
void shard_helper_free(struct shard_helper *h);
struct shard_helping {
	struct shard_maker *maker; /* of this thread */
	int (*put)(void *ctx, const struct shard_made *made, char *err, size_t err_size);
	void *ctx;
	char *err;
	size_t err_size;
};
/* Make the lines, each ended by a newline, with both threads, and give them to `put` in their
 * order, on this thread. The number of lines, or -1 with err. Nobody reads `lines` afterwards. */
int shard_helper_apply(struct shard_helper *h, const struct shard_helping *with, const char *lines,
                       size_t len);

/* ---- transactions of readers that stay open while nobody writes ---- */

/* A reader's. Only inside of the gate. */
struct shard_holder {
	struct shard_holder *next;
	sqlite3_stmt *stmt; /* stands on a row while held */
	bool held;
};
void shard_gate_join(struct shard_gate *g, struct shard_holder *h);
void shard_gate_leave(struct shard_gate *g, struct shard_holder *h);
/* Round a lookup. True: it may leave its transaction open. */
bool shard_gate_enter(struct shard_gate *g);
void shard_gate_exit(struct shard_gate *g);
/* Round all that writes: after close nobody holds anything, until open. g may be NULL. */
void shard_gate_close(struct shard_gate *g);
void shard_gate_open(struct shard_gate *g);

/* ---- the writer ---- */

enum shard_statement {
	SHARD_META_GET,
	SHARD_META_SET,
	SHARD_PROFILE_GET,
	SHARD_PROFILE_ADD,
	SHARD_PROFILE_SET,
	SHARD_PROFILE_DROP,
	SHARD_IDENT_GET,
	SHARD_IDENT_NEXT,
	SHARD_IDENT_ADD,
	SHARD_IDENT_SET,
	SHARD_IDENT_DROP,
	SHARD_STATEMENTS
};

struct shard {
	char path[SHARD_PATH_SIZE];
	const struct vault *vault;
	struct vault_work *work;
	struct vault_shard *keys;
	struct shard_maker maker;
	struct shard_made made;
	struct shard_helper *helper; /* while more pages follow, or NULL */
	sqlite3 *db;                 /* NULL: damaged, and could not be made anew */
	int lock_fd;
	sqlite3_stmt *stmt[SHARD_STATEMENTS];
	struct shard_gate *gate; /* closed from a transaction's begin to its end; or NULL */
	struct shard_pending *pending;
	struct shard_met *met; /* all that is held, since everything was dropped; or NULL */
	int64_t last_profile;  /* the highest number given */
	uint64_t count;        /* of profiles */
	bool open;             /* a transaction that more pages may join */
	int64_t begun_us;      /* when it began, mono */
	bool erased;           /* it removed something: the log must not keep it */
	bool torn;             /* what is written cannot be read: the file is made anew */
	ssize_t old_len;       /* of old */
	uint8_t old[SHARD_HEAD_MAX];
};

/* Close and open the file, as found or made anew if it cannot be read. As shard_open. */
void shard_close_file(struct shard *s);
void shard_delete_file(const struct shard *s);
int shard_make_ready(struct shard *s, bool *made, char *err, size_t err_size);

/* A new salt, and the keys that follow from it. 0, or -1. */
int shard_renew_salt(struct shard *s);
/* What the writer keeps in memory of the file: keys, count, the last number. 0, or -1. */
int shard_load(struct shard *s);
/* The salt that stands in the file. 1, 0: none, or -1: another device key's, or not readable. */
int shard_salt_get(sqlite3_stmt *meta_get, const struct vault *v, struct vault_work *w,
                   uint8_t out[VAULT_SALT_BYTES]);

/* A line into the open transaction. 0, or -1 with err. */
int shard_put_made(struct shard *s, const struct shard_made *made, char *err, size_t err_size);
/* What waits, into the identifiers' table. 0, or -1. */
int shard_ident_put(struct shard *s);

/* Step a statement that gives no row and drop its bindings. 0, or -1. */
int shard_run(sqlite3_stmt *stmt);
int shard_mark_set(struct shard *s, const char *name, int64_t value);

#endif

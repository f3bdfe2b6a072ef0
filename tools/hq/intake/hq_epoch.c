#include "hq/intake/hq_epoch.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hq/intake/hq_run.h"

#define HQ_EPOCH_SUCCESSORS_MAX 16 /* more successors of one epoch raise no further alarm */
#define HQ_EPOCH_DETAIL_SIZE 160

int64_t hq_epoch_store(struct hq_db *db, const char *store)
{
	int64_t id = hq_db_int(db, -1, HQ_SQL_STORE_ID, "t", store);

	if (id < 0 && hq_db_run(db, HQ_SQL_STORE_ADD, "t", store) == 1)
		id = hq_db_last_id(db);
	return id;
}

int64_t hq_epoch_row(struct hq_db *db, int64_t store, const uint8_t epoch[EVENT_EPOCH_BYTES])
{
	int64_t id =
	    hq_db_int(db, -1, HQ_SQL_EPOCH_ID, "ib", store, epoch, (size_t)EVENT_EPOCH_BYTES);

	if (id < 0 &&
	    hq_db_run(db, HQ_SQL_EPOCH_ADD, "ib", store, epoch, (size_t)EVENT_EPOCH_BYTES) == 1)
		id = hq_db_last_id(db);
	return id;
}

void hq_epoch_alarm(struct hq_db *db, const struct hq_alarm *alarm)
{
	if (hq_db_run(db, HQ_SQL_ALARM_ADD, "itti", alarm->store, alarm->kind, alarm->detail,
	              alarm->wall_us) == 1)
		log_error("ALARM store %s: %s: %s", alarm->store_name, alarm->kind, alarm->detail);
}

void hq_epoch_opened(struct hq_db *db, int64_t epoch, const struct hq_line_opened *opened)
{
	hq_db_run(db, HQ_SQL_EPOCH_OPENED, "itbib", epoch, opened->device,
	          opened->has_prev ? opened->prev_epoch : NULL, (size_t)EVENT_EPOCH_BYTES,
	          (int64_t)opened->prev_last_seq, opened->prev_h, (size_t)EVENT_HASH_BYTES);
}

struct epoch_facts {
	int64_t store, id;
	uint8_t epoch[EVENT_EPOCH_BYTES], prev[EVENT_EPOCH_BYTES], prev_h[EVENT_HASH_BYTES];
	bool has_prev;
	uint64_t prev_last_seq;
};

static bool get_facts(struct hq_db *db, int64_t id, struct epoch_facts *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_EPOCH_GET, "i", id);
	const void *epoch, *prev, *prev_h;

	if (!hq_db_row(db, q))
		return false;
	memset(out, 0, sizeof *out);
	out->id = id;
	out->store = sqlite3_column_int64(q, 0);
	epoch = hq_db_bytes(q, 1, EVENT_EPOCH_BYTES);
	prev = hq_db_bytes(q, 2, EVENT_EPOCH_BYTES);
	prev_h = hq_db_bytes(q, 4, EVENT_HASH_BYTES);
	out->prev_last_seq = (uint64_t)sqlite3_column_int64(q, 3);
	if (epoch)
		memcpy(out->epoch, epoch, EVENT_EPOCH_BYTES);
	out->has_prev = prev && prev_h;
	if (out->has_prev) {
		memcpy(out->prev, prev, EVENT_EPOCH_BYTES);
		memcpy(out->prev_h, prev_h, EVENT_HASH_BYTES);
	}
	hq_db_end(q);
	return epoch != NULL;
}

struct checking {
	struct hq_db *db;
	const char *store;
	int64_t wall_us;
};

static void raise_alarm(const struct checking *c, const struct epoch_facts *of, const char *kind,
                        const char *detail)
{
	struct hq_alarm alarm = {of->store, c->store, kind, detail, c->wall_us};

	hq_epoch_alarm(c->db, &alarm);
}

/* `next` says where `prev` ended; what is held of `prev` must agree. */
static void check_pair(const struct checking *c, const struct epoch_facts *prev,
                       const struct epoch_facts *next)
{
	char detail[HQ_EPOCH_DETAIL_SIZE], a[EVENT_EPOCH_SIZE], b[EVENT_EPOCH_SIZE];
	int64_t held = hq_db_int(c->db, 0, HQ_SQL_RUN_LAST, "i", prev->id);
	struct hq_run run;
	uint64_t none;

	text_hex(prev->epoch, EVENT_EPOCH_BYTES, a);
	text_hex(next->epoch, EVENT_EPOCH_BYTES, b);
	if ((uint64_t)held > next->prev_last_seq) {
		snprintf(detail, sizeof detail,
		         "epoch %s follows %s after seq %" PRIu64 ", but more of it is held", b, a,
		         next->prev_last_seq);
		raise_alarm(c, next, "successor_below", detail);
		return;
	}
	if (next->prev_last_seq > 0 &&
	    hq_run_covering(c->db, prev->id, next->prev_last_seq, &run, &none) && run.first == 1 &&
	    run.last == next->prev_last_seq &&
	    memcmp(run.h_last, next->prev_h, EVENT_HASH_BYTES) != 0) {
		snprintf(detail, sizeof detail,
		         "epoch %s names another h at the end of %s than is held", b, a);
		raise_alarm(c, next, "successor_hash", detail);
	}
}

static void check_successors(const struct checking *c, const struct epoch_facts *prev)
{
	struct sqlite3_stmt *q = hq_db_query(c->db, HQ_SQL_EPOCH_SUCCESSORS, "ib", prev->store,
	                                     prev->epoch, (size_t)EVENT_EPOCH_BYTES);
	int64_t ids[HQ_EPOCH_SUCCESSORS_MAX];
	char detail[HQ_EPOCH_DETAIL_SIZE], a[EVENT_EPOCH_SIZE];
	struct epoch_facts next;
	int n = 0;

	while (hq_db_row(c->db, q)) {
		if (n < HQ_EPOCH_SUCCESSORS_MAX)
			ids[n++] = sqlite3_column_int64(q, 0);
	}
	for (int i = 0; i < n; i++) {
		if (get_facts(c->db, ids[i], &next))
			check_pair(c, prev, &next);
	}
	if (n < 2)
		return;
	text_hex(prev->epoch, EVENT_EPOCH_BYTES, a);
	snprintf(detail, sizeof detail,
	         "epoch %s has more than one successor: a journal was copied or restored", a);
	raise_alarm(c, prev, "two_successors", detail);
}

void hq_epoch_check(struct hq_db *db, const char *store, int64_t epoch, int64_t wall_us)
{
	const struct checking c = {db, store, wall_us};
	struct epoch_facts self, prev;
	int64_t prev_id;

	if (!get_facts(db, epoch, &self))
		return;
	check_successors(&c, &self);
	if (!self.has_prev)
		return;
	prev_id = hq_db_int(db, -1, HQ_SQL_EPOCH_ID, "ib", self.store, self.prev,
	                    (size_t)EVENT_EPOCH_BYTES);
	if (prev_id >= 0 && get_facts(db, prev_id, &prev))
		check_successors(&c, &prev);
}

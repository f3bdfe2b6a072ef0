#include "hq/prove/hq_day.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "hq/intake/hq_epoch.h"
#include "hq/intake/hq_till.h"
#include "store/statement.h"

static void note_bad(struct hq_db *db, const struct hq_day_place *at, const char *err)
{
	char detail[200];
	struct hq_alarm alarm = {at->store_row, at->store, "bad_statement", detail, at->wall_us};

	snprintf(detail, sizeof detail, "a statement cannot be read (seq %" PRIu64 "): %s", at->seq,
	         err);
	hq_epoch_alarm(db, &alarm);
}

static void note_statement(struct hq_db *db, const struct hq_day_place *at,
                           const struct hq_line *line)
{
	struct statement *s = memory_alloc(sizeof *s);
	char err[160] = "out of memory";
	int64_t id;

	if (!s || statement_read(line->properties, s, err, sizeof err) != 0) {
		note_bad(db, at, err);
	} else if (s->ranges == 0) {
		note_bad(db, at, "it covers nothing");
	} else if (hq_db_run(db, HQ_SQL_STATEMENT_ADD, "itiittbi", at->store_row, s->device,
	                     at->epoch_row, (int64_t)at->seq, s->first_date, s->business_date,
	                     s->range[s->ranges - 1].epoch, (size_t)EVENT_EPOCH_BYTES,
	                     (int64_t)s->range[s->ranges - 1].to) > 0) {
		id = hq_db_last_id(db);
		for (int i = 0; i < s->ranges; i++)
			hq_db_run(db, HQ_SQL_STATEMENT_RANGE_ADD, "ibiii", at->store_row,
			          s->range[i].epoch, sizeof s->range[i].epoch,
			          (int64_t)s->range[i].from, (int64_t)s->range[i].to, id);
		log_info("store %s: %s has closed %s", at->store, s->device, s->business_date);
	}
	free(s);
}

void hq_day_note(struct hq_db *db, const struct hq_day_place *at, const struct hq_line *line)
{
	struct hq_till_fact fact;

	if (lw_event_kind_of(line->event) == EVENT_DAY_CLOSED)
		note_statement(db, at, line);
	else if (hq_till_read(line, at->store, &fact))
		hq_db_run(db, HQ_SQL_TILL_FACT_ADD, "iiittt", at->epoch_row, (int64_t)at->seq,
		          at->store_row, fact.day, fact.till, hq_till_kind_name(fact.kind));
}

void hq_day_touched(struct hq_db *db, const struct hq_day_span *span)
{
	hq_db_run(db, HQ_SQL_STATEMENT_TOUCHED, "ibii", span->store_row, span->epoch,
	          (size_t)EVENT_EPOCH_BYTES, (int64_t)span->first, (int64_t)span->last);
}

int hq_day_erase_key(struct hq_db *db, const uint8_t id[EVENT_ID_BYTES], int64_t wall_us)
{
	if (hq_db_begin(db) != 0)
		return -1;
	hq_db_run(db, HQ_SQL_ERASED_ADD, "bi", id, (size_t)EVENT_ID_BYTES, wall_us);
	hq_db_run(db, HQ_SQL_ERASE_KEY, "b", id, (size_t)EVENT_ID_BYTES);
	return hq_db_commit(db);
}

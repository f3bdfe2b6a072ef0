#include "hq/identity/hq_hit.h"

#include <jansson.h>
#include <string.h>

#include "event/event.h"

static bool one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

enum hq_hit hq_hit_of(const struct hq_line *line)
{
	static const char *const known[] = {"matched", "shared", "conflict", "stale", "held", NULL};
	const char *outcome;

	if (line->training || strcmp(line->event, lw_event_name(EVENT_IDENTIFIER_PRESENTED)) != 0)
		return HQ_HIT_NONE;
	/* A scan that came too early has no visit: it is told again when it has one. */
	if (!line->visit[0] || strcmp(hq_line_text(line, "again"), "asked") == 0)
		return HQ_HIT_NONE;
	outcome = hq_line_text(line, "outcome");
	if (one_of(outcome, known))
		return HQ_HIT_ANSWERED;
	return strcmp(outcome, "unknown") == 0 ? HQ_HIT_MISSED : HQ_HIT_NONE;
}

static void count(struct hq_db *db, int64_t store, const struct hq_line *line, int64_t answered)
{
	const char *day = json_string_value(json_object_get(line->laneway, "business_date"));

	if (day)
		hq_db_run(db, HQ_SQL_HIT_COUNT, "iti", store, day, answered);
}

void hq_hit_answered(struct hq_db *db, int64_t store, const struct hq_line *line)
{
	count(db, store, line, 1);
}

void hq_hit_missed(struct hq_db *db, int64_t store, const struct hq_line *line, const char *sealed,
                   size_t len)
{
	json_t *root = json_loadb(sealed, len, JSON_REJECT_DUPLICATES, NULL);
	const char *value = json_string_value(json_object_get(root, "value"));

	if (value && hq_db_int(db, 0, HQ_SQL_HIT_KNOWN, "tti", hq_line_text(line, "kind"), value,
	                       line->time_us) != 0)
		count(db, store, line, 0);
	json_decref(root);
}

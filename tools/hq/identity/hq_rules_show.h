/* Rule tables for people: one as it stands in hq.db, and what is different in another. None of it
 * holds a value of the lists. */
#ifndef LANEWAY_HQ_RULES_SHOW_H
#define LANEWAY_HQ_RULES_SHOW_H

#include "hq/identity/hq_rules.h"

struct json_t;

/* {"version":5,"author","reason","published":time or null,"in_force":true,"left":0,"rules":[...],
 * "guard":{...},"values":[{"list":"blocked","kind":"phone","count":2}],"history":[{"version",
 * "author","reason","published"}],"stores":[{"store","device","version","refused","why","since"}]},
 * of this version of the table (which the caller has read). NULL: hq.db could not be read. */
struct json_t *hq_rules_show(struct sqlite3 *db, int64_t version, const struct rule_set *table);
void hq_rules_show_print(const struct json_t *shown);

/* The differences in words, a text for each: "phone: limit 5, then 3". */
struct json_t *hq_rules_diff(const struct rule_set *was, const struct rule_set *is);

/* What a preview found (hq_watch.h), and with what was done. */
void hq_rules_show_figures(const struct json_t *figures, bool done);

#endif

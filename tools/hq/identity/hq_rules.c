#include "hq/identity/hq_rules.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hq/base/hq_conf.h"
#include "store/db.h"

#define HQ_RULES_ERR_SIZE 240

static int64_t read_row(sqlite3_stmt *q, const struct ident_rules *forms, struct rule_set *out,
                        char *err, size_t err_size)
{
	char why[HQ_RULES_ERR_SIZE];
	int64_t version = sqlite3_column_int64(q, 0);
	const char *doc = hq_db_text(q, 1);

	if (rule_read(doc, strlen(doc), forms, out, why, sizeof why) == 0)
		return version;
	snprintf(err, err_size,
	         "version %" PRId64 " of the rules in hq.db cannot be read by this configuration: "
	         "%s",
	         version, why);
	return -1;
}

int64_t hq_rules_table(struct sqlite3 *db, const struct ident_rules *forms, int64_t version,
                       struct rule_set *out, char *err, size_t err_size)
{
	sqlite3_stmt *q =
	    db_prepare(db, version ? "SELECT version, doc FROM rule_table WHERE version = ?1"
	                           : "SELECT version, doc FROM rule_table ORDER BY version DESC"
	                             " LIMIT 1");
	bool failed = !q;
	int64_t found = 0;

	rule_defaults(out);
	out->forms = forms;
	if (q && version)
		sqlite3_bind_int64(q, 1, version);
	if (db_row(q, &failed))
		found = read_row(q, forms, out, err, err_size);
	else if (version == 0 || version == HQ_RULES_DELIVERED)
		found = HQ_RULES_DELIVERED;
	sqlite3_finalize(q);
	if (!failed)
		return found;
	snprintf(err, err_size, "hq.db could not be read");
	return -1;
}

int hq_rules_read(struct hq_rules *out, struct sqlite3 *db, const struct hq_conf *conf, char *err,
                  size_t err_size)
{
	*out = (struct hq_rules){.scope = {&conf->rules, &out->table, conf->currency}};
	out->version = hq_rules_table(db, &conf->rules, 0, &out->table, err, err_size);
	return out->version > 0 ? 0 : -1;
}

void hq_rules_free(struct hq_rules *rules)
{
	rule_free(&rules->table);
}

/* ---- what persons are folded by ---- */

static const char *text_of(const struct rule_set *table, struct buf *out)
{
	buf_reset(out);
	rule_write(out, table);
	buf_byte(out, '\0');
	return out->failed ? NULL : (const char *)out->data;
}

/* Within a transaction. Nobody has to be told where nobody is. */
static void fold_by(struct hq_db *db, const char *doc)
{
	hq_db_run(db, HQ_SQL_META_SET, "tt", "rules", doc);
	if (hq_db_run(db, HQ_SQL_DIRTY_ALL_LATER, "") > 0)
		log_info("the rules have changed: every customer is folded again");
}

static bool is_folded_by(struct hq_db *db, const char *doc)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_META_GET, "t", "rules");
	bool same = false;

	if (hq_db_row(db, q)) {
		same = strcmp(hq_db_text(q, 0), doc) == 0;
		hq_db_end(q);
	}
	return same;
}

int hq_rules_open(struct hq_rules *out, struct hq_db *db, const struct hq_conf *conf, char *err,
                  size_t err_size)
{
	struct buf text = {0};
	const char *doc;
	int rc = -1;

	if (hq_rules_read(out, hq_db_handle(db), conf, err, err_size) != 0)
		return -1;
	doc = text_of(&out->table, &text);
	if (doc && hq_db_begin(db) == 0) {
		if (!is_folded_by(db, doc))
			fold_by(db, doc);
		rc = hq_db_commit(db);
	}
	if (rc != 0)
		snprintf(err, err_size, "hq.db could not be written");
	buf_free(&text);
	return rc;
}

int64_t hq_rules_left(struct hq_db *db)
{
	return hq_db_int(db, 0, HQ_SQL_DIRTY_COUNT, "");
}

/* ---- a new one ---- */

int hq_rules_publish(struct hq_rules *rules, struct hq_db *db, struct rule_set *table,
                     int64_t wall_us)
{
	struct buf text = {0};
	int64_t version;
	const char *doc;
	int rc = -1;

	if (hq_db_begin(db) != 0)
		return -1;
	version = 1 + hq_db_int(db, HQ_RULES_DELIVERED, HQ_SQL_RULES_HIGHEST, "iit",
	                        (int64_t)HQ_RULES_DELIVERED, (int64_t)hq_db_turn(db),
	                        hq_db_generation(db));
	snprintf(table->version, sizeof table->version, "%" PRId64, version);
	doc = text_of(table, &text);
	if (doc) {
		hq_db_run(db, HQ_SQL_RULES_ADD, "ittitt", version, table->author, table->reason,
		          wall_us, doc, hq_db_generation(db));
		fold_by(db, doc);
		rc = hq_db_commit(db);
	} else {
		hq_db_rollback(db);
	}
	buf_free(&text);
	if (rc != 0)
		return -1;
	rule_free(&rules->table);
	rules->table = *table;
	rules->version = version;
	table->value = NULL;
	table->value_count = 0;
	return 0;
}

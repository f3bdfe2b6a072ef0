#include "hq/base/hq_schema.h"

#include <sqlite3.h>
#include <stdio.h>

#include "store/db.h"

/* A step that has been shipped is never edited: what it made stands in somebody's file. */
static const char *const steps[] = {
    /* 1: the first release */
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE store(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, heard_us INTEGER,"
    " dark_us INTEGER);"
    "CREATE TABLE epoch(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, epoch BLOB NOT NULL,"
    " device TEXT, prev_epoch BLOB, prev_last_seq INTEGER, prev_h BLOB, rank INTEGER,"
    " included INTEGER NOT NULL DEFAULT 0, UNIQUE(store, epoch));"
    "CREATE INDEX epoch_prev ON epoch(store, prev_epoch);"
    "CREATE TABLE run(epoch INTEGER, first INTEGER, last INTEGER NOT NULL, h_prev BLOB NOT NULL,"
    " h_last BLOB NOT NULL, PRIMARY KEY(epoch, first)) WITHOUT ROWID;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " leaf BLOB NOT NULL, line BLOB NOT NULL, UNIQUE(epoch, seq));"
    "CREATE TABLE quarantine(epoch INTEGER, seq INTEGER, leaf BLOB NOT NULL, line BLOB NOT NULL,"
    " reason TEXT NOT NULL, arrived_us INTEGER, PRIMARY KEY(epoch, seq)) WITHOUT ROWID;"
    "CREATE TABLE fork(epoch INTEGER, seq INTEGER, leaf BLOB, line BLOB NOT NULL,"
    " reason TEXT NOT NULL, arrived_us INTEGER, PRIMARY KEY(epoch, seq, leaf)) WITHOUT ROWID;"
    "CREATE TABLE unreadable(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, sha256 BLOB NOT NULL,"
    " payload BLOB NOT NULL, reason TEXT NOT NULL, arrived_us INTEGER, UNIQUE(store, sha256));"
    "CREATE TABLE alarm(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, kind TEXT NOT NULL,"
    " detail TEXT NOT NULL, raised_us INTEGER, UNIQUE(store, kind, detail));"
    "CREATE TABLE visit_key(id BLOB PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE fact(epoch INTEGER, seq INTEGER, store INTEGER NOT NULL, kind TEXT NOT NULL,"
    " basket TEXT, order_id TEXT, ref TEXT, visit TEXT, time_us INTEGER, amount INTEGER,"
    " currency TEXT, items TEXT, profile_ref TEXT, customer TEXT, training INTEGER NOT NULL,"
    " PRIMARY KEY(epoch, seq)) WITHOUT ROWID;"
    "CREATE INDEX fact_basket ON fact(store, basket, kind);"
    "CREATE INDEX fact_order ON fact(order_id, kind);"
    "CREATE TABLE waiting(key_id BLOB, epoch INTEGER, seq INTEGER, PRIMARY KEY(key_id, epoch, seq))"
    " WITHOUT ROWID;"
    "CREATE TABLE sale(order_id TEXT PRIMARY KEY, owner TEXT, visit TEXT, time_us INTEGER,"
    " amount INTEGER, refunded INTEGER, cancelled INTEGER, training INTEGER, currency TEXT,"
    " items TEXT) WITHOUT ROWID;"
    "CREATE INDEX sale_owner ON sale(owner, time_us);"
    "CREATE TABLE profile(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, external TEXT "
    "UNIQUE,"
    " first_name TEXT, name TEXT, tier TEXT, points INTEGER, points_as_of TEXT, language TEXT,"
    " state TEXT NOT NULL, version INTEGER UNIQUE, visits INTEGER NOT NULL DEFAULT 0,"
    " spend INTEGER NOT NULL DEFAULT 0, last_seen_us INTEGER, last_items TEXT);"
    "CREATE TABLE identifier(kind TEXT, value TEXT, profile INTEGER, verified INTEGER NOT NULL,"
    " ref BLOB NOT NULL, PRIMARY KEY(kind, value, profile)) WITHOUT ROWID;"
    "CREATE INDEX identifier_profile ON identifier(profile);"
    "CREATE TABLE outbox(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL,"
    " made_us INTEGER NOT NULL, done_us INTEGER);"
    "CREATE INDEX outbox_open ON outbox(id) WHERE done_us IS NULL;"
    "CREATE VIEW events AS SELECT store.name AS store, lower(hex(epoch.epoch)) AS epoch, event.seq "
    "AS seq,"
    " event.leaf AS leaf, event.line AS line FROM event JOIN epoch ON epoch.id = event.epoch"
    " JOIN store ON store.id = epoch.store;"
    "INSERT INTO meta VALUES('version', 0), ('applied', 0);"
    "INSERT INTO meta VALUES('generation', lower(hex(randomblob(8))));",
    /* 2: lives of the database; what stores no longer hold; forks that a person has settled; events
     * that are kept as the payload they came in; messages that came under two names */
    "INSERT INTO meta VALUES('turn', 0);"
    "CREATE TABLE generation(id INTEGER PRIMARY KEY, generation TEXT NOT NULL, cause TEXT NOT NULL,"
    " detail TEXT NOT NULL, turn INTEGER NOT NULL, began_us INTEGER NOT NULL);"
    "ALTER TABLE epoch ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE fork ADD COLUMN h BLOB;"
    "ALTER TABLE fork ADD COLUMN settled_us INTEGER;"
    "ALTER TABLE quarantine ADD COLUMN h_prev BLOB;"
    "ALTER TABLE quarantine ADD COLUMN h_last BLOB;"
    "CREATE TABLE session(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, source TEXT NOT NULL,"
    " name TEXT NOT NULL, UNIQUE(store, source, name));"
    "CREATE TABLE message(session INTEGER, counter INTEGER, epoch INTEGER, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, same INTEGER, PRIMARY KEY(session, counter, epoch)) WITHOUT ROWID;"
    "CREATE INDEX message_twice ON message(epoch, first) WHERE same IS NOT NULL;",
    /* statements of days (a store knows its own by the last event that it covers), HQ's word on
     * them, tills, keys that are gone for good. What changes a
     * statement's findings marks it as due, whoever writes it. */
    "CREATE TABLE statement(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, device TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, seq INTEGER NOT NULL, first_date TEXT NOT NULL,"
    " business_date TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'incomplete',"
    " missing INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 1, last_epoch BLOB,"
    " last_seq INTEGER, UNIQUE(epoch, seq));"
    "CREATE INDEX statement_day ON statement(store, business_date);"
    "CREATE INDEX statement_due ON statement(id) WHERE due > 0;"
    "CREATE TABLE statement_range(store INTEGER, epoch BLOB, first INTEGER, statement INTEGER,"
    " last INTEGER NOT NULL, PRIMARY KEY(store, epoch, first, statement)) WITHOUT ROWID;"
    "CREATE TABLE statement_key(key BLOB, statement INTEGER, PRIMARY KEY(key, statement))"
    " WITHOUT ROWID;"
    "CREATE TABLE countersign(id INTEGER PRIMARY KEY AUTOINCREMENT, statement INTEGER NOT NULL,"
    " version INTEGER NOT NULL, made_us INTEGER NOT NULL, doc BLOB NOT NULL,"
    " UNIQUE(statement, version));"
    "CREATE INDEX countersign_statement ON countersign(statement);"
    "CREATE TRIGGER countersign_stays BEFORE UPDATE ON countersign"
    " BEGIN SELECT raise(ABORT, 'a version of a statement is never changed'); END;"
    "CREATE TRIGGER countersign_remains BEFORE DELETE ON countersign"
    " BEGIN SELECT raise(ABORT, 'a version of a statement is never taken away'); END;"
    "CREATE TABLE till_fact(epoch INTEGER, seq INTEGER, store INTEGER NOT NULL, day TEXT NOT NULL,"
    " till TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY(epoch, seq)) WITHOUT ROWID;"
    "CREATE INDEX till_fact_day ON till_fact(store, day);"
    "CREATE TRIGGER till_fact_due AFTER INSERT ON till_fact BEGIN UPDATE statement SET due = due + "
    "1"
    " WHERE store = NEW.store AND business_date >= NEW.day AND first_date <= NEW.day; END;"
    "CREATE TABLE erased_key(id BLOB PRIMARY KEY, erased_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TRIGGER erased_key_due AFTER INSERT ON erased_key BEGIN UPDATE statement"
    " SET due = due + 1 WHERE id IN (SELECT statement FROM statement_key WHERE key = NEW.id); END;"
    "CREATE TRIGGER fork_due AFTER INSERT ON fork BEGIN UPDATE statement SET due = due + 1 WHERE id"
    " IN (SELECT r.statement FROM epoch e JOIN statement_range r ON r.store = e.store"
    " AND r.epoch = e.epoch WHERE e.id = NEW.epoch AND NEW.seq BETWEEN r.first AND r.last); END;"
    "CREATE TRIGGER quarantine_due AFTER DELETE ON quarantine BEGIN UPDATE statement"
    " SET due = due + 1 WHERE id IN (SELECT r.statement FROM epoch e JOIN statement_range r"
    " ON r.store = e.store AND r.epoch = e.epoch WHERE e.id = OLD.epoch"
    " AND OLD.seq BETWEEN r.first AND r.last); END;"
    "CREATE TRIGGER gone_due AFTER UPDATE OF gone ON epoch WHEN NEW.gone > OLD.gone"
    " BEGIN UPDATE statement SET due = due + 1 WHERE state <> 'countersigned' AND id IN (SELECT"
    " statement FROM statement_range WHERE store = NEW.store AND epoch = NEW.epoch); END;",
    /* messages of a till that came under two names count once */
    "ALTER TABLE fact ADD COLUMN copy INTEGER;",
    /* boots, their trusted points, and the times of events that no trusted clock has stamped.
     * The view has every event; one in no other table was stamped by a trusted clock. */
    "CREATE TABLE boot(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, boot TEXT NOT NULL,"
    " points INTEGER NOT NULL DEFAULT 0, lo_us INTEGER, hi_us INTEGER, heard_us INTEGER,"
    " draw INTEGER NOT NULL DEFAULT 0, redo_mono INTEGER, redo_epoch INTEGER, redo_seq INTEGER,"
    " redo_to INTEGER, scan_epoch INTEGER, scan_seq INTEGER, UNIQUE(store, boot));"
    "CREATE INDEX boot_draw ON boot(draw) WHERE draw = 1;"
    "CREATE INDEX boot_redo ON boot(redo_mono) WHERE redo_mono IS NOT NULL;"
    "CREATE INDEX boot_scan ON boot(scan_epoch) WHERE scan_epoch IS NOT NULL;"
    "ALTER TABLE epoch ADD COLUMN boot INTEGER;"
    "CREATE INDEX epoch_boot ON epoch(boot);"
    "CREATE TABLE clock_point(boot INTEGER, mono_us INTEGER, epoch INTEGER, seq INTEGER,"
    " wall_us INTEGER NOT NULL, error_us INTEGER NOT NULL, source TEXT NOT NULL,"
    " PRIMARY KEY(boot, mono_us, epoch, seq)) WITHOUT ROWID;"
    "CREATE TABLE event_time(epoch INTEGER, seq INTEGER, boot INTEGER NOT NULL,"
    " mono_us INTEGER NOT NULL, wall_us INTEGER NOT NULL, clock TEXT NOT NULL, time_us INTEGER,"
    " error_us INTEGER, earliest_us INTEGER, latest_us INTEGER, status TEXT NOT NULL,"
    " PRIMARY KEY(epoch, seq)) WITHOUT ROWID;"
    "CREATE INDEX event_time_boot ON event_time(boot, mono_us, epoch, seq);"
    "CREATE VIEW event_times AS SELECT store, epoch, seq, coalesce(status, 'trusted') AS status,"
    " CASE WHEN status IS NULL THEN wall_us ELSE repaired_us END AS time_us,"
    " CASE WHEN status IS NOT NULL THEN error_us ELSE coalesce("
    "(SELECT p.error_us + (v.mono_us - p.mono_us) / 10000 + 1 FROM clock_point p"
    " WHERE p.boot = v.boot AND p.mono_us <= v.mono_us ORDER BY p.mono_us DESC LIMIT 1),"
    "(SELECT p.error_us + (p.mono_us - v.mono_us) / 10000 + 1 FROM clock_point p"
    " WHERE p.boot = v.boot AND p.mono_us > v.mono_us ORDER BY p.mono_us LIMIT 1)) END AS error_us,"
    " earliest_us, latest_us FROM (SELECT store.name AS store, lower(hex(epoch.epoch)) AS epoch,"
    " event.seq AS seq, epoch.boot AS boot, t.status AS status, t.time_us AS repaired_us,"
    " t.error_us AS error_us, t.earliest_us AS earliest_us, t.latest_us AS latest_us,"
    " json_extract(CAST(event.line AS TEXT), '$.context.laneway.mono_us') AS mono_us,"
    " CAST(strftime('%s', json_extract(CAST(event.line AS TEXT), '$.originalTimestamp')) AS "
    "INTEGER)"
    " * 1000000 + CAST(substr(json_extract(CAST(event.line AS TEXT), '$.originalTimestamp'), 21, 3)"
    " AS INTEGER) * 1000 AS wall_us"
    " FROM event JOIN epoch ON epoch.id = event.epoch JOIN store ON store.id = epoch.store"
    " LEFT JOIN event_time t ON t.epoch = event.epoch AND t.seq = event.seq) v;",
    /* versions that stores hold of a life of this database that it has lost: they are not given
     * twice */
    "CREATE TABLE statement_floor(store INTEGER, epoch BLOB, last INTEGER, version INTEGER NOT "
    "NULL,"
    " generation TEXT NOT NULL, PRIMARY KEY(store, epoch, last)) WITHOUT ROWID;",
    /* events that are held and count for nothing: an order without a total */
    "CREATE TABLE uncounted(epoch INTEGER, seq INTEGER, reason TEXT NOT NULL, again INTEGER,"
    " PRIMARY KEY(epoch, seq)) WITHOUT ROWID;",
    /* a boot with a clock that HQ's word contradicts: known without reading its points */
    "ALTER TABLE boot ADD COLUMN contradicted INTEGER NOT NULL DEFAULT 0;",
    /* A profile is a unit: it is never taken apart. What it claims, what is said of it, what was
     * chosen for it and what it earned stand for themselves; which units are one person, and what
     * stands for that person, is folded of that and may be folded again. What HQ itself did has no
     * epoch: its seq is HQ's own (meta, `identity`). */
    "INSERT INTO meta VALUES('identity', 0);"
    "ALTER TABLE profile ADD COLUMN ref BLOB;"
    "ALTER TABLE profile ADD COLUMN person INTEGER;"
    "ALTER TABLE profile ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE profile ADD COLUMN company INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE profile ADD COLUMN gone_us INTEGER;"
    "ALTER TABLE profile ADD COLUMN base_points INTEGER;"
    "ALTER TABLE profile ADD COLUMN base_as_of TEXT;"
    "ALTER TABLE profile ADD COLUMN digest BLOB;"
    "UPDATE profile SET ref = randomblob(16), person = n, confirmed = state <> 'deleted',"
    " gone_us = CASE state WHEN 'deleted' THEN 0 END, base_points = points,"
    " base_as_of = points_as_of;"
    "CREATE UNIQUE INDEX profile_ref ON profile(ref);"
    "CREATE INDEX profile_person ON profile(person);"
    "CREATE TABLE ident(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL,"
    " ref BLOB NOT NULL, state TEXT NOT NULL DEFAULT 'one', since_us INTEGER, UNIQUE(kind, value));"
    "INSERT INTO ident(kind, value, ref) SELECT kind, value, randomblob(16)"
    " FROM (SELECT DISTINCT kind, value FROM identifier ORDER BY profile, kind, value);"
    "CREATE TABLE claim(id INTEGER PRIMARY KEY, ref BLOB NOT NULL, unit INTEGER NOT NULL,"
    " ident INTEGER NOT NULL, verified INTEGER NOT NULL, source TEXT NOT NULL, epoch INTEGER,"
    " seq INTEGER NOT NULL, place INTEGER NOT NULL DEFAULT 0, fate TEXT NOT NULL DEFAULT 'holds',"
    " reason TEXT);"
    "INSERT INTO claim(ref, unit, ident, verified, source, seq) SELECT i.ref, i.profile, ident.id,"
    " i.verified, 'import', row_number() OVER (ORDER BY i.profile, i.kind, i.value)"
    " FROM identifier i JOIN ident ON ident.kind = i.kind AND ident.value = i.value"
    " ORDER BY i.profile, i.kind, i.value;"
    "UPDATE meta SET value = (SELECT count(*) FROM claim) WHERE name = 'identity';"
    "CREATE INDEX claim_unit ON claim(unit);"
    "CREATE INDEX claim_ident ON claim(ident);"
    "CREATE INDEX claim_ref ON claim(ref);"
    "DROP TABLE identifier;"
    "CREATE VIEW identifier AS SELECT ident.kind AS kind, ident.value AS value, u.person AS "
    "profile,"
    " max(claim.verified) AS verified, claim.ref AS ref FROM claim JOIN profile u ON u.n = "
    "claim.unit"
    " JOIN ident ON ident.id = claim.ident WHERE claim.fate = 'holds' GROUP BY u.person, ident.id"
    " ORDER BY u.person, ident.kind, ident.value;"
    "CREATE TABLE unit_fact(unit INTEGER, field TEXT, ref BLOB, value TEXT NOT NULL,"
    " source TEXT NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,"
    " epoch INTEGER, seq INTEGER, PRIMARY KEY(unit, field, ref)) WITHOUT ROWID;"
    "INSERT INTO unit_fact(unit, field, ref, value, source, from_us, to_us)"
    " SELECT n, field, randomblob(16), value, 'import', 0,"
    " CAST(strftime('%s', 'now') AS INTEGER) * 1000000 FROM ("
    "SELECT n, 'first_name' AS field, first_name AS value FROM profile UNION ALL "
    "SELECT n, 'name', name FROM profile UNION ALL "
    "SELECT n, 'tier', tier FROM profile UNION ALL "
    "SELECT n, 'language', language FROM profile UNION ALL "
    "SELECT n, 'state', state FROM profile WHERE state <> 'deleted')"
    " WHERE value IS NOT NULL ORDER BY n, field;"
    /* links and what takes them back; left and right are references, what a `block` or a `share`
     * is about stands in ident; an undo's units only say where to look */
    "CREATE TABLE op(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, ref BLOB NOT NULL, left BLOB,"
    " right BLOB, ident INTEGER, near_left BLOB, near_right BLOB, by_person INTEGER NOT NULL "
    "DEFAULT 0,"
    " actor TEXT NOT NULL, why TEXT NOT NULL, made_us INTEGER NOT NULL, epoch INTEGER,"
    " seq INTEGER NOT NULL, place INTEGER NOT NULL DEFAULT 0, fate TEXT NOT NULL DEFAULT 'holds',"
    " reason TEXT);"
    "CREATE INDEX op_ref ON op(ref);"
    "CREATE INDEX op_left ON op(left);"
    "CREATE INDEX op_right ON op(right) WHERE right IS NOT NULL;"
    "CREATE INDEX op_ident ON op(ident) WHERE ident IS NOT NULL;"
    "CREATE INDEX op_near_left ON op(near_left) WHERE near_left IS NOT NULL;"
    "CREATE INDEX op_near_right ON op(near_right) WHERE near_right IS NOT NULL;"
    "CREATE INDEX op_epoch ON op(epoch, seq) WHERE epoch IS NOT NULL;"
    "CREATE INDEX claim_epoch ON claim(epoch, seq) WHERE epoch IS NOT NULL;"
    /* what was chosen; address: an ident; covers: references of units, one behind the other */
    "CREATE TABLE choice(id INTEGER PRIMARY KEY, ref BLOB NOT NULL UNIQUE, unit INTEGER,"
    " address INTEGER, claim BLOB, purpose TEXT NOT NULL, channel TEXT NOT NULL, value TEXT NOT "
    "NULL,"
    " method TEXT NOT NULL, text TEXT, language TEXT, proof TEXT, from_us INTEGER NOT NULL,"
    " to_us INTEGER NOT NULL, covers BLOB NOT NULL, epoch INTEGER, seq INTEGER NOT NULL,"
    " place INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX choice_unit ON choice(unit);"
    "CREATE INDEX choice_claim ON choice(claim) WHERE claim IS NOT NULL;"
    "CREATE INDEX unit_fact_epoch ON unit_fact(epoch, seq) WHERE epoch IS NOT NULL;"
    "CREATE INDEX choice_address ON choice(address) WHERE address IS NOT NULL;"
    "CREATE TABLE points_entry(ref BLOB PRIMARY KEY, unit INTEGER, order_id TEXT,"
    " change_type TEXT NOT NULL, points INTEGER NOT NULL, reverses BLOB, time_us INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX points_unit ON points_entry(unit);"
    "CREATE INDEX points_epoch ON points_entry(epoch, seq);"
    /* what has to be folded again; what waits for a unit that is not known yet; what a steward has
     * to look at */
    "CREATE TABLE joined(id BLOB PRIMARY KEY, unit INTEGER NOT NULL, other INTEGER NOT NULL,"
    " ident INTEGER NOT NULL, fate TEXT NOT NULL, reason TEXT) WITHOUT ROWID;"
    "CREATE INDEX joined_unit ON joined(unit);"
    "CREATE INDEX joined_other ON joined(other);"
    "CREATE TABLE dirty(unit INTEGER PRIMARY KEY, later INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE waiting_unit(unit BLOB, epoch INTEGER, seq INTEGER,"
    " PRIMARY KEY(unit, epoch, seq)) WITHOUT ROWID;"
    "CREATE TABLE review(id INTEGER PRIMARY KEY, cause TEXT NOT NULL, key TEXT NOT NULL UNIQUE,"
    " unit INTEGER, other INTEGER, ident INTEGER, detail TEXT NOT NULL, since_us INTEGER NOT NULL,"
    " folded INTEGER NOT NULL DEFAULT 0, stale INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX review_unit ON review(unit);"
    "ALTER TABLE fact ADD COLUMN claim BLOB;"
    "ALTER TABLE fact ADD COLUMN unit BLOB;"
    "CREATE INDEX fact_unit ON fact(unit) WHERE unit IS NOT NULL;"
    "CREATE INDEX fact_claim ON fact(claim) WHERE claim IS NOT NULL;",
    /* what the configured trust in sources has other than the delivered one */
    "CREATE TABLE field_trust(field TEXT, source TEXT, trust INTEGER NOT NULL,"
    " PRIMARY KEY(field, source)) WITHOUT ROWID;"
    /* which choices a unit was shown to the one who chose as part of; loose: it was chosen when its
     * event happened, so that the time of the one is that of the other */
    "ALTER TABLE choice ADD COLUMN loose INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE choice_cover(unit BLOB, choice INTEGER, PRIMARY KEY(unit, choice)) WITHOUT ROWID;"
    "CREATE INDEX choice_cover_choice ON choice_cover(choice);"
    "CREATE TRIGGER choice_gone AFTER DELETE ON choice BEGIN"
    " DELETE FROM choice_cover WHERE choice = OLD.id; END;"
    "CREATE INDEX choice_epoch ON choice(epoch, seq) WHERE epoch IS NOT NULL;",
    /* which customers a store holds: who comes where and how much, who was met, what each store's
     * feed has; hold_near and hold_choice are empty but while a store is chosen for */
    "ALTER TABLE store ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE store ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE store ADD COLUMN chosen_us INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE presence(store INTEGER, unit INTEGER, weight REAL NOT NULL,"
    " PRIMARY KEY(store, unit)) WITHOUT ROWID;"
    "CREATE INDEX presence_unit ON presence(unit);"
    "CREATE INDEX presence_best ON presence(store, weight);"
    "CREATE TABLE met(store INTEGER, unit INTEGER, time_us INTEGER NOT NULL,"
    " PRIMARY KEY(unit, store)) WITHOUT ROWID;"
    "CREATE TABLE holding(store INTEGER, unit INTEGER, version INTEGER NOT NULL,"
    " held INTEGER NOT NULL, PRIMARY KEY(store, unit)) WITHOUT ROWID;"
    "CREATE INDEX holding_feed ON holding(store, version);"
    "CREATE INDEX holding_unit ON holding(unit);"
    "CREATE TABLE hold_near(store INTEGER PRIMARY KEY, share REAL NOT NULL);"
    "CREATE TABLE hold_choice(unit INTEGER PRIMARY KEY, score REAL NOT NULL);"
    "CREATE INDEX profile_seen ON profile(last_seen_us, n);"
    /* identifiers presented that HQ knew, and those of them that the store's shard answered */
    "CREATE TABLE hit(store INTEGER, day TEXT, known INTEGER NOT NULL, answered INTEGER NOT NULL,"
    " PRIMARY KEY(store, day)) WITHOUT ROWID;",
    /* what waits and is not in the state that stores are told: its places, by epoch */
    "ALTER TABLE waiting ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;"
    "UPDATE waiting SET awaited = 1 WHERE EXISTS (SELECT 1 FROM event e WHERE e.epoch = "
    "waiting.epoch"
    " AND e.seq = waiting.seq AND json_extract(CAST(e.line AS TEXT), '$.event') IN ("
    "'Customer Enrolled', 'Customer Corrected', 'Identifier Blocked', 'Identifier Unblocked',"
    " 'Consent Changed', 'Points Changed'));"
    "CREATE INDEX waiting_awaited ON waiting(epoch, seq) WHERE awaited = 1;"
    "CREATE INDEX waiting_unit_place ON waiting_unit(epoch, seq);"
    "CREATE INDEX choice_waiting ON choice(epoch, seq) WHERE address IS NULL AND claim IS NOT "
    "NULL;",
    /* an order's kind: staff sales are in no customer's habits */
    "ALTER TABLE sale ADD COLUMN kind TEXT NOT NULL DEFAULT '';"
    "UPDATE fact SET ref = coalesce((SELECT json_extract(CAST(line AS TEXT), "
    "'$.properties.sale_kind')"
    " FROM event WHERE event.epoch = fact.epoch AND event.seq = fact.seq), '') WHERE kind = "
    "'order';"
    "UPDATE sale SET kind = coalesce((SELECT ref FROM fact WHERE fact.order_id = sale.order_id"
    " AND fact.kind = 'order' AND copy IS NULL LIMIT 1), '');",
    /* rule tables that were published, and which each store goes by or refuses; by which version
     * each decision stands */
    "CREATE TABLE rule_table(version INTEGER PRIMARY KEY, author TEXT NOT NULL,"
    " reason TEXT NOT NULL, made_us INTEGER NOT NULL, doc TEXT NOT NULL);"
    "CREATE TRIGGER rule_table_stays BEFORE UPDATE ON rule_table"
    " BEGIN SELECT raise(ABORT, 'a version of the rules is never changed'); END;"
    "CREATE TRIGGER rule_table_remains BEFORE DELETE ON rule_table"
    " BEGIN SELECT raise(ABORT, 'a version of the rules is never taken away'); END;"
    "CREATE TABLE store_rules(store INTEGER, device TEXT, version TEXT NOT NULL,"
    " refused TEXT NOT NULL, why TEXT NOT NULL, since_us INTEGER NOT NULL,"
    " PRIMARY KEY(store, device)) WITHOUT ROWID;"
    "ALTER TABLE claim ADD COLUMN rules TEXT;"
    "ALTER TABLE op ADD COLUMN rules TEXT;"
    "ALTER TABLE joined ADD COLUMN rules TEXT;"
    "ALTER TABLE ident ADD COLUMN rules TEXT;"
    "ALTER TABLE review ADD COLUMN rules TEXT;",
    /* the line that spoke of a unit last, and when its import began: a file that names one twice */
    "ALTER TABLE profile ADD COLUMN import_us INTEGER;"
    "ALTER TABLE profile ADD COLUMN import_line INTEGER;"
    /* entries of the log that may be near no customer; what was taken back so far is judged again
     */
    "CREATE TABLE dirty_op(op INTEGER PRIMARY KEY);"
    "INSERT INTO dirty_op SELECT id FROM op WHERE kind IN ('undo', 'unblock');",
    /* when a claim was said; what the rules joined without looking at that is folded again */
    "ALTER TABLE claim ADD COLUMN from_us INTEGER;"
    "ALTER TABLE claim ADD COLUMN to_us INTEGER;"
    "UPDATE claim SET (from_us, to_us) = (SELECT min(f.from_us), max(f.to_us) FROM unit_fact f"
    " WHERE f.unit = claim.unit AND f.epoch = claim.epoch AND f.seq = claim.seq)"
    " WHERE epoch IS NOT NULL;"
    "INSERT OR IGNORE INTO dirty(unit, later) SELECT unit, 1 FROM joined UNION"
    " SELECT other, 1 FROM joined;",
    /* the life of the database in which each was published */
    "ALTER TABLE rule_table ADD COLUMN generation TEXT NOT NULL DEFAULT '';",
    /* notes in a manager's words are looked for by their age */
    "CREATE INDEX unit_fact_note ON unit_fact(from_us) WHERE field = 'note';",
    /* a store enrolled it, whatever HQ made of it since */
    "ALTER TABLE profile ADD COLUMN enrolled INTEGER NOT NULL DEFAULT 0;"
    "UPDATE profile SET enrolled = NOT confirmed OR external IS NULL;",
    /* of a person: points that were spent and are not there, less those a steward has settled */
    "ALTER TABLE profile ADD COLUMN shortfall INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE profile ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE profile ADD COLUMN short_since TEXT;"
    "INSERT OR IGNORE INTO dirty(unit) SELECT unit FROM review WHERE cause = 'shortfall';",
    /* pairs of records that stores may ask about; state: 1 of the run before, 2 not told yet */
    "CREATE TABLE likely(unit INTEGER NOT NULL, other INTEGER NOT NULL, mbit INTEGER NOT NULL,"
    " because TEXT NOT NULL, state INTEGER NOT NULL, PRIMARY KEY(unit, other)) WITHOUT ROWID;"
    "CREATE INDEX likely_other ON likely(other);",
    /* an address as it was typed: mail goes there */
    "ALTER TABLE claim ADD COLUMN typed TEXT;",
};
#define STEP_COUNT ((int)(sizeof steps / sizeof steps[0]))

static int format_of(struct sqlite3 *sql)
{
	sqlite3_stmt *q = db_prepare(sql, "PRAGMA user_version");
	int format = -1;

	if (q && sqlite3_step(q) == SQLITE_ROW)
		format = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return format;
}

/* The step and its number in one transaction: a step is done once or not at all. */
static int take_step(struct sqlite3 *sql, int step)
{
	char number[48];

	snprintf(number, sizeof number, "PRAGMA user_version = %d", step + 1);
	if (db_exec(sql, "BEGIN IMMEDIATE") != 0)
		return -1;
	if (db_exec(sql, steps[step]) == 0 && db_exec(sql, number) == 0 &&
	    db_exec(sql, "COMMIT") == 0)
		return 0;
	db_exec(sql, "ROLLBACK");
	return -1;
}

int hq_schema_bring(struct sqlite3 *sql, const char *path, char *err, size_t err_size)
{
	return hq_schema_bring_to(sql, STEP_COUNT, path, err, err_size);
}

int hq_schema_bring_to(struct sqlite3 *sql, int to, const char *path, char *err, size_t err_size)
{
	int format = format_of(sql);

	if (format > STEP_COUNT) {
		snprintf(err, err_size, "%s: its format is %d, this release reads up to %d", path,
		         format, STEP_COUNT);
		return -1;
	}
	for (int step = format; step >= 0 && step < to; step++) {
		if (take_step(sql, step) == 0)
			continue;
		format = -1;
		break;
	}
	if (format >= 0)
		return 0;
	snprintf(err, err_size, "%s: not a database of laneway-hq, or it cannot be written", path);
	return -1;
}

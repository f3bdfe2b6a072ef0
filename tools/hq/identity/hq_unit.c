#include "hq/identity/hq_unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hq/identity/hq_component.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_profile.h"
#include "store/vault.h"

int64_t hq_unit_sequence(struct hq_db *db)
{
	int64_t seq = hq_db_meta(db, "identity") + 1;

	hq_db_meta_set(db, "identity", seq);
	return seq;
}

static struct ref or_random(const struct ref *ref)
{
	struct ref made = *ref;

	if (ref_none(ref))
		vault_random(made.byte, sizeof made.byte);
	return made;
}

int64_t hq_unit_new(struct hq_db *db, const struct hq_unit *unit)
{
	struct ref ref = or_random(&unit->ref);
	char id[HQ_PROFILE_ID_SIZE];
	int64_t n;

	if (hq_db_run(db, HQ_SQL_PROFILE_ADD, "tbii", unit->external, ref.byte, sizeof ref.byte,
	              (int64_t)unit->confirmed, (int64_t)unit->company) != 1)
		return -1;
	n = hq_db_last_id(db);
	snprintf(id, sizeof id, "C%06" PRId64, n);
	hq_db_run(db, HQ_SQL_PROFILE_NAME, "it", n, id);
	return n;
}

int64_t hq_unit_ident(struct hq_db *db, enum ident_kind kind, const char *value)
{
	static const struct ref none;
	int64_t id = hq_db_int(db, 0, HQ_SQL_IDENT_ID, "tt", ident_kind_name(kind), value);
	struct ref ref;

	if (id != 0)
		return id;
	ref = or_random(&none);
	if (hq_db_run(db, HQ_SQL_IDENT_MAKE, "ttb", ident_kind_name(kind), value, ref.byte,
	              sizeof ref.byte) != 1)
		return 0;
	return hq_db_last_id(db);
}

bool hq_unit_claim(struct hq_db *db, const struct hq_claim *c)
{
	int64_t ident = hq_unit_ident(db, c->kind, c->value);
	struct ref ref = or_random(&c->ref);

	if (ident == 0 ||
	    hq_db_run(db, HQ_SQL_CLAIM_ADD, "biiitiiiiit", ref.byte, sizeof ref.byte, c->unit,
	              ident, (int64_t)c->verified, c->source, c->at.epoch, c->at.seq, c->at.place,
	              c->from_us, c->to_us, c->typed ? c->typed : "") != 1)
		return false;
	hq_db_run(db, HQ_SQL_CHOICE_ADDRESS, "bi", ref.byte, sizeof ref.byte, ident);
	hq_db_run(db, HQ_SQL_DIRTY_ADD, "i", c->unit);
	/* The one too many: whom the identifier joined so far it joins no longer, and from now on
	 * it does not connect them either. */
	if (hq_db_int(db, 0, HQ_SQL_IDENT_HOLDERS, "ii", ident,
	              (int64_t)HQ_COMPONENT_HOLDERS_MAX + 2) == HQ_COMPONENT_HOLDERS_MAX + 1)
		hq_db_run(db, HQ_SQL_DIRTY_IDENT, "i", ident);
	return true;
}

bool hq_unit_say(struct hq_db *db, const struct hq_said *s)
{
	struct ref ref = or_random(&s->ref);

	if (hq_db_run(db, HQ_SQL_FACT_SAY, "itbttiiii", s->unit, s->field, ref.byte,
	              sizeof ref.byte, s->value, s->source, s->from_us, s->to_us, s->at.epoch,
	              s->at.seq) != 1)
		return false;
	hq_db_run(db, HQ_SQL_DIRTY_ADD, "i", s->unit);
	return true;
}

bool hq_unit_ref(struct hq_db *db, int64_t unit, struct ref *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_UNIT_GET, "i", unit);
	const void *bytes;

	if (!hq_db_row(db, q))
		return false;
	bytes = hq_db_bytes(q, 0, sizeof out->byte);
	if (bytes)
		memcpy(out->byte, bytes, sizeof out->byte);
	hq_db_end(q);
	return bytes != NULL;
}

void hq_unit_forget(struct hq_db *db, int64_t unit, int64_t wall_us)
{
	struct hq_op op = {
	    .kind = HQ_OP_ERASE, .by_person = true, .actor = "hq", .why = "", .made_us = wall_us};

	/* All who had an identifier in common with it are looked at again. */
	hq_db_run(db, HQ_SQL_DIRTY_NEAR, "i", unit);
	if (hq_unit_ref(db, unit, &op.left)) {
		op.at.seq = hq_unit_sequence(db);
		hq_op_add(db, &op, NULL);
	}
	hq_db_run(db, HQ_SQL_CHOICE_FORGET, "i", unit);
	hq_db_run(db, HQ_SQL_CHOICE_COVER_FORGET, "i", unit);
	hq_db_run(db, HQ_SQL_IDENT_FORGET, "i", unit);
	hq_db_run(db, HQ_SQL_CLAIM_FORGET, "i", unit);
	hq_db_run(db, HQ_SQL_FACT_FORGET, "i", unit);
	hq_db_run(db, HQ_SQL_PROFILE_FORGET, "ii", unit, wall_us);
	hq_db_run(db, HQ_SQL_DIRTY_ADD, "i", unit);
}

#include "hq/identity/hq_op.h"

#include <string.h>

#include "store/vault.h"

static const char *const names[HQ_OP_KIND_COUNT] = {
    [HQ_OP_LINK] = "link",   [HQ_OP_UNDO] = "undo",       [HQ_OP_APART] = "apart",
    [HQ_OP_BLOCK] = "block", [HQ_OP_SHARE] = "share",     [HQ_OP_UNBLOCK] = "unblock",
    [HQ_OP_ERASE] = "erase", [HQ_OP_PROPOSE] = "propose",
};

const char *hq_op_kind_name(enum hq_op_kind kind)
{
	return names[kind];
}

enum hq_op_kind hq_op_kind_named(const char *name)
{
	enum hq_op_kind kind = HQ_OP_LINK;

	while (kind < HQ_OP_KIND_COUNT && strcmp(names[kind], name) != 0)
		kind++;
	return kind;
}

static void mark_unit(struct hq_db *db, const struct ref *ref)
{
	if (!ref_none(ref))
		hq_db_run(db, HQ_SQL_DIRTY_UNIT, "b", ref->byte, sizeof ref->byte);
}

static void mark(struct hq_db *db, const struct hq_op *op)
{
	mark_unit(db, &op->left);
	mark_unit(db, &op->right);
	mark_unit(db, &op->near_left);
	mark_unit(db, &op->near_right);
	if (op->ident)
		hq_db_run(db, HQ_SQL_DIRTY_IDENT, "i", op->ident);
	if (op->kind == HQ_OP_UNDO) {
		hq_db_run(db, HQ_SQL_DIRTY_CLAIM, "b", op->left.byte, sizeof op->left.byte);
		hq_db_run(db, HQ_SQL_DIRTY_OP, "b", op->left.byte, sizeof op->left.byte);
		hq_db_run(db, HQ_SQL_DIRTY_OP_IDENT, "b", op->left.byte, sizeof op->left.byte);
	}
}

static const void *bytes_of(const struct ref *ref)
{
	return ref_none(ref) ? NULL : ref->byte;
}

bool hq_op_add(struct hq_db *db, const struct hq_op *op, struct ref *made)
{
	struct ref ref = op->ref;
	size_t n = sizeof ref.byte;

	if (ref_none(&ref))
		vault_random(ref.byte, n);
	if (made)
		*made = ref;
	if (hq_db_run(db, HQ_SQL_OP_ADD, "tbbbbbiittiiii", names[op->kind], ref.byte, n,
	              bytes_of(&op->left), n, bytes_of(&op->right), n, bytes_of(&op->near_left), n,
	              bytes_of(&op->near_right), n, op->ident, (int64_t)op->by_person, op->actor,
	              op->why, op->made_us, op->at.epoch, op->at.seq, op->at.place) != 1)
		return false;
	hq_db_run(db, HQ_SQL_DIRTY_OP_ADD, "i", hq_db_last_id(db));
	mark(db, op);
	return true;
}

/* HQ keeps claims and links in tables, and folds only what a change can reach. Whatever order
 * operations of two stores and HQ come in, after each of them hq.db has the persons that a fold of
 * everything has, its verdicts and what it says of identifiers.
 */
#include <sqlite3.h>
#include <string.h>

#include "../unit/folder.h"
#include "hq/identity/hq_op.h"
#include "hq/identity/hq_persons.h"
#include "property.h"
#include "world.h"

#define CHANGES 60 /* of a pool */
#define WALL_US INT64_C(1795280523123000)

struct hq {
	struct hq_db *db;
	struct hq_scope scope;
	int64_t store[3][2]; /* rows of epochs: [store][epoch] */
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	(void)printf("hq_links: could not %s\n", what);
	exit(2);
}

static void open_hq(struct hq *hq, const char *dir)
{
	char err[400], sql[300];
	bool held;
	must(hq_db_open(&hq->db, dir, &held, err, sizeof err) == 0, "open hq.db");
	must(sqlite3_exec(hq_db_handle(hq->db), "PRAGMA synchronous=OFF", NULL, NULL, NULL) ==
	         SQLITE_OK,
	     "go without syncs");
	for (int s = 1; s <= 2; s++) {
		(void)snprintf(sql, sizeof sql, "INSERT INTO store(id, name) VALUES(%d, 's%d')", s,
		               s);
		must(sqlite3_exec(hq_db_handle(hq->db), sql, NULL, NULL, NULL) == SQLITE_OK,
		     "add a store");
		for (int e = 0; e < 2; e++) {
			hq->store[s][e] = 10 * s + e;
			(void)snprintf(sql, sizeof sql,
			               "INSERT INTO epoch(id, store, epoch, rank) VALUES(%d, %d, "
			               "x'%016d', %d)",
			               10 * s + e, s, 10 * s + e, e);
			must(sqlite3_exec(hq_db_handle(hq->db), sql, NULL, NULL, NULL) == SQLITE_OK,
			     "add an epoch");
		}
	}
}

static size_t place_of(const struct pool *p, const struct ref *unit)
{
	size_t i = 0;
	while (i < p->unit_count && !ref_same(&p->unit[i].ref, unit))
		i++;
	return i;
}

/* HQ has one epoch, none. */
static struct hq_origin origin_of(const struct hq *hq, const struct place *at)
{
	return (struct hq_origin){.epoch = at->store ? hq->store[at->store][at->epoch] : 0,
	                          .seq = at->seq,
	                          .place = at->at};
}

static const char *value_of(const struct pool *p, const struct ref *ident, enum ident_kind *kind,
                            char value[64])
{
	for (size_t i = 0; i < p->ident_count; i++) {
		if (!ref_same(&p->ident[i].ref, ident))
			continue;
		*kind = p->ident[i].kind;
		(void)snprintf(value, 64, "P%uX%zu", p->number, i);
	}
	return value;
}

static void add_unit(struct hq *hq, struct fold_unit *u)
{
	const struct hq_unit unit = {
	    .ref = u->ref, .confirmed = u->confirmed, .company = u->company};
	struct hq_said said = {.source = "steward", .from_us = 1, .to_us = 1};
	char born[16];
	int64_t n = hq_unit_new(hq->db, &unit);
	must(n > 0, "add a customer");
	u->number = (uint32_t)n;
	said.unit = n;
	said.field = "first_name";
	said.value = u->first_name;
	if (u->first_name[0])
		must(hq_unit_say(hq->db, &said), "say a name");
	(void)snprintf(born, sizeof born, "%04u-%02u-%02u", u->born / 10000, u->born / 100 % 100,
	               u->born % 100);
	said.field = "last_name";
	said.value = u->last_name;
	if (u->last_name[0])
		must(hq_unit_say(hq->db, &said), "say a last name");
	said.field = "birth_date";
	said.value = born;
	if (u->born)
		must(hq_unit_say(hq->db, &said), "say a birth date");
}

static void add_claim(struct hq *hq, const struct pool *p, const struct said *s,
                      const struct fold_made *made)
{
	char value[64];
	struct hq_claim claim = {.unit = p->unit[place_of(p, &s->op.left)].number,
	                         .verified = s->op.verified,
	                         .source = "till",
	                         .ref = s->op.id,
	                         .at = origin_of(hq, &s->place)};
	claim.value = value_of(p, &s->op.right, &claim.kind, value);
	claim.from_us = made->from_us;
	claim.to_us = made->to_us;
	must(hq_unit_claim(hq->db, &claim), "add a claim");
}

/* An event that takes something back names the units that it was about. */
static void name_near(const struct pool *p, const struct ref *undone, struct hq_op *op)
{
	for (size_t i = 0; i < p->said_count; i++) {
		const struct fold_op *a = &p->said[i].op;
		struct ref other = *undone;
		if (ref_same(&a->id, undone) && a->kind != FOLD_BLOCK && a->kind != FOLD_SHARE) {
			op->near_left = a->left;
			return;
		}
		for (size_t b = 0; b < sizeof other.byte; b++)
			other.byte[b] ^= a->id.byte[b];
		for (size_t k = 0; k < i && a->kind == FOLD_CLAIM; k++) {
			if (!ref_same(&p->said[k].op.id, &other))
				continue;
			op->near_left = a->left;
			op->near_right = p->said[k].op.left;
			return;
		}
	}
}

static void add_op(struct hq *hq, const struct pool *p, const struct said *s)
{
	static const enum hq_op_kind kind[] = {
	    [FOLD_LINK] = HQ_OP_LINK,   [FOLD_UNDO] = HQ_OP_UNDO,   [FOLD_APART] = HQ_OP_APART,
	    [FOLD_BLOCK] = HQ_OP_BLOCK, [FOLD_SHARE] = HQ_OP_SHARE, [FOLD_ERASE] = HQ_OP_ERASE};
	char value[64];
	enum ident_kind of = IDENT_NONE;
	struct hq_op op = {.kind = kind[s->op.kind],
	                   .ref = s->op.id,
	                   .left = s->op.left,
	                   .right = s->op.right,
	                   .by_person = s->op.by_person,
	                   .actor = "test",
	                   .why = "",
	                   .made_us = WALL_US,
	                   .at = origin_of(hq, &s->place)};
	if (s->op.kind == FOLD_UNDO)
		name_near(p, &s->op.left, &op);
	if (s->op.kind == FOLD_BLOCK || s->op.kind == FOLD_SHARE) {
		op.left = (struct ref){{0}};
		value_of(p, &s->op.left, &of, value);
		op.ident = hq_unit_ident(hq->db, of, value);
	}
	must(hq_op_add(hq->db, &op, NULL), "add an operation");
}

/* Of what a unit says of itself only the name becomes another one. */
static void keep_but_name(const struct pool *p, struct change *c)
{
	struct fold_unit is = p->unit[c->at];
	memcpy(is.first_name, c->unit.first_name, sizeof is.first_name);
	memcpy(is.last_name, c->unit.last_name, sizeof is.last_name);
	c->unit = is;
}

/* What does not concern who is one person is left out. */
static void make_change(struct chance *r, struct pool *p, struct change *c)
{
	generate_change(r, p, c);
	while (c->kind != CHANGE_UNIT && c->kind != CHANGE_SAID && c->kind != CHANGE_AMEND) {
		if (c->kind == CHANGE_CHOICE)
			free((void *)c->choice.covers);
		generate_change(r, p, c);
	}
	if (c->kind == CHANGE_SAID && c->said.place.store == 0)
		c->said.place.epoch = 0;
	if (c->kind == CHANGE_AMEND)
		keep_but_name(p, c);
}

static void amend(struct hq *hq, const struct fold_unit *u, int64_t at_ms)
{
	struct hq_said said = {.unit = u->number,
	                       .field = "first_name",
	                       .value = u->first_name,
	                       .source = "steward",
	                       .from_us = at_ms * 1000,
	                       .to_us = at_ms * 1000};
	must(hq_unit_say(hq->db, &said), "say another name");
	said.field = "last_name";
	said.value = u->last_name;
	must(hq_unit_say(hq->db, &said), "say another last name");
}

/* A unit was made where and when its claims were said. HQ's own are no store's. */
static void make_unit(struct chance *r, struct pool *p, const struct said *s,
                      struct fold_made *made)
{
	static const char *const store[] = {"", "s1", "s2"};
	struct fold_unit here, *u = &p->unit[place_of(p, &s->op.left)];
	bool first = true;
	generate_made(r, &here);
	here.made.store = fold_store(store[s->place.store]);
	*made = here.made;
	for (size_t i = 0; i < p->said_count; i++)
		first &=
		    p->said[i].op.kind != FOLD_CLAIM || !ref_same(&p->said[i].op.left, &s->op.left);
	if (first)
		u->made = *made;
	else
		fold_made_also(&u->made, made);
}

static void tell(struct chance *r, struct hq *hq, struct pool *p, struct change *c, int64_t at_ms)
{
	struct fold_made made;
	must(hq_db_begin(hq->db) == 0, "begin");
	if (c->kind == CHANGE_UNIT) {
		c->unit.made = (struct fold_made){0};
		add_unit(hq, &c->unit);
	} else if (c->kind == CHANGE_AMEND) {
		amend(hq, &c->unit, at_ms);
	} else if (c->said.op.kind == FOLD_CLAIM) {
		make_unit(r, p, &c->said, &made);
		add_claim(hq, p, &c->said, &made);
	} else {
		add_op(hq, p, &c->said);
	}
	must(hq_persons_fold(hq->db, &hq->scope, WALL_US, 0) == 0, "fold");
	must(hq_db_commit(hq->db) == 0, "commit");
}

static int64_t number(struct hq *hq, const char *sql, int64_t n)
{
	sqlite3_stmt *q;
	int64_t out = -1;
	must(sqlite3_prepare_v2(hq_db_handle(hq->db), sql, -1, &q, NULL) == SQLITE_OK, "ask");
	sqlite3_bind_int64(q, 1, n);
	if (sqlite3_step(q) == SQLITE_ROW)
		out = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return out;
}

/* "holds", "refused limit"; of an identifier its state. */
static void text(struct hq *hq, const char *sql, const void *key, size_t size, char out[64])
{
	sqlite3_stmt *q;
	must(sqlite3_prepare_v2(hq_db_handle(hq->db), sql, -1, &q, NULL) == SQLITE_OK, "ask");
	if (size)
		sqlite3_bind_blob(q, 1, key, (int)size, SQLITE_STATIC);
	else
		sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	out[0] = 0;
	if (sqlite3_step(q) == SQLITE_ROW)
		(void)snprintf(out, 64, "%s", (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
}

/* Is what HQ says of each operation and identifier what the fold of everything says? */
static bool same_verdicts(struct hq *hq, const struct pool *p)
{
	static const char *const fate[] = {"holds", "undone", "refused"};
	struct fold_verdict *v = pool_more(NULL, 0, (p->said_count + 1) * sizeof *v);
	char is[64], should[64];
	bool same = true;
	pool_verdicts(p, v);
	for (size_t i = 0; i < p->said_count && same; i++) {
		const struct fold_op *op = &p->said[i].op;
		text(hq,
		     op->kind == FOLD_CLAIM
		         ? "SELECT fate || coalesce(' ' || reason, '') FROM claim WHERE ref = ?1"
		         : "SELECT fate || coalesce(' ' || reason, '') FROM op WHERE ref = ?1",
		     op->id.byte, sizeof op->id.byte, is);
		(void)snprintf(should, sizeof should, "%s%s%s", fate[v[i].fate],
		               v[i].reason ? " " : "",
		               v[i].reason ? fold_reason_name(v[i].reason) : "");
		/* A block of what nobody claims is folded with the first who does. */
		bool idle = (op->kind == FOLD_BLOCK || op->kind == FOLD_SHARE) &&
		            pool_ident_state(p, &op->left) < 0;
		same = idle || strcmp(is, should) == 0;
		if (!same)
			(void)printf("operation %zu of kind %d: \"%s\", expected \"%s\"\n", i,
			             (int)op->kind, is, should);
	}
	free(v);
	return same;
}

static bool same_idents(struct hq *hq, const struct pool *p)
{
	static const char *const state[] = {"one", "several", "shared", "blocked"};
	char is[64], value[64];
	enum ident_kind kind;
	for (size_t i = 0; i < p->ident_count; i++) {
		int should = pool_ident_state(p, &p->ident[i].ref);
		if (should < 0)
			continue;
		text(hq, "SELECT state FROM ident WHERE value = ?1",
		     value_of(p, &p->ident[i].ref, &kind, value), 0, is);
		if (strcmp(is, state[should]) == 0)
			continue;
		(void)printf("identifier %zu: \"%s\", expected \"%s\"\n", i, is, state[should]);
		return false;
	}
	return true;
}

/* The first unit of which HQ says something else, or the count. */
static size_t first_other(struct hq *hq, const struct pool *p)
{
	size_t *person = pool_more(NULL, 0, (p->unit_count + 1) * sizeof *person), i = 0;
	pool_persons(p, person);
	for (; i < p->unit_count; i++) {
		size_t name = person[i] == FOLD_NOBODY ? i : person[i];
		if (number(hq, "SELECT person FROM profile WHERE n = ?1", p->unit[i].number) !=
		    p->unit[name].number)
			break;
	}
	free(person);
	return i;
}

static bool run_pool(struct hq *hq, const struct property *prop, uint64_t at, struct pool *p)
{
	struct chance r = {prop->seed * 1000003 + at};
	struct touched t = {0};
	struct change c;
	bool good = true;
	generate_pool(&r, hq->scope.rules, (uint32_t)at, chance_in(&r, 3), p);
	for (int step = 0; step < CHANGES * (p->big ? 4 : 1) && good; step++) {
		make_change(&r, p, &c);
		tell(&r, hq, p, &c, 10 + step);
		pool_apply(p, &c, &t);
		good = first_other(hq, p) == p->unit_count && same_verdicts(hq, p) &&
		       same_idents(hq, p);
		if (good)
			continue;
		(void)printf("FAILED: case %" PRIu64 ", step %d: HQ has other persons, verdicts or "
		             "states than a fold of everything, after\n  ",
		             at, step);
		world_put_change(stdout, p, &c);
	}
	free(t.unit);
	return good;
}

int main(int argc, char **argv)
{
	struct property prop = property_begin(argc, argv, 80);
	struct rule_set rules[RULES_COUNT];
	struct hq hq = {.scope = {.currency = "EUR"}};
	char dir[FOLDER_SIZE];
	bool good = true;
	uint64_t at = 0;
	generate_rules(rules);
	folder_make(dir, "hq-links");
	open_hq(&hq, dir);
	for (; at < prop.count && good; at++) {
		struct pool p;
		hq.scope.rules = &rules[at % RULES_COUNT];
		good = run_pool(&hq, &prop, at, &p);
		pool_free(&p);
	}
	hq_db_close(hq.db);
	(void)printf("hq_links: %" PRIu64
	             " clusters at HQ, after each change the persons of a fold "
	             "of everything; seed %" PRIu64 "; %s\n",
	             at, prop.seed, good ? "none differs" : "one differs");
	return !good;
}

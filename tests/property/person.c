#include "person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "event/member.h"
#include "person_internal.h"

static int compare_refs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ref));
}

bool person_has(const struct person_view *v, const struct ref *unit)
{
	return bsearch(unit, v->unit, v->unit_count, sizeof *v->unit, compare_refs) != NULL;
}

size_t person_claims(const struct person_view *v, size_t at, bool *holds)
{
	const struct fold_op *op = v->w->in->op;
	size_t n = 0;
	*holds = false;
	for (; at + n < v->claim_count; n++) {
		size_t c = v->claim[at + n];
		if (n > 0 && !ref_same(&op[c].right, &op[v->claim[at]].right))
			break;
		*holds |= v->w->fold->verdict[c].fate == FOLD_HOLDS;
	}
	return n;
}

static int compare_ident(const void *ident, const void *of)
{
	return compare_refs(ident, &((const struct fold_ident *)of)->ident);
}

const struct fold_ident *person_ident(const struct person_view *v, size_t claim)
{
	return bsearch(&v->w->in->op[claim].right, v->w->fold->ident, v->w->fold->ident_count,
	               sizeof *v->w->fold->ident, compare_ident);
}

static bool is_mine(const struct person_view *v, size_t op)
{
	return v->w->in->op[op].kind == FOLD_CLAIM && v->w->fold->verdict[op].fate != FOLD_UNDONE &&
	       person_has(v, &v->w->in->op[op].left);
}

static int compare_claims(const void *left, const void *right, void *ops)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;
	const struct fold_op *op = ops;
	int by = compare_refs(&op[a].right, &op[b].right);
	return by ? by : (a > b) - (a < b);
}

static void view_close(struct person_view *v)
{
	free(v->unit);
	free(v->claim);
}

/* 0, or -1: out of memory. */
static int view_open(struct person_view *v, const struct person_world *w, size_t person)
{
	const struct fold_input *in = w->in;
	*v = (struct person_view){.w = w, .person = person};
	v->unit = calloc(in->unit_count + 1, sizeof *v->unit);
	v->claim = calloc(in->op_count + 1, sizeof *v->claim);
	if (!v->unit || !v->claim) {
		view_close(v);
		return -1;
	}
	for (size_t i = 0; i < in->unit_count; i++) {
		if (w->fold->person[i] == person)
			v->unit[v->unit_count++] = in->unit[i].ref;
	}
	qsort(v->unit, v->unit_count, sizeof *v->unit, compare_refs);
	for (size_t i = 0; i < in->op_count; i++) {
		if (is_mine(v, i))
			v->claim[v->claim_count++] = i;
	}
	qsort_r(v->claim, v->claim_count, sizeof *v->claim, compare_claims, (void *)in->op);
	return 0;
}

void person_put_ref(struct buf *out, const char *key, const struct ref *r)
{
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	text_b64(r->byte, sizeof r->byte, text);
	member_text(out, key, text);
}

void person_put_element(struct buf *out, const struct ref *r)
{
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	text_b64(r->byte, sizeof r->byte, text);
	member_next(out);
	buf_printf(out, "\"%s\"", text);
}

/* ---- points ---- */

static void add_up(int64_t *sum, int64_t points)
{
	if (__builtin_add_overflow(*sum, points, sum))
		*sum = points < 0 ? INT64_MIN + 1 : INT64_MAX;
}

bool person_never_was(const struct person_world *w, const struct ref *claim)
{
	for (size_t i = 0; i < w->in->op_count; i++) {
		if (w->fold->verdict[i].fate == FOLD_UNDONE && w->in->op[i].kind == FOLD_CLAIM &&
		    ref_same(&w->in->op[i].id, claim))
			return true;
	}
	return false;
}

static bool counts(const struct person_view *v, const struct person_points *p)
{
	return person_has(v, &p->unit) &&
	       (ref_none(&p->claim) || !person_never_was(v->w, &p->claim));
}

static int by_time(const void *a, const void *b)
{
	const struct person_points *x = *(const struct person_points *const *)a,
	                           *y = *(const struct person_points *const *)b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return memcmp(x->id.byte, y->id.byte, sizeof x->id.byte);
}

static void take_points(struct person_balance *b, int64_t points)
{
	if (points == INT64_MIN)
		points++;
	if (points < 0)
		add_up(&b->spent, -points);
	else
		add_up(&b->earned, points);
	add_up(&b->balance, points);
	if (b->balance < 0) {
		add_up(&b->shortfall, -b->balance);
		b->balance = 0;
	}
}

/* 0, or -1: out of memory. */
static int balance(const struct person_view *v, struct person_balance *out)
{
	const struct person_points **entry =
	    memory_zeroed(v->w->points_count + 1, sizeof(const struct person_points *));
	size_t n = 0;
	*out = (struct person_balance){0};
	if (!entry)
		return -1;
	for (size_t i = 0; i < v->w->points_count; i++)
		if (counts(v, &v->w->points[i]))
			entry[n++] = &v->w->points[i];
	qsort(entry, n, sizeof *entry, by_time);
	for (size_t i = 0; i < n; i++)
		take_points(out, entry[i]->points);
	free(entry);
	return 0;
}

int person_balance(const struct person_world *w, size_t person, struct person_balance *out)
{
	struct person_view v;
	*out = (struct person_balance){0};
	if (view_open(&v, w, person) != 0)
		return -1;
	int rc = balance(&v, out);
	view_close(&v);
	return rc;
}

static void put_points(const struct person_view *v, struct buf *out)
{
	struct person_balance b;
	out->failed = balance(v, &b) != 0 || out->failed;
	member_key(out, "points");
	buf_byte(out, '{');
	member_integer(out, "balance", b.balance);
	member_integer(out, "earned", b.earned);
	member_integer(out, "shortfall", b.shortfall);
	member_integer(out, "spent", b.spent);
	buf_byte(out, '}');
}

/* ---- identifiers ---- */

static void put_blocked(const struct person_view *v, struct buf *out)
{
	bool holds;
	member_key(out, "blocked");
	buf_byte(out, '[');
	for (size_t at = 0, n; (n = person_claims(v, at, &holds)) > 0; at += n) {
		const struct fold_ident *id = person_ident(v, v->claim[at]);
		if (id->state == FOLD_IDENT_BLOCKED)
			person_put_element(out, &id->ident);
	}
	buf_byte(out, ']');
}

static void put_identifier(const struct person_view *v, size_t at, size_t n, struct buf *out)
{
	static const char *const state[] = {[FOLD_IDENT_ONE] = "one",
	                                    [FOLD_IDENT_SEVERAL] = "several",
	                                    [FOLD_IDENT_SHARED] = "shared",
	                                    [FOLD_IDENT_BLOCKED] = "blocked"};
	const struct fold_ident *id = person_ident(v, v->claim[at]);
	bool verified = false;
	member_next(out);
	buf_byte(out, '{');
	member_key(out, "claims");
	buf_byte(out, '[');
	for (size_t i = at; i < at + n; i++) {
		const struct fold_op *op = &v->w->in->op[v->claim[i]];
		if (v->w->fold->verdict[v->claim[i]].fate != FOLD_HOLDS)
			continue;
		verified |= op->verified;
		person_put_element(out, &op->id);
	}
	buf_byte(out, ']');
	person_put_ref(out, "ident", &id->ident);
	member_text(out, "kind", ident_kind_name(id->kind));
	member_count(out, "persons", id->person_count);
	member_text(out, "state", state[id->state]);
	member_bool(out, "verified", verified);
	buf_byte(out, '}');
}

static void put_identifiers(const struct person_view *v, struct buf *out)
{
	bool holds;
	member_key(out, "identifiers");
	buf_byte(out, '[');
	for (size_t at = 0, n; (n = person_claims(v, at, &holds)) > 0; at += n) {
		if (holds)
			put_identifier(v, at, n, out);
	}
	buf_byte(out, ']');
}

/* ---- what made it one, and what did not ---- */

static void put_join(const struct person_view *v, const struct fold_join *j, struct buf *out)
{
	const struct fold_op *a = &v->w->in->op[j->claim[0]], *b = &v->w->in->op[j->claim[1]];
	member_next(out);
	buf_byte(out, '{');
	person_put_ref(out, "id", &j->id);
	person_put_ref(out, "ident", &a->right);
	if (j->verdict.fate == FOLD_REFUSED)
		member_text(out, "kind", "join");
	person_put_ref(out, "left", &a->left);
	if (j->verdict.fate == FOLD_REFUSED)
		member_text(out, "reason", fold_reason_name(j->verdict.reason));
	person_put_ref(out, "right", &b->left);
	buf_byte(out, '}');
}

static void put_joins(const struct person_view *v, enum fold_fate fate, struct buf *out)
{
	for (size_t i = 0; i < v->w->fold->join_count; i++) {
		const struct fold_join *j = &v->w->fold->join[i];
		if (j->verdict.fate == fate && (person_has(v, &v->w->in->op[j->claim[0]].left) ||
		                                person_has(v, &v->w->in->op[j->claim[1]].left)))
			put_join(v, j, out);
	}
}

static void put_op(const struct person_view *v, size_t op, struct buf *out)
{
	const struct fold_op *o = &v->w->in->op[op];
	bool refused = v->w->fold->verdict[op].fate == FOLD_REFUSED;
	member_next(out);
	buf_byte(out, '{');
	if (!refused)
		member_bool(out, "by_person", o->by_person);
	person_put_ref(out, "id", &o->id);
	if (refused)
		member_text(out, "kind", o->kind == FOLD_CLAIM ? "claim" : "link");
	person_put_ref(out, "left", &o->left);
	if (refused)
		member_text(out, "reason", fold_reason_name(v->w->fold->verdict[op].reason));
	person_put_ref(out, "right", &o->right);
	buf_byte(out, '}');
}

static void put_links(const struct person_view *v, struct buf *out)
{
	member_key(out, "joins");
	buf_byte(out, '[');
	put_joins(v, FOLD_HOLDS, out);
	buf_byte(out, ']');
	member_key(out, "links");
	buf_byte(out, '[');
	for (size_t i = 0; i < v->w->in->op_count; i++) {
		if (v->w->in->op[i].kind == FOLD_LINK &&
		    v->w->fold->verdict[i].fate == FOLD_HOLDS &&
		    person_has(v, &v->w->in->op[i].left))
			put_op(v, i, out);
	}
	buf_byte(out, ']');
}

static void put_refused(const struct person_view *v, struct buf *out)
{
	member_key(out, "refused");
	buf_byte(out, '[');
	for (size_t i = 0; i < v->w->in->op_count; i++) {
		const struct fold_op *o = &v->w->in->op[i];
		bool link = o->kind == FOLD_LINK;
		if (v->w->fold->verdict[i].fate == FOLD_REFUSED &&
		    (link || o->kind == FOLD_CLAIM) &&
		    (person_has(v, &o->left) || (link && person_has(v, &o->right))))
			put_op(v, i, out);
	}
	put_joins(v, FOLD_REFUSED, out);
	buf_byte(out, ']');
}

/* ---- the whole ---- */

static void put_unit(const struct fold_unit *u, struct buf *out)
{
	member_next(out);
	buf_byte(out, '{');
	member_bool(out, "company", u->company);
	member_bool(out, "confirmed", u->confirmed);
	member_count(out, "number", u->number);
	person_put_ref(out, "ref", &u->ref);
	buf_byte(out, '}');
}

static int compare_units(const void *left, const void *right)
{
	const struct fold_unit *a = *(const struct fold_unit *const *)left;
	const struct fold_unit *b = *(const struct fold_unit *const *)right;
	uint32_t x = a->number - 1, y = b->number - 1; /* 0 becomes the last */
	if (x != y)
		return x < y ? -1 : 1;
	return compare_refs(&a->ref, &b->ref);
}

static void put_units(const struct person_view *v, struct buf *out)
{
	const struct fold_unit **units = calloc(v->w->in->unit_count + 1, sizeof *units);
	size_t n = 0;
	member_key(out, "units");
	buf_byte(out, '[');
	if (!units)
		out->failed = true;
	for (size_t i = 0; units && i < v->w->in->unit_count; i++) {
		if (v->w->fold->person[i] == v->person)
			units[n++] = &v->w->in->unit[i];
	}
	if (n)
		qsort(units, n, sizeof *units, compare_units);
	for (size_t i = 0; i < n; i++)
		put_unit(units[i], out);
	buf_byte(out, ']');
	free(units);
}

void person_text(const struct person_world *w, size_t person, struct buf *out)
{
	struct person_view v;
	char id[16];
	if (view_open(&v, w, person) != 0) {
		out->failed = true;
		return;
	}
	uint32_t number = w->in->unit[person].number;
	(void)snprintf(id, sizeof id, "C%06u", number);
	buf_byte(out, '{');
	put_blocked(&v, out);
	person_put_consents(&v, out);
	member_text(out, "customer_id", number ? id : NULL);
	person_put_fields(&v, out);
	put_identifiers(&v, out);
	put_links(&v, out);
	put_points(&v, out);
	put_refused(&v, out);
	put_units(&v, out);
	buf_byte(out, '}');
	view_close(&v);
}

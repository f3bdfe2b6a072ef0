#include "identity/fold_internal.h"

uint32_t fold_group_persons(struct fold_work *w, struct fold_group *g)
{
	uint32_t before = FOLD_NONE, next;
	w->stamp++;
	g->persons = 0;
	for (uint32_t e = g->first; e != FOLD_NONE; e = next) {
		uint32_t root = fold_cluster_root(w, w->left[e]);
		next = w->entry_next[e];
		if (w->stamp_of[root] != w->stamp) {
			w->stamp_of[root] = w->stamp;
			w->entry_of[root] = e;
			g->persons++;
			before = e;
			continue;
		}
		uint32_t *verified = &w->entry_verified[w->entry_of[root]];
		if (w->entry_verified[e] < *verified)
			*verified = w->entry_verified[e];
		w->entry_next[before] = next;
	}
	g->last = before;
	g->unions_then = w->unions;
	return g->persons;
}

/* Each union since they were counted made at most two of them one, so an identifier of thousands
 * is not counted anew for each claim. */
static bool is_shared(struct fold_work *w, struct fold_group *g)
{
	int most = w->in->rules->guard.persons_max;
	if (g->shared)
		return true;
	int64_t at_least = (int64_t)g->persons - (w->unions - g->unions_then);
	return at_least > most || (int64_t)fold_group_persons(w, g) > most;
}

static struct ref join_id(const struct ref *a, const struct ref *b)
{
	struct ref id;
	for (size_t i = 0; i < sizeof id.byte; i++)
		id.byte[i] = a->byte[i] ^ b->byte[i];
	return id;
}

static struct fold_join *new_join(struct fold_work *w, uint32_t a, uint32_t b)
{
	struct fold_join *j = &w->out->join[w->out->join_count++];
	*j = (struct fold_join){.id = join_id(&w->in->op[a].id, &w->in->op[b].id), .claim = {a, b}};
	return j;
}

/* Has nobody else ever claimed it? */
static bool alone(const struct fold_work *w, const struct fold_group *g, uint32_t p, uint32_t q)
{
	for (uint32_t i = g->key; i < g->key + g->claim_count; i++) {
		uint32_t claim = w->claim_key[i].at, unit = w->left[claim];
		if (unit == FOLD_NONE || w->erased[unit])
			continue;
		uint32_t root = fold_cluster_root(w, unit);
		if (root != p && root != q && !fold_index_is_undone(w, &w->in->op[claim].id))
			return false;
	}
	return true;
}

/* Two mere enrolments by what was typed. */
static enum fold_reason decide_named(struct fold_work *w, struct fold_group *g, uint32_t p,
                                     uint32_t q)
{
	enum fold_reason reason = fold_cluster_conflict(w, p, q, FOLD_NAMES_BOTH);
	bool offline = fold_cluster_offline(w, p, q);
	if (reason)
		g->shared |= offline;
	else if (!offline)
		reason = FOLD_NOT_OFFLINE;
	else if (!fold_cluster_alike(w, p, q) && !alone(w, g, p, q))
		reason = FOLD_NOT_ALIKE;
	return reason;
}

static enum fold_reason decide(struct fold_work *w, uint32_t claim, uint32_t p, uint32_t q,
                               bool verified)
{
	const struct rule *rule = w->rule[fold_kind_of(w, claim)];
	enum fold_names names = rule->kind == IDENT_PHONE ? FOLD_NAMES_FIRST : FOLD_NAMES_NONE;
	if (verified && (rule->unique || fold_cluster_alike(w, p, q)))
		return fold_cluster_conflict(w, p, q, names);
	enum fold_reason reason = verified ? FOLD_NOT_ALIKE : FOLD_NOT_VERIFIED;
	if (rule->join == RULE_JOIN_NAMED && !w->cluster[p].confirmed && !w->cluster[q].confirmed) {
		enum fold_reason named = decide_named(w, &w->group[w->right[claim]], p, q);
		return verified && named == FOLD_NOT_OFFLINE ? reason : named;
	}
	enum fold_reason conflict =
	    verified ? fold_cluster_conflict(w, p, q, names) : FOLD_NO_REASON;
	return conflict ? conflict : reason;
}

/* e: the other person's entry. */
static void propose_one(struct fold_work *w, uint32_t claim, uint32_t e, bool shared)
{
	uint32_t p = fold_cluster_root(w, w->left[claim]), q = fold_cluster_root(w, w->left[e]);
	bool verified = !shared && w->in->op[claim].verified && w->entry_verified[e] != FOLD_NONE;
	struct fold_join *j = new_join(w, verified ? w->entry_verified[e] : e, claim);
	if (fold_index_is_undone(w, &j->id)) {
		j->verdict.fate = FOLD_UNDONE;
		return;
	}
	j->verdict.reason = shared ? FOLD_SHARED : decide(w, claim, p, q, verified);
	j->verdict.fate = j->verdict.reason ? FOLD_REFUSED : FOLD_HOLDS;
	if (j->verdict.fate == FOLD_HOLDS)
		fold_cluster_unite(w, p, q);
}

void fold_join_propose(struct fold_work *w, uint32_t claim)
{
	const struct rule *rule = w->rule[fold_kind_of(w, claim)];
	struct fold_group *g = &w->group[w->right[claim]];
	if (!rule || rule->join == RULE_JOIN_NEVER || g->first == claim)
		return;
	bool shared = is_shared(w, g);
	for (uint32_t e = g->first; e != FOLD_NONE; e = w->entry_next[e]) {
		if (fold_cluster_root(w, w->left[e]) == fold_cluster_root(w, w->left[claim]))
			continue;
		propose_one(w, claim, e, shared);
		if (shared)
			return;
		shared = g->shared;
	}
}

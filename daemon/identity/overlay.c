/* Tables, and what is asked of them. */
#include "identity/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "identity/overlay_internal.h"

#define BUCKETS 8192 /* of a pointer each; a few entries in one when the bound is reached */

/* ---- lists ---- */

bool overlay_list_push(struct overlay_list *l, void *p)
{
	if (l->len == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		void **at = memory_more(l->at, cap * sizeof *at);
		if (!at)
			return false;
		l->at = at;
		l->cap = cap;
	}
	l->at[l->len++] = p;
	return true;
}

bool overlay_list_has(const struct overlay_list *l, const void *p)
{
	for (size_t i = 0; i < l->len; i++)
		if (l->at[i] == p)
			return true;
	return false;
}

bool overlay_list_add(struct overlay_list *l, void *p)
{
	return overlay_list_has(l, p) || overlay_list_push(l, p);
}

void overlay_list_remove(struct overlay_list *l, const void *p)
{
	for (size_t i = 0; i < l->len; i++) {
		if (l->at[i] != p)
			continue;
		memmove(&l->at[i], &l->at[i + 1], (l->len - i - 1) * sizeof *l->at);
		l->len--;
		return;
	}
}

void overlay_list_free(struct overlay_list *l)
{
	free(l->at);
	*l = (struct overlay_list){0};
}

/* ---- tables ---- */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return h;
}

static uint64_t iden_hash(const char *kind, const char *value)
{
	return mix(mix(UINT64_C(0xcbf29ce484222325), kind, strlen(kind) + 1), value, strlen(value));
}

/* References are random already. */
static size_t node_bucket(const struct ref *ref)
{
	size_t h;
	memcpy(&h, ref->byte, sizeof h);
	return h & (BUCKETS - 1);
}

struct node *overlay_node(const struct overlay *o, const struct ref *ref)
{
	struct node *n = o->nodes[node_bucket(ref)];
	while (n && !ref_same(&n->ref, ref))
		n = n->next;
	return n;
}

struct node *overlay_node_make(struct overlay *o, const struct ref *ref)
{
	struct node **bucket = &o->nodes[node_bucket(ref)], *n = overlay_node(o, ref);
	if (n)
		return n;
	n = memory_zeroed(1, sizeof *n);
	if (!n)
		return NULL;
	n->ref = *ref;
	n->next = *bucket;
	*bucket = n;
	return n;
}

struct iden *overlay_iden(const struct overlay *o, const char *kind, const char *value)
{
	uint64_t hash = iden_hash(kind, value);
	struct iden *i = o->idens[hash & (BUCKETS - 1)];
	while (i && (i->hash != hash || strcmp(i->kind, kind) != 0 || strcmp(i->value, value) != 0))
		i = i->next;
	return i;
}

struct iden *overlay_iden_make(struct overlay *o, const char *kind, const char *value)
{
	uint64_t hash = iden_hash(kind, value);
	struct iden **bucket = &o->idens[hash & (BUCKETS - 1)], *i = overlay_iden(o, kind, value);
	if (i)
		return i;
	i = memory_zeroed(1, sizeof *i);
	if (!i)
		return NULL;
	i->value = memory_text(value);
	if (!i->value || !text_copy(i->kind, sizeof i->kind, kind)) {
		free(i->value);
		free(i);
		return NULL;
	}
	i->hash = hash;
	i->next = *bucket;
	*bucket = i;
	return i;
}

static void node_free(struct node *n)
{
	overlay_list_free(&n->pending);
	free(n);
}

static void iden_free(struct iden *i)
{
	overlay_list_free(&i->pending);
	free(i->value);
	free(i->hit);
	free(i);
}

void overlay_node_settle(struct overlay *o, struct node *n)
{
	struct node **at = &o->nodes[node_bucket(&n->ref)];
	if (n->group || n->pending.len)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	node_free(n);
}

void overlay_iden_settle(struct overlay *o, struct iden *i)
{
	struct iden **at = &o->idens[i->hash & (BUCKETS - 1)];
	if (i->group || i->pending.len)
		return;
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	iden_free(i);
}

/* ---- making ---- */

struct overlay *overlay_new(const struct rule_set *rules, const struct field_trust *trust)
{
	struct overlay *o = memory_zeroed(1, sizeof *o);
	if (!o)
		return NULL;
	overlay_rules(o, rules, trust);
	o->nodes = memory_zeroed(BUCKETS, sizeof(struct node *));
	o->idens = memory_zeroed(BUCKETS, sizeof(struct iden *));
	if (o->nodes && o->idens)
		return o;
	overlay_free(o);
	return NULL;
}

void overlay_rules(struct overlay *o, const struct rule_set *rules, const struct field_trust *trust)
{
	o->rules = rules;
	o->trust = trust;
}

void overlay_free(struct overlay *o)
{
	if (!o)
		return;
	while (o->groups)
		group_free(o, o->groups);
	for (size_t b = 0; b < BUCKETS; b++) {
		for (struct node *n = o->nodes ? o->nodes[b] : NULL, *next; n; n = next) {
			next = n->next;
			node_free(n);
		}
		for (struct iden *i = o->idens ? o->idens[b] : NULL, *next; i; i = next) {
			next = i->next;
			iden_free(i);
		}
	}
	for (size_t i = 0; i < o->pending.len; i++)
		pending_free(o->pending.at[i]);
	overlay_list_free(&o->pending);
	free(o->nodes);
	free(o->idens);
	free(o);
}

/* ---- asking ---- */

int overlay_find(const struct overlay *o, const char *kind, const char *nf, struct shard_hit *out,
                 int max)
{
	const struct iden *i = o->group_count || o->pending.len ? overlay_iden(o, kind, nf) : NULL;
	if (!i)
		return OVERLAY_UNTOUCHED;
	if (!i->group)
		return -1;
	for (size_t n = 0; n < i->hit_count && n < (size_t)max; n++) {
		const struct iden_hit *hit = &i->hit[n];
		out[n] = (struct shard_hit){.profile = i->group->person[hit->person].profile,
		                            .verified = hit->verified,
		                            .shared = hit->shared,
		                            .blocked = hit->blocked};
		memcpy(out[n].ident_ref, hit->ref, sizeof out[n].ident_ref);
		memcpy(out[n].seen, hit->seen, sizeof out[n].seen);
	}
	return (int)i->hit_count;
}

/* The person of this customer id, or of this enrolment; NULL: not touched. */
static const struct group_person *person_of(const struct overlay *o, const char *customer_id)
{
	const struct iden *i = overlay_iden(o, "customer_id", customer_id);
	struct ref ref;
	if (i && i->group && i->hit_count)
		return &i->group->person[i->hit[0].person];
	if (text_unb64(customer_id, strlen(customer_id), ref.byte, sizeof ref.byte) !=
	    (ssize_t)sizeof ref.byte)
		return NULL;
	const struct node *n = overlay_node(o, &ref);
	return n && n->group && n->person != FOLD_NOBODY ? &n->group->person[n->person] : NULL;
}

int overlay_profile(const struct overlay *o, const char *customer_id, struct profile *out)
{
	const struct group_person *p = person_of(o, customer_id);
	if (!p)
		return OVERLAY_UNTOUCHED;
	*out = p->profile;
	return 1;
}

bool overlay_is_new(const struct overlay *o, const char *customer_id)
{
	const struct group_person *p = person_of(o, customer_id);
	return p && p->provisional;
}

bool overlay_full(const struct overlay *o)
{
	return o->pending.len >= OVERLAY_EVENTS_MAX;
}

void overlay_state(const struct overlay *o, struct overlay_state *out)
{
	*out = (struct overlay_state){.events = o->pending.len, .let_go = o->let_go};
	for (const struct group *g = o->groups; g; g = g->next)
		out->persons += g->person_count;
	for (size_t i = 0; i < o->pending.len; i++) {
		const struct pending *p = o->pending.at[i];
		if (p->wall_us && (!out->oldest_wall_us || p->wall_us < out->oldest_wall_us))
			out->oldest_wall_us = p->wall_us;
	}
}

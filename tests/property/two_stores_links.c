/* What stores and HQ say of who is one person and whose an identifier is, and take back. */
#include <jansson.h>

#include "hq/identity/hq_links.h"
#include "two_stores.h"

#define MATCHES_TOLD 8 /* of a line */
#define ONE_OF(list) (list)[below(b, sizeof(list) / sizeof *(list))]

/* ---- a store ---- */

static void pair(struct bench *b, struct shop *s, const char *event, const char *rule,
                 const struct ref *id, const struct ref *left, const struct ref *right)
{
	char properties[400];
	snprintf(properties, sizeof properties,
	         "{\"actor\":\"manager\",\"evidence\":[],\"left_ref\":\"%s\",\"link_id\":\"%s\","
	         "\"right_ref\":\"%s\",\"rule\":\"%s\",\"ruleset\":\"1\",\"status\":\"confirmed\"}",
	         text_of(left), text_of(id), text_of(right), rule);
	shop_say(s, event, properties, NULL);
	snprintf(b->what, sizeof b->what, "%s: %s %s", s->journal->name, event, properties);
}

void say_link(struct bench *b, struct shop *s)
{
	struct overlay_person p, q;
	struct ref left, right, id = a_ref(b);
	bool apart = below(b, 2) == 0;
	if (!known_person(b, s, &left, &p))
		return;
	overlay_person_free(&p);
	if (!known_person(b, s, &right, &q))
		return;
	overlay_person_free(&q);
	if (!ref_same(&left, &right))
		pair(b, s, apart ? "Identity Unlinked" : "Identity Linked",
		     apart ? "not_me" : "manual", &id, &left, &right);
}

static bool add_unit(struct ref *list, size_t *count, const struct ref *unit)
{
	for (size_t i = 0; i < *count; i++)
		if (ref_same(&list[i], unit))
			return false;
	list[(*count)++] = *unit;
	return true;
}

/* Do the reasons that are told lead from the one unit to the other? */
static bool leads(const struct overlay_person *p, const struct ref *from, const struct ref *to)
{
	struct ref reached[UNITS_MAX];
	size_t count = 0;
	bool more = add_unit(reached, &count, from);
	while (more) {
		more = false;
		for (size_t i = 0; i < p->match_count; i++) {
			const struct overlay_match *m = &p->match[i];
			for (size_t k = 0; k < count; k++) {
				const struct ref *next = ref_same(&reached[k], &m->left) ? &m->right
				                         : ref_same(&reached[k], &m->right)
				                             ? &m->left
				                             : NULL;
				more = (next && add_unit(reached, &count, next)) || more;
			}
		}
	}
	return !add_unit(reached, &count, to);
}

/* Once this is taken back it is no reason any more, and two are one only for another. A line tells
 * some reasons, of many not all. */
static bool is_taken_back(struct shop *s, const struct overlay_match *match)
{
	const struct overlay_hq hq = shop_hq(s);
	struct overlay_person p;
	bool good = true, one = false;
	if (overlay_person(s->o, &hq, "unit", text_of(&match->left), &p) != 1)
		return true;
	for (size_t i = 0; i < p.match_count; i++)
		good = good && !ref_same(&p.match[i].id, &match->id);
	for (size_t i = 0; i < p.unit_count; i++)
		one = one || ref_same(&p.unit[i], &match->right);
	if (one && p.match_count < MATCHES_TOLD)
		good = good && leads(&p, &match->left, &match->right);
	overlay_person_free(&p);
	return good;
}

/* What made two one, taken back by its name. */
bool say_unlink(struct bench *b, struct shop *s)
{
	struct overlay_person p;
	struct ref unit;
	for (int tries = 0; tries < 4; tries++) {
		if (!known_person(b, s, &unit, &p))
			return true;
		if (p.match_count) {
			const struct overlay_match m = p.match[below(b, (unsigned)p.match_count)];
			overlay_person_free(&p);
			pair(b, s, "Identity Unlinked", "manual", &m.id, &m.left, &m.right);
			return is_taken_back(s, &m);
		}
		overlay_person_free(&p);
	}
	return true;
}

static void block_event(struct bench *b, struct shop *s, const struct said_block *k, bool lift,
                        bool tells)
{
	const struct said_ident *is = &idents[k->ident];
	char properties[300], sealed[200];
	const char *event = lift ? "Identifier Unblocked" : "Identifier Blocked";
	snprintf(properties, sizeof properties,
	         "{\"ident_ref\":\"%s\",\"reason\":\"%s\",\"scope\":\"%s\",\"until\":null}",
	         text_of(&k->ref), tells ? "manager" : "clean", k->shared ? "shared" : "blocked");
	snprintf(sealed, sizeof sealed, "{\"kind\":\"%s\",\"value\":\"%s\"}", is->kind, is->value);
	shop_say(s, event, properties, tells ? sealed : NULL);
	snprintf(b->what, sizeof b->what, "%s: %s of %s: %s", s->journal->name, event, is->value,
	         properties);
}

void say_block(struct bench *b, struct shop *s)
{
	struct said_block *k = &b->block[b->block_count];
	if (b->block_count == BLOCKS_MAX)
		return;
	b->block_count++;
	*k = (struct said_block){
	    .by = s, .ref = a_ref(b), .ident = below(b, IDENTS), .shared = below(b, 2)};
	block_event(b, s, k, false, true);
}

/* Has only this store ever blocked it, and has it taken all of that back? */
static bool is_free(const struct bench *b, const struct shop *s, size_t ident)
{
	bool free = !b->steward_blocked[ident];
	for (size_t i = 0; i < b->block_count; i++)
		free = free && (b->block[i].ident != ident || b->block[i].shared ||
		                (b->block[i].by == s && b->block[i].told_lifted));
	return free;
}

static bool is_blocked(struct shop *s, size_t ident)
{
	struct shard_hit hit[HOLDERS_MAX];
	int n = shop_find(s, idents[ident].kind, idents[ident].value, hit, HOLDERS_MAX);
	bool blocked = false;
	for (int i = 0; i < n; i++)
		blocked = blocked || hit[i].blocked;
	return blocked;
}

/* Its own word; what clears by itself does not tell the value again. */
bool say_unblock(struct bench *b, struct shop *s)
{
	for (int tries = 0; b->block_count && tries < 8; tries++) {
		struct said_block *k = &b->block[below(b, (unsigned)b->block_count)];
		if (k->by != s || k->lifted)
			continue;
		k->lifted = true;
		k->told_lifted = !k->shared || below(b, 2);
		block_event(b, s, k, true, k->told_lifted);
		return !is_free(b, s, k->ident) || !is_blocked(s, k->ident);
	}
	return true;
}

/* ---- HQ's steward ---- */

/* The reference of something that made two one; empty: there is nothing. */
static const char *a_match(struct bench *b)
{
	static char text[EVENT_ID_SIZE];
	struct ref ref;
	char all[4096], *at;
	unsigned n;
	snprintf(all, sizeof all, "%s",
	         world_text(b->w, "SELECT hex(id) FROM joined WHERE fate = 'holds' UNION ALL"
	                          " SELECT hex(ref) FROM op WHERE kind = 'link' AND fate = 'holds'"
	                          " LIMIT 100"));
	n = (unsigned)(strlen(all) + 1) / 33;
	if (!n)
		return "";
	at = all + (size_t)33 * below(b, n);
	for (size_t i = 0; i < sizeof ref.byte; i++) {
		unsigned byte = 0;
		(void)sscanf(at + 2 * i, "%2x", &byte);
		ref.byte[i] = (uint8_t)byte;
	}
	text_b64(ref.byte, sizeof ref.byte, text);
	return text;
}

void steward_does(struct bench *b)
{
	const struct hq_links l = {b->w->db, &b->w->scope, b->w->wall_us};
	static const char *const actions[] = {"link",   "apart", "confirm",
	                                      "unlink", "block", "unblock"};
	const char *action = ONE_OF(actions);
	const struct said_ident *is = &idents[below(b, IDENTS)];
	unsigned n = (unsigned)world_number(b->w, "SELECT count(*) FROM profile");
	char first[EVENT_ID_SIZE], second[16], err[200];
	if (n < 2)
		return;
	snprintf(first, sizeof first, "C%06u", 1 + below(b, n));
	snprintf(second, sizeof second, "C%06u", 1 + below(b, n));
	if (strcmp(action, "block") == 0)
		b->steward_blocked[is - idents] = true;
	if (strcmp(action, "unlink") == 0)
		snprintf(first, sizeof first, "%s", a_match(b));
	json_t *ask = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "action", action, "actor",
	                        "eva", "reason", "so", "first", first, "second", second, "kind",
	                        is->kind, "value", is->value, "yes", 1);
	json_decref(hq_links_do(&l, ask, err, sizeof err));
	snprintf(b->what, sizeof b->what, "HQ: %s %s %s %s", action, first, second, is->value);
	json_decref(ask);
}

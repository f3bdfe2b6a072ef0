/* What stores and HQ say of who is one person and whose an identifier is, and take back. */
#include <jansson.h>

#include "hq/identity/hq_links.h"
#include "two_stores.h"

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

/* What made two one, taken back by its name. */
void say_unlink(struct bench *b, struct shop *s)
{
	struct overlay_person p;
	struct ref unit;
	for (int tries = 0; tries < 4; tries++) {
		if (!known_person(b, s, &unit, &p))
			return;
		if (p.match_count) {
			const struct overlay_match *m = &p.match[below(b, (unsigned)p.match_count)];
			pair(b, s, "Identity Unlinked", "manual", &m->id, &m->left, &m->right);
			tries = 4;
		}
		overlay_person_free(&p);
	}
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

/* Its own word; what clears by itself does not tell the value again. */
void say_unblock(struct bench *b, struct shop *s)
{
	for (int tries = 0; b->block_count && tries < 8; tries++) {
		struct said_block *k = &b->block[below(b, (unsigned)b->block_count)];
		if (k->by != s || k->lifted)
			continue;
		k->lifted = true;
		block_event(b, s, k, true, !k->shared || below(b, 2));
		return;
	}
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
	if (strcmp(action, "unlink") == 0)
		snprintf(first, sizeof first, "%s", a_match(b));
	json_t *ask = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "action", action, "actor",
	                        "eva", "reason", "so", "first", first, "second", second, "kind",
	                        is->kind, "value", is->value, "yes", 1);
	json_decref(hq_links_do(&l, ask, err, sizeof err));
	snprintf(b->what, sizeof b->what, "HQ: %s %s %s %s", action, first, second, is->value);
	json_decref(ask);
}

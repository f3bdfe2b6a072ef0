/* Changes and rules as lines of JSON, for whoever checks. */
#include <inttypes.h>

#include "base/text.h"
#include "world.h"

static const char *ref_text(const struct ref *r, char text[TEXT_B64_SIZE(EVENT_ID_BYTES)])
{
	text_b64(r->byte, sizeof r->byte, text);
	return ref_none(r) ? "" : text;
}

static void put_ref(FILE *f, const char *key, const struct ref *r)
{
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	(void)fprintf(f, ",\"%s\":\"%s\"", key, ref_text(r, text));
}

static void put_text(FILE *f, const char *key, const char *value)
{
	struct buf b = {0};
	lw_event_json_string(&b, value ? value : "");
	(void)fprintf(f, ",\"%s\":%.*s", key, (int)b.len, (const char *)b.data);
	buf_free(&b);
}

static void put_times(FILE *f, int64_t from_us, int64_t to_us)
{
	(void)fprintf(f, ",\"from\":%" PRId64 ",\"to\":%" PRId64, from_us, to_us);
}

static void put_unit(FILE *f, const struct fold_unit *u)
{
	put_ref(f, "ref", &u->ref);
	(void)fprintf(f, ",\"number\":%u,\"confirmed\":%d,\"company\":%d,\"born\":%u", u->number,
	              u->confirmed, u->company, u->born);
	put_text(f, "first_name", u->first_name);
	put_text(f, "last_name", u->last_name);
	(void)fprintf(f, ",\"store\":%u", u->made.store);
	put_times(f, u->made.from_us, u->made.to_us);
}

static void put_said(FILE *f, const struct said *s)
{
	static const char *const kind[] = {
	    [FOLD_CLAIM] = "claim", [FOLD_LINK] = "link",   [FOLD_UNDO] = "undo",
	    [FOLD_APART] = "apart", [FOLD_BLOCK] = "block", [FOLD_SHARE] = "share",
	    [FOLD_ERASE] = "erase",
	};
	put_text(f, "kind", kind[s->op.kind]);
	put_ref(f, "id", &s->op.id);
	put_ref(f, "left", &s->op.left);
	put_ref(f, "right", &s->op.right);
	put_text(f, "ident", ident_kind_name(s->op.ident));
	(void)fprintf(f, ",\"verified\":%d,\"by_person\":%d,\"place\":[%u,%u,%u,%u]",
	              s->op.verified, s->op.by_person, s->place.store, s->place.epoch, s->place.seq,
	              s->place.at);
}

static void put_fact(FILE *f, const struct saying *s)
{
	const struct field_fact *x = &s->fact;
	put_text(f, "field", field_name(x->field));
	put_ref(f, "id", &x->id);
	put_ref(f, "unit", &x->unit);
	put_text(f, "value", s->no_value ? "" : s->value);
	put_text(f, "source", x->source);
	(void)fprintf(f, ",\"trust\":%d", x->trust);
	put_times(f, x->from_us, x->to_us);
}

static void put_choice(FILE *f, const struct consent_choice *c)
{
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	put_ref(f, "id", &c->id);
	put_text(f, "purpose", consent_purpose_name(c->purpose));
	put_text(f, "channel", consent_channel_name(c->channel));
	put_text(f, "value", consent_value_name(c->value));
	put_text(f, "method", consent_method_name(c->method));
	put_ref(f, "unit", &c->unit);
	put_ref(f, "address", &c->address);
	put_times(f, c->from_us, c->to_us);
	(void)fprintf(f, ",\"has_text\":%d,\"covers\":[", c->has_text);
	for (size_t i = 0; i < c->cover_count; i++)
		(void)fprintf(f, "%s\"%s\"", i ? "," : "", ref_text(&c->covers[i], text));
	(void)fputc(']', f);
}

void world_put_change(FILE *f, const struct pool *p, const struct change *c)
{
	static const char *const name[] = {
	    [CHANGE_UNIT] = "unit",     [CHANGE_AMEND] = "amend", [CHANGE_SAID] = "said",
	    [CHANGE_FACT] = "fact",     [CHANGE_UNSAY] = "unsay", [CHANGE_CHOICE] = "choice",
	    [CHANGE_POINTS] = "points",
	};
	(void)fprintf(f, "{\"pool\":%u,\"change\":\"%s\"", p->number, name[c->kind]);
	if (c->kind == CHANGE_UNIT || c->kind == CHANGE_AMEND)
		put_unit(f, &c->unit);
	else if (c->kind == CHANGE_SAID)
		put_said(f, &c->said);
	else if (c->kind == CHANGE_FACT || c->kind == CHANGE_UNSAY)
		put_fact(f, &c->fact);
	else if (c->kind == CHANGE_CHOICE)
		put_choice(f, &c->choice);
	if (c->kind == CHANGE_POINTS) {
		put_ref(f, "id", &c->points.id);
		put_ref(f, "unit", &c->points.unit);
		put_ref(f, "claim", &c->points.claim);
		(void)fprintf(f, ",\"points\":%" PRId64 ",\"time\":%" PRId64, c->points.points,
		              c->points.time_us);
	}
	(void)fputs("}\n", f);
}

void world_put_rules(FILE *f, const struct rule_set *rules)
{
	static const char *const join[] = {[RULE_JOIN_NEVER] = "never",
	                                   [RULE_JOIN_VERIFIED] = "verified",
	                                   [RULE_JOIN_NAMED] = "named"};
	(void)fprintf(f, "{\"persons_max\":%d,\"offline_days\":%d,\"kinds\":{",
	              rules->guard.persons_max, rules->guard.offline_days);
	for (int i = 0; i < rules->rule_count; i++)
		(void)fprintf(f, "%s\"%s\":{\"limit\":%d,\"join\":\"%s\",\"unique\":%d}",
		              i ? "," : "", ident_kind_name(rules->rule[i].kind),
		              rules->rule[i].limit, join[rules->rule[i].join],
		              rules->rule[i].unique);
	(void)fputs("}}\n", f);
}

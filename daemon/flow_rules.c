/* Which rules are in force: what the configuration says, or HQ's table in its place. */
#include "flow_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "event/member.h"
#include "field_conf.h"
#include "ident_conf.h"
#include "identity/phone.h"

static void forms_of(const struct conf *c, struct ident_rules *forms)
{
	ident_conf(&c->ident, c->region, c->ruleset, forms);
}

/* HQ's table, or the configured one. */
static int table_of(const struct conf *c, const struct buf *hq, const struct ident_rules *forms,
                    struct rule_set *out, char *err, size_t err_size)
{
	if (hq && hq->len)
		return rule_read((const char *)hq->data, hq->len, forms, out, err, err_size);
	if (c->rules[0])
		return rule_read_file(c->rules, forms, out, err, err_size);
	rule_defaults(out);
	text_copy(out->version, sizeof out->version, c->ruleset);
	text_copy(out->author, sizeof out->author, "local");
	out->forms = forms;
	return 0;
}

int flow_check(const struct conf *conf, char *err, size_t err_size)
{
	struct ident_rules forms;
	struct rule_set table = {.rule_count = 0};
	struct field_trust trust;

	if (field_conf(&conf->trusts, conf->path, &trust, err, err_size) < 0)
		return -1;
	if (ident_conf_check(&conf->ident, conf->path, err, err_size) < 0)
		return -1;
	forms_of(conf, &forms);
	if (table_of(conf, NULL, &forms, &table, err, err_size) < 0)
		return -1;
	rule_free(&table);
	return 0;
}

int flow_rules_set(struct flow *f)
{
	struct rule_set table = {.rule_count = 0};
	char err[256];

	/* It was right when the configuration was checked. */
	field_conf(&f->conf->trusts, f->conf->path, &f->trust, err, sizeof err);
	forms_of(f->conf, &f->rules);
	phone_prepare(f->rules.region);
	int rc = table_of(f->conf, &f->hq_table, &f->rules, &table, err, sizeof err);
	if (rc < 0) {
		log_error("rules: %s; those in force stay", err);
		text_copy(f->rules.ruleset, sizeof f->rules.ruleset, f->table.version);
		if (f->table.rule_count)
			return -1;
		rule_defaults(&table);
		table.forms = &f->rules;
	}
	rule_free(&f->table);
	f->table = table;
	text_copy(f->rules.ruleset, sizeof f->rules.ruleset, table.version);
	return rc;
}

/* ---- HQ's table over a restart: sealed beside the journal, for its lists may name people ---- */

#define MARK_PURPOSE "rules-key"

static void note(struct flow *f, struct entry *e)
{
	if (flow_mark_put(f, e, FLOW_MARK_RULES, MARK_PURPOSE, &f->hq_table) < 0)
		log_error("HQ's rules are in force, but not kept for a restart without HQ");
}

void flow_rules_begin(struct flow *f, const struct buf *mark)
{
	if (f->hq_table.len) /* HQ was quicker */
		return;
	int rc = flow_mark_open(f, MARK_PURPOSE, mark, &f->hq_table);
	if (rc < 0)
		log_error("HQ's rules could not be read back: the configured ones are in force");
	if (rc == 1 && flow_rules_set(f) == 0)
		log_info("rules: version %s of HQ", f->table.version);
}

/* ---- what changes them ---- */

void flow_rules_changed(struct flow *f)
{
	struct buf p = {0};
	struct entry *e = NULL;

	buf_byte(&p, '{');
	member_text(&p, "author", f->table.author);
	member_text(&p, "reason", f->table.reason);
	member_text(&p, "version", f->table.version);
	buf_add(&p, "}", 2); /* with its NUL */
	if (!p.failed)
		e = flow_box_entry(f, EVENT_CONFIGURATION_CHANGED, NULL, (char *)p.data);
	if (e) {
		note(f, e);
		flow_put(f, e);
	}
	buf_free(&p);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

void flow_rules_heard(struct flow *f)
{
	struct buf heard = {0}, before = f->hq_table;

	if (f->stage != FLOW_READY || !f->sync || !sync_rules(f->sync, &heard) ||
	    same(&heard, &before)) {
		buf_free(&heard);
		return;
	}
	f->hq_table = heard;
	if (flow_rules_set(f) < 0) {
		f->hq_table = before;
		buf_free(&heard);
		return;
	}
	buf_free(&before);
	if (f->overlay)
		overlay_stale(f->overlay);
	log_info("rules: version %s is in force", f->table.version);
	flow_rules_changed(f);
}

void flow_rules_free(struct flow *f)
{
	rule_free(&f->table);
	buf_free(&f->hq_table);
}

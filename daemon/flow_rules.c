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

static const uint8_t mark_id[EVENT_ID_BYTES]; /* there is one such key: it needs no name */
#define MARK_PURPOSE "rules-key"

static void note(struct flow *f, struct entry *e)
{
	struct buf mark = {0};
	uint8_t key[VAULT_KEY_BYTES], wrapped[VAULT_WRAP_BYTES], *place;

	vault_random(key, sizeof key);
	if (f->hq_table.len &&
	    vault_wrap(f->p.vault, f->work, MARK_PURPOSE, mark_id, key, wrapped) == 0) {
		buf_add(&mark, wrapped, sizeof wrapped);
		place = buf_room(&mark, f->hq_table.len + VAULT_SEAL_OVERHEAD);
		if (place && vault_seal(f->work, key, f->conf->store, strlen(f->conf->store) + 1,
		                        f->hq_table.data, f->hq_table.len, place) == 0)
			mark.len += f->hq_table.len + VAULT_SEAL_OVERHEAD;
	}
	vault_wipe(key, sizeof key);
	if (mark.failed || entry_mark(e, FLOW_MARK_RULES, mark.data, mark.len) < 0)
		log_error("HQ's rules are in force, but not kept for a restart without HQ");
	buf_free(&mark);
}

void flow_rules_begin(struct flow *f, const struct buf *mark)
{
	uint8_t key[VAULT_KEY_BYTES], *place;
	size_t n = mark->len > VAULT_WRAP_BYTES ? mark->len - VAULT_WRAP_BYTES : 0;
	ssize_t len = -1;

	if (!n || f->hq_table.len) /* none, or HQ was quicker */
		return;
	place = buf_room(&f->hq_table, n);
	if (place && vault_unwrap(f->p.vault, f->work, MARK_PURPOSE, mark_id, mark->data, key) == 0)
		len = vault_unseal(f->work, key, f->conf->store, strlen(f->conf->store) + 1,
		                   mark->data + VAULT_WRAP_BYTES, n, place);
	vault_wipe(key, sizeof key);
	if (len > 0)
		f->hq_table.len = (size_t)len;
	else
		log_error("HQ's rules could not be read back: the configured ones are in force");
	if (len > 0 && flow_rules_set(f) == 0)
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

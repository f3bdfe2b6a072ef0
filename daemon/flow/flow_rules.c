/* Which rules are in force: what the configuration says, or HQ's table in its place. */
#include "flow/flow_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "conf/field_conf.h"
#include "conf/ident_conf.h"
#include "event/member.h"
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

static void refuse(struct flow *f, const char *version, const char *why)
{
	log_error("rules: version %s of HQ is not taken: %s; version %s stays in force", version,
	          why, f->table.version);
	text_copy(f->rules_refused, sizeof f->rules_refused, version);
	snprintf(f->rules_why, sizeof f->rules_why, "%s", why);
}

/* The same of what is kept of HQ's, or of the configured file. */
static void refuse_set(struct flow *f, const char *why)
{
	char version[sizeof f->table.version];

	if (f->hq_table.len) {
		rule_version((const char *)f->hq_table.data, f->hq_table.len, version);
		refuse(f, version, why);
	} else {
		log_error("rules: %s; those in force stay", why);
	}
}

static void put_in_force(struct flow *f, struct rule_set *table)
{
	rule_free(&f->table);
	f->table = *table;
	text_copy(f->rules.ruleset, sizeof f->rules.ruleset, f->table.version);
	f->rules_refused[0] = f->rules_why[0] = '\0';
}

int flow_rules_set(struct flow *f)
{
	struct rule_set table = {.rule_count = 0};
	char err[RULING_WHY_SIZE];

	/* It was right when the configuration was checked. */
	field_conf(&f->conf->trusts, f->conf->path, &f->trust, err, sizeof err);
	forms_of(f->conf, &f->rules);
	phone_prepare(f->rules.region);
	int rc = table_of(f->conf, &f->hq_table, &f->rules, &table, err, sizeof err);
	if (rc < 0) {
		text_copy(f->rules.ruleset, sizeof f->rules.ruleset, f->table.version);
		refuse_set(f, err);
		if (f->table.rule_count)
			return -1;
		rule_defaults(&table);
		table.forms = &f->rules;
	}
	put_in_force(f, &table);
	return rc;
}

void flow_rules_stand(struct flow *f)
{
	if (f->sync && f->stage != FLOW_STARTING)
		sync_rules_stand(f->sync, f->hq_table.len ? f->table.version : "", f->rules_refused,
		                 f->rules_why);
}

void flow_rules_status(struct flow *f, struct buf *out)
{
	member_key(out, "rules");
	buf_byte(out, '{');
	member_text(out, "version", f->table.version);
	member_text(out, "author", f->table.author);
	member_text(out, "reason", f->table.reason);
	member_text(out, "from", f->hq_table.len ? "hq" : "store");
	if (f->rules_refused[0]) {
		member_key(out, "refused");
		buf_byte(out, '{');
		member_text(out, "version", f->rules_refused);
		member_text(out, "why", f->rules_why);
		buf_byte(out, '}');
	} else {
		member_text(out, "refused", NULL);
	}
	buf_byte(out, '}');
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
	if (f->hq_table.len) { /* HQ was quicker */
		flow_rules_stand(f);
		return;
	}
	int rc = flow_mark_open(f, MARK_PURPOSE, mark, &f->hq_table);
	if (rc < 0)
		log_error("HQ's rules could not be read back: the configured ones are in force");
	if (rc == 1 && flow_rules_set(f) == 0)
		log_info("rules: version %s of HQ", f->table.version);
	else
		buf_reset(&f->hq_table); /* HQ tells them again */
	flow_rules_stand(f);
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

/* HQ's versions are numbers; 0: this is none. */
static int64_t number_of(const char *version)
{
	int64_t n = 0;

	return num_i64(version, 1, INT64_MAX, &n) ? n : 0;
}

/* HQ's word to its end; the table goes to *out. false: it is not taken (told). */
static bool read_heard(struct flow *f, const struct buf *heard, struct rule_set *out)
{
	char err[RULING_WHY_SIZE], version[sizeof out->version];
	int64_t in_force = f->hq_table.len ? number_of(f->table.version) : 0;

	if (rule_read((const char *)heard->data, heard->len, &f->rules, out, err, sizeof err) < 0) {
		rule_version((const char *)heard->data, heard->len, version);
		refuse(f, version, err);
		return false;
	}
	if (in_force <= number_of(out->version))
		return true;
	snprintf(err, sizeof err, "it is older than version %s, which is in force",
	         f->table.version);
	refuse(f, out->version, err);
	rule_free(out);
	return false;
}

void flow_rules_heard(struct flow *f)
{
	struct buf heard = {0};
	struct rule_set table;

	if (f->stage != FLOW_READY || !f->sync || !sync_rules(f->sync, &heard) || heard.len == 0) {
		buf_free(&heard);
		return;
	}
	if (!read_heard(f, &heard, &table)) {
		flow_rules_stand(f);
		buf_free(&heard);
		return;
	}
	bool same =
	    f->hq_table.len == heard.len && memcmp(f->hq_table.data, heard.data, heard.len) == 0;
	buf_free(&f->hq_table);
	f->hq_table = heard;
	put_in_force(f, &table);
	flow_rules_stand(f);
	if (same)
		return;
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

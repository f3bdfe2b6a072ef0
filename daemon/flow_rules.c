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

/* The configured table. */
static int table_of(const struct conf *c, const struct ident_rules *forms, struct rule_set *out,
                    char *err, size_t err_size)
{
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
	struct rule_set table;
	struct field_trust trust;

	if (field_conf(&conf->trusts, conf->path, &trust, err, err_size) < 0)
		return -1;
	if (ident_conf_check(&conf->ident, conf->path, err, err_size) < 0)
		return -1;
	forms_of(conf, &forms);
	if (table_of(conf, &forms, &table, err, err_size) < 0)
		return -1;
	rule_free(&table);
	return 0;
}

void flow_rules_set(struct flow *f)
{
	struct rule_set table;
	char err[256];

	/* It was right when the configuration was checked. */
	field_conf(&f->conf->trusts, f->conf->path, &f->trust, err, sizeof err);
	forms_of(f->conf, &f->rules);
	phone_prepare(f->rules.region);
	if (table_of(f->conf, &f->rules, &table, err, sizeof err) < 0) {
		/* It was right when the configuration was checked: the one in force stays. */
		log_error("%s", err);
		if (f->table.rule_count)
			return;
		rule_defaults(&table);
		table.forms = &f->rules;
	}
	rule_free(&f->table);
	f->table = table;
	text_copy(f->rules.ruleset, sizeof f->rules.ruleset, table.version);
}

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
	if (e)
		flow_put(f, e);
	buf_free(&p);
}

void flow_rules_free(struct flow *f)
{
	rule_free(&f->table);
}

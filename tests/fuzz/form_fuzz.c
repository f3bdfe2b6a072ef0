/* Arbitrary bytes as the body of a lane's form: read as the API reads it. Whatever is taken has the
 * form that it should have; what is refused names what was wrong. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/vault_files.h"
#include "base/text.h"
#include "conf/conf.h"
#include "flow/flow_form.h"
#include "flow/flow_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow *flow_made(void)
{
	static struct counters counters;
	static struct conf conf;
	static struct flow f;
	static const char *const lanes[] = {"1", NULL};
	const struct sale_params sale = {.store = "s1", .currency = "EUR", .lanes = lanes};
	struct vault *vault;
	char dir[FOLDER_SIZE], err[300];

	if (f.sale)
		return &f;
	folder_make(dir, "form-fuzz");
	vault_files(dir);
	if (vault_open(&vault, dir, true, err, sizeof err) != 0) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	f.conf = &conf;
	f.p.vault = vault;
	f.p.counters = &counters;
	f.p.clock = clock_system();
	f.rules = (struct ident_rules){.region = "DE", .ruleset = "1"};
	rule_defaults(&f.table);
	f.table.forms = &f.rules;
	f.work = vault_work_new();
	f.guard = flow_guard_new();
	f.stage = FLOW_READY;
	f.sale = sale_new(&sale);
	if (!f.work || !f.guard || !f.sale)
		abort();
	return &f;
}

static void check(const struct form *form)
{
	const char *texts[] = {form->first_name, form->last_name, form->language,
	                       form->note,       form->known,     form->suggestion};

	if (form->ident_count > FORM_IDENTS_MAX || form->choice_count > FORM_CHOICES_MAX)
		abort();
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (text_has_control(texts[i], strlen(texts[i])) ||
		    !text_utf8_ok(texts[i], strlen(texts[i])) || pan_find(texts[i], false))
			abort();
	}
	for (int i = 0; i < form->ident_count; i++) {
		if (form->ident[i].answer.kind == IDENT_NONE || ref_none(&form->ident[i].ref))
			abort();
	}
}

/* One identifier, and a reason as it may be journaled. */
static void check_find(const struct form *form)
{
	size_t n = strlen(form->text), characters = 0;

	for (size_t i = 0; i < n; i++)
		characters += ((unsigned char)form->text[i] & 0xc0) != 0x80;
	if (form->ident_count != 1 || characters > FORM_REASON_CHARS_MAX ||
	    !text_utf8_ok(form->text, n) || text_has_hidden(form->text, n) ||
	    pan_find(form->text, false))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum flow_form_kind kinds[] = {FLOW_ENROL, FLOW_CORRECT, FLOW_NOT_ME};
	static struct form form;
	struct flow *f = flow_made();
	json_t *body =
	    size ? json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL)
	         : NULL;
	struct flow_form from = {.lane = "1", .body = body};
	struct sale_error err = {.code = ""};

	if (!json_is_object(body)) {
		json_decref(body);
		return 0;
	}
	from.kind = kinds[data[0] % (sizeof kinds / sizeof kinds[0])];
	if (form_read(f, &from, &form, &err) == 0)
		check(&form);
	else if (!err.code[0] || !err.field[0] || !err.message[0] ||
	         !text_utf8_ok(err.field, strlen(err.field)) ||
	         !text_utf8_ok(err.message, strlen(err.message)))
		abort();
	if (form_read_note(f, &from, &form, &err) == 0 &&
	    !text_utf8_ok(form.text, strlen(form.text)))
		abort();
	if (form_read_find(f, body, &form, &err) == 0)
		check_find(&form);
	json_decref(body);
	return 0;
}

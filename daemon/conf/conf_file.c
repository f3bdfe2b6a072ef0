#include "conf/conf_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/conf_fault.h"
#include "conf/conf_text.h"

static int parse(cfg_t *cfg, const char *text, char *err, size_t err_size)
{
	if (cfg_parse_buf(cfg, text) == CFG_SUCCESS)
		return 0;
	if (!conf_fault_first()[0]) /* an empty name is all that libconfuse has no words for */
		conf_fault_say(err, err_size, cfg->line, "a name is empty", "NAME = VALUE");
	else
		snprintf(err, err_size, "%s", conf_fault_first());
	return -1;
}

cfg_t *conf_file_read(const char *path, const struct conf_form *form, char *err, size_t err_size)
{
	char *text = conf_text_read(path, err, err_size);
	cfg_t *cfg;

	if (!text)
		return NULL;
	cfg = cfg_init(form->options, CFGF_NONE);
	if (!cfg) {
		snprintf(err, err_size, "%s: out of memory", path);
		goto free_text;
	}
	conf_rule_attach(cfg, form->rules);
	conf_fault_begin(cfg, path);
	if (parse(cfg, text, err, err_size) != 0) {
		cfg_free(cfg);
		cfg = NULL;
	}
free_text:
	free(text);
	return cfg;
}

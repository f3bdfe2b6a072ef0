#include "conf/conf_trust.h"

#include "base/text.h"
#include "conf/conf_fault.h"
#include "conf/conf_rule.h"

cfg_opt_t conf_trust_options[] = {
    CFG_INT("steward", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_INT("customer", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_INT("manager", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_INT("till", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_INT("hq", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_INT("import", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_INT("derived", CONF_TRUST_NOT_SAID, CFGF_NONE),
    CFG_END(),
};
_Static_assert(sizeof conf_trust_options / sizeof *conf_trust_options == CONF_TRUST_SOURCES + 1,
               "all sources have room");

int conf_trust_read(cfg_t *cfg, struct conf_trusts *out, char *err, size_t err_size)
{
	unsigned n = cfg_size(cfg, "trust");

	if (n > CONF_TRUST_MAX) {
		conf_fault_say(err, err_size, 0, "too many trust sections", "at most 32");
		return -1;
	}
	for (unsigned i = 0; i < n; i++) {
		cfg_t *sec = cfg_getnsec(cfg, "trust", i);
		struct conf_trust *t = &out->field[i];
		if (!conf_rule_title_ok(cfg_title(sec))) {
			conf_fault_say_section(err, err_size, sec, "", "the name is wrong",
			                       "the name of a field such as \"city\"");
			return -1;
		}
		text_copy(t->field, sizeof t->field, cfg_title(sec));
		t->line = sec->line;
		for (int s = 0; s < CONF_TRUST_SOURCES; s++) {
			const char *name = conf_trust_options[s].name;
			t->source[s] = (struct conf_trust_source){name, (int)cfg_getint(sec, name),
			                                          conf_fault_line(sec, name)};
		}
	}
	out->count = (int)n;
	return 0;
}

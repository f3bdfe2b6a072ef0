#include "conf/conf_ident.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/conf_fault.h"
#include "conf/conf_rule.h"

cfg_opt_t conf_ident_number[] = {
    CFG_STR("prefix", NULL, CFGF_NODEFAULT),
    CFG_INT("length", 0, CFGF_NODEFAULT),
    CFG_STR("check", "none", CFGF_NONE),
    CFG_END(),
};
cfg_opt_t conf_ident_wallet[] = {
    CFG_STR("prefix", NULL, CFGF_NODEFAULT),
    CFG_INT("length", 0, CFGF_NODEFAULT),
    CFG_STR("check", "none", CFGF_NONE),
    CFG_BOOL("rotating", cfg_false, CFGF_NONE),
    CFG_END(),
};
cfg_opt_t conf_ident_gs1[] = {
    CFG_STR_LIST("domains", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("prefixes", NULL, CFGF_NODEFAULT),
    CFG_END(),
};

struct said {
	char *err;
	size_t err_size;
};

static int section_fault(const struct said *said, cfg_t *sec, const char *what,
                         const char *expected)
{
	conf_fault_say_section(said->err, said->err_size, sec, "", what, expected);
	return -1;
}

static int read_scheme(const struct said *said, cfg_t *sec, bool wallet, struct conf_scheme *s)
{
	bool rotating = wallet && cfg_getbool(sec, "rotating");

	if (!conf_rule_title_ok(cfg_title(sec)))
		return section_fault(said, sec, "the name is wrong", "1 to 32 bytes");
	if (!cfg_getstr(sec, "prefix"))
		return section_fault(said, sec, "prefix is missing",
		                     wallet ? "what every code starts with"
		                            : "what every card starts with");
	if (cfg_getint(sec, "length") == 0 && !rotating)
		return section_fault(said, sec, "length is missing",
		                     conf_rule_expected(sec, "length"));
	text_copy(s->name, sizeof s->name, cfg_title(sec));
	text_copy(s->prefix, sizeof s->prefix, cfg_getstr(sec, "prefix"));
	text_copy(s->check, sizeof s->check, cfg_getstr(sec, "check"));
	s->length = (int)cfg_getint(sec, "length");
	s->line = conf_fault_line(sec, "prefix");
	s->rotating = rotating;
	return 0;
}

static int read_schemes(const struct said *said, cfg_t *cfg, const char *section,
                        struct conf_scheme *schemes, int *count)
{
	bool wallet = strcmp(section, "wallet") == 0;
	unsigned n = cfg_size(cfg, section);
	char what[48];

	if (n > CONF_SCHEMES_MAX) {
		snprintf(what, sizeof what, "too many %s schemes", section);
		conf_fault_say(said->err, said->err_size, 0, what, "at most 16");
		return -1;
	}
	for (unsigned i = 0; i < n; i++) {
		if (read_scheme(said, cfg_getnsec(cfg, section, i), wallet, &schemes[i]) < 0)
			return -1;
	}
	*count = (int)n;
	return 0;
}

static int read_gs1(const struct said *said, cfg_t *gs1, struct conf_ident *out)
{
	unsigned domains = cfg_size(gs1, "domains"), prefixes = cfg_size(gs1, "prefixes");

	if (domains > CONF_DOMAINS_MAX)
		return section_fault(said, gs1, "too many domains", "at most 8");
	if (prefixes > CONF_GS1_PREFIXES_MAX)
		return section_fault(said, gs1, "too many prefixes", "at most 8");
	for (unsigned i = 0; i < domains; i++)
		text_copy(out->domains[i], sizeof out->domains[i], cfg_getnstr(gs1, "domains", i));
	for (unsigned i = 0; i < prefixes; i++)
		text_copy(out->gs1_prefixes[i], sizeof out->gs1_prefixes[i],
		          cfg_getnstr(gs1, "prefixes", i));
	out->domain_count = (int)domains;
	out->gs1_prefix_count = (int)prefixes;
	return 0;
}

int conf_ident_read(cfg_t *cfg, struct conf_ident *out, char *err, size_t err_size)
{
	const struct said said = {err, err_size};

	if (read_schemes(&said, cfg, "loyalty", out->loyalty, &out->loyalty_count) < 0 ||
	    read_schemes(&said, cfg, "wallet", out->wallet, &out->wallet_count) < 0 ||
	    read_schemes(&said, cfg, "account", out->account, &out->account_count) < 0)
		return -1;
	return read_gs1(&said, cfg_getsec(cfg, "gs1"), out);
}

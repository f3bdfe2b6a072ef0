#include "hq/base/hq_conf.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "conf/conf_fault.h"
#include "conf/conf_file.h"
#include "conf/field_conf.h"
#include "conf/ident_conf.h"

static cfg_opt_t broker_opts[] = {
    CFG_STR("host", "127.0.0.1", CFGF_NONE),
    CFG_INT("port", 8883, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t webhook_opts[] = {
    CFG_STR("url", "", CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t options[] = {
    CFG_STR("data", "/var/lib/laneway-hq", CFGF_NONE),
    CFG_STR("keys", "/etc/laneway/hq", CFGF_NONE),
    CFG_STR("socket", "", CFGF_NONE),
    CFG_STR("region", NULL, CFGF_NODEFAULT),
    CFG_STR("currency", NULL, CFGF_NODEFAULT),
    CFG_STR("ruleset", NULL, CFGF_NODEFAULT),
    CFG_STR("rules", NULL, CFGF_NODEFAULT),
    CFG_STR("log_level", "info", CFGF_NONE),
    CFG_INT("dark_seconds", 300, CFGF_NONE),
    CFG_INT("shard_mb", 1024, CFGF_NONE),
    CFG_SEC("broker", broker_opts, CFGF_NONE),
    CFG_SEC("webhook", webhook_opts, CFGF_NONE),
    CONF_IDENT_OPTIONS,
    CONF_TRUST_OPTIONS,
    CFG_END(),
};

static const struct conf_rule rules[] = {
    {"data", CONF_RULE_TEXT, 1, 199, NULL, "a folder"},
    {"keys", CONF_RULE_TEXT, 1, 199, NULL, "a folder"},
    {"socket", CONF_RULE_TEXT, 0, 107, NULL, "a path of at most 107 bytes"},
    {"region", CONF_RULE_COUNTRY, 2, 2, NULL,
     "an ISO 3166 code of two capital letters such as \"DE\""},
    {"currency", CONF_RULE_CURRENCY, 3, 3, NULL, "an ISO 4217 code such as \"EUR\""},
    {"ruleset", CONF_RULE_TEXT, 0, 255, NULL, "a text"},
    {"rules", CONF_RULE_TEXT, 0, 255, NULL, "a text"},
    {"log_level", CONF_RULE_WORD, 0, 0, " error warn info debug ", "error, warn, info or debug"},
    {"dark_seconds", CONF_RULE_INT, 1, 86400, NULL, "1 to 86400 seconds"},
    {"shard_mb", CONF_RULE_INT, 1, 1048576, NULL, "1 to 1048576 MiB"},
    {"broker", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"webhook", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"broker|host", CONF_RULE_TEXT, 1, 255, NULL, "a host name or address"},
    {"broker|port", CONF_RULE_INT, 1, 65535, NULL, "a port from 1 to 65535"},
    {"webhook|url", CONF_RULE_URL, 0, 511, NULL, "an http or https URL"},
    CONF_IDENT_RULES,
    CONF_TRUST_RULES,
    {.path = NULL},
};

static const struct conf_form form = {options, rules};

struct reading {
	struct hq_conf *conf;
	const char *path;
	char *err;
	size_t err_size;
};

static int fault(const struct reading *r, const char *what, const char *expected)
{
	conf_fault_say(r->err, r->err_size, 0, what, expected);
	return -1;
}

/* What an earlier release read here. To leave it unread would be to fold by another table than the
 * one that stands there. */
static int check_gone(const struct reading *r, cfg_t *cfg)
{
	static const char published[] = "the table to be in hq.db: `laneway-hq rules publish FILE`";

	if (cfg_getstr(cfg, "rules")) {
		conf_fault_say(r->err, r->err_size, conf_fault_line(cfg, "rules"),
		               "rules is no option any more", published);
		return -1;
	}
	if (!cfg_getstr(cfg, "ruleset"))
		return 0;
	conf_fault_say(r->err, r->err_size, conf_fault_line(cfg, "ruleset"),
	               "ruleset is no option any more", "versions to be given in hq.db");
	return -1;
}

static int read_rules(const struct reading *r, cfg_t *cfg)
{
	struct conf_ident ident = {.loyalty_count = 0};

	if (check_gone(r, cfg) != 0 || conf_ident_read(cfg, &ident, r->err, r->err_size) != 0 ||
	    ident_conf_check(&ident, r->path, r->err, r->err_size) != 0)
		return -1;
	ident_conf(&ident, cfg_getstr(cfg, "region"), "1", &r->conf->rules);
	return 0;
}

static int read_trust(const struct reading *r, cfg_t *cfg)
{
	struct conf_trusts trusts = {.count = 0};

	if (conf_trust_read(cfg, &trusts, r->err, r->err_size) != 0)
		return -1;
	return field_conf(&trusts, r->path, &r->conf->trust, r->err, r->err_size);
}

static int read_all(const struct reading *r, cfg_t *cfg)
{
	struct hq_conf *c = r->conf;
	const char *socket = cfg_getstr(cfg, "socket");
	char beside[sizeof c->data + 16];

	if (!cfg_getstr(cfg, "region"))
		return fault(r, "region is missing", conf_rule_expected(cfg, "region"));
	if (!cfg_getstr(cfg, "currency"))
		return fault(r, "currency is missing", conf_rule_expected(cfg, "currency"));
	text_copy(c->data, sizeof c->data, cfg_getstr(cfg, "data"));
	text_copy(c->keys, sizeof c->keys, cfg_getstr(cfg, "keys"));
	text_copy(c->currency, sizeof c->currency, cfg_getstr(cfg, "currency"));
	text_copy(c->broker_host, sizeof c->broker_host, cfg_getstr(cfg, "broker|host"));
	text_copy(c->webhook_url, sizeof c->webhook_url, cfg_getstr(cfg, "webhook|url"));
	c->broker_port = (int)cfg_getint(cfg, "broker|port");
	c->dark_s = (int)cfg_getint(cfg, "dark_seconds");
	c->shard_bytes = cfg_getint(cfg, "shard_mb") * INT64_C(1048576);
	c->log_level = log_level_named(cfg_getstr(cfg, "log_level"));
	snprintf(beside, sizeof beside, "%s/hq.sock", c->data);
	if (!text_copy(c->socket, sizeof c->socket, socket[0] ? socket : beside))
		return fault(r, "data is too long for its socket",
		             "a path of at most 99 bytes or a socket of its own");
	return read_rules(r, cfg) == 0 ? read_trust(r, cfg) : -1;
}

int hq_conf_read(const char *path, struct hq_conf **out, char *err, size_t err_size)
{
	struct hq_conf *c = memory_zeroed(1, sizeof *c);
	struct reading r = {c, path, err, err_size};
	cfg_t *cfg = NULL;
	int rc = -1;

	if (!c)
		snprintf(err, err_size, "%s: out of memory", path);
	else
		cfg = conf_file_read(path, &form, err, err_size);
	if (cfg) {
		rc = read_all(&r, cfg);
		cfg_free(cfg);
	}
	if (rc < 0) {
		hq_conf_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void hq_conf_free(struct hq_conf *c)
{
	free(c);
}

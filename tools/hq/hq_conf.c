#include "hq/hq_conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define HQ_CONF_FAULT_SIZE 512

static cfg_opt_t broker_opts[] = {
    CFG_STR("host", "127.0.0.1", CFGF_NONE),
    CFG_INT("port", 8883, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t webhook_opts[] = {
    CFG_STR("url", "", CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t loyalty_opts[] = {
    CFG_STR("prefix", NULL, CFGF_NODEFAULT),
    CFG_INT("length", 0, CFGF_NODEFAULT),
    CFG_STR("check", "none", CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t options[] = {
    CFG_STR("data", "/var/lib/laneway-hq", CFGF_NONE),
    CFG_STR("keys", "/etc/laneway/hq", CFGF_NONE),
    CFG_STR("socket", "", CFGF_NONE),
    CFG_STR("region", NULL, CFGF_NODEFAULT),
    CFG_STR("currency", NULL, CFGF_NODEFAULT),
    CFG_STR("ruleset", "1", CFGF_NONE),
    CFG_STR("log_level", "info", CFGF_NONE),
    CFG_INT("dark_seconds", 300, CFGF_NONE),
    CFG_SEC("broker", broker_opts, CFGF_NONE),
    CFG_SEC("webhook", webhook_opts, CFGF_NONE),
    CFG_SEC("loyalty", loyalty_opts, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
    CFG_END(),
};

enum rule_type {
	RULE_TEXT,
	RULE_INT,
	RULE_REGION,
	RULE_CURRENCY,
	RULE_LEVEL,
	RULE_URL,
	RULE_CHECK
};

static const struct rule {
	const char *path;
	enum rule_type type;
	long min, max; /* of the number, or of the text's bytes */
	const char *expected;
} rules[] = {
    {"data", RULE_TEXT, 1, 199, "a folder"},
    {"keys", RULE_TEXT, 1, 199, "a folder"},
    {"socket", RULE_TEXT, 0, 107, "a path of at most 107 bytes"},
    {"region", RULE_REGION, 2, 2, "an ISO 3166 code of two capital letters such as \"DE\""},
    {"currency", RULE_CURRENCY, 3, 3, "an ISO 4217 code such as \"EUR\""},
    {"ruleset", RULE_TEXT, 1, 32, "a version of 1 to 32 bytes"},
    {"log_level", RULE_LEVEL, 1, 8, "error, warn, info or debug"},
    {"dark_seconds", RULE_INT, 1, 86400, "1 to 86400 seconds"},
    {"broker|host", RULE_TEXT, 1, 255, "a host name or address"},
    {"broker|port", RULE_INT, 1, 65535, "a port from 1 to 65535"},
    {"webhook|url", RULE_URL, 0, 511, "an http or https URL"},
    {"loyalty|prefix", RULE_TEXT, 1, 32, "1 to 32 letters or digits"},
    {"loyalty|length", RULE_INT, 4, 32, "4 to 32 characters"},
    {"loyalty|check", RULE_CHECK, 1, 8, "none, luhn, ean or mod11"},
};

static const char *const levels[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};
static const char *const checks[] = {
    [LOYALTY_CHECK_NONE] = "none",
    [LOYALTY_CHECK_LUHN] = "luhn",
    [LOYALTY_CHECK_EAN] = "ean",
    [LOYALTY_CHECK_MOD11] = "mod11",
};
#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

static int word_index(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

static bool text_ok(const struct rule *r, const char *s)
{
	size_t n = strlen(s);

	if (n < (size_t)r->min || n > (size_t)r->max || !text_utf8_ok(s, n) ||
	    text_has_control(s, n))
		return false;
	switch (r->type) {
	case RULE_REGION:
		return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
	case RULE_CURRENCY:
		return num_currency_digits(s) >= 0;
	case RULE_LEVEL:
		return word_index(levels, COUNT(levels), s) >= 0;
	case RULE_CHECK:
		return word_index(checks, COUNT(checks), s) >= 0;
	case RULE_URL:
		return n == 0 || strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
	default:
		return true;
	}
}

static int check(cfg_t *cfg, cfg_opt_t *opt)
{
	bool root = strcmp(cfg_name(cfg), "root") == 0;
	const struct rule *r = rules;
	const char *s = NULL;
	char path[64];
	long v = 0;

	snprintf(path, sizeof path, "%s%s%s", root ? "" : cfg_name(cfg), root ? "" : "|",
	         opt->name);
	while (strcmp(r->path, path) != 0)
		r++;
	if (r->type == RULE_INT)
		v = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);
	else
		s = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	if (r->type == RULE_INT ? v >= r->min && v <= r->max : s && text_ok(r, s))
		return 0;
	if (r->type == RULE_INT)
		cfg_error(cfg, "%s is %ld, expected %s", opt->name, v, r->expected);
	else
		cfg_error(cfg, "%s is \"%s\", expected %s", opt->name, s ? s : "", r->expected);
	return -1;
}

/* libconfuse's error callback has no context pointer: the first fault waits here for hq_conf_read.
 */
static _Thread_local char first_fault[HQ_CONF_FAULT_SIZE];

static void note_fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	char what[HQ_CONF_FAULT_SIZE - 128];

	if (first_fault[0])
		return;
	vsnprintf(what, sizeof what, fmt, ap);
	snprintf(first_fault, sizeof first_fault, "%d: %s", cfg ? cfg->line : 0, what);
}

static int read_scheme(cfg_t *sec, struct ident_rules *out, char *err, size_t err_size)
{
	struct loyalty_scheme *s = &out->schemes[out->scheme_count];
	const char *fault = NULL, *prefix = cfg_getstr(sec, "prefix");

	if (!text_copy(s->name, sizeof s->name, cfg_title(sec)))
		fault = "its name is longer than 32 bytes";
	else if (!prefix || !text_copy(s->prefix, sizeof s->prefix, prefix))
		fault = "prefix is missing, expected 1 to 32 letters or digits";
	s->length = (int)cfg_getint(sec, "length");
	s->check = (enum loyalty_check)word_index(checks, COUNT(checks), cfg_getstr(sec, "check"));
	if (!fault)
		fault = ident_scheme_fault(s);
	if (fault) {
		snprintf(err, err_size, "loyalty \"%.32s\": %s", cfg_title(sec), fault);
		return -1;
	}
	out->scheme_count++;
	return 0;
}

static int read_rules(cfg_t *cfg, struct ident_rules *out, char *err, size_t err_size)
{
	unsigned n = cfg_size(cfg, "loyalty");

	text_copy(out->region, sizeof out->region, cfg_getstr(cfg, "region"));
	text_copy(out->ruleset, sizeof out->ruleset, cfg_getstr(cfg, "ruleset"));
	if (n > (unsigned)COUNT(out->schemes)) {
		snprintf(err, err_size, "too many loyalty schemes, expected at most %d",
		         COUNT(out->schemes));
		return -1;
	}
	for (unsigned i = 0; i < n; i++) {
		if (read_scheme(cfg_getnsec(cfg, "loyalty", i), out, err, err_size) != 0)
			return -1;
	}
	return 0;
}

static int read_all(cfg_t *cfg, struct hq_conf *c, char *err, size_t err_size)
{
	const char *socket = cfg_getstr(cfg, "socket");
	char beside[sizeof c->data + 16];

	for (const char *const *need = (const char *const[]){"region", "currency", NULL}; *need;
	     need++) {
		if (!cfg_getstr(cfg, *need)) {
			snprintf(err, err_size, "%s is missing", *need);
			return -1;
		}
	}
	text_copy(c->data, sizeof c->data, cfg_getstr(cfg, "data"));
	text_copy(c->keys, sizeof c->keys, cfg_getstr(cfg, "keys"));
	text_copy(c->currency, sizeof c->currency, cfg_getstr(cfg, "currency"));
	text_copy(c->broker_host, sizeof c->broker_host, cfg_getstr(cfg, "broker|host"));
	text_copy(c->webhook_url, sizeof c->webhook_url, cfg_getstr(cfg, "webhook|url"));
	c->broker_port = (int)cfg_getint(cfg, "broker|port");
	c->dark_s = (int)cfg_getint(cfg, "dark_seconds");
	c->log_level =
	    (enum log_level)word_index(levels, COUNT(levels), cfg_getstr(cfg, "log_level"));
	snprintf(beside, sizeof beside, "%s/hq.sock", c->data);
	if (!text_copy(c->socket, sizeof c->socket, socket[0] ? socket : beside)) {
		snprintf(err, err_size,
		         "data is too long for its socket, expected a path of at most 99 bytes"
		         " or a socket of its own");
		return -1;
	}
	return read_rules(cfg, &c->rules, err, err_size);
}

static cfg_t *parse(const char *path, char *err, size_t err_size)
{
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	int rc;

	if (!cfg)
		return NULL;
	first_fault[0] = '\0';
	cfg_set_error_function(cfg, note_fault);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		cfg_set_validate_func(cfg, rules[i].path, check);
	errno = 0;
	rc = cfg_parse(cfg, path);
	if (rc == CFG_SUCCESS && !first_fault[0])
		return cfg;
	if (rc == CFG_FILE_ERROR)
		snprintf(err, err_size, "%s: %s", path, errno ? strerror(errno) : "cannot be read");
	else
		snprintf(err, err_size, "%s:%s", path, first_fault);
	cfg_free(cfg);
	return NULL;
}

int hq_conf_read(const char *path, struct hq_conf **out, char *err, size_t err_size)
{
	char what[HQ_CONF_FAULT_SIZE / 2];
	struct hq_conf *c = calloc(1, sizeof *c);
	cfg_t *cfg;

	snprintf(err, err_size, "out of memory");
	cfg = c ? parse(path, err, err_size) : NULL;
	if (!cfg)
		goto err_free;
	if (read_all(cfg, c, what, sizeof what) != 0) {
		snprintf(err, err_size, "%s: %s", path, what);
		goto err_free_cfg;
	}
	cfg_free(cfg);
	*out = c;
	return 0;
err_free_cfg:
	cfg_free(cfg);
err_free:
	free(c);
	return -1;
}

void hq_conf_free(struct hq_conf *c)
{
	free(c);
}

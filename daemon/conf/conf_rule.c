#include "conf/conf_rule.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "conf/conf_fault.h"

#define ZONES "/usr/share/zoneinfo"

/* libconfuse calls back without a context: the table of the file being read, per thread. */
static _Thread_local const struct conf_rule *rules;

static bool id_ok(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool name_ok(const char *s)
{
	return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] ==
	       '\0';
}

static bool word_ok(const char *s, const char *words)
{
	size_t n = strlen(s);

	if (n == 0 || strchr(s, ' '))
		return false;
	for (const char *at = strstr(words, s); at; at = strstr(at + 1, s)) {
		if (at[-1] == ' ' && at[n] == ' ')
			return true;
	}
	return false;
}

static bool time_ok(const char *s)
{
	return s[0] >= '0' && s[0] <= '2' && s[1] >= '0' && s[1] <= '9' && s[2] == ':' &&
	       s[3] >= '0' && s[3] <= '5' && s[4] >= '0' && s[4] <= '9' &&
	       (s[0] < '2' || s[1] < '4');
}

static bool address_ok(const char *s)
{
	struct in6_addr any;

	return inet_pton(AF_INET, s, &any) == 1 || inet_pton(AF_INET6, s, &any) == 1;
}

static bool loopback_ok(const char *s)
{
	struct in_addr v4;

	if (strcmp(s, "::1") == 0)
		return true;
	return inet_pton(AF_INET, s, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* The zones' folder holds lists and folders too. */
static bool zone_ok(const char *s)
{
	char path[128], magic[4];
	bool right = false;

	if (s[0] == '/' || strstr(s, ".."))
		return false;
	snprintf(path, sizeof path, ZONES "/%s", s);
	FILE *f = fopen(path, "re");
	if (f) {
		right = fread(magic, 1, sizeof magic, f) == sizeof magic &&
		        memcmp(magic, "TZif", sizeof magic) == 0;
		fclose(f);
	}
	return right;
}

static bool country_ok(const char *s)
{
	return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool url_ok(const char *s)
{
	return !s[0] || strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

/* A host name of the public net, in its ASCII form. */
static bool domain_ok(const char *s)
{
	return name_ok(s) && !strchr(s, '_') && strchr(s, '.') && s[0] != '.' &&
	       s[strlen(s) - 1] != '.' && !strstr(s, "..");
}

/* It stands in addresses of pages. */
static bool lane_ok(const char *s)
{
	return name_ok(s) && !strchr(s, '.');
}

static bool text_ok(const struct conf_rule *r, const char *s)
{
	size_t n = strlen(s);

	if (r->type != CONF_RULE_WORD && (n < (size_t)r->min || n > (size_t)r->max))
		return false;
	if (!text_utf8_ok(s, n) || text_has_control(s, n))
		return false;
	switch (r->type) {
	case CONF_RULE_ID:
		return id_ok(s);
	case CONF_RULE_NAME:
		return name_ok(s);
	case CONF_RULE_WORD:
		return word_ok(s, r->words);
	case CONF_RULE_TIME:
		return time_ok(s);
	case CONF_RULE_CURRENCY:
		return num_currency_digits(s) >= 0;
	case CONF_RULE_ZONE:
		return zone_ok(s);
	case CONF_RULE_LANE:
		return lane_ok(s);
	case CONF_RULE_ADDRESS:
		return address_ok(s);
	case CONF_RULE_LOOPBACK:
		return loopback_ok(s);
	case CONF_RULE_COUNTRY:
		return country_ok(s);
	case CONF_RULE_URL:
		return url_ok(s);
	case CONF_RULE_DOMAIN:
		return domain_ok(s);
	case CONF_RULE_DIGITS:
		return s[strspn(s, "0123456789")] == '\0';
	case CONF_RULE_TEXT:
	case CONF_RULE_INT:
	case CONF_RULE_BOOL:
	case CONF_RULE_SECTION:
		break;
	}
	return true;
}

/* The table's row for an option: sections of any title share theirs. */
static const struct conf_rule *find(cfg_t *cfg, const char *option)
{
	char path[64];

	if (strcmp(cfg_name(cfg), "root") == 0)
		snprintf(path, sizeof path, "%s", option);
	else
		snprintf(path, sizeof path, "%s|%s", cfg_name(cfg), option);
	for (const struct conf_rule *r = rules; r->path; r++) {
		if (strcmp(r->path, path) == 0)
			return r;
	}
	return NULL;
}

bool conf_rule_title_ok(const char *title)
{
	size_t n = strlen(title);

	return n >= 1 && n <= 32 && !text_has_control(title, n);
}

const char *conf_rule_expected(cfg_t *cfg, const char *option)
{
	const struct conf_rule *r = find(cfg, option);

	return r ? r->expected : "another value";
}

static int check_int(cfg_t *cfg, cfg_opt_t *opt, const struct conf_rule *r)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= r->min && v <= r->max)
		return 0;
	cfg_error(cfg, "%s is %ld, expected %s", opt->name, v, r->expected);
	return -1;
}

/* The value that was read last, which may be one of a list. */
static int check_text(cfg_t *cfg, cfg_opt_t *opt, const struct conf_rule *r)
{
	unsigned last = cfg_opt_size(opt) - 1;
	const char *s = cfg_opt_getnstr(opt, last);
	bool right = s && text_ok(r, s);

	for (unsigned i = 0; right && i < last; i++)
		right = strcmp(cfg_opt_getnstr(opt, i), s) != 0;
	if (right)
		return 0;
	cfg_error(cfg, "%s is \"%s\", expected %s", opt->name, s ? s : "", r->expected);
	return -1;
}

static int check(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_rule *r = find(cfg, cfg_opt_name(opt));
	bool section = r && r->type == CONF_RULE_SECTION;

	/* libconfuse reads "http|port" at the top level as port in http; nobody else does. */
	if (!r) {
		cfg_error(cfg, "%s is not an option here, expected it in its section", opt->name);
		return -1;
	}
	if (!(opt->flags & CFGF_LIST) && conf_fault_mark(cfg, opt) < 0)
		return -1;
	if (section || r->type == CONF_RULE_BOOL)
		return 0;
	return r->type == CONF_RULE_INT ? check_int(cfg, opt, r) : check_text(cfg, opt, r);
}

void conf_rule_attach(cfg_t *cfg, const struct conf_rule *table)
{
	rules = table;
	for (const struct conf_rule *r = table; r->path; r++)
		cfg_set_validate_func(cfg, r->path, check);
}

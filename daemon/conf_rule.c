#include "conf_rule.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "conf_fault.h"

#define ZONES "/usr/share/zoneinfo"

enum rule_type {
	RULE_SECTION,
	RULE_BOOL,
	RULE_INT,
	RULE_ID,
	RULE_NAME,
	RULE_TEXT,
	RULE_WORD,
	RULE_TIME,
	RULE_CURRENCY,
	RULE_ZONE,
	RULE_LANE,
	RULE_ADDRESS,
	RULE_LOOPBACK
};

struct rule {
	const char *path;
	enum rule_type type;
	long min, max;     /* of the number, or of the text's bytes */
	const char *words; /* RULE_WORD: " cr lf " */
	const char *expected;
};

static const struct rule rules[] = {
    {"store", RULE_ID, 1, 32, NULL, "1 to 32 characters out of a-z, 0-9 and -"},
    {"device", RULE_ID, 1, 32, NULL, "1 to 32 characters out of a-z, 0-9 and -"},
    {"data", RULE_TEXT, 1, 199, NULL, "a folder"},
    {"keys", RULE_TEXT, 1, 199, NULL, "a folder"},
    {"timezone", RULE_ZONE, 1, 64, NULL, "an IANA time zone such as \"Europe/Berlin\""},
    {"day_cut", RULE_TIME, 5, 5, NULL, "an hour of the day such as \"04:00\""},
    {"currency", RULE_CURRENCY, 3, 3, NULL, "an ISO 4217 code such as \"EUR\""},
    {"region", RULE_NAME, 2, 2, NULL, "an ISO 3166 code of two letters such as \"DE\""},
    {"ruleset", RULE_NAME, 1, 32, NULL, "a version of 1 to 32 letters, digits, '.', '_' or '-'"},
    {"log_level", RULE_WORD, 0, 0, " error warn info debug ", "error, warn, info or debug"},
    {"lanes", RULE_LANE, 1, 32, NULL, "names of 1 to 32 letters, digits, '_' or '-', each once"},
    {"journal", RULE_SECTION, 0, 0, NULL, ""},
    {"uplink", RULE_SECTION, 0, 0, NULL, ""},
    {"http", RULE_SECTION, 0, 0, NULL, ""},
    {"pos", RULE_SECTION, 0, 0, NULL, ""},
    {"prompt", RULE_SECTION, 0, 0, NULL, ""},
    {"journal|retention_days", RULE_INT, 1, 3650, NULL, "1 to 3650 days"},
    {"journal|quota_mb", RULE_INT, 4, 1048576, NULL, "4 to 1048576 MiB"},
    {"uplink|broker", RULE_TEXT, 1, 255, NULL, "a host name or address"},
    {"uplink|port", RULE_INT, 1, 65535, NULL, "a port from 1 to 65535"},
    {"http|listen", RULE_LOOPBACK, 1, 63, NULL,
     "a loopback address: the screens have no login yet"},
    {"http|port", RULE_INT, 0, 65535, NULL, "a port from 0 (any free one) to 65535"},
    {"http|socket", RULE_TEXT, 1, 107, NULL, "a path of at most 107 bytes"},
    {"pos|listen", RULE_ADDRESS, 1, 63, NULL, "an IP address such as \"127.0.0.1\""},
    {"pos|port", RULE_INT, 0, 65535, NULL, "a port from 0 (any free one) to 65535"},
    {"pos|token_file", RULE_TEXT, 1, 255, NULL, "a file that holds the tills' token"},
    {"prompt|ask", RULE_TEXT, 0, 128, NULL, "at most 128 bytes"},
    {"prompt|greet", RULE_TEXT, 0, 128, NULL, "at most 128 bytes"},
    {"scanner|lane", RULE_NAME, 1, 32, NULL, "the name of a lane"},
    {"scanner|role", RULE_WORD, 0, 0, " lane ", "lane"},
    {"scanner|port", RULE_TEXT, 1, 255, NULL, "a device such as \"/dev/serial/by-path/...\""},
    {"scanner|baud", RULE_INT, 1200, 921600, NULL, "1200 to 921600"},
    {"scanner|terminator", RULE_WORD, 0, 0, " cr lf crlf tab any ", "cr, lf, crlf, tab or any"},
    {"scanner|prefix", RULE_TEXT, 0, 16, NULL, "at most 16 bytes"},
    {"scanner|aim", RULE_BOOL, 0, 0, NULL, "true or false"},
    {"scanner|min", RULE_INT, 1, 8191, NULL, "1 to 8191 bytes"},
    {"scanner|max", RULE_INT, 1, 8191, NULL, "1 to 8191 bytes"},
    {"scanner|guard_ms", RULE_INT, 0, 5000, NULL, "0 to 5000 ms"},
    {"loyalty|prefix", RULE_NAME, 1, 32, NULL, "1 to 32 letters or digits"},
    {"loyalty|length", RULE_INT, 4, 32, NULL, "4 to 32 characters"},
    {"loyalty|check", RULE_WORD, 0, 0, " none luhn ean mod11 ", "none, luhn, ean or mod11"},
};

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

/* It stands in addresses of pages. */
static bool lane_ok(const char *s)
{
	return name_ok(s) && !strchr(s, '.');
}

static bool text_ok(const struct rule *r, const char *s)
{
	size_t n = strlen(s);

	if (r->type != RULE_WORD && (n < (size_t)r->min || n > (size_t)r->max))
		return false;
	if (!text_utf8_ok(s, n) || text_has_control(s, n))
		return false;
	switch (r->type) {
	case RULE_ID:
		return id_ok(s);
	case RULE_NAME:
		return name_ok(s);
	case RULE_WORD:
		return word_ok(s, r->words);
	case RULE_TIME:
		return time_ok(s);
	case RULE_CURRENCY:
		return num_currency_digits(s) >= 0;
	case RULE_ZONE:
		return zone_ok(s);
	case RULE_LANE:
		return lane_ok(s);
	case RULE_ADDRESS:
		return address_ok(s);
	case RULE_LOOPBACK:
		return loopback_ok(s);
	case RULE_TEXT:
	case RULE_INT:
	case RULE_BOOL:
	case RULE_SECTION:
		break;
	}
	return true;
}

/* The table's row for an option: sections of any title share theirs. */
static const struct rule *find(cfg_t *cfg, const char *option)
{
	char path[64];

	if (strcmp(cfg_name(cfg), "root") == 0)
		snprintf(path, sizeof path, "%s", option);
	else
		snprintf(path, sizeof path, "%s|%s", cfg_name(cfg), option);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (strcmp(rules[i].path, path) == 0)
			return &rules[i];
	}
	return NULL;
}

const char *conf_rule_expected(cfg_t *cfg, const char *option)
{
	const struct rule *r = find(cfg, option);

	return r ? r->expected : "another value";
}

static int check_int(cfg_t *cfg, cfg_opt_t *opt, const struct rule *r)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= r->min && v <= r->max)
		return 0;
	cfg_error(cfg, "%s is %ld, expected %s", opt->name, v, r->expected);
	return -1;
}

/* The value that was read last, which may be one of a list. */
static int check_text(cfg_t *cfg, cfg_opt_t *opt, const struct rule *r)
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
	const struct rule *r = find(cfg, cfg_opt_name(opt));
	bool section = r && r->type == RULE_SECTION;

	/* libconfuse reads "http|port" at the top level as port in http; nobody else does. */
	if (!r) {
		cfg_error(cfg, "%s is not an option here, expected it in its section", opt->name);
		return -1;
	}
	if (!(opt->flags & CFGF_LIST) && conf_fault_mark(cfg, opt) < 0)
		return -1;
	if (section || r->type == RULE_BOOL)
		return 0;
	return r->type == RULE_INT ? check_int(cfg, opt, r) : check_text(cfg, opt, r);
}

void conf_rule_attach(cfg_t *cfg)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		cfg_set_validate_func(cfg, rules[i].path, check);
}

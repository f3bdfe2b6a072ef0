#include "conf_rule.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

enum rule_type {
	RULE_INT,
	RULE_ID,
	RULE_NAME,
	RULE_TEXT,
	RULE_WORD,
	RULE_TIME,
	RULE_CURRENCY,
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
    {"timezone", RULE_TEXT, 1, 64, NULL, "an IANA time zone such as \"Europe/Berlin\""},
    {"day_cut", RULE_TIME, 5, 5, NULL, "an hour of the day such as \"04:00\""},
    {"currency", RULE_CURRENCY, 3, 3, NULL, "an ISO 4217 code such as \"EUR\""},
    {"region", RULE_NAME, 2, 2, NULL, "an ISO 3166 code of two letters such as \"DE\""},
    {"ruleset", RULE_NAME, 1, 32, NULL, "a version of 1 to 32 letters, digits, '.', '_' or '-'"},
    {"log_level", RULE_WORD, 0, 0, " error warn info debug ", "error, warn, info or debug"},
    {"journal|retention_days", RULE_INT, 1, 3650, NULL, "1 to 3650 days"},
    {"journal|quota_mb", RULE_INT, 4, 1048576, NULL, "4 to 1048576 MiB"},
    {"uplink|broker", RULE_TEXT, 1, 255, NULL, "a host name or address"},
    {"uplink|port", RULE_INT, 1, 65535, NULL, "a port from 1 to 65535"},
    {"http|listen", RULE_LOOPBACK, 1, 63, NULL,
     "a loopback address: the screens have no login yet"},
    {"http|port", RULE_INT, 0, 65535, NULL, "a port from 0 (any free one) to 65535"},
    {"http|socket", RULE_TEXT, 1, 107, NULL, "a path of at most 107 bytes"},
    {"pos|listen", RULE_TEXT, 1, 63, NULL, "an address"},
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

static bool loopback_ok(const char *s)
{
	struct in_addr v4;

	if (strcmp(s, "::1") == 0)
		return true;
	return inet_pton(AF_INET, s, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
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
	case RULE_LOOPBACK:
		return loopback_ok(s);
	case RULE_TEXT:
	case RULE_INT:
		break;
	}
	return true;
}

/* The table's row for an option: sections of any title share theirs. */
static const struct rule *find(const char *section, const char *option)
{
	char path[64];

	if (section)
		snprintf(path, sizeof path, "%s|%s", section, option);
	else
		snprintf(path, sizeof path, "%s", option);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (strcmp(rules[i].path, path) == 0)
			return &rules[i];
	}
	return NULL;
}

static int check(cfg_t *cfg, cfg_opt_t *opt)
{
	bool root = strcmp(cfg_name(cfg), "root") == 0;
	const struct rule *r = find(root ? NULL : cfg_name(cfg), cfg_opt_name(opt));
	unsigned last = cfg_opt_size(opt) - 1;

	if (r->type == RULE_INT) {
		long v = cfg_opt_getnint(opt, last);
		if (v >= r->min && v <= r->max)
			return 0;
		cfg_error(cfg, "%s is %ld, expected %s", opt->name, v, r->expected);
		return -1;
	}
	const char *s = cfg_opt_getnstr(opt, last);
	if (s && text_ok(r, s))
		return 0;
	cfg_error(cfg, "%s is \"%s\", expected %s", opt->name, s ? s : "", r->expected);
	return -1;
}

void conf_rule_attach(cfg_t *cfg)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		cfg_set_validate_func(cfg, rules[i].path, check);
}

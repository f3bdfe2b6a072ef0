#include "conf/conf_option.h"

#include <stddef.h>

#include "conf/conf_ident.h"
#include "conf/conf_trust.h"

static cfg_opt_t journal_opts[] = {
    CFG_INT("retention_days", 7, CFGF_NONE),
    CFG_INT("quota_mb", 2048, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t uplink_opts[] = {
    CFG_STR("broker", "", CFGF_NODEFAULT),
    CFG_INT("port", 8883, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t http_opts[] = {
    CFG_STR("listen", "127.0.0.1", CFGF_NONE),
    CFG_INT("port", 8080, CFGF_NONE),
    CFG_STR("socket", "/run/laneway/api.sock", CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t pos_opts[] = {
    CFG_STR("listen", "127.0.0.1", CFGF_NONE),
    CFG_INT("port", 7070, CFGF_NONE),
    CFG_STR("token_file", "", CFGF_NODEFAULT),
    CFG_END(),
};
static cfg_opt_t prompt_opts[] = {
    CFG_STR("ask", "Ask for the customer card", CFGF_NONE),
    CFG_STR("greet", "Greet by name", CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t scanner_opts[] = {
    CFG_STR("lane", NULL, CFGF_NODEFAULT),
    CFG_STR("role", "lane", CFGF_NONE),
    CFG_STR("port", NULL, CFGF_NODEFAULT),
    CFG_INT("baud", 9600, CFGF_NONE),
    CFG_STR("terminator", "any", CFGF_NONE),
    CFG_STR("prefix", "", CFGF_NONE),
    CFG_BOOL("aim", cfg_false, CFGF_NONE),
    CFG_INT("min", 3, CFGF_NONE),
    CFG_INT("max", 512, CFGF_NONE),
    CFG_INT("guard_ms", 700, CFGF_NONE),
    CFG_END(),
};
static cfg_opt_t options[] = {
    CFG_STR("store", NULL, CFGF_NODEFAULT),
    CFG_STR("device", NULL, CFGF_NODEFAULT),
    CFG_STR("data", "/var/lib/laneway", CFGF_NONE),
    CFG_STR("keys", "/etc/laneway/keys", CFGF_NONE),
    CFG_STR("timezone", "UTC", CFGF_NONE),
    CFG_STR("day_cut", "04:00", CFGF_NONE),
    CFG_STR("currency", NULL, CFGF_NODEFAULT),
    CFG_STR("region", NULL, CFGF_NODEFAULT),
    CFG_STR("ruleset", "1", CFGF_NONE),
    CFG_STR("rules", "", CFGF_NONE),
    CFG_STR("log_level", "info", CFGF_NONE),
    CFG_STR_LIST("lanes", NULL, CFGF_NODEFAULT),
    CFG_SEC("journal", journal_opts, CFGF_NONE),
    CFG_SEC("uplink", uplink_opts, CFGF_NODEFAULT),
    CFG_SEC("http", http_opts, CFGF_NONE),
    CFG_SEC("pos", pos_opts, CFGF_NODEFAULT),
    CFG_SEC("prompt", prompt_opts, CFGF_NONE),
    CFG_SEC("scanner", scanner_opts, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
    CONF_IDENT_OPTIONS,
    CONF_TRUST_OPTIONS,
    CFG_END(),
};

static const struct conf_rule rules[] = {
    {"store", CONF_RULE_ID, 1, 32, NULL, "1 to 32 characters out of a-z, 0-9 and -"},
    {"device", CONF_RULE_ID, 1, 32, NULL, "1 to 32 characters out of a-z, 0-9 and -"},
    {"data", CONF_RULE_TEXT, 1, 199, NULL, "a folder"},
    {"keys", CONF_RULE_TEXT, 1, 199, NULL, "a folder"},
    {"timezone", CONF_RULE_ZONE, 1, 64, NULL, "an IANA time zone such as \"Europe/Berlin\""},
    {"day_cut", CONF_RULE_TIME, 5, 5, NULL, "an hour of the day such as \"04:00\""},
    {"currency", CONF_RULE_CURRENCY, 3, 3, NULL, "an ISO 4217 code such as \"EUR\""},
    {"region", CONF_RULE_NAME, 2, 2, NULL, "an ISO 3166 code of two letters such as \"DE\""},
    {"ruleset", CONF_RULE_NAME, 1, 32, NULL,
     "a version of 1 to 32 letters, digits, '.', '_' or '-'"},
    {"rules", CONF_RULE_TEXT, 1, 255, NULL, "a file with a rule table"},
    {"log_level", CONF_RULE_WORD, 0, 0, " error warn info debug ", "error, warn, info or debug"},
    {"lanes", CONF_RULE_LANE, 1, 32, NULL,
     "names of 1 to 32 letters, digits, '_' or '-', each once"},
    {"journal", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"uplink", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"http", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"pos", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"prompt", CONF_RULE_SECTION, 0, 0, NULL, ""},
    {"journal|retention_days", CONF_RULE_INT, 1, 3650, NULL, "1 to 3650 days"},
    {"journal|quota_mb", CONF_RULE_INT, 4, 1048576, NULL, "4 to 1048576 MiB"},
    {"uplink|broker", CONF_RULE_TEXT, 1, 255, NULL, "a host name or address"},
    {"uplink|port", CONF_RULE_INT, 1, 65535, NULL, "a port from 1 to 65535"},
    {"http|listen", CONF_RULE_LOOPBACK, 1, 63, NULL,
     "a loopback address: the screens have no login yet"},
    {"http|port", CONF_RULE_INT, 0, 65535, NULL, "a port from 0 (any free one) to 65535"},
    {"http|socket", CONF_RULE_TEXT, 1, 107, NULL, "a path of at most 107 bytes"},
    {"pos|listen", CONF_RULE_ADDRESS, 1, 63, NULL, "an IP address such as \"127.0.0.1\""},
    {"pos|port", CONF_RULE_INT, 0, 65535, NULL, "a port from 0 (any free one) to 65535"},
    {"pos|token_file", CONF_RULE_TEXT, 1, 255, NULL, "a file that holds the tills' token"},
    {"prompt|ask", CONF_RULE_TEXT, 0, 128, NULL, "at most 128 bytes"},
    {"prompt|greet", CONF_RULE_TEXT, 0, 128, NULL, "at most 128 bytes"},
    {"scanner|lane", CONF_RULE_NAME, 1, 32, NULL, "the name of a lane"},
    {"scanner|role", CONF_RULE_WORD, 0, 0, " lane ", "lane"},
    {"scanner|port", CONF_RULE_TEXT, 1, 255, NULL, "a device such as \"/dev/serial/by-path/...\""},
    {"scanner|baud", CONF_RULE_INT, 1200, 921600, NULL, "1200 to 921600"},
    {"scanner|terminator", CONF_RULE_WORD, 0, 0, " cr lf crlf tab any ",
     "cr, lf, crlf, tab or any"},
    {"scanner|prefix", CONF_RULE_TEXT, 0, 16, NULL, "at most 16 bytes"},
    {"scanner|aim", CONF_RULE_BOOL, 0, 0, NULL, "true or false"},
    {"scanner|min", CONF_RULE_INT, 1, 8191, NULL, "1 to 8191 bytes"},
    {"scanner|max", CONF_RULE_INT, 1, 8191, NULL, "1 to 8191 bytes"},
    {"scanner|guard_ms", CONF_RULE_INT, 0, 5000, NULL, "0 to 5000 ms"},
    CONF_IDENT_RULES,
    CONF_TRUST_RULES,
    {.path = NULL},
};

const struct conf_form conf_option_form = {options, rules};

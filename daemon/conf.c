#include "conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf_rule.h"

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
static cfg_opt_t loyalty_opts[] = {
    CFG_STR("prefix", NULL, CFGF_NODEFAULT),
    CFG_INT("length", 0, CFGF_NODEFAULT),
    CFG_STR("check", "none", CFGF_NONE),
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
    CFG_STR("log_level", "info", CFGF_NONE),
    CFG_STR_LIST("lanes", NULL, CFGF_NODEFAULT),
    CFG_SEC("journal", journal_opts, CFGF_NONE),
    CFG_SEC("uplink", uplink_opts, CFGF_NODEFAULT),
    CFG_SEC("http", http_opts, CFGF_NONE),
    CFG_SEC("pos", pos_opts, CFGF_NODEFAULT),
    CFG_SEC("prompt", prompt_opts, CFGF_NONE),
    CFG_SEC("scanner", scanner_opts, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
    CFG_SEC("loyalty", loyalty_opts, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
    CFG_END(),
};

/* libconfuse's error callback carries no context pointer, so the first fault waits here between the
 * callback and conf_read's return; configuration is read by one thread. */
static _Thread_local char first_fault[512];

static void note_fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	char what[384];

	if (first_fault[0])
		return;
	vsnprintf(what, sizeof what, fmt, ap);
	snprintf(first_fault, sizeof first_fault, "%s:%d: %s",
	         cfg && cfg->filename ? cfg->filename : "?", cfg ? cfg->line : 0, what);
}

struct reading {
	struct conf *conf;
	const char *path;
	char *err;
	size_t err_size;
};

static int fault(const struct reading *r, const char *what, const char *expected)
{
	snprintf(r->err, r->err_size, "%s: %s, expected %s", r->path, what, expected);
	return -1;
}

static int missing(const struct reading *r, const char *where, const char *option,
                   const char *expected)
{
	char what[128];

	snprintf(what, sizeof what, "%s%s is missing", where, option);
	return fault(r, what, expected);
}

static int read_lanes(const struct reading *r, cfg_t *cfg)
{
	struct conf *c = r->conf;
	unsigned n = cfg_size(cfg, "lanes");

	if (n == 0)
		return missing(r, "", "lanes", "a list such as lanes = {\"1\", \"2\"}");
	if (n > CONF_LANES_MAX)
		return fault(r, "too many lanes", "at most 64");
	for (unsigned i = 0; i < n; i++) {
		const char *name = cfg_getnstr(cfg, "lanes", i);
		size_t len = strlen(name);
		if (len == 0 || len > 32 ||
		    name[strspn(
		        name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
			return fault(r, "a lane's name is wrong",
			             "1 to 32 letters, digits, '_' or '-'");
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(c->lanes[k], name) == 0)
				return fault(r, "a lane is named twice", "each lane once");
		}
		text_copy(c->lanes[i], sizeof c->lanes[i], name);
		c->lane_names[i] = c->lanes[i];
	}
	c->lane_count = (int)n;
	return 0;
}

static bool known_lane(const struct conf *c, const char *lane)
{
	for (int i = 0; i < c->lane_count; i++) {
		if (strcmp(c->lanes[i], lane) == 0)
			return true;
	}
	return false;
}

static int read_scanner(const struct reading *r, cfg_t *sec, struct conf_scanner *s)
{
	char where[64];

	snprintf(where, sizeof where, "scanner \"%.32s\": ", cfg_title(sec));
	if (!text_copy(s->name, sizeof s->name, cfg_title(sec)) || !s->name[0] ||
	    strcmp(s->name, "box") == 0 || text_has_control(s->name, strlen(s->name)))
		return fault(r, where, "a name of 1 to 32 bytes other than \"box\"");
	if (!cfg_getstr(sec, "lane"))
		return missing(r, where, "lane", "the name of a lane");
	if (!cfg_getstr(sec, "port"))
		return missing(r, where, "port", "a device such as \"/dev/serial/by-path/...\"");
	if (!known_lane(r->conf, cfg_getstr(sec, "lane"))) {
		strcat(where, "unknown lane");
		return fault(r, where, "one of those in \"lanes\"");
	}
	text_copy(s->lane, sizeof s->lane, cfg_getstr(sec, "lane"));
	text_copy(s->port, sizeof s->port, cfg_getstr(sec, "port"));
	text_copy(s->role, sizeof s->role, cfg_getstr(sec, "role"));
	text_copy(s->terminator, sizeof s->terminator, cfg_getstr(sec, "terminator"));
	text_copy(s->prefix, sizeof s->prefix, cfg_getstr(sec, "prefix"));
	s->baud = (int)cfg_getint(sec, "baud");
	s->aim = cfg_getbool(sec, "aim");
	s->length_min = (int)cfg_getint(sec, "min");
	s->length_max = (int)cfg_getint(sec, "max");
	s->guard_ms = (int)cfg_getint(sec, "guard_ms");
	if (s->length_min > s->length_max) {
		strcat(where, "min > max");
		return fault(r, where, "min at most max");
	}
	return 0;
}

static int read_scanners(const struct reading *r, cfg_t *cfg)
{
	unsigned n = cfg_size(cfg, "scanner");

	if (n > CONF_SCANNERS_MAX)
		return fault(r, "too many scanners", "at most 64");
	for (unsigned i = 0; i < n; i++) {
		if (read_scanner(r, cfg_getnsec(cfg, "scanner", i), &r->conf->scanners[i]) < 0)
			return -1;
	}
	r->conf->scanner_count = (int)n;
	return 0;
}

static int read_schemes(const struct reading *r, cfg_t *cfg)
{
	unsigned n = cfg_size(cfg, "loyalty");

	if (n > CONF_SCHEMES_MAX)
		return fault(r, "too many loyalty schemes", "at most 16");
	for (unsigned i = 0; i < n; i++) {
		cfg_t *sec = cfg_getnsec(cfg, "loyalty", i);
		struct conf_scheme *s = &r->conf->schemes[i];
		char where[64];
		snprintf(where, sizeof where, "loyalty \"%.32s\": ", cfg_title(sec));
		if (!text_copy(s->name, sizeof s->name, cfg_title(sec)) || !s->name[0])
			return fault(r, where, "a name of 1 to 32 bytes");
		if (!cfg_getstr(sec, "prefix"))
			return missing(r, where, "prefix", "what every card starts with");
		if (cfg_getint(sec, "length") == 0)
			return missing(r, where, "length", "4 to 32 characters");
		text_copy(s->prefix, sizeof s->prefix, cfg_getstr(sec, "prefix"));
		text_copy(s->check, sizeof s->check, cfg_getstr(sec, "check"));
		s->length = (int)cfg_getint(sec, "length");
	}
	r->conf->scheme_count = (int)n;
	return 0;
}

/* The first line of the file that holds the tills' shared secret. */
static int read_token(const struct reading *r, const char *path)
{
	struct conf *c = r->conf;
	struct stat st;
	char what[384];
	FILE *f = fopen(path, "re");

	if (!f || fstat(fileno(f), &st) < 0) {
		snprintf(what, sizeof what, "pos: token_file %s: %s", path, strerror(errno));
		if (f)
			fclose(f);
		return fault(r, what, "a file that can be read");
	}
	bool got = fgets(c->pos_token, sizeof c->pos_token, f) != NULL;
	fclose(f);
	c->pos_token[strcspn(c->pos_token, "\r\n")] = '\0';
	if (st.st_mode & 077) {
		snprintf(what, sizeof what, "pos: token_file %s can be read by others", path);
		return fault(r, what, "mode 0600 (chmod 600)");
	}
	if (!got || strlen(c->pos_token) < 16) {
		snprintf(what, sizeof what, "pos: token_file %s is too short", path);
		return fault(r, what, "a token of 16 to 128 characters");
	}
	return 0;
}

static int read_services(const struct reading *r, cfg_t *cfg)
{
	struct conf *c = r->conf;
	cfg_t *http = cfg_getsec(cfg, "http"), *prompt = cfg_getsec(cfg, "prompt");
	cfg_t *uplink = cfg_size(cfg, "uplink") ? cfg_getsec(cfg, "uplink") : NULL;
	cfg_t *pos = cfg_size(cfg, "pos") ? cfg_getsec(cfg, "pos") : NULL;

	text_copy(c->http_listen, sizeof c->http_listen, cfg_getstr(http, "listen"));
	text_copy(c->http_socket, sizeof c->http_socket, cfg_getstr(http, "socket"));
	c->http_port = (int)cfg_getint(http, "port");
	text_copy(c->prompt_ask, sizeof c->prompt_ask, cfg_getstr(prompt, "ask"));
	text_copy(c->prompt_greet, sizeof c->prompt_greet, cfg_getstr(prompt, "greet"));
	if (uplink) {
		if (!cfg_getstr(uplink, "broker") || !cfg_getstr(uplink, "broker")[0])
			return missing(r, "uplink: ", "broker", "a host name or address");
		text_copy(c->broker_host, sizeof c->broker_host, cfg_getstr(uplink, "broker"));
		c->broker_port = (int)cfg_getint(uplink, "port");
	}
	c->pos_port = -1;
	if (pos) {
		text_copy(c->pos_listen, sizeof c->pos_listen, cfg_getstr(pos, "listen"));
		c->pos_port = (int)cfg_getint(pos, "port");
		if (!cfg_getstr(pos, "token_file") || !cfg_getstr(pos, "token_file")[0])
			return missing(r, "pos: ", "token_file",
			               "a file that holds the tills' token");
		if (read_token(r, cfg_getstr(pos, "token_file")) < 0)
			return -1;
	}
	return 0;
}

static int read_store(const struct reading *r, cfg_t *cfg)
{
	static const char *const needed[][2] = {
	    {"store", "the store's id, such as store = \"berlin-7\""},
	    {"device", "this box's id, such as device = \"box-1\""},
	    {"currency", "an ISO 4217 code such as currency = \"EUR\""},
	    {"region", "a country for phone numbers such as region = \"DE\""},
	};
	struct conf *c = r->conf;
	char zone[128];

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		if (!cfg_getstr(cfg, needed[i][0]))
			return missing(r, "", needed[i][0], needed[i][1]);
	}
	text_copy(c->store, sizeof c->store, cfg_getstr(cfg, "store"));
	text_copy(c->device, sizeof c->device, cfg_getstr(cfg, "device"));
	text_copy(c->data_dir, sizeof c->data_dir, cfg_getstr(cfg, "data"));
	text_copy(c->keys_dir, sizeof c->keys_dir, cfg_getstr(cfg, "keys"));
	text_copy(c->timezone, sizeof c->timezone, cfg_getstr(cfg, "timezone"));
	text_copy(c->currency, sizeof c->currency, cfg_getstr(cfg, "currency"));
	text_copy(c->region, sizeof c->region, cfg_getstr(cfg, "region"));
	text_copy(c->ruleset, sizeof c->ruleset, cfg_getstr(cfg, "ruleset"));
	text_copy(c->log_level, sizeof c->log_level, cfg_getstr(cfg, "log_level"));
	snprintf(zone, sizeof zone, "/usr/share/zoneinfo/%s", c->timezone);
	if (strstr(c->timezone, "..") || access(zone, R_OK) < 0)
		return fault(r, "timezone is not known here",
		             "an IANA time zone such as \"Europe/Berlin\"");
	const char *cut = cfg_getstr(cfg, "day_cut");
	c->day_cut_min =
	    ((cut[0] - '0') * 10 + cut[1] - '0') * 60 + (cut[3] - '0') * 10 + cut[4] - '0';
	cfg_t *journal = cfg_getsec(cfg, "journal");
	c->retention_days = (int)cfg_getint(journal, "retention_days");
	c->quota_bytes = (int64_t)cfg_getint(journal, "quota_mb") * 1024 * 1024;
	return 0;
}

static int fill(const struct reading *r, cfg_t *cfg)
{
	if (read_store(r, cfg) < 0 || read_lanes(r, cfg) < 0 || read_scanners(r, cfg) < 0)
		return -1;
	return read_schemes(r, cfg) < 0 ? -1 : read_services(r, cfg);
}

int conf_read(const char *path, struct conf **out, char *err, size_t err_size)
{
	struct conf *c = calloc(1, sizeof *c);
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	struct reading r = {c, path, err, err_size};
	int rc = -1;

	snprintf(err, err_size, "%s: out of memory", path);
	if (!c || !cfg)
		goto done;
	text_copy(c->path, sizeof c->path, path);
	conf_rule_attach(cfg);
	cfg_set_error_function(cfg, note_fault);
	first_fault[0] = '\0';
	switch (cfg_parse(cfg, path)) {
	case CFG_SUCCESS:
		rc = fill(&r, cfg);
		break;
	case CFG_FILE_ERROR:
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		break;
	default:
		snprintf(err, err_size, "%s",
		         first_fault[0] ? first_fault : "the file cannot be read");
		break;
	}
done:
	if (cfg)
		cfg_free(cfg);
	if (rc < 0) {
		conf_free(c);
		return -1;
	}
	err[0] = '\0';
	*out = c;
	return 0;
}

void conf_free(struct conf *c)
{
	if (c)
		explicit_bzero(c->pos_token, sizeof c->pos_token);
	free(c);
}

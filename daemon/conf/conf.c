#include "conf/conf.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/conf_fault.h"
#include "conf/conf_option.h"

struct reading {
	struct conf *conf;
	char *err;
	size_t err_size;
};

static int fault(const struct reading *r, int line, const char *what, const char *expected)
{
	conf_fault_say(r->err, r->err_size, line, what, expected);
	return -1;
}

static int section_fault(const struct reading *r, cfg_t *sec, const char *option, const char *what,
                         const char *expected)
{
	conf_fault_say_section(r->err, r->err_size, sec, option, what, expected);
	return -1;
}

static int read_lanes(const struct reading *r, cfg_t *cfg)
{
	struct conf *c = r->conf;
	unsigned n = cfg_size(cfg, "lanes");

	if (n == 0)
		return fault(r, 0, "lanes is missing", "a list such as lanes = {\"1\", \"2\"}");
	if (n > CONF_LANES_MAX)
		return fault(r, 0, "too many lanes", "at most 64");
	for (unsigned i = 0; i < n; i++) {
		text_copy(c->lanes[i], sizeof c->lanes[i], cfg_getnstr(cfg, "lanes", i));
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

static int check_scanner(const struct reading *r, cfg_t *sec)
{
	if (!conf_rule_title_ok(cfg_title(sec)) || strcmp(cfg_title(sec), "box") == 0 ||
	    strncmp(cfg_title(sec), "till:", 5) == 0)
		return section_fault(r, sec, "", "the name is wrong",
		                     "1 to 32 bytes, not \"box\" and not \"till:...\"");
	if (!cfg_getstr(sec, "lane"))
		return section_fault(r, sec, "", "lane is missing", "the name of a lane");
	if (!cfg_getstr(sec, "port"))
		return section_fault(r, sec, "", "port is missing",
		                     "a device such as \"/dev/serial/by-path/...\"");
	if (!known_lane(r->conf, cfg_getstr(sec, "lane")))
		return section_fault(r, sec, "lane", "unknown lane", "one of those in lanes");
	if (cfg_getint(sec, "min") > cfg_getint(sec, "max"))
		return section_fault(r, sec, "min", "min is more than max", "min at most max");
	return 0;
}

static int read_scanner(const struct reading *r, cfg_t *sec, struct conf_scanner *s)
{
	if (check_scanner(r, sec) < 0)
		return -1;
	text_copy(s->name, sizeof s->name, cfg_title(sec));
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
	return 0;
}

static int read_scanners(const struct reading *r, cfg_t *cfg)
{
	unsigned n = cfg_size(cfg, "scanner");

	if (n > CONF_SCANNERS_MAX)
		return fault(r, 0, "too many scanners", "at most 64");
	for (unsigned i = 0; i < n; i++) {
		if (read_scanner(r, cfg_getnsec(cfg, "scanner", i), &r->conf->scanners[i]) < 0)
			return -1;
	}
	r->conf->scanner_count = (int)n;
	return 0;
}

static int token_fault(const struct reading *r, cfg_t *pos, const char *what, const char *expected)
{
	char text[384];

	snprintf(text, sizeof text, "token_file %s: %s", cfg_getstr(pos, "token_file"), what);
	return fault(r, conf_fault_line(pos, "token_file"), text, expected);
}

/* The first line of the file that holds the tills' shared secret. */
static int read_token(const struct reading *r, cfg_t *pos)
{
	char line[CONF_TOKEN_BYTES_MAX + 2] = "";
	struct stat st;
	int fd = open(cfg_getstr(pos, "token_file"), O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		return token_fault(r, pos, strerror(errno), "a file that can be read");
	bool file = S_ISREG(st.st_mode);
	ssize_t got = file ? read(fd, line, sizeof line - 1) : 0;
	close(fd);
	if (!file)
		return token_fault(r, pos, "not a file", "a file that holds the tills' token");
	if (st.st_mode & 077)
		return token_fault(r, pos, "others can read it", "mode 0600 (chmod 600)");
	if (got < 0)
		return token_fault(r, pos, "cannot be read", "a file that holds the tills' token");
	size_t len = strcspn(line, "\r\n");
	line[len] = '\0';
	if (len < CONF_TOKEN_BYTES_MIN || !text_copy(r->conf->pos_token, CONF_TOKEN_SIZE, line))
		return token_fault(r, pos, "its first line is too short or too long",
		                   "a token of 16 to 128 characters");
	explicit_bzero(line, sizeof line);
	return 0;
}

static int read_pos(const struct reading *r, cfg_t *pos)
{
	struct conf *c = r->conf;

	text_copy(c->pos_listen, sizeof c->pos_listen, cfg_getstr(pos, "listen"));
	c->pos_port = (int)cfg_getint(pos, "port");
	if (!cfg_getstr(pos, "token_file"))
		return fault(r, pos->line, "pos: token_file is missing",
		             "a file that holds the tills' token");
	return read_token(r, pos);
}

static int read_services(const struct reading *r, cfg_t *cfg)
{
	struct conf *c = r->conf;
	cfg_t *http = cfg_getsec(cfg, "http"), *prompt = cfg_getsec(cfg, "prompt");
	cfg_t *uplink = cfg_size(cfg, "uplink") ? cfg_getsec(cfg, "uplink") : NULL;

	text_copy(c->http_listen, sizeof c->http_listen, cfg_getstr(http, "listen"));
	text_copy(c->http_socket, sizeof c->http_socket, cfg_getstr(http, "socket"));
	c->http_port = (int)cfg_getint(http, "port");
	text_copy(c->prompt_ask, sizeof c->prompt_ask, cfg_getstr(prompt, "ask"));
	text_copy(c->prompt_greet, sizeof c->prompt_greet, cfg_getstr(prompt, "greet"));
	if (uplink) {
		if (!cfg_getstr(uplink, "broker"))
			return fault(r, uplink->line, "uplink: broker is missing",
			             "a host name or address");
		text_copy(c->broker_host, sizeof c->broker_host, cfg_getstr(uplink, "broker"));
		c->broker_port = (int)cfg_getint(uplink, "port");
	}
	c->pos_port = -1;
	return cfg_size(cfg, "pos") ? read_pos(r, cfg_getsec(cfg, "pos")) : 0;
}

static int check_needed(const struct reading *r, cfg_t *cfg)
{
	static const struct {
		const char *option, *fault, *expected;
	} needed[] = {
	    {"store", "store is missing", "the store's id, such as store = \"berlin-7\""},
	    {"device", "device is missing", "this box's id, such as device = \"box-1\""},
	    {"currency", "currency is missing", "an ISO 4217 code such as currency = \"EUR\""},
	    {"region", "region is missing", "a country for phone numbers such as region = \"DE\""},
	};

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		if (!cfg_getstr(cfg, needed[i].option))
			return fault(r, 0, needed[i].fault, needed[i].expected);
	}
	return 0;
}

static void read_store(struct conf *c, cfg_t *cfg)
{
	const char *cut = cfg_getstr(cfg, "day_cut");
	cfg_t *journal = cfg_getsec(cfg, "journal");

	text_copy(c->store, sizeof c->store, cfg_getstr(cfg, "store"));
	text_copy(c->device, sizeof c->device, cfg_getstr(cfg, "device"));
	text_copy(c->data_dir, sizeof c->data_dir, cfg_getstr(cfg, "data"));
	text_copy(c->keys_dir, sizeof c->keys_dir, cfg_getstr(cfg, "keys"));
	text_copy(c->timezone, sizeof c->timezone, cfg_getstr(cfg, "timezone"));
	text_copy(c->currency, sizeof c->currency, cfg_getstr(cfg, "currency"));
	text_copy(c->region, sizeof c->region, cfg_getstr(cfg, "region"));
	text_copy(c->ruleset, sizeof c->ruleset, cfg_getstr(cfg, "ruleset"));
	text_copy(c->rules, sizeof c->rules, cfg_getstr(cfg, "rules"));
	text_copy(c->log_level, sizeof c->log_level, cfg_getstr(cfg, "log_level"));
	c->day_cut_min =
	    ((cut[0] - '0') * 10 + cut[1] - '0') * 60 + (cut[3] - '0') * 10 + cut[4] - '0';
	c->retention_days = (int)cfg_getint(journal, "retention_days");
	c->quota_bytes = (int64_t)cfg_getint(journal, "quota_mb") * 1024 * 1024;
}

static int fill(const struct reading *r, cfg_t *cfg)
{
	if (check_needed(r, cfg) < 0)
		return -1;
	read_store(r->conf, cfg);
	if (read_lanes(r, cfg) < 0 || read_scanners(r, cfg) < 0 ||
	    conf_ident_read(cfg, &r->conf->ident, r->err, r->err_size) < 0 ||
	    conf_trust_read(cfg, &r->conf->trusts, r->err, r->err_size) < 0)
		return -1;
	return read_services(r, cfg);
}

int conf_read(const char *path, struct conf **out, char *err, size_t err_size)
{
	struct conf *c = calloc(1, sizeof *c);
	struct reading r = {c, err, err_size};
	cfg_t *cfg = NULL;
	int rc = -1;

	if (!c)
		snprintf(err, err_size, "%s: out of memory", path);
	else if (!text_copy(c->path, sizeof c->path, path))
		snprintf(err, err_size, "%s: the path is too long, expected at most 255 bytes",
		         path);
	else
		cfg = conf_file_read(path, &conf_option_form, err, err_size);
	if (cfg) {
		rc = fill(&r, cfg);
		cfg_free(cfg);
	}
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

/* The configuration file as one read-only struct. Knows no other module but base.
 *
 * conf_read names file, line and what was expected for everything that is wrong; the first fault
 * ends it.
 */
#ifndef LANEWAY_CONF_H
#define LANEWAY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf_ident.h"
#include "conf/conf_trust.h"

#define CONF_LANES_MAX 64
#define CONF_SCANNERS_MAX 64
#define CONF_TOKEN_BYTES_MIN 16
#define CONF_TOKEN_BYTES_MAX 128
#define CONF_TOKEN_SIZE (CONF_TOKEN_BYTES_MAX + 1)

struct conf_scanner {
	char name[33], lane[33], role[17], port[256], terminator[5], prefix[17];
	int baud, length_min, length_max, guard_ms;
	bool aim;
};

struct conf {
	char path[256];
	char store[33], device[33];
	char data_dir[200], keys_dir[200];
	char timezone[65];
	int day_cut_min; /* minutes after midnight */
	char currency[4], region[3], ruleset[33];
	char rules[256]; /* the file with the rule table; empty: as delivered */
	char log_level[9];
	int retention_days;
	int64_t quota_bytes;
	char broker_host[256]; /* empty: no uplink */
	int broker_port;
	char http_listen[64], http_socket[108];
	int http_port;
	char pos_listen[64];
	int pos_port; /* -1: no till connection */
	char pos_token[CONF_TOKEN_SIZE];
	char prompt_ask[129], prompt_greet[129];
	char lanes[CONF_LANES_MAX][33];
	const char *lane_names[CONF_LANES_MAX + 1]; /* the same, NULL-terminated */
	int lane_count;
	struct conf_scanner scanners[CONF_SCANNERS_MAX];
	int scanner_count;
	struct conf_ident ident;
	struct conf_trusts trusts;
};

/* 0, or -1 with one line in err: "FILE:LINE: what, expected ...". *out is to be freed with
 * conf_free. */
int conf_read(const char *path, struct conf **out, char *err, size_t err_size);
void conf_free(struct conf *c);

#endif

/* HQ's configuration file as one read-only struct. The first fault ends the reading, with file,
 * line and what was expected. */
#ifndef LANEWAY_HQ_CONF_H
#define LANEWAY_HQ_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "identity/field.h"
#include "identity/ident.h"

#define HQ_CONF_DEFAULT "/etc/laneway/laneway-hq.conf"

struct hq_conf {
	char data[200], keys[200]; /* folders */
	char socket[108];          /* control socket; <data>/hq.sock if not given */
	char broker_host[256];
	int broker_port;
	char webhook_url[512]; /* empty: nobody is told */
	char currency[4];
	int dark_s;          /* a store that is silent for longer is dark */
	int64_t shard_bytes; /* what the customers of one store may take there */
	enum log_level log_level;
	struct ident_rules rules; /* region, loyalty schemes */
	struct field_trust trust; /* the source hierarchy */
};

/* 0, or -1 with one line in err. *out is to be freed with hq_conf_free. */
int hq_conf_read(const char *path, struct hq_conf **out, char *err, size_t err_size);
void hq_conf_free(struct hq_conf *c);

#endif

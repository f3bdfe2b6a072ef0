/* A configuration file read by its form: the options that libconfuse knows and the rules for them.
 * lanewayd's file and laneway-hq's are read here, so that both refuse the same faults with the same
 * words. */
#ifndef LANEWAY_CONF_FILE_H
#define LANEWAY_CONF_FILE_H

#include <confuse.h>
#include <stddef.h>

#include "conf/conf_rule.h"

struct conf_form {
	cfg_opt_t *options;            /* libconfuse copies them */
	const struct conf_rule *rules; /* see conf_rule_attach */
};

/* To be freed with cfg_free; or NULL with one line in err: "FILE:LINE: what, expected ...". Until
 * then path must live on, and conf_fault_say and conf_fault_section tell of this file. */
cfg_t *conf_file_read(const char *path, const struct conf_form *form, char *err, size_t err_size);

#endif

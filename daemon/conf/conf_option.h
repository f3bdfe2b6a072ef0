/* What may stand in a store's configuration file: every option with its default, and what it may
 * hold. */
#ifndef LANEWAY_CONF_OPTION_H
#define LANEWAY_CONF_OPTION_H

#include "conf/conf_file.h"

extern const struct conf_form conf_option_form;

#endif

/* libconfuse's own complaints as ours: what is wrong and what was expected, with file and line.
 *
 * libconfuse calls back without a context, so the file being read and its first fault wait here,
 * per thread, between conf_fault_begin and conf_fault_first.
 */
#ifndef LANEWAY_CONF_FAULT_H
#define LANEWAY_CONF_FAULT_H

#include <confuse.h>
#include <stdarg.h>

/* Reading of `path` (which must live on) begins with this parser. */
void conf_fault_begin(cfg_t *cfg, const char *path);
/* "FILE:LINE: what, expected ..."; empty when there was none. */
const char *conf_fault_first(void);

/* Make one line of it: what a value brings along may hold control characters. */
void conf_fault_flatten(char *text);

/* Where an option was set, or a section was closed; 0: not in the file. Only once per place: a
 * second time is a fault (-1 from conf_fault_mark). */
int conf_fault_mark(cfg_t *cfg, const cfg_opt_t *opt);
int conf_fault_line(cfg_t *cfg, const char *option);

#endif

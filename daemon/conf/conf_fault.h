/* What is wrong with a file and what was expected, with file and line: libconfuse's own complaints
 * reworded, and those of whoever takes the values out.
 *
 * libconfuse calls back without a context, so the file being read and its first fault wait here,
 * per thread, from conf_fault_begin on.
 */
#ifndef LANEWAY_CONF_FAULT_H
#define LANEWAY_CONF_FAULT_H

#include <confuse.h>
#include <stddef.h>

/* Reading of `path` (which must live on) begins with this parser. */
void conf_fault_begin(cfg_t *cfg, const char *path);
/* "FILE:LINE: what, expected ..."; empty when there was none. */
const char *conf_fault_first(void);

/* Where an option was set, or a section was closed; 0: not in the file. Only once per place: a
 * second time is a fault (-1 from conf_fault_mark). */
int conf_fault_mark(cfg_t *cfg, const cfg_opt_t *opt);
int conf_fault_line(cfg_t *cfg, const char *option);

/* "FILE:LINE: what, expected ..." into err; line 0: it is not the fault of one line; expected NULL:
 * `what` says it. */
void conf_fault_say(char *err, size_t err_size, int line, const char *what, const char *expected);
/* The same within a section that has a name. The line is the option's, else the section's last. */
void conf_fault_say_section(char *err, size_t err_size, cfg_t *sec, const char *option,
                            const char *what, const char *expected);

#endif

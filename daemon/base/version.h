/* Which build this is. */
#ifndef LANEWAY_BASE_VERSION_H
#define LANEWAY_BASE_VERSION_H

#include <stdint.h>

/* As `git describe` says it, or "0" outside a repository. Never freed. */
const char *version_text(void);

/* Of when: SOURCE_DATE_EPOCH, else the commit's time, else that of the newest source file, in
 * microseconds since 1970; the same for every build of the same tree. It is never earlier than this
 * while this program runs. */
int64_t version_built_us(void);

#endif

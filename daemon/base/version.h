/* Which build this is. */
#ifndef LANEWAY_BASE_VERSION_H
#define LANEWAY_BASE_VERSION_H

/* As `git describe` says it, or "0" outside a repository. Never freed. */
const char *version_text(void);

#endif

/* The zstd dictionaries, carried in the program itself. One that was shipped is never changed:
 * there are journals and payloads that need it. tools/bench/dictionary.py makes a new one. WIRE.md
 * section 7.3. */
#ifndef LANEWAY_STORE_DICTIONARY_H
#define LANEWAY_STORE_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>

#define DICTIONARY_TEXTS 1 /* for the texts of wire version 2 */
#define DICTIONARY_LINES 2 /* for whole lines, in packs */
#define DICTIONARIES_MAX 3 /* ids are below this; 0 is none */

struct dictionary {
	const void *data;
	size_t len;
};
/* false: not known (0 is not). */
bool dictionary_find(unsigned id, struct dictionary *out);

#endif

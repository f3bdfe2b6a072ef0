/* The zstd dictionaries, carried in the program itself. One that was shipped is never changed:
 * there are journals and payloads that need it. tools/bench/dictionary.py makes a new one. WIRE.md
 * section 7.4. */
#ifndef LANEWAY_STORE_DICTIONARY_H
#define LANEWAY_STORE_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>

#define DICTIONARY_TEXTS_OLD 1 /* for the texts of wire version 2 */
#define DICTIONARY_LINES_OLD 2 /* for whole lines, in packs; read only, as 1 */
#define DICTIONARY_TEXTS 3     /* for the texts of wire version 3 */
#define DICTIONARY_LINES 4     /* for whole lines, in packs */
#define DICTIONARIES_MAX 5     /* ids are below this; 0 is none */

struct dictionary {
	const void *data;
	size_t len;
};
/* false: not known (0 is not). */
bool dictionary_find(unsigned id, struct dictionary *out);

#endif

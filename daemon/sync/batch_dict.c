/* The dictionaries of batches. */
#include "base/memory.h"
#include "store/dictionary.h"
#include "sync/batch_internal.h"

#define DICT_ZSTD_LEVEL 9 /* 15 per cent fewer bytes than level 3, at a sixth more time */

_Static_assert(DICTIONARY_TEXTS < BATCH_DICTIONARIES_MAX, "ids of batches are below that");

bool batch_dict_known(uint16_t id)
{
	return id == DICTIONARY_TEXTS || id == DICTIONARY_TEXTS_OLD;
}

int batch_dict_compress(struct batch_codec *c, uint16_t id)
{
	struct dictionary d;
	if (id && (!batch_dict_known(id) || !dictionary_find(id, &d)))
		return -1;
	if (id && !c->cdict[id])
		c->cdict[id] = ZSTD_createCDict(d.data, d.len, DICT_ZSTD_LEVEL);
	if (id && !c->cdict[id]) {
		memory_note();
		return -1;
	}
	return ZSTD_isError(ZSTD_CCtx_refCDict(c->cctx, id ? c->cdict[id] : NULL)) ? -1 : 0;
}

int batch_dict_decompress(struct batch_codec *c, uint16_t id)
{
	struct dictionary d;
	if (id && (!batch_dict_known(id) || !dictionary_find(id, &d)))
		return -1;
	if (id && !c->ddict[id])
		c->ddict[id] = ZSTD_createDDict(d.data, d.len);
	if (id && !c->ddict[id]) {
		memory_note();
		return -1;
	}
	return ZSTD_isError(ZSTD_DCtx_refDDict(c->dctx, id ? c->ddict[id] : NULL)) ? -1 : 0;
}

void batch_dict_free(struct batch_codec *c)
{
	for (int id = 0; id < BATCH_DICTIONARIES_MAX; id++) {
		ZSTD_freeCDict(c->cdict[id]);
		ZSTD_freeDDict(c->ddict[id]);
	}
}

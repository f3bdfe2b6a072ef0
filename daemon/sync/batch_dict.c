/* The dictionaries, carried in the program itself. One that was shipped is never changed: there are
 * payloads that need it. tools/bench/dictionary.py makes a new one. */
#include "sync/batch_internal.h"
#define DICT_ZSTD_LEVEL 9 /* 15 per cent fewer bytes than level 3, at a sixth more time */

/* The assembler reads the file, as serve/ui.c has it. */
#define EMBED(id)                                                                                  \
	__asm__(".section .rodata\n"                                                               \
	        "batch_dict_" #id ":\n.incbin \"daemon/sync/dictionary/" #id ".zdict\"\n"          \
	        "batch_dict_" #id "_end:\n.byte 0\n.previous\n");                                  \
	extern const uint8_t batch_dict_##id[] __asm__("batch_dict_" #id)                          \
	    __attribute__((visibility("hidden")));                                                 \
	extern const uint8_t batch_dict_##id##_end[] __asm__("batch_dict_" #id "_end")             \
	    __attribute__((visibility("hidden")))

EMBED(1);

static const struct {
	const uint8_t *data, *end;
} dictionaries[BATCH_DICTIONARIES_MAX] = {
    [1] = {batch_dict_1, batch_dict_1_end},
};

static size_t size_of(uint16_t id)
{
	return (size_t)(dictionaries[id].end - dictionaries[id].data);
}

bool batch_dict_known(uint16_t id)
{
	return id < BATCH_DICTIONARIES_MAX && dictionaries[id].data;
}

int batch_dict_compress(struct batch_codec *c, uint16_t id)
{
	if (id && !batch_dict_known(id))
		return -1;
	if (id && !c->cdict[id])
		c->cdict[id] =
		    ZSTD_createCDict(dictionaries[id].data, size_of(id), DICT_ZSTD_LEVEL);
	if (id && !c->cdict[id])
		return -1;
	return ZSTD_isError(ZSTD_CCtx_refCDict(c->cctx, id ? c->cdict[id] : NULL)) ? -1 : 0;
}

int batch_dict_decompress(struct batch_codec *c, uint16_t id)
{
	if (id && !batch_dict_known(id))
		return -1;
	if (id && !c->ddict[id])
		c->ddict[id] = ZSTD_createDDict(dictionaries[id].data, size_of(id));
	if (id && !c->ddict[id])
		return -1;
	return ZSTD_isError(ZSTD_DCtx_refDDict(c->dctx, id ? c->ddict[id] : NULL)) ? -1 : 0;
}

void batch_dict_free(struct batch_codec *c)
{
	for (int id = 0; id < BATCH_DICTIONARIES_MAX; id++) {
		ZSTD_freeCDict(c->cdict[id]);
		ZSTD_freeDDict(c->ddict[id]);
	}
}

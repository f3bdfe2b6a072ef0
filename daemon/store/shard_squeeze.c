/* The JSON of a profile, made small. What of it repeats from one customer to the next is its form,
 * so a text in that form stands before each: that saves three fifths of the file, and of what a
 * fill writes. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "store/shard_internal.h"

/* Higher ones take longer and save little: what is left are references, which are random. */
#define SQUEEZE_ZSTD_LEVEL (-3)

/* Part of the file's format: another text is another SHARD_FORMAT. In the order of a page's line
 * (WIRE.md section 10); what is most common stands last, where zstd finds it soonest. */
static const char form[] =
    "\"left_out\":{\"choices\":1,\"facts\":1},\"merged\":\"C0000001\",\"deleted\":true,"
    "\"state\":\"restricted\"\"state\":\"confidential\"\"state\":\"shared\"\"state\":\"blocked\""
    "\"tier\":\"silver\",\"tier\":\"bronze\",\"language\":\"fr\",\"language\":\"nl\","
    "\"field\":\"email\"\"field\":\"phone\"\"field\":\"contact\"\"field\":\"tier\""
    "\"field\":\"points\"\"field\":\"street\"\"field\":\"postcode\"\"field\":\"city\""
    "\"field\":\"country\"\"source\":\"till\",\"trust\":60\"source\":\"web\",\"trust\":50"
    "\"source\":\"app\",\"trust\":50\"source\":\"steward\",\"trust\":80:bounced:wrong_person"
    "{\"kind\":\"unit\",\"ref\":\"{\"kind\":\"wallet\",\"ref\":\"{\"kind\":\"gsrn\",\"ref\":\""
    "\"channel\":\"phone\",\"channel\":\"sms\",\"channel\":\"post\",\"channel\":\"app\","
    "\"method\":\"confirmed\",\"method\":\"web\",\"method\":\"stop\",\"method\":\"till\","
    "\"purpose\":\"profiling\",\"purpose\":\"analytics\",\"value\":\"withdrawn\"},"
    "\"value\":\"refused\"},\"covers\":[\"\"language\":\"en\","
    "{\"choices\":[{\"at\":[\"2025-01-01T00:00:00.000Z\"],\"channel\":\"store\",\"id\":\""
    "\",\"method\":\"import\",\"purpose\":\"loyalty\",\"text\":\"2025-1\",\"unit\":\""
    "\",\"value\":\"granted\"},{\"address\":\"\",\"at\":[\"2026-01-01T00:00:00.000Z\","
    "\"2026-01-01T00:00:00.000Z\"],\"channel\":\"email\",\"id\":\"\",\"method\":\"import\","
    "\"purpose\":\"marketing\",\"text\":\"2026-1\",\"unit\":\"\",\"value\":\"granted\"}],"
    "\"customer_id\":\"C0000001\",\"facts\":[{\"at\":[\"2026-01-01T00:00:00.000Z\"],"
    "\"field\":\"first_name\",\"id\":\"\",\"source\":\"import\",\"trust\":40,\"unit\":\""
    "\",\"value\":\"\"},{\"at\":[\"2026-01-01T00:00:00.000Z\"],\"field\":\"name\",\"id\":\""
    "\",\"source\":\"import\",\"trust\":40,\"unit\":\"\",\"value\":\"\"},"
    "{\"at\":[\"2026-01-01T00:00:00.000Z\"],\"field\":\"language\",\"id\":\""
    "\",\"source\":\"import\",\"trust\":40,\"unit\":\"\",\"value\":\"de\"}],"
    "\"first_name\":\"\",\"identifiers\":[{\"kind\":\"loyalty\",\"ref\":\"\",\"value\":\"26000"
    "\",\"verified\":true},{\"kind\":\"phone\",\"ref\":\"\",\"seen\":\"2026-01-01T00:00:00.000Z"
    "\",\"value\":\"+49\",\"verified\":false},{\"kind\":\"email\",\"ref\":\"\",\"value\":\""
    ".com\",\"verified\":false}],\"includes\":{},\"language\":\"de\",\"last_seen\":\""
    "2026-01-01T00:00:00.000Z\",\"name\":\"\",\"points\":100,\"points_as_of\":\""
    "2026-01-01T00:00:00.000Z\",\"state\":\"active\",\"tier\":\"gold\",\"units\":[{"
    "\"confirmed\":true,\"number\":1,\"ref\":\"\"}],\"version\":100,\"visits\":1}";

struct shard_squeeze {
	ZSTD_CCtx *cctx; /* a reader has none */
	ZSTD_DCtx *dctx;
	ZSTD_CDict *cdict;
	ZSTD_DDict *ddict;
	uint8_t out[SHARD_JSON_SMALL_MAX];
};
_Static_assert(SHARD_JSON_SMALL_MAX >= ZSTD_COMPRESSBOUND(SHARD_PROFILE_MAX), "any JSON fits");

struct shard_squeeze *shard_squeeze_new(bool writes)
{
	struct shard_squeeze *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	if (writes) {
		q->cctx = ZSTD_createCCtx();
		q->cdict = ZSTD_createCDict(form, sizeof(form) - 1, SQUEEZE_ZSTD_LEVEL);
	}
	q->dctx = ZSTD_createDCtx();
	q->ddict = ZSTD_createDDict(form, sizeof(form) - 1);
	if (q->dctx != NULL && q->ddict != NULL && (!writes || (q->cctx && q->cdict)))
		return q;
	shard_squeeze_free(q);
	return NULL;
}

void shard_squeeze_free(struct shard_squeeze *q)
{
	if (q == NULL)
		return;
	ZSTD_freeCCtx(q->cctx);
	ZSTD_freeDCtx(q->dctx);
	ZSTD_freeCDict(q->cdict);
	ZSTD_freeDDict(q->ddict);
	vault_wipe(q, sizeof(*q));
	free(q);
}

int shard_squeeze_in(struct shard_squeeze *q, struct shard_text json, struct shard_text *out)
{
	size_t n =
	    ZSTD_compress_usingCDict(q->cctx, q->out, sizeof(q->out), json.p, json.n, q->cdict);

	*out = (struct shard_text){q->out, n};
	return ZSTD_isError(n) ? -1 : 0;
}

uint8_t *shard_squeeze_room(struct shard_squeeze *q)
{
	return q->out;
}

int shard_squeeze_out(struct shard_squeeze *q, size_t n, struct buf *json)
{
	unsigned long long size = ZSTD_getFrameContentSize(q->out, n);
	uint8_t *room = size <= SHARD_PROFILE_MAX ? buf_room(json, (size_t)size) : NULL;
	size_t got;

	if (room == NULL)
		return -1;
	got = ZSTD_decompress_usingDDict(q->dctx, room, (size_t)size, q->out, n, q->ddict);
	if (ZSTD_isError(got) || got != size)
		return -1;
	json->len += got;
	return 0;
}

/* Arbitrary bytes as what a store seals about a person: the first byte says of which event, the
 * first line is its properties, the rest what is sealed. HQ takes it or says why not; persons are
 * folded of it, pages are written, and nothing that is no identifier has become one. */
#include <jansson.h>
#include <string.h>

#include "event/event.h"
#include "hq/identity/hq_identity.h"
#include "hq/identity/hq_profile.h"
#include "hq_db_fuzz.h"
#include "store/shard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const events[] = {
    "Customer Enrolled",  "Customer Corrected",   "Identity Linked", "Identity Unlinked",
    "Identifier Blocked", "Identifier Unblocked", "Consent Changed", "Points Changed"};

static void fold_and_look(struct hq_fuzz *f)
{
	struct buf page = {0};
	struct hq_profile_page all = {.max = 500, .bytes_max = 1 << 20};
	bool more;

	if (hq_persons_fold(f->db, &f->scope, 2, 0) < 0)
		abort();
	if (hq_fuzz_number(f, "SELECT count(*) FROM ident WHERE value = '' OR length(value) > 320"
	                      " OR kind = 'par'") != 0 ||
	    hq_fuzz_number(f, "SELECT count(*) FROM dirty") != 0)
		abort();
	hq_profile_page(f->db, &all, &page, &more);
	for (const char *at = (const char *)page.data;
	     at && at < (const char *)page.data + page.len;) {
		const char *nl =
		    memchr(at, '\n', (size_t)((const char *)page.data + page.len - at));
		json_t *line =
		    nl ? json_loadb(at, (size_t)(nl - at), JSON_REJECT_DUPLICATES, NULL) : NULL;
		if (!line || nl - at > SHARD_PROFILE_MAX)
			abort();
		json_decref(line);
		at = nl + 1;
	}
	buf_free(&page);
}

static void take(struct hq_fuzz *f, const char *event, json_t *properties, json_t *sealed)
{
	struct hq_names orders = {0};
	struct hq_line line = {.event = event, .properties = properties, .time_us = 1000000};
	struct hq_identity id = {.db = f->db,
	                         .scope = &f->scope,
	                         .orders = &orders,
	                         .at = {.epoch = 1, .seq = 7},
	                         .store = "s1",
	                         .from_us = 1000000,
	                         .to_us = 1000000,
	                         .wall_us = 2000000};
	struct ref unit;
	const char *why = NULL;
	enum hq_identity_result result = hq_identity_take(&id, &line, sealed, &unit, &why);

	if (result == HQ_IDENTITY_BAD && (!why || !why[0]))
		abort();
	if (result == HQ_IDENTITY_WAITS && ref_none(&unit))
		abort();
	hq_names_free(&orders);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hq_fuzz *f = hq_fuzz_made();
	const uint8_t *nl = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	json_t *properties, *sealed;

	if (!nl)
		return 0;
	properties = json_loadb((const char *)data + 1, (size_t)(nl - data - 1), 0, NULL);
	sealed = json_loadb((const char *)nl + 1, size - (size_t)(nl - data) - 1,
	                    JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(properties) && hq_db_begin(f->db) == 0) {
		take(f, events[data[0] % (sizeof events / sizeof events[0])], properties, sealed);
		fold_and_look(f);
		hq_db_rollback(f->db);
	}
	json_decref(properties);
	json_decref(sealed);
	return 0;
}

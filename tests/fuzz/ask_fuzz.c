/* What a store seals to HQ and HQ opens, as somebody with a key could forge it: the ask for one
 * profile, and what is said of a miss. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hq/identity/hq_hit.h"
#include "hq_db_fuzz.h"
#include "sync/inquiry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void asked(const char *json, size_t len)
{
	struct inquiry_question q;

	if (inquiry_read(json, len, &q) != 0)
		return;
	if (!q.kind[0] || !q.value[0] || strlen(q.kind) >= sizeof q.kind ||
	    strlen(q.value) >= sizeof q.value || !text_utf8_ok(q.value, strlen(q.value)))
		abort();
}

/* The first line is the event, the rest what is sealed. */
static void missed(const char *text, size_t len)
{
	struct hq_fuzz *f = hq_fuzz_made();
	const char *nl = memchr(text, '\n', len);
	size_t first = nl ? (size_t)(nl - text) : len;
	const struct hq_line_at at = {.store = "s1", .epoch = {0xab}, .seq = 7};
	struct hq_line line;

	if (hq_line_read(&at, text, first, &line) != NULL)
		return;
	if (hq_db_begin(f->db) != 0)
		abort();
	if (hq_hit_of(&line) == HQ_HIT_ANSWERED)
		hq_hit_answered(f->db, 1, &line);
	if (hq_hit_of(&line) == HQ_HIT_MISSED)
		hq_hit_missed(f->db, 1, &line, nl ? nl + 1 : "", nl ? len - first - 1 : 0);
	hq_db_rollback(f->db);
	hq_line_free(&line);
	if (hq_fuzz_number(f, "SELECT count(*) FROM profile") != 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	asked(text, size);
	missed(text, size);
	free(text);
	return 0;
}

/* A statement's properties, and a line of HQ's word on one. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "store/statement.h"
#include "sync/countersign.h"

static void need(bool right)
{
	if (!right)
		abort();
}

/* What is read is written so that it reads the same. */
static void check_statement(const json_t *o)
{
	struct statement *s = malloc(sizeof *s), *again = malloc(sizeof *again);
	struct buf text = {0}, bytes = {0};
	char err[200] = "";

	need(s && again);
	if (statement_read(o, s, err, sizeof err) != 0) {
		need(err[0] != '\0');
		goto done;
	}
	need(s->ranges <= STATEMENT_RANGES_MAX && strcmp(s->first_date, s->business_date) <= 0);
	statement_write(s, true, &text);
	json_t *written = json_loadb((const char *)text.data, text.len, 0, NULL);
	need(written && statement_read(written, again, err, sizeof err) == 0);
	need(statement_counts_equal(&s->counts, &again->counts) && s->ranges == again->ranges);
	need(statement_signed_bytes("s1", o, &bytes) == 0);
	json_decref(written);
done:
	buf_free(&text);
	buf_free(&bytes);
	free(s);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t pub[32];
	struct ledger_entry e;
	const char *doc;
	size_t doc_len = 0;
	char err[200] = "";
	json_t *o = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (o)
		check_statement(o);
	json_decref(o);
	if (countersign_line((const char *)data, size, "s1", pub, &e, &doc, &doc_len, err,
	                     sizeof err) == 0)
		need(e.to > 0 && (!doc || (doc >= (const char *)data && doc_len <= size)));
	else
		need(err[0] != '\0');
	return 0;
}

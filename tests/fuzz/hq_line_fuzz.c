/* A line of a batch as a store sent it: its envelope, its fact, what it has sealed. */
#include <stdlib.h>
#include <string.h>

#include "hq/base/hq_line.h"
#include "hq/identity/hq_fact.h"
#include "hq/intake/hq_till.h"
#include "hq/tell/hq_tell.h"
#include "store/vault.h"

static void need(bool right)
{
	if (!right)
		abort();
}

static void check_fact(const struct hq_line *line)
{
	struct hq_fact fact;
	const char *why = NULL;

	if (hq_fact_read(line, "s1", &fact, &why) != 0)
		need(why != NULL);
	else if (fact.kind == HQ_FACT_ORDER)
		need(strncmp(fact.order_id, "s1/", 3) == 0 && fact.items != NULL);
	hq_fact_free(&fact);
}

static void check_till(const struct hq_line *line)
{
	struct hq_till_fact fact;

	if (hq_till_read(line, "s1", &fact))
		need(strlen(fact.day) == 10 && strlen(fact.till) < sizeof fact.till &&
		     fact.number && fact.currency);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hq_line_sealed sealed;
	struct hq_line_at at = {.store = "s1", .epoch = {0xab}, .seq = 7};
	struct hq_line_opened opened;
	struct hq_tell_ask ask;
	struct hq_line line;
	struct hq_fact_who who;
	char err[200];
	const char *reason = hq_line_read(&at, (const char *)data, size, &line);

	if (reason == NULL) {
		check_fact(&line);
		check_till(&line);
		if (hq_line_sealed(&line, &sealed))
			need(sealed.len >= VAULT_SEAL_OVERHEAD && sealed.len <= sizeof sealed.seal);
		if (hq_line_epoch_opened(&line, &opened))
			need(strlen(opened.device) < sizeof opened.device);
		hq_line_free(&line);
	}
	if (hq_fact_who((const char *)data, size, &who))
		need(!ref_none(&who.unit) || (who.customer[0] == 'C' && strlen(who.customer) >= 7));
	if (hq_tell_parse(data, size, &ask, err, sizeof err) == 0)
		need(strlen(ask.id) == 16 && ask.device[0] != '\0');
	return 0;
}

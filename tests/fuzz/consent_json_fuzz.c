/* The choices of a page's line, an event's choice and its consent object: whatever they hold, they
 * are read or refused; what was read is within its bounds, is written and read again as the same
 * bytes, and can be asked about. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "identity/consent_json.h"
#include "identity/consent_object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_list(const struct consent_list *l, struct buf *out)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < l->count; i++)
		consent_json_write(out, &l->choice[i]);
	buf_byte(out, ']');
}

static void read_again(const struct buf *text)
{
	struct consent_list l;
	struct buf b = {0};
	char err[160];
	json_t *root = json_loadb((const char *)text->data, text->len, 0, NULL);

	if (!root || consent_json_read(root, &l, err, sizeof err) != 0)
		abort();
	write_list(&l, &b);
	if (b.len != text->len || memcmp(b.data, text->data, b.len) != 0)
		abort();
	buf_free(&b);
	consent_list_free(&l);
	json_decref(root);
}

static void ask(const struct consent_list *l)
{
	struct consent_answer a;

	for (size_t i = 0; i < l->count; i++) {
		const struct consent_choice *c = &l->choice[i];
		struct consent_question q = {.purpose = c->purpose,
		                             .channel = c->channel,
		                             .address = c->address,
		                             .unit = &c->unit,
		                             .unit_count = !ref_none(&c->unit)};
		if (c->from_us > c->to_us || c->cover_count > CONSENT_COVERS_MAX)
			abort();
		consent_evaluate(l->choice, l->count, &q, &a);
		if (a.allowed != (a.value == CONSENT_GRANTED) || !a.rule ||
		    (a.allowed && !a.because))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct consent_route route = {.needs = 1U << CONSENT_CATEGORY_LOYALTY};
	struct consent_list l;
	struct buf b = {0};
	char err[160] = "";
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (!root)
		return 0;
	if (consent_json_read(root, &l, err, sizeof err) == 0) {
		ask(&l);
		write_list(&l, &b);
		read_again(&b);
		buf_free(&b);
	} else if (!strstr(err, "expected")) {
		abort();
	}
	consent_list_free(&l);
	if (consent_json_event(root, json_object_get(root, "sealed"), &l, err, sizeof err) == 0)
		ask(&l);
	consent_list_free(&l);
	if (!consent_forward(&route, root) && !json_object_get(root, "context"))
		abort();
	json_decref(root);
	return 0;
}
